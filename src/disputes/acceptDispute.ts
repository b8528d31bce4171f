import type { z } from "zod";
import type { DisputeState } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { fixRequest } from "../durable/createOnce.ts";
import { acceptanceNoteKey } from "../stripe/metadata.ts";
import type { acceptDisputeRequestSchema } from "./contract.ts";
import { disputeConflict, disputeRefused, disputeUnclear } from "./failures.ts";
import { planIfWaiting } from "./getDispute.ts";
import { readDispute } from "./object.ts";
import { disputeOutcome } from "./outcome.ts";
import { judgeAcceptance, type DisputeSnapshot } from "./rules/dispute.ts";

const attempts = 3;

/** Accepts a dispute: it is lost, for good. https://docs.stripe.com/api/disputes/close */
export async function acceptDispute(
  call: Call,
  request: z.output<typeof acceptDisputeRequestSchema>,
): Promise<DisputeState> {
  const plan = await planIfWaiting(call, request);
  return await disputeOutcome(call, await accept(call, request.disputeId), plan);
}

/**
 * The note comes first: it tells a lost dispute that was accepted from one that the bank decided. A call that fails takes
 * it back, or the bank's word would be taken for the merchant's later.
 */
async function accept(call: Call, disputeId: string): Promise<DisputeSnapshot> {
  const note = async (value: string) =>
    await call.ask("note the acceptance", (stripe) => stripe.noteOnDispute(disputeId, acceptanceNoteKey, value));
  let latest = await readDispute(call, disputeId);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const task = judgeAcceptance(latest);
    if (task === "done") return latest;
    if (task === "conflict") {
      if (latest.acceptanceNoted) await note("");
      throw disputeConflict(latest, "can't be accepted any more");
    }
    if (task === "needs_review") throw disputeUnclear(latest);
    await note(call.invocationId);
    const { request } = await fixRequest(call, () => ({ parameters: { disputeId } }));
    const closed = await call.send("close dispute", (stripe) => stripe.closeDispute(request));
    if (closed.kind === "made") return closed.made;
    const read = await readDispute(call, disputeId);
    // What was asked for was asked for, also where full metadata had no room for the note.
    latest = { ...read, acceptanceNoted: read.acceptanceNoted || closed.kind === "unknown" };
    if (closed.kind !== "unknown" && judgeAcceptance(latest) === "ask") {
      await note("");
      throw disputeRefused(disputeId, closed);
    }
  }
  throw disputeUnclear(latest);
}
