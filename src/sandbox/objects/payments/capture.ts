import type { Stripe } from "stripe";
import { failure, refusal, unexpectedState } from "../../http/apiError.ts";
import { latestCharge, saveCaptured } from "./charges.ts";
import { checkSplit, readCaptureSplit, splitOfCharge } from "../connect/split.ts";
import { printAmount } from "../../world/currencies.ts";
import type { ApiCall } from "../../http/endpoint.ts";
import { mergeMetadata } from "../../http/parameters.ts";
import { listReleaseAsRefund } from "./refunds.ts";
import { retrieve } from "../../http/resources.ts";

/**
 * There is one capture, and the rest of the amount is released; or several, where the charge allows that, until one is final
 * or nothing is left. A final capture of nothing releases the rest.
 * https://docs.stripe.com/api/payment_intents/capture, https://docs.stripe.com/payments/multicapture
 */
export function capturePaymentIntent(call: ApiCall): Stripe.PaymentIntent {
  const { parameters, unit } = call;
  const before = retrieve(call, "payment_intent");
  const charge = latestCharge(unit, before);
  if (before.status !== "requires_capture" || charge === undefined) {
    const message = `This PaymentIntent could not be captured because it has a status of ${before.status}. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.`;
    throw unexpectedState(message, before);
  }
  const amount = parameters.integer("amount_to_capture") ?? before.amount_capturable;
  if (amount > before.amount_capturable) {
    const print = (value: number) => printAmount(value, before.currency);
    const message = `The amount_to_capture (${print(amount)}) is greater than the capturable amount of this PaymentIntent (${print(before.amount_capturable)}).`;
    throw failure(message, { code: "amount_too_large", param: "amount_to_capture", payment_intent: before });
  }
  const isFinal = parameters.boolean("final_capture") ?? true;
  if (amount < (isFinal && before.amount_received > 0 ? 0 : 1)) {
    throw refusal("This value must be greater than or equal to 1.", {
      code: "parameter_invalid_integer",
      param: "amount_to_capture",
    });
  }
  if (!isFinal && charge.payment_method_details?.card?.multicapture?.status !== "available") {
    const message =
      "This PaymentIntent can only be captured once: its charge has `multicapture` `unavailable`. Leave out `final_capture`, or set it to true.";
    throw failure(message, { param: "final_capture", payment_intent: before });
  }
  const split = readCaptureSplit(before, parameters, isFinal);
  checkSplit(unit, { ...before, ...split });
  const received = before.amount_received + amount;
  const metadata = mergeMetadata(before.metadata, parameters.metadata());
  if (!isFinal && amount < before.amount_capturable) {
    const part = unit.save<Stripe.PaymentIntent>({
      ...before,
      amount_capturable: before.amount_capturable - amount,
      amount_received: received,
      metadata,
    });
    unit.fire("captured_in_part", [part, unit.save({ ...charge, amount_captured: received })]);
    return part;
  }
  unit.dropJobs(before.id);
  const captured = unit.save<Stripe.PaymentIntent>({
    ...before,
    ...split,
    status: "succeeded",
    amount_capturable: 0,
    amount_received: received,
    metadata,
  });
  const paid = saveCaptured(unit, {
    ...charge,
    ...splitOfCharge(captured),
    captured: true,
    amount_captured: received,
  });
  listReleaseAsRefund(call, paid);
  unit.fire(amount === 0 ? "rest_released" : "captured", [captured, paid]);
  return captured;
}
