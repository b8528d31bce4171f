import type { PaymentOutcome } from "./contract.ts";
import { awaitObject, planWait, settledBy, type WaitPlan } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { failure } from "../durable/failures.ts";
import { awaitedPayment, readNamedPayment } from "./object.ts";
import { paymentOutcome } from "./outcome.ts";
import { judgePayment, provesAttempt, type PaymentSnapshot } from "./rules/payment.ts";

/** A payment by its id, and how long to wait for it. */
export type PaymentById = { readonly paymentIntentId: string; readonly timeoutSeconds?: number | undefined };

/**
 * Waits for the outcome of any PaymentIntent, also through its customer's action. It never cancels.
 * @throws TerminalError `declined`, `not_found`, `timed_out`, `canceled` or `needs_review`
 */
export async function awaitPayment(
  call: Call,
  { paymentIntentId, timeoutSeconds }: PaymentById,
): Promise<PaymentOutcome> {
  return await awaitPaymentBy(call, paymentIntentId, await planWait(call, timeoutSeconds));
}

/** The same for a call whose deadline is fixed already. */
export async function awaitPaymentBy(call: Call, paymentIntentId: string, plan: WaitPlan): Promise<PaymentOutcome> {
  let attempted = false;
  const judge = (seen: PaymentSnapshot) => {
    const judgement = judgePayment(seen, { attempted, customer: "wait" });
    attempted ||= provesAttempt(seen);
    return judgement;
  };
  const found = await readNamedPayment(call, paymentIntentId);
  const first = judge(found);
  if (first.kind !== "pending") return paymentOutcome({ payment: found, decision: first, settledBy: "poll" });

  const look = await awaitObject(call, awaitedPayment, paymentIntentId, { plan, first: found, judge });
  if (look.judgement.kind !== "pending") {
    return paymentOutcome({ payment: look.seen, decision: look.judgement, settledBy: settledBy(look) });
  }
  const details = { paymentIntentId, compensation: "none" } as const;
  throw look.wake === "cancellation"
    ? failure("canceled", "The wait was cancelled; the payment was left as it is.", details)
    : failure("timed_out", "The payment is still pending; it was left as it is.", details);
}
