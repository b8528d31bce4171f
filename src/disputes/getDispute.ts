import type { DisputeState } from "./contract.ts";
import { planWait } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { readDispute } from "./object.ts";
import { disputeOutcome } from "./outcome.ts";

/** The part of a request that says whether to wait for the dispute's end. */
export type Waiting = { readonly awaitOutcome: boolean; readonly timeoutSeconds?: number | undefined };

/**
 * Reads a dispute, or waits until it was closed. https://docs.stripe.com/api/disputes/retrieve
 * @throws TerminalError `not_found`, and while it waits `timed_out`, `canceled` or `needs_review`
 */
export async function getDispute(call: Call, request: Waiting & { readonly disputeId: string }): Promise<DisputeState> {
  const plan = await planIfWaiting(call, request);
  return await disputeOutcome(call, await readDispute(call, request.disputeId), plan);
}

export async function planIfWaiting(call: Call, { awaitOutcome, timeoutSeconds }: Waiting) {
  return awaitOutcome ? await planWait(call, timeoutSeconds) : null;
}
