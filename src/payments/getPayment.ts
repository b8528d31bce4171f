import type { PaymentState } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { readNamedPayment } from "./object.ts";
import { captureBeforeOf, paymentFields } from "./outcome.ts";

/** Reads the state of a PaymentIntent at once. @throws TerminalError `not_found` */
export async function getPayment(call: Call, request: { readonly paymentIntentId: string }): Promise<PaymentState> {
  const payment = await readNamedPayment(call, request.paymentIntentId);
  const { stripeStatus, nextAction, failure } = payment;
  return { ...paymentFields(payment, stripeStatus), captureBefore: captureBeforeOf(payment), nextAction, failure };
}
