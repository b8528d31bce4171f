import type { Context } from "@restatedev/restate-sdk";
import type { z } from "zod";
import { acceptanceNoteKey } from "../stripe/metadata.ts";
import { judgeAcceptance, type DisputeSnapshot } from "./rules/dispute.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import type { DisputeState, acceptDisputeRequestSchema } from "./contract.ts";
import { disputeConflict, disputeRefused, disputeUnclear } from "./failures.ts";
import { disputeAnswer, readDispute } from "./object.ts";
import type { PaymentsOptions } from "../merchants/options.ts";
import { stripeStep } from "../durable/stripeStep.ts";

const attempts = 3;

/** Accepts a dispute: it is lost, for good. https://docs.stripe.com/api/disputes/close */
export async function acceptDispute(
  ctx: Context,
  options: PaymentsOptions,
  request: z.output<typeof acceptDisputeRequestSchema>,
): Promise<DisputeState> {
  const dispute = await accept(ctx, options.stripe, request.disputeId);
  return await disputeAnswer(ctx, options, dispute, request);
}

/**
 * The note comes first: it tells a lost dispute that was accepted from one that the bank decided. A call that fails takes
 * it back, or the bank's word would be taken for the merchant's later.
 */
async function accept(ctx: Context, stripe: StripeGateway, disputeId: string): Promise<DisputeSnapshot> {
  const note = async (value: string) =>
    await stripeStep(ctx, "note the acceptance", () => stripe.noteOnDispute(disputeId, acceptanceNoteKey, value));
  let latest = await readDispute(ctx, stripe, disputeId);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const task = judgeAcceptance(latest);
    if (task === "done") return latest;
    if (task === "conflict") {
      if (latest.acceptanceNoted) await note("");
      throw disputeConflict(latest, "can't be accepted any more");
    }
    if (task === "needs_review") throw disputeUnclear(latest);
    await note(ctx.request().id);
    const idempotencyKey = ctx.rand.uuidv4();
    const fixed = await ctx.run("fix the acceptance", () => stripe.fixRequest({ disputeId }, idempotencyKey));
    const closed = await stripeStep(ctx, "close dispute", () => stripe.closeDispute(fixed));
    if (closed.kind === "dispute") return closed.dispute;
    const read = await readDispute(ctx, stripe, disputeId);
    // What was asked for was asked for, also where full metadata had no room for the note.
    latest = { ...read, acceptanceNoted: read.acceptanceNoted || closed.kind === "unknown" };
    if (closed.kind === "refused" && judgeAcceptance(latest) === "ask") {
      await note("");
      throw disputeRefused(disputeId, closed.refusal);
    }
  }
  throw disputeUnclear(latest);
}
