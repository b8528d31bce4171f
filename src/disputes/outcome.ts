/** What every call about a dispute answers: its state, now or once it is closed. */
import type { DisputeState } from "./contract.ts";
import { awaitObject, type WaitPlan } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { failure } from "../durable/failures.ts";
import { awaitedDispute } from "./object.ts";
import { judgeDispute, type DisputeSnapshot } from "./rules/dispute.ts";

/**
 * Answers with the dispute as it is, or as it is once it was closed. Disputes take months: whoever waits for one should
 * send and attach.
 * @param plan of the wait; null to answer at once
 * @throws TerminalError `timed_out`, `canceled` or `needs_review`; the dispute is left as it is
 */
export async function disputeOutcome(
  call: Call,
  dispute: DisputeSnapshot,
  plan: WaitPlan | null,
): Promise<DisputeState> {
  if (plan === null) return stateOf(dispute);
  const { disputeId } = dispute;
  const first = judgeDispute(dispute);
  const look =
    first.kind === "pending"
      ? await awaitObject(call, awaitedDispute, disputeId, { plan, first: dispute, judge: judgeDispute })
      : { wake: "poll", seen: dispute, judgement: first };
  const details = { disputeId, compensation: "none" } as const;
  switch (look.judgement.kind) {
    case "closed":
      return stateOf(look.seen);
    case "needs_review": {
      const message = `Stripe reports the status "${look.seen.stripeStatus}", which this version doesn't know.`;
      throw failure("needs_review", message, { disputeId });
    }
    case "pending":
      throw look.wake === "cancellation"
        ? failure("canceled", "The wait was cancelled; the dispute was left as it is.", details)
        : failure("timed_out", "The dispute is still open; it was left as it is.", details);
  }
}

function stateOf(dispute: DisputeSnapshot): DisputeState {
  const { disputeId, stripeStatus: status, reason, amount, currency, chargeId, paymentIntentId } = dispute;
  const { isChargeRefundable, hasEvidence, submissionCount, respondBy } = dispute;
  return {
    disputeId,
    status,
    reason,
    amount,
    currency,
    chargeId,
    paymentIntentId,
    isChargeRefundable,
    hasEvidence,
    submissionCount,
    respondBy,
  };
}
