import type { Stripe } from "stripe";
import { refusal } from "../../http/apiError.ts";
import type { Parameters } from "../../http/parameters.ts";
import { flowOf, isPaymentMethodType, PAYMENT_METHOD_TYPES } from "./paymentMethodTypes.ts";

/** Details that a PaymentIntent is told and shows, and does nothing with by itself. */
type Details = Pick<Stripe.PaymentIntent, "amount_details" | "payment_method_options" | "shipping">;

export function readDetails(before: Stripe.PaymentIntent, parameters: Parameters): Details {
  return {
    amount_details: readAmountDetails(before.amount_details, parameters),
    payment_method_options: readOptions(before.payment_method_options, parameters.hash("payment_method_options")),
    shipping: parameters.isUnset("shipping") ? null : (readShipping(parameters.hash("shipping")) ?? before.shipping),
  };
}

function readAmountDetails(
  before: Stripe.PaymentIntent.AmountDetails = { tip: {} },
  parameters: Parameters,
): Stripe.PaymentIntent.AmountDetails {
  if (parameters.isUnset("amount_details")) return { tip: {} };
  const given = parameters.hash("amount_details")?.plain() ?? {};
  // The lines show only when they are expanded, and the check is no property of the amount.
  const { enforce_arithmetic_validation: _check, line_items: _lines, ...shown } = given;
  return { ...before, ...shown };
}

type Options = Stripe.PaymentIntent.PaymentMethodOptions;

/** The new options of each type are merged with the options that the type has. */
export function readOptions(before: Options | null, given: Parameters | undefined): Options | null {
  if (given === undefined) return before;
  const merged: Record<string, unknown> = { ...before };
  for (const [type, options] of Object.entries(given.plain())) {
    checkVoucherDays(type, given.hash(type)?.integer("expires_after_days"));
    if (options === null) delete merged[type];
    else merged[type] = { ...(merged[type] as object | undefined), ...renameTransfer(options as object) };
  }
  return merged;
}

/** The command line tool has an older name for Japan's bank transfers, which isn't shown. */
function renameTransfer(options: { readonly bank_transfer?: object }): object {
  const { bank_transfer: transfer } = options;
  const isOld = transfer !== undefined && "type" in transfer && transfer.type === "jp_bank_account";
  return isOld ? { ...options, bank_transfer: { ...transfer, type: "jp_bank_transfer" } } : options;
}

function checkVoucherDays(type: string, days: number | undefined): void {
  const flow = isPaymentMethodType(type) ? flowOf(type) : null;
  if (flow?.kind !== "voucher" || days === undefined) return;
  const { minimum, maximum } = flow.days;
  if (days >= minimum && days <= maximum) return;
  const message = `The number of days must be between ${minimum} and ${maximum}.`;
  const param = `payment_method_options[${type}][expires_after_days]`;
  throw refusal(message, { code: "parameter_invalid_integer", param });
}

/** The options with Stripe's defaults, for each type that the PaymentIntent offers. */
export function withDefaultOptions(paymentIntent: Stripe.PaymentIntent): Stripe.PaymentIntent {
  const given = paymentIntent.payment_method_options as Readonly<Record<string, object>> | null;
  const options: Record<string, object> = { ...given };
  for (const type of paymentIntent.payment_method_types) {
    if (isPaymentMethodType(type)) options[type] = { ...PAYMENT_METHOD_TYPES[type].options, ...given?.[type] };
  }
  return { ...paymentIntent, payment_method_options: options };
}

function readShipping(given: Parameters | undefined): Stripe.PaymentIntent.Shipping | undefined {
  if (given === undefined) return undefined;
  const text = (name: string) => given.text(name, null);
  const address = readAddress(given.hash("address"));
  return {
    ...(address === null ? {} : { address }),
    carrier: text("carrier"),
    name: given.string("name") ?? "",
    phone: text("phone"),
    tracking_number: text("tracking_number"),
  };
}

export function readAddress(address: Parameters | undefined): Stripe.Address | null {
  if (address === undefined) return null;
  const line = (name: string) => address.text(name, null);
  return {
    city: line("city"),
    country: line("country"),
    line1: line("line1"),
    line2: line("line2"),
    postal_code: line("postal_code"),
    state: line("state"),
  };
}
