import type { PaymentOutcome } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { paymentOutcome } from "./outcome.ts";
import { judgePayment } from "./rules/payment.ts";

/**
 * Puts the pages into an answer that sends the customer to them. They are read last and recorded nowhere but in the answer.
 * If the answer comes late (Stripe was down, say), the payment may be over by now: then the answer says so, because a page
 * that nobody was shown yet is of no use any more.
 */
export async function withPages(call: Call, outcome: PaymentOutcome): Promise<PaymentOutcome> {
  if (outcome.status !== "requires_action") return outcome;
  const read = await call.peek((stripe) => stripe.readWithPages(outcome.paymentIntentId));
  if (read === null) return outcome;
  const decision = judgePayment(read.payment, { attempted: true, customer: "answer" });
  if (decision.kind === "requires_action") return { ...outcome, nextAction: read.nextAction ?? outcome.nextAction };
  // The customer has acted elsewhere, and the bank is at work.
  if (decision.kind === "pending") return outcome;
  return paymentOutcome({ payment: read.payment, decision, settledBy: "poll" });
}
