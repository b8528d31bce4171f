/**
 * A dispute is a payment that the customer's bank takes back, or asks about (an *inquiry*: its statuses begin with
 * `warning_`). The merchant answers with evidence or accepts it; the bank's word closes it.
 *
 * https://docs.stripe.com/disputes/how-disputes-work
 */

/** Every status Stripe documents, and ours for one that we don't know. https://docs.stripe.com/api/disputes/object */
export type DisputeStatus =
  | "warning_needs_response"
  | "warning_under_review"
  | "warning_closed"
  | "needs_response"
  | "under_review"
  | "appeal_needs_response"
  | "appeal_under_review"
  | "won"
  | "lost"
  | "prevented"
  | "unrecognized";

/** A dispute as one read of Stripe showed it: its state, not its evidence. */
export type DisputeSnapshot = {
  readonly disputeId: string;
  readonly status: DisputeStatus;
  /** The status in Stripe's words, kept where it is `unrecognized`. */
  readonly stripeStatus: string;
  readonly reason: string;
  /** In minor units of `currency`. */
  readonly amount: number;
  readonly currency: string;
  readonly chargeId: string;
  readonly paymentIntentId: string | null;
  readonly isChargeRefundable: boolean;
  readonly hasEvidence: boolean;
  /** How often evidence went to the bank. */
  readonly submissionCount: number;
  /** ISO 8601, or null where there is no answering. */
  readonly respondBy: string | null;
  /** The note that `acceptDispute` leaves before it closes a dispute: Stripe doesn't say why one was lost. */
  readonly acceptanceNoted: boolean;
  /** Whether the dispute holds the evidence that the read asked about. */
  readonly holdsEvidence: boolean;
};

type Standing = "open" | "reviewed" | "closed" | "unrecognized";

/** What may be done about a dispute: it waits for the merchant's answer, for the bank, or for nobody. */
function standingOf({ status }: Pick<DisputeSnapshot, "status">): Standing {
  switch (status) {
    case "warning_needs_response":
    case "needs_response":
    case "appeal_needs_response":
      return "open";
    case "warning_under_review":
    case "under_review":
    case "appeal_under_review":
      return "reviewed";
    case "warning_closed":
    case "won":
    case "lost":
    case "prevented":
      return "closed";
    case "unrecognized":
      return "unrecognized";
  }
}

/** Tells whether a status ends a wait for the outcome; one that we don't know doesn't. */
export function isClosedDispute(status: string): boolean {
  return disputeStatuses.has(status) && standingOf({ status: status as DisputeStatus }) === "closed";
}

export const disputeStatuses: ReadonlySet<string> = new Set<DisputeStatus>([
  "warning_needs_response",
  "warning_under_review",
  "warning_closed",
  "needs_response",
  "under_review",
  "appeal_needs_response",
  "appeal_under_review",
  "won",
  "lost",
  "prevented",
]);

/** What a dispute means to whoever waits for its outcome. */
export type DisputeJudgement = { readonly kind: "pending" | "closed" | "needs_review" };

export function judgeDispute(dispute: DisputeSnapshot): DisputeJudgement {
  switch (standingOf(dispute)) {
    case "open":
    case "reviewed":
      return { kind: "pending" };
    case "closed":
      return { kind: "closed" };
    case "unrecognized":
      return { kind: "needs_review" };
  }
}

/** What is left to do for a call about a dispute: it is done already, it can be asked of Stripe, or it can't be any more. */
export type DisputeTask = "done" | "ask" | "conflict" | "needs_review";

/** Accepting: a dispute that was lost by being accepted is as it should be, whoever else closed it is not. */
export function judgeAcceptance(dispute: DisputeSnapshot): DisputeTask {
  switch (standingOf(dispute)) {
    case "open":
      return "ask";
    case "reviewed":
      return "conflict";
    case "closed":
      return dispute.acceptanceNoted && isGivenUp(dispute) ? "done" : "conflict";
    case "unrecognized":
      return "needs_review";
  }
}

function isGivenUp({ status }: DisputeSnapshot): boolean {
  return status === "lost" || status === "warning_closed";
}

/**
 * Giving evidence: what a dispute holds already is not sent again, and what went to the bank is there whatever the bank
 * made of it since.
 */
export function judgeSubmission(dispute: DisputeSnapshot, submit: boolean): DisputeTask {
  const standing = standingOf(dispute);
  const isSubmitted = dispute.submissionCount > 0 && standing !== "open";
  if (dispute.holdsEvidence && (submit ? isSubmitted : dispute.hasEvidence)) return "done";
  switch (standing) {
    case "open":
      return "ask";
    case "reviewed":
    case "closed":
      return "conflict";
    case "unrecognized":
      return "needs_review";
  }
}

/** Tells whether evidence went to the bank since: an inquiry may be escalated at once, and wait for an answer again. */
export function hasReachedBank(dispute: DisputeSnapshot, before: DisputeSnapshot): boolean {
  return dispute.submissionCount > before.submissionCount || standingOf(dispute) !== "open";
}
