/** How a call about a dispute fails. */
import type { DisputeSnapshot } from "./rules/dispute.ts";
import type { Refusal } from "../stripe/errorMeaning.ts";
import { failure } from "../durable/failures.ts";

/** The dispute's state doesn't allow what was asked. */
export function disputeConflict({ disputeId, stripeStatus }: DisputeSnapshot, what: string) {
  return failure("conflict", `The dispute ${what}: its status is ${stripeStatus}.`, { disputeId });
}

/** Stripe refuses a parameter while the dispute's state would allow the request. */
export function disputeRefused(disputeId: string, { message, ...refusal }: Refusal) {
  return failure("invalid_request", message, { ...refusal, disputeId });
}

/** Submitting can be done once: it is not done with nothing. */
export function nothingToSubmit(disputeId: string) {
  const message = "There is nothing to submit: no evidence is given, and none is staged.";
  return failure("invalid_request", message, { disputeId, param: "evidence" });
}

/** Nobody can say from here what became of the request. */
export function disputeUnclear({ disputeId, stripeStatus }: DisputeSnapshot) {
  const message = `What became of the request is unclear: Stripe reports the dispute as "${stripeStatus}". Look at it in Stripe's dashboard.`;
  return failure("needs_review", message, { disputeId });
}
