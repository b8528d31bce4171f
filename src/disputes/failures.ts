/** How a call about a dispute fails. */
import { failure, refused } from "../durable/failures.ts";
import type { Sent } from "../stripe/request.ts";
import type { DisputeSnapshot } from "./rules/dispute.ts";

/** The dispute's state doesn't allow what was asked. */
export function disputeConflict({ disputeId, stripeStatus }: DisputeSnapshot, what: string) {
  return failure("conflict", `The dispute ${what}: its status is ${stripeStatus}.`, { disputeId });
}

/** Stripe refuses a request that the dispute's state would allow. */
export function disputeRefused(disputeId: string, sent: Unmade) {
  switch (sent.kind) {
    case "refused":
      return refused(sent.refusal, { disputeId });
    case "declined":
      return failure("invalid_request", sent.failure.message, { disputeId });
    case "needs_review":
      return failure("invalid_request", sent.message, { disputeId });
    case "exists":
      throw new TypeError("No request about a dispute makes another object.");
  }
}

type Unmade = Exclude<Sent<DisputeSnapshot>, { readonly kind: "made" | "unknown" }>;

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
