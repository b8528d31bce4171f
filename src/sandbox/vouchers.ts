import type { Stripe } from "stripe";
import { parameterMissing } from "./apiError.ts";
import { DAY_MS, SECOND_MS, toUnixSeconds } from "./clock.ts";
import { randomDigits } from "./identifiers.ts";
import type { UsablePaymentMethod } from "./paymentMethods.ts";
import { DEFAULT_VOUCHER_DAYS, PAYMENT_METHOD_TYPES } from "./paymentMethodTypes.ts";
import type { UnitOfWork } from "./unitOfWork.ts";

/**
 * A voucher is a number that the customer takes to a bank, shop or app and pays there, or lets expire; until then the
 * payment waits in `requires_action`. https://docs.stripe.com/payments/vouchers
 */
const HOUR_MS = DAY_MS / 24;

/** Throws Stripe's 400 for the first thing that the voucher's issuer must know of the customer and doesn't. */
export function checkVoucherBilling({ paymentMethod, scenario }: UsablePaymentMethod): void {
  for (const path of PAYMENT_METHOD_TYPES[scenario.type].voucher?.billing ?? []) {
    const value = path.reduce<unknown>(
      (found, field) => (found as Readonly<Record<string, unknown>> | null)?.[field],
      paymentMethod.billing_details,
    );
    if (typeof value === "string" && value !== "") continue;
    const param = `billing_details${path.map((field) => `[${field}]`).join("")}`;
    throw parameterMissing(param);
  }
}

/** Issues the voucher, and schedules what becomes of it; null where the payment method has none. */
export function issueVoucher(
  unit: UnitOfWork,
  paymentIntent: Stripe.PaymentIntent,
  { scenario: { type, voucher: fate } }: UsablePaymentMethod,
): Stripe.PaymentIntent.NextAction | null {
  const rule = PAYMENT_METHOD_TYPES[type].voucher;
  if (rule === null || fate === null) return null;
  const delayMs = unit.pace.settlementDelayMs * (fate.isDelayed ? 4 : 1);
  if (fate.outcome !== "never") unit.schedule("settle_voucher", paymentIntent.id, delayMs);
  const options = paymentIntent.payment_method_options as Readonly<
    Record<string, { expires_after_days?: number }>
  > | null;
  const days = options?.[type]?.expires_after_days ?? DEFAULT_VOUCHER_DAYS;
  // One whose test email lets it expire early says so.
  const lastsMs =
    fate.outcome === "failed" ? (fate.isDelayed ? delayMs : 0) : endOfDayMs(unit.nowMs, days, rule.hoursFromUtc);
  if (fate.outcome !== "failed") unit.schedule("expire_voucher", paymentIntent.id, lastsMs);
  const expiresAt = toUnixSeconds(unit.nowMs + lastsMs);
  const shown = {
    hosted_voucher_url: `${unit.pace.baseUrl()}/_sandbox/voucher/${paymentIntent.id}`,
    number: randomDigits(rule.digits),
  };
  if (type === "oxxo") {
    return { type: "oxxo_display_details", oxxo_display_details: { ...shown, expires_after: expiresAt } };
  }
  const boleto = { ...shown, expires_at: expiresAt, pdf: `${shown.hosted_voucher_url}?format=pdf` };
  return { type: "boleto_display_details", boleto_display_details: boleto };
}

/** How long it is until the last second of the day that comes so many days after today, where the voucher is paid. */
function endOfDayMs(nowMs: number, days: number, hoursFromUtc: number): number {
  const localMs = nowMs + hoursFromUtc * HOUR_MS;
  const lastSecondMs = (Math.floor(localMs / DAY_MS) + days + 1) * DAY_MS - SECOND_MS;
  return lastSecondMs - localMs;
}
