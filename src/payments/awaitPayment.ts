import type { PaymentOutcome } from "./contract.ts";
import { awaitObject, planWait, settledBy, type WaitPlan } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { failure, lastAttempt } from "../durable/failures.ts";
import { awaitedPayment, readNamedPayment } from "./object.ts";
import { paymentOutcome } from "./outcome.ts";
import {
  awaitsAttempt,
  judgeAwaitedPayment,
  judgePayment,
  type PaymentFailure,
  type PaymentSnapshot,
} from "./rules/payment.ts";

/** A payment by its id, and how long to wait for it. */
export type PaymentById = { readonly paymentIntentId: string; readonly timeoutSeconds?: number | undefined };

/**
 * Waits for the outcome of any PaymentIntent, also through its customer's action, and through failed attempts on one that no
 * call of ours made. It never cancels.
 * @throws TerminalError `declined`, `not_found`, `timed_out`, `canceled` or `needs_review`
 */
export async function awaitPayment(
  call: Call,
  { paymentIntentId, timeoutSeconds }: PaymentById,
): Promise<PaymentOutcome> {
  return await awaitPaymentBy(call, paymentIntentId, await planWait(call, timeoutSeconds));
}

/**
 * The same for a call whose deadline is fixed already.
 * @param until `attempt` takes the attempt under way for the last one, whoever made the PaymentIntent
 */
export async function awaitPaymentBy(
  call: Call,
  paymentIntentId: string,
  plan: WaitPlan,
  until: "outcome" | "attempt" = "outcome",
): Promise<PaymentOutcome> {
  let lastFailure: PaymentFailure | null = null;
  const judge = (seen: PaymentSnapshot) => {
    // Hanging the doorbell erases the reason of a failed attempt where there is no charge that keeps it.
    lastFailure = awaitsAttempt(seen) ? (seen.failure ?? lastFailure) : null;
    return until === "outcome" ? judgeAwaitedPayment(seen) : judgePayment(seen, { attempted: true, customer: "wait" });
  };
  const found = await readNamedPayment(call, paymentIntentId);
  const first = judge(found);
  if (first.kind !== "pending") return paymentOutcome({ payment: found, decision: first, settledBy: "poll" });

  const look = await awaitObject(call, awaitedPayment, paymentIntentId, { plan, first: found, judge });
  if (look.judgement.kind !== "pending") {
    return paymentOutcome({ payment: look.seen, decision: look.judgement, settledBy: settledBy(look) });
  }
  const { told, codes } = lastAttempt(lastFailure);
  const details = { ...codes, paymentIntentId, compensation: "none" } as const;
  throw look.wake === "cancellation"
    ? failure("canceled", `The wait was cancelled; the payment was left as it is.${told}`, details)
    : failure("timed_out", `The payment is still pending; it was left as it is.${told}`, details);
}
