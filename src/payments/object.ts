/** How a PaymentIntent is awaited. */
import type { AwaitedKind } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { failure } from "../durable/failures.ts";
import { judgePayment, type Judgement, type PaymentSnapshot, type Standpoint } from "./rules/payment.ts";

export const awaitedPayment: AwaitedKind<PaymentSnapshot, Standpoint, Judgement> = {
  noun: "PaymentIntent",
  read: readOwnPayment,
  async hang(call, paymentIntentId, callbackKey, address) {
    const hung = await call.ask("hang the doorbell", (stripe) =>
      stripe.hangDoorbell(paymentIntentId, callbackKey, address),
    );
    return hung.kind === "payment" ? { kind: "hung", seen: hung.payment } : hung;
  },
  async unhang(call, paymentIntentId, callbackKey) {
    await call.ask("take the doorbell off", (stripe) => stripe.hangDoorbell(paymentIntentId, callbackKey, ""));
  },
  judge: judgePayment,
};

/** Reads a PaymentIntent that the caller named. @throws TerminalError `not_found` */
export async function readNamedPayment(call: Call, paymentIntentId: string): Promise<PaymentSnapshot> {
  const read = await call.ask("read PaymentIntent", (stripe) => stripe.readPayment(paymentIntentId));
  if (read.kind === "payment") return read.payment;
  throw failure("not_found", `Stripe knows no PaymentIntent ${paymentIntentId}.`, { paymentIntentId });
}

/** Reads a PaymentIntent that is known to exist. @throws TerminalError `needs_review` if it is gone */
export async function readOwnPayment(call: Call, paymentIntentId: string): Promise<PaymentSnapshot> {
  const read = await call.ask("read PaymentIntent", (stripe) => stripe.readPayment(paymentIntentId));
  if (read.kind === "payment") return read.payment;
  const message = `Stripe no longer knows the PaymentIntent: ${read.refusal.message}`;
  throw failure("needs_review", message, { paymentIntentId });
}
