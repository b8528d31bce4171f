import type { PaymentOutcome } from "./contract.ts";
import { unlessStopped, type Call } from "../durable/call.ts";
import { failure } from "../durable/failures.ts";
import { paymentOutcome } from "./outcome.ts";
import { judgePayment } from "./rules/payment.ts";

/**
 * Puts the pages into an answer that sends the customer to them. They are read last and recorded nowhere but in the answer.
 * If the answer comes late (Stripe was down, say), the payment may be over by now: then the answer says so, because a page
 * that nobody was shown yet is of no use any more.
 * @throws TerminalError `timed_out` when Stripe doesn't answer until the deadline, at which the watcher cancels the payment
 */
export async function withPages(call: Call, outcome: PaymentOutcome): Promise<PaymentOutcome> {
  if (outcome.status !== "requires_action") return outcome;
  const { paymentIntentId } = outcome;
  const read = await unlessStopped(
    call.peek((stripe) => stripe.readWithPages(paymentIntentId)),
    () => {
      const message = "The customer's page could not be read before the deadline. The payment is being cancelled.";
      throw failure("timed_out", message, { paymentIntentId, compensation: "watching" });
    },
  );
  if (read === null) return outcome;
  const decision = judgePayment(read.payment, { attempted: true, customer: "answer" });
  if (decision.kind === "requires_action") return { ...outcome, nextAction: read.nextAction ?? outcome.nextAction };
  // The customer has acted elsewhere, and the bank is at work.
  if (decision.kind === "pending") return outcome;
  return paymentOutcome({ payment: read.payment, decision, settledBy: "poll" });
}
