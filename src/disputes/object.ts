/** What every call about a dispute has in common: reading it, its state as an answer, and the wait for its end. */
import type { Context } from "@restatedev/restate-sdk";
import { waiterCallbackKey } from "../stripe/metadata.ts";
import { judgeDispute, type DisputeSnapshot } from "./rules/dispute.ts";
import type { Evidence } from "./rules/evidence.ts";
import { failure } from "../durable/failures.ts";
import { startObjectWait } from "../durable/objectWait.ts";
import type { DisputeState } from "./contract.ts";
import { type PaymentsOptions, timeoutMsOf } from "../merchants/options.ts";
import { stripeStep } from "../durable/stripeStep.ts";
import { createDoorbell, type Doorbell, type Wake } from "../durable/wait.ts";

/**
 * Reads a dispute.
 * @param evidence what to compare with the evidence there
 * @throws TerminalError `not_found`
 */
export async function readDispute(
  ctx: Context,
  stripe: PaymentsOptions["stripe"],
  disputeId: string,
  evidence: Evidence = {},
): Promise<DisputeSnapshot> {
  const read = await stripeStep(ctx, "read dispute", () => stripe.readDispute(disputeId, evidence));
  if (read.kind === "missing") throw failure("not_found", `Stripe knows no dispute ${disputeId}.`, { disputeId });
  return read.dispute;
}

/**
 * Answers with the dispute as it is, or as it is once it was closed. Disputes take months: whoever waits for one should
 * send and attach.
 * @throws TerminalError `timed_out`, `canceled` or `needs_review`; the dispute is left as it is
 */
export async function disputeAnswer(
  ctx: Context,
  options: PaymentsOptions,
  dispute: DisputeSnapshot,
  request: { readonly awaitOutcome: boolean; readonly timeoutSeconds?: number | undefined },
): Promise<DisputeState> {
  if (!request.awaitOutcome || judgeDispute(dispute) === "closed") return stateOf(dispute);
  const { stripe, pollScheduleMs } = options;
  const { disputeId } = dispute;
  const hang = async (bell: Doorbell) => {
    const hung = await stripeStep(ctx, "hang the doorbell", () =>
      stripe.noteOnDispute(disputeId, waiterCallbackKey(ctx.request().id), bell.address),
    );
    // Where Stripe refuses, the wait goes on by polling.
    return hung.kind === "dispute" ? hung.dispute : await readDispute(ctx, stripe, disputeId);
  };
  const doorbell = createDoorbell(ctx);
  let latest = await hang(doorbell);
  const deadlineMs = timeoutMsOf(request, options);
  const wait = startObjectWait(ctx, {
    read: () => readDispute(ctx, stripe, disputeId),
    hang,
    doorbell,
    pollScheduleMs,
    deadlineMs,
  });
  let wake: Wake | null = null;
  for (;;) {
    switch (judgeDispute(latest)) {
      case "closed":
        return stateOf(latest);
      case "needs_review": {
        const message = `Stripe reports the status "${latest.stripeStatus}", which this version doesn't know.`;
        throw failure("needs_review", message, { disputeId });
      }
      case "pending":
        break;
    }
    const details = { disputeId, compensation: "none" } as const;
    if (wake === "deadline") {
      throw failure("timed_out", "The dispute is still open; it was left as it is.", details);
    }
    if (wake === "cancellation") {
      throw failure("canceled", "The wait was cancelled; the dispute was left as it is.", details);
    }
    ({ wake, seen: latest } = await wait.next((seen) => judgeDispute(seen) === "pending"));
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
