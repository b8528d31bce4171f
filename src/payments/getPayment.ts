import type { NextAction } from "../api/nextAction.ts";
import type { PaymentState } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { readNamedPayment } from "./object.ts";
import { captureBeforeOf, paymentFields } from "./outcome.ts";
import type { PaymentSnapshot } from "./rules/payment.ts";

/** Reads the state of a PaymentIntent at once, and the customer's pages, which are not recorded. @throws TerminalError `not_found` */
export async function getPayment(call: Call, request: { readonly paymentIntentId: string }): Promise<PaymentState> {
  const payment = await readNamedPayment(call, request.paymentIntentId);
  const { stripeStatus, failure } = payment;
  const nextAction = payment.nextAction === null ? null : await pagesOf(call, payment);
  return { ...paymentFields(payment, stripeStatus), captureBefore: captureBeforeOf(payment), nextAction, failure };
}

/** The action with its pages, or without them where it is over by now. */
async function pagesOf(call: Call, { paymentIntentId, nextAction }: PaymentSnapshot): Promise<NextAction | null> {
  const read = await call.peek((stripe) => stripe.readWithPages(paymentIntentId));
  return read?.nextAction ?? nextAction;
}
