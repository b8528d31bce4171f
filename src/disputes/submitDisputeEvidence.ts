import type { z } from "zod";
import type { DisputeState } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { fixRequest } from "../durable/createOnce.ts";
import type { submitDisputeEvidenceRequestSchema } from "./contract.ts";
import { disputeConflict, disputeRefused, disputeUnclear, nothingToSubmit } from "./failures.ts";
import { planIfWaiting } from "./getDispute.ts";
import { readDispute } from "./object.ts";
import { disputeOutcome } from "./outcome.ts";
import { hasReachedBank, judgeSubmission, type DisputeSnapshot } from "./rules/dispute.ts";
import { evidenceLength } from "./rules/evidence.ts";

type Submission = z.output<typeof submitDisputeEvidenceRequestSchema>;

const attempts = 3;

/**
 * Gives evidence against a dispute: staged, or submitted to the bank, which can be done once.
 * https://docs.stripe.com/disputes/api
 */
export async function submitDisputeEvidence(call: Call, request: Submission): Promise<DisputeState> {
  const plan = await planIfWaiting(call, request);
  return await disputeOutcome(call, await give(call, request), plan);
}

/** Every attempt begins with a read: what is there already, or was submitted before the answer got lost, is not sent again. */
async function give(call: Call, { disputeId, evidence, submit }: Submission): Promise<DisputeSnapshot> {
  const before = await readDispute(call, disputeId, evidence);
  let latest = before;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const task = judgeSubmission(latest, submit);
    if (task === "done") return latest;
    if (task === "conflict") throw disputeConflict(latest, "takes no evidence any more");
    if (task === "needs_review") throw disputeUnclear(latest);
    // What was said of nothing would be said for good.
    if (submit && !latest.hasEvidence && evidenceLength(evidence) === 0) throw nothingToSubmit(disputeId);
    const { request } = await fixRequest(call, () => ({ parameters: { disputeId, evidence, submit } }));
    const given = await call.send("submit evidence", (stripe) => stripe.submitEvidence(request));
    if (given.kind === "made") {
      if (submit && !hasReachedBank(given.made, before)) throw disputeUnclear(given.made);
      return given.made;
    }
    latest = await readDispute(call, disputeId, evidence);
    if (submit && latest.submissionCount > before.submissionCount && latest.holdsEvidence) return latest;
    if (given.kind !== "unknown" && judgeSubmission(latest, submit) === "ask") throw disputeRefused(disputeId, given);
  }
  throw disputeUnclear(latest);
}
