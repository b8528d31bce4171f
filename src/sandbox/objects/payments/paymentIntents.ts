import type { Stripe } from "stripe";
import { failure, unexpectedState } from "../../http/apiError.ts";
import { returnToCashBalance } from "../methods/cashBalance.ts";
import { failedCharge, latestCharge } from "./charges.ts";
import { confirmPayment, readConfirmation } from "./confirmation.ts";
import { DECLINES } from "../../world/declines.ts";
import type { ApiCall } from "../../http/endpoint.ts";
import { newId, randomText } from "../../world/identifiers.ts";
import { mergeMetadata, type Parameters } from "../../http/parameters.ts";
import { readDetails, withDefaultOptions } from "../methods/paymentDetails.ts";
import {
  checkAmount,
  readCurrency,
  readCustomer,
  readMethodChoice,
  readPaymentMethod,
  refuseConfirmationParameters,
  refuseRemovedTypes,
} from "./paymentIntentParameters.ts";
import { findScenarioOf } from "../methods/paymentMethods.ts";
import { retrieve } from "../../http/resources.ts";
import { releaseCharge } from "./settlement.ts";
import { applicationIdIn } from "../connect/destination.ts";
import { checkSplit, readSplit } from "../connect/split.ts";
import { idOf } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/** https://docs.stripe.com/api/payment_intents/create */
export function createPaymentIntent(call: ApiCall): Stripe.PaymentIntent {
  const { parameters, unit } = call;
  const currency = readCurrency(parameters);
  const confirms = parameters.boolean("confirm") === true;
  if (!confirms) refuseConfirmationParameters(parameters);
  const usable = readPaymentMethod(unit, parameters);
  const amount = checkAmount(parameters.integer("amount") ?? 0, currency, usable?.scenario.type);
  const created = withDefaultOptions({
    ...draftPaymentIntent(unit, amount, currency, parameters),
    allowed_payment_method_types: copyList(parameters.list("allowed_payment_method_types")),
    confirmation_method: parameters.string("confirmation_method") ?? "automatic",
    customer: readCustomer(unit, parameters),
    excluded_payment_method_types: copyList(parameters.list("excluded_payment_method_types")),
    ...readMethodChoice(call, currency),
  });
  if (confirms) {
    if (usable === null) throw missingPaymentMethod(null);
    return confirmPayment(unit, created, usable, readConfirmation(parameters, created));
  }
  const ready: Stripe.PaymentIntent =
    usable === null
      ? created
      : { ...created, payment_method: usable.paymentMethod.id, status: "requires_confirmation" };
  unit.fire("created", [], ready);
  return unit.save(ready);
}

/** A PaymentIntent as the parameters, or Checkout's `payment_intent_data`, describe it. */
export function draftPaymentIntent(
  unit: UnitOfWork,
  amount: number,
  currency: string,
  parameters: Parameters,
): Stripe.PaymentIntent {
  const id = newId("pi");
  const blank: Stripe.PaymentIntent = {
    id,
    object: "payment_intent",
    allowed_payment_method_types: null,
    amount,
    amount_capturable: 0,
    amount_received: 0,
    application: applicationIdIn(unit),
    application_fee_amount: null,
    automatic_payment_methods: null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: "automatic_async",
    client_secret: secretOf(id),
    confirmation_method: "automatic",
    created: unit.nowSeconds,
    currency,
    customer: null,
    customer_account: null,
    description: null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: {},
    next_action: null,
    on_behalf_of: parameters.string("on_behalf_of") ?? null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: null,
    payment_method_types: [],
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: "requires_payment_method",
    transfer_group: null,
  };
  const draft = describePayment(blank, parameters);
  checkSplit(unit, draft);
  return draft;
}

/** A draft that becomes a PaymentIntent more than once needs an identity for each. */
export function renewDraft(unit: UnitOfWork, draft: Stripe.PaymentIntent): Stripe.PaymentIntent {
  const id = newId("pi");
  return { ...draft, id, client_secret: secretOf(id), created: unit.nowSeconds };
}

function secretOf(id: string): string {
  return `${id}_secret_${randomText(25)}`;
}

/** The fields of a PaymentIntent that any request that writes it may set. */
export function describePayment(before: Stripe.PaymentIntent, parameters: Parameters): Stripe.PaymentIntent {
  return {
    ...before,
    ...readDetails(before, parameters),
    ...readSplit(before, parameters),
    capture_method: parameters.string("capture_method") ?? before.capture_method,
    description: parameters.text("description", before.description),
    metadata: mergeMetadata(before.metadata, parameters.metadata()),
    receipt_email: parameters.text("receipt_email", before.receipt_email),
    setup_future_usage: parameters.text("setup_future_usage", before.setup_future_usage),
    statement_descriptor: parameters.text("statement_descriptor", before.statement_descriptor),
    statement_descriptor_suffix: parameters.text("statement_descriptor_suffix", before.statement_descriptor_suffix),
  };
}

