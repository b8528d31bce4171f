import type { Context } from "@restatedev/restate-sdk";
import type { z } from "zod";
import type { DisputeState, getDisputeRequestSchema } from "./contract.ts";
import { disputeAnswer, readDispute } from "./object.ts";
import type { PaymentsOptions } from "../merchants/options.ts";

/** Reads a dispute, or waits until it was closed. https://docs.stripe.com/api/disputes/retrieve */
export async function getDispute(
  ctx: Context,
  options: PaymentsOptions,
  request: z.output<typeof getDisputeRequestSchema>,
): Promise<DisputeState> {
  const dispute = await readDispute(ctx, options.stripe, request.disputeId);
  return await disputeAnswer(ctx, options, dispute, request);
}
