import type { Context } from "@restatedev/restate-sdk";
import type { z } from "zod";
import { hasReachedBank, judgeSubmission, type DisputeSnapshot } from "./rules/dispute.ts";
import { evidenceLength } from "./rules/evidence.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import type { DisputeState, submitDisputeEvidenceRequestSchema } from "./contract.ts";
import { disputeConflict, disputeRefused, disputeUnclear, nothingToSubmit } from "./failures.ts";
import { disputeAnswer, readDispute } from "./object.ts";
import type { PaymentsOptions } from "../merchants/options.ts";
import { stripeStep } from "../durable/stripeStep.ts";

type Submission = z.output<typeof submitDisputeEvidenceRequestSchema>;

const attempts = 3;

/**
 * Gives evidence against a dispute: staged, or submitted to the bank, which can be done once.
 * https://docs.stripe.com/disputes/api
 */
export async function submitDisputeEvidence(
  ctx: Context,
  options: PaymentsOptions,
  request: Submission,
): Promise<DisputeState> {
  const dispute = await give(ctx, options.stripe, request);
  return await disputeAnswer(ctx, options, dispute, request);
}

/** Every attempt begins with a read: what is there already, or was submitted before the answer got lost, is not sent again. */
async function give(
  ctx: Context,
  stripe: StripeGateway,
  { disputeId, evidence, submit }: Submission,
): Promise<DisputeSnapshot> {
  const before = await readDispute(ctx, stripe, disputeId, evidence);
  let latest = before;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const task = judgeSubmission(latest, submit);
    if (task === "done") return latest;
    if (task === "conflict") throw disputeConflict(latest, "takes no evidence any more");
    if (task === "needs_review") throw disputeUnclear(latest);
    // What was said of nothing would be said for good.
    if (submit && !latest.hasEvidence && evidenceLength(evidence) === 0) throw nothingToSubmit(disputeId);
    const idempotencyKey = ctx.rand.uuidv4();
    const fixed = await ctx.run("fix the evidence", () =>
      stripe.fixRequest({ disputeId, evidence, submit }, idempotencyKey),
    );
    const given = await stripeStep(ctx, "submit evidence", () => stripe.submitEvidence(fixed));
    if (given.kind === "dispute") {
      if (submit && !hasReachedBank(given.dispute, before)) throw disputeUnclear(given.dispute);
      return given.dispute;
    }
    latest = await readDispute(ctx, stripe, disputeId, evidence);
    if (submit && latest.submissionCount > before.submissionCount && latest.holdsEvidence) return latest;
    if (given.kind === "refused" && judgeSubmission(latest, submit) === "ask") {
      throw disputeRefused(disputeId, given.refusal);
    }
  }
  throw disputeUnclear(latest);
}
