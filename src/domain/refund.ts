/** A refund of a payment that nobody waits for any more: how much is left to give back, and what is under way. */

export type RefundStatus = "pending" | "requires_action" | "succeeded" | "failed" | "canceled" | "unrecognized";

/** A Stripe Refund as one read showed it. */
export type RefundSnapshot = {
  readonly refundId: string;
  readonly status: RefundStatus;
  readonly amount: number;
  readonly failureReason: string | null;
};

/** Tells whether a refund still holds or returns its money; a failed or cancelled one gave it back to the merchant. */
function countsAsRefunded(refund: RefundSnapshot): boolean {
  switch (refund.status) {
    case "pending":
    case "requires_action":
    case "succeeded":
    case "unrecognized":
      return true;
    case "failed":
    case "canceled":
      return false;
  }
}

/** What is left to refund, in minor units, after every refund that holds, whoever made it. Never negative. */
export function amountLeftToRefund(amountReceivedMinor: number, refunds: readonly RefundSnapshot[]): number {
  const refunded = refunds.filter(countsAsRefunded).reduce((sum, refund) => sum + refund.amount, 0);
  return Math.max(0, amountReceivedMinor - refunded);
}

/** Tells whether a refund has come to its end. Stripe may still fail a succeeded one, for up to 30 days. */
export function isRefundSettled(refund: RefundSnapshot): boolean {
  switch (refund.status) {
    case "succeeded":
    case "failed":
    case "canceled":
      return true;
    case "pending":
    case "requires_action":
    case "unrecognized":
      return false;
  }
}
