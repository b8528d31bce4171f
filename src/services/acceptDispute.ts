import type { Context } from "@restatedev/restate-sdk";
import type { z } from "zod";
import { acceptanceNoteKey } from "../domain/doorbell.ts";
import { judgeAcceptance, type DisputeSnapshot } from "../domain/dispute.ts";
import type { StripeGateway } from "../stripe/gateway.ts";
import type { acceptDisputeRequestSchema } from "./disputeContract.ts";
import { disputeConflict, disputeRefused, disputeUnclear } from "./disputeFailures.ts";
import { disputeAnswer, readDispute } from "./disputeOutcome.ts";
import type { DisputeState } from "./paymentApi.ts";
import type { PaymentsOptions } from "./paymentsOptions.ts";
import { stripeStep } from "./stripeStep.ts";

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

/** The note comes first: it tells a lost dispute that was accepted from one that the bank decided. */
async function accept(ctx: Context, stripe: StripeGateway, disputeId: string): Promise<DisputeSnapshot> {
  let latest = await readDispute(ctx, stripe, disputeId);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const task = judgeAcceptance(latest);
    if (task === "done") return latest;
    if (task === "conflict") throw disputeConflict(latest, "can't be accepted any more");
    if (task === "needs_review") throw disputeUnclear(latest);
    const invocationId = ctx.request().id;
    await stripeStep(ctx, "note the acceptance", () =>
      stripe.noteOnDispute(disputeId, acceptanceNoteKey, invocationId),
    );
    const idempotencyKey = ctx.rand.uuidv4();
    const fixed = await ctx.run("fix the acceptance", () => stripe.fixRequest({ disputeId }, idempotencyKey));
    const closed = await stripeStep(ctx, "close dispute", () => stripe.closeDispute(fixed));
    if (closed.kind === "dispute") return closed.dispute;
    latest = await readDispute(ctx, stripe, disputeId);
    if (closed.kind === "refused" && judgeAcceptance(latest) === "ask") {
      throw disputeRefused(disputeId, closed.refusal);
    }
  }
  throw disputeUnclear(latest);
}