/** https://docs.stripe.com/api/payment_intents/confirm */
export function confirmPaymentIntent(call: ApiCall): Stripe.PaymentIntent {
  const { parameters, unit } = call;
  refuseRemovedTypes(call);
  const paymentIntent = retrieve(call, "payment_intent");
  const { status } = paymentIntent;
  if (status === "succeeded" || status === "requires_capture") {
    const message =
      "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.";
    throw unexpectedState(message, paymentIntent);
  }
  if (status === "canceled" || status === "processing") {
    const message = `You cannot confirm this PaymentIntent because it has a status of ${status}. Only a PaymentIntent with one of the following statuses may be confirmed: requires_confirmation, requires_action.`;
    throw unexpectedState(message, paymentIntent);
  }
  const usable = readPaymentMethod(unit, parameters, idOf(paymentIntent.payment_method));
  if (usable === null) throw missingPaymentMethod(paymentIntent);
  // The accounts that are to get a part of it may have left since it was made.
  checkSplit(unit, paymentIntent);
  return confirmPayment(unit, describePayment(paymentIntent, parameters), usable, readConfirmation(parameters, null));
}

const AMOUNT_STATUSES = ["requires_payment_method", "requires_confirmation", "requires_action"];

const FIXED_ONCE_TRIED = [
  "amount",
  "application_fee_amount",
  "capture_method",
  "currency",
  "customer",
  "payment_method",
  "payment_method_data",
  "transfer_data",
];

/** What the division of the money rests on. */
const DIVIDING = ["amount", "application_fee_amount", "currency", "transfer_data"];

/** https://docs.stripe.com/api/payment_intents/update */
export function updatePaymentIntent(call: ApiCall): Stripe.PaymentIntent {
  const { parameters, unit } = call;
  refuseRemovedTypes(call);
  const before = retrieve(call, "payment_intent");
  for (const name of FIXED_ONCE_TRIED) {
    if (parameters.has(name) && !AMOUNT_STATUSES.includes(before.status)) {
      const message = `This PaymentIntent's ${name} could not be updated because it has a status of ${before.status}. You may only update the ${name} of a PaymentIntent with one of the following statuses: ${AMOUNT_STATUSES.join(", ")}.`;
      throw unexpectedState(message, before);
    }
  }
  const currency = parameters.has("currency") ? readCurrency(parameters) : before.currency;
  const usable = readPaymentMethod(unit, parameters);
  const readAmount = () => {
    if (!parameters.has("amount") && !parameters.has("currency")) return before.amount;
    const scenario = usable?.scenario ?? findScenarioOf(unit, idOf(before.payment_method) ?? "");
    return checkAmount(parameters.integer("amount") ?? before.amount, currency, scenario?.type);
  };
  // The voucher of the earlier payment method is void.
  if (usable !== null && before.next_action !== null) unit.dropJobs(before.id);
  const updated: Stripe.PaymentIntent = {
    ...describePayment(before, parameters),
    amount: readAmount(),
    currency,
    customer: readCustomer(unit, parameters) ?? before.customer,
    // Any update forgets why the last attempt failed; the Charge remembers.
    last_payment_error: null,
    ...(usable === null
      ? {}
      : { payment_method: usable.paymentMethod.id, status: "requires_confirmation", next_action: null }),
  };
  // An account that has left meanwhile doesn't hinder a change of anything else.
  if (DIVIDING.some((name) => parameters.has(name))) checkSplit(unit, updated);
  return unit.save(updated);
}

const CANCELABLE = ["requires_payment_method", "requires_capture", "requires_confirmation", "requires_action"];

/** https://docs.stripe.com/api/payment_intents/cancel */
export function cancelPaymentIntent(call: ApiCall): Stripe.PaymentIntent {
  const { parameters, unit } = call;
  const before = retrieve(call, "payment_intent");
  const isProcessing = before.status === "processing";
  // A debit that was handed to the bank can't be called back, save the test account that exists to try it.
  const attempt = findScenarioOf(unit, idOf(before.payment_method) ?? "")?.attempt;
  const isStillOurs = isProcessing && attempt?.kind === "processing" && attempt.settlement === "never";
  if (!CANCELABLE.includes(before.status) && !isStillOurs) {
    const message = `You cannot cancel this PaymentIntent because it has a status of ${before.status}. Only a PaymentIntent with one of the following statuses may be canceled: ${CANCELABLE.join(", ")}.`;
    throw unexpectedState(message, before);
  }
  if (before.status !== "requires_capture" && unit.list("order", "payment_intent", before.id).length > 0) {
    const message = "This PaymentIntent was made by Checkout. To stop it, expire its Checkout Session.";
    throw unexpectedState(message, before);
  }
  unit.dropJobs(before.id);
  const canceled = unit.save<Stripe.PaymentIntent>({
    ...before,
    status: "canceled",
    amount_capturable: 0,
    canceled_at: unit.nowSeconds,
    cancellation_reason: parameters.string("cancellation_reason") ?? null,
    next_action: null,
  });
  if (before.status === "requires_capture") releaseCharge(unit, before);
  returnToCashBalance(unit, canceled);
  const charge = isProcessing ? latestCharge(unit, before) : undefined;
  if (charge === undefined) unit.fire("canceled", [canceled]);
  else {
    const stopped = unit.save(failedCharge(charge, DECLINES.paymentCanceled));
    unit.fire("canceled_while_processing", [canceled, stopped]);
  }
  return canceled;
}

function missingPaymentMethod(paymentIntent: Stripe.PaymentIntent | null): Error {
  const message =
    "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.";
  if (paymentIntent === null) return failure(message, { code: "parameter_missing", param: "payment_method" });
  return unexpectedState(message, paymentIntent);
}

function copyList(list: readonly string[] | undefined): string[] | null {
  return list === undefined ? null : [...list];
}
