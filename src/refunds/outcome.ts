/** Waiting for a refund's end, whoever made it, and answering with it. */
import type { RefundOutcome } from "../api/refundOutcome.ts";
import { awaitObject, settledBy, type WaitPlan } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import type { Doorbell } from "../durable/doorbell.ts";
import { failure } from "../durable/failures.ts";
import { awaitedRefund } from "./object.ts";
import { judgeRefund, type RefundSnapshot } from "./rules.ts";

/**
 * Gives how a refund ended, or waits for that. At its deadline, or when the call is cancelled, the refund is left as it is.
 * @param from.doorbell the one that the refund was made with, or null if somebody else made it: then one is hung
 * @throws TerminalError `refund_failed`, `timed_out`, `canceled` or `needs_review`
 */
export async function settleRefund(
  call: Call,
  from: {
    readonly first: RefundSnapshot;
    readonly seenBy: RefundOutcome["settledBy"];
    readonly doorbell: Doorbell | null;
    readonly paymentIntentId: string;
    readonly plan: WaitPlan;
  },
): Promise<RefundOutcome> {
  const { first, paymentIntentId, plan } = from;
  call.concern({ paymentIntentId, refundId: first.refundId });
  if (judgeRefund(first).kind !== "pending") return refundOutcome(first, paymentIntentId, from.seenBy);

  const { refundId } = first;
  const look = await awaitObject(call, awaitedRefund, refundId, {
    plan,
    first,
    hanging: from.doorbell,
    judge: judgeRefund,
  });
  if (look.judgement.kind !== "pending") return refundOutcome(look.seen, paymentIntentId, settledBy(look));
  const fate = `The refund ${refundId} is still pending at Stripe and was left as it is.`;
  const details = { paymentIntentId, refundId, compensation: "none" } as const;
  throw look.wake === "cancellation"
    ? failure("canceled", `The call was cancelled. ${fate}`, details)
    : failure("timed_out", fate, details);
}

function refundOutcome(refund: RefundSnapshot, paymentIntentId: string, by: RefundOutcome["settledBy"]): RefundOutcome {
  const { refundId, amount, currency, status, failureReason } = refund;
  const judgement = judgeRefund(refund);
  if (judgement.kind === "needs_review")
    throw failure("needs_review", judgement.message, { paymentIntentId, refundId });
  if (status === "succeeded") return { refundId, paymentIntentId, status, amount, currency, settledBy: by };
  const why = failureReason === null ? "" : ` (${failureReason})`;
  const message = `The refund ${refundId} ended as ${status}${why}.`;
  throw failure("refund_failed", message, { paymentIntentId, refundId, failureReason });
}
