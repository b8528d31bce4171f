import type { Stripe } from "stripe";
import { failure, missing, parameterMissing, refusal } from "../../http/apiError.ts";
import { printAmount } from "../../world/currencies.ts";
import { mergeMetadata, type Parameters } from "../../http/parameters.ts";
import { checkDestination, connectedAccount } from "./destination.ts";
import { idOf } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/** The parameters of a PaymentIntent that say who else gets a part of it. https://docs.stripe.com/connect/charges */
type Split = Pick<Stripe.PaymentIntent, "application_fee_amount" | "transfer_data" | "transfer_group">;

/** The division after this request; `checkSplit` says whether the PaymentIntent may have it. */
export function readSplit(before: Stripe.PaymentIntent, parameters: Parameters): Split {
  const group = parameters.text("transfer_group", before.transfer_group);
  if (before.transfer_group !== null && group !== before.transfer_group) {
    const message = "You cannot change the `transfer_group` of a PaymentIntent once it has been set.";
    throw refusal(message, { param: "transfer_group" });
  }
  const data = parameters.hash("transfer_data");
  return {
    application_fee_amount: parameters.isUnset("application_fee_amount")
      ? null
      : (parameters.integer("application_fee_amount") ?? before.application_fee_amount),
    transfer_group: group,
    ...(data === undefined ? {} : { transfer_data: readTransferData(before.transfer_data ?? null, data) }),
  };
}

/** Payment Links and captures take a part of these parameters. The destination is given once, at the creation. */
export function readTransferData(
  before: Stripe.PaymentIntent.TransferData | null,
  data: Parameters,
): Stripe.PaymentIntent.TransferData {
  const destination = data.string("destination") ?? idOf(before?.destination);
  if (destination === null) throw parameterMissing("transfer_data[destination]");
  const amount = data.integer("amount") ?? before?.amount;
  const description = data.string("description") ?? before?.description;
  const payment = data.hash("payment_data");
  return {
    ...before,
    destination,
    ...(amount === undefined ? {} : { amount }),
    ...(description === undefined ? {} : { description }),
    ...(data.has("metadata") ? { metadata: mergeMetadata(before?.metadata ?? {}, data.metadata()) } : {}),
    ...(payment === undefined ? {} : { payment_data: readPaymentData(before?.payment_data ?? {}, payment) }),
  };
}

function readPaymentData(
  before: Stripe.PaymentIntent.TransferData.PaymentData,
  data: Parameters,
): Stripe.PaymentIntent.TransferData.PaymentData {
  const description = data.string("description") ?? before.description;
  return {
    ...before,
    ...(description === undefined ? {} : { description }),
    ...(data.has("metadata") ? { metadata: mergeMetadata(before.metadata ?? {}, data.metadata()) } : {}),
  };
}

/** Throws Stripe's 400 where the money of this PaymentIntent can't be divided as it says. */
export function checkSplit(unit: UnitOfWork, paymentIntent: Stripe.PaymentIntent): void {
  const { amount, application_fee_amount: feeMinor, currency, transfer_data: data } = paymentIntent;
  const merchant = idOf(paymentIntent.on_behalf_of);
  if (merchant !== null && connectedAccount(unit, merchant) === undefined) {
    throw missing("on_behalf_of", merchant, "on_behalf_of");
  }
  if (feeMinor !== null && !data && unit.platform === null) {
    const message =
      "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment (using an OAuth key or Stripe-Account header) or destination payment (using `transfer_data[destination]`).";
    throw refusal(message, { code: "parameter_missing", param: "application_fee_amount" });
  }
  if (data) {
    checkDestination(unit, idOf(data.destination) ?? "", "transfer_data[destination]");
    if (feeMinor !== null && data.amount !== undefined) {
      const message = "You may only specify one of these parameters: application_fee_amount, transfer_data[amount].";
      throw refusal(message, { code: "parameters_exclusive", param: "transfer_data[amount]" });
    }
    refuseAbove(data.amount ?? 0, amount, currency, "transfer_data[amount]");
  }
  refuseAbove(feeMinor ?? 0, amount, currency, "application_fee_amount");
}

function refuseAbove(part: number, whole: number, currency: string, param: string): void {
  if (part <= whole) return;
  const [given, most] = [printAmount(part, currency), printAmount(whole, currency)];
  throw refusal(`The ${param} (${given}) must be less than or equal to the amount of the payment (${most}).`, {
    code: "amount_too_large",
    param,
  });
}

/** The division that a capture asks for; it must be the last one, because the money is divided when all of it is taken. */
export function readCaptureSplit(before: Stripe.PaymentIntent, parameters: Parameters, isFinal: boolean): Split {
  const asks = ["application_fee_amount", "transfer_data"].find((name) => parameters.has(name));
  if (asks !== undefined && !isFinal) {
    const message = `This sandbox divides the money at the last capture: leave out \`${asks}\`, or \`final_capture\`.`;
    throw failure(message, { param: asks });
  }
  return readSplit(before, parameters);
}

/** The division as the Charge of the PaymentIntent shows it. */
export function splitOfCharge(
  paymentIntent: Stripe.PaymentIntent,
): Pick<Stripe.Charge, "application_fee_amount" | "transfer_data" | "transfer_group"> {
  const { application_fee_amount, transfer_data: data, transfer_group } = paymentIntent;
  const shown = data ? { amount: data.amount ?? null, destination: data.destination } : null;
  return { application_fee_amount, transfer_data: shown, transfer_group };
}

/** Payments that are divided belong to a group, which Stripe names after them unless the caller does. */
export function inTransferGroup(paymentIntent: Stripe.PaymentIntent): Stripe.PaymentIntent {
  if (!paymentIntent.transfer_data || paymentIntent.transfer_group !== null) return paymentIntent;
  return { ...paymentIntent, transfer_group: groupOf(paymentIntent.id) };
}

export function groupOf(id: string): string {
  return `group_${id}`;
}
