import type { Stripe } from "stripe";
import { missing, refusal } from "../../http/apiError.ts";
import {
  amountStepOf,
  maximumAmountMinor,
  minimumAmountMinor,
  printAmount,
  SUPPORTED_CURRENCIES,
} from "../../world/currencies.ts";
import type { ApiCall } from "../../http/endpoint.ts";
import type { Parameters } from "../../http/parameters.ts";
import { makePaymentMethod, type UsablePaymentMethod, usePaymentMethod } from "../methods/paymentMethods.ts";
import { offeredTypes } from "../methods/paymentMethodTypes.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/** The first version that no longer takes `payment_method_types`. */
const TYPES_REMOVED_IN = "2026-09-30";

export function readCurrency(parameters: Parameters): string {
  const currency = (parameters.string("currency") ?? "").toLowerCase();
  if (SUPPORTED_CURRENCIES.has(currency)) return currency;
  const message = `Invalid currency: ${currency}. Stripe currently supports these currencies: ${[...SUPPORTED_CURRENCIES].toSorted().join(", ")}`;
  throw refusal(message, { param: "currency" });
}

/** @param type of the payment method, null where it is not known yet */
export function checkAmount(amount: number, currency: string, type: string | null = null): number {
  const minimum = minimumAmountMinor(currency, type);
  if (amount < minimum) {
    const message = `Amount must be at least ${printAmount(minimum, currency)} ${currency}`;
    throw refusal(message, { code: "amount_too_small", param: "amount" });
  }
  const maximum = maximumAmountMinor(currency, type);
  if (amount > maximum) {
    const message = `Amount must be no more than ${printAmount(maximum, currency)}`;
    throw refusal(message, { code: "amount_too_large", param: "amount" });
  }
  const step = amountStepOf(currency);
  if (amount % step !== 0) {
    const message = `Invalid amount: an amount in ${currency} must be divisible by ${step}.`;
    throw refusal(message, { code: "invalid_charge_amount", param: "amount" });
  }
  return amount;
}

/** The payment method that the request names or makes, or else the one named earlier. */
export function readPaymentMethod(
  unit: UnitOfWork,
  parameters: Parameters,
  earlier: string | null = null,
): UsablePaymentMethod | null {
  const data = parameters.hash("payment_method_data");
  const id = parameters.string("payment_method") ?? (data === undefined ? earlier : null);
  if (id !== null) return usePaymentMethod(unit, id);
  return data === undefined ? null : makePaymentMethod(unit, data, "payment_method_data");
}

export function readCustomer(unit: UnitOfWork, parameters: Parameters): string | null {
  const id = parameters.string("customer");
  if (id === undefined) return null;
  if (unit.find("customer", id) === undefined) throw missing("customer", id, "customer");
  return id;
}

/** Which payment methods the PaymentIntent takes: by list, by the old list, or dynamically. */
export function readMethodChoice(
  call: ApiCall,
  currency: string | null,
): Pick<Stripe.PaymentIntent, "automatic_payment_methods" | "payment_method_types"> {
  refuseRemovedTypes(call);
  const { parameters } = call;
  const allowed = parameters.list("allowed_payment_method_types");
  const old = parameters.list("payment_method_types");
  const excluded = parameters.list("excluded_payment_method_types") ?? [];
  const automatic = parameters.hash("automatic_payment_methods");
  const names = [
    "allowed_payment_method_types",
    "payment_method_types",
    "excluded_payment_method_types",
    "automatic_payment_methods",
  ];
  const chosen = names.filter((name) => parameters.has(name));
  if (
    chosen.length > 1 &&
    chosen.some((name) => name === "allowed_payment_method_types" || name === "payment_method_types")
  ) {
    const message = `You may only specify one of these parameters: ${chosen.join(", ")}.`;
    throw refusal(message, { code: "parameters_exclusive" });
  }
  if (old !== undefined) return { automatic_payment_methods: null, payment_method_types: [...old] };
  const allowRedirects = automatic?.string("allow_redirects") ?? "always";
  const offered = offeredTypes(currency, allowRedirects !== "never").filter((type) => !excluded.includes(type));
  return {
    automatic_payment_methods:
      automatic?.boolean("enabled") === false ? null : { allow_redirects: allowRedirects, enabled: true },
    // Bank transfers are offered only to a request that asks for them.
    payment_method_types: offered.filter((type) => allowed?.includes(type) ?? type !== "customer_balance"),
  };
}

export function refuseRemovedTypes({ apiVersion, parameters }: ApiCall): void {
  if (apiVersion < TYPES_REMOVED_IN || !parameters.has("payment_method_types")) return;
  throw refusal(
    "The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types` or manage payment methods in the Dashboard instead.",
    { code: "payment_method_types_no_longer_supported", param: "payment_method_types" },
  );
}

export function refuseConfirmationParameters(parameters: Parameters): void {
  for (const param of ["mandate", "mandate_data", "off_session", "error_on_requires_action", "return_url"]) {
    if (!parameters.has(param)) continue;
    const message = `The parameter \`${param}\` cannot be passed when creating a PaymentIntent unless \`confirm\` is set to true.`;
    throw refusal(message, { param });
  }
}
