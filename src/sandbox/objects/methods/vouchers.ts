import type { Stripe } from "stripe";
import { parameterMissing } from "../../http/apiError.ts";
import { DAY_MS, SECOND_MS, toUnixSeconds } from "../../world/clock.ts";
import { randomDigits } from "../../world/identifiers.ts";
import type { UsablePaymentMethod } from "./paymentMethods.ts";
import { DEFAULT_VOUCHER_DAYS, flowOf } from "./paymentMethodTypes.ts";
import type { VoucherFlow } from "./flow.ts";
import type { Scenario } from "./scenario.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/**
 * A voucher is a number that the customer takes to a bank, shop or app and pays there, or lets expire; until then the
 * payment waits in `requires_action`. https://docs.stripe.com/payments/vouchers
 */
const HOUR_MS = DAY_MS / 24;

/** Throws Stripe's 400 for the first of the customer's details that the voucher's issuer needs and doesn't have. */
export function checkVoucherBilling({ paymentMethod, scenario }: UsablePaymentMethod): void {
  const flow = flowOf(scenario.type);
  for (const path of flow.kind === "voucher" ? flow.billing : []) {
    const value = path.reduce<unknown>(
      (found, field) => (found as Readonly<Record<string, unknown>> | null)?.[field],
      paymentMethod.billing_details,
    );
    if (typeof value === "string" && value !== "") continue;
    const param = `billing_details${path.map((field) => `[${field}]`).join("")}`;
    throw parameterMissing(param);
  }
}

/** Issues the voucher, and schedules its end. */
export function issueVoucher(
  unit: UnitOfWork,
  paymentIntent: Stripe.PaymentIntent,
  { type, voucher: fate }: Scenario,
  flow: VoucherFlow,
): Stripe.PaymentIntent.NextAction {
  const delayMs = unit.pace.settlementDelayMs * (fate?.isDelayed === true ? 4 : 1);
  if (fate?.outcome !== "never") unit.schedule("settle_voucher", paymentIntent.id, delayMs);
  const options = paymentIntent.payment_method_options as Readonly<
    Record<string, { expires_after_days?: number }>
  > | null;
  const days = options?.[type]?.expires_after_days ?? DEFAULT_VOUCHER_DAYS;
  // A voucher whose test email lets it expire early shows the earlier time.
  const isEarly = fate?.outcome === "failed";
  const lastsMs = isEarly ? (fate.isDelayed ? delayMs : 0) : endOfDayMs(unit.nowMs, days, flow.hoursFromUtc);
  if (!isEarly) unit.schedule("expire_voucher", paymentIntent.id, lastsMs);
  return flow.instruct({
    number: randomDigits(flow.digits),
    hosted_voucher_url: `${unit.pace.baseUrl()}/_sandbox/voucher/${paymentIntent.id}`,
    expiresAt: toUnixSeconds(unit.nowMs + lastsMs),
  });
}

/**
 * The time until the last second of the day that comes so many days after today, at the place where the voucher is
 * paid.
 */
function endOfDayMs(nowMs: number, days: number, hoursFromUtc: number): number {
  const localMs = nowMs + hoursFromUtc * HOUR_MS;
  const lastSecondMs = (Math.floor(localMs / DAY_MS) + days + 1) * DAY_MS - SECOND_MS;
  return lastSecondMs - localMs;
}
