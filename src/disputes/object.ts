/** How a dispute is awaited. */
import type { AwaitedKind } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { failure } from "../durable/failures.ts";
import { judgeDispute, type DisputeJudgement, type DisputeSnapshot } from "./rules/dispute.ts";
import type { Evidence } from "./rules/evidence.ts";

export const awaitedDispute: AwaitedKind<DisputeSnapshot, undefined, DisputeJudgement> = {
  noun: "dispute",
  read: readOwnDispute,
  async hang(call, disputeId, callbackKey, address) {
    const hung = await call.ask("hang the doorbell", (stripe) => stripe.noteOnDispute(disputeId, callbackKey, address));
    return hung.kind === "dispute" ? { kind: "hung", seen: hung.dispute } : hung;
  },
  async unhang(call, disputeId, callbackKey) {
    await call.ask("take the doorbell off", (stripe) => stripe.noteOnDispute(disputeId, callbackKey, ""));
  },
  judge: judgeDispute,
};

/** Reads a dispute that is known to exist. @throws TerminalError `needs_review` if it is gone */
async function readOwnDispute(call: Call, disputeId: string): Promise<DisputeSnapshot> {
  const read = await call.ask("read dispute", (stripe) => stripe.readDispute(disputeId));
  if (read.kind === "dispute") return read.dispute;
  throw failure("needs_review", `Stripe no longer knows the dispute ${disputeId}.`, { disputeId });
}

/**
 * Reads a dispute that the caller named.
 * @param evidence what to compare with the evidence there
 * @throws TerminalError `not_found`
 */
export async function readDispute(call: Call, disputeId: string, evidence: Evidence = {}): Promise<DisputeSnapshot> {
  const read = await call.ask("read dispute", (stripe) => stripe.readDispute(disputeId, evidence));
  if (read.kind === "dispute") return read.dispute;
  throw failure("not_found", `Stripe knows no dispute ${disputeId}.`, { disputeId });
}
