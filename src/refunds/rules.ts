/** Giving a payment's money back: whether it can be, how much is left, and how a refund ends. */
import { fractionProblem } from "../money/money.ts";
import type { PaymentSnapshot } from "../payments/rules/payment.ts";

export type RefundStatus = "pending" | "requires_action" | "succeeded" | "failed" | "canceled" | "unrecognized";

/** A Stripe Refund as one read showed it. */
export type RefundSnapshot = {
  readonly refundId: string;
  readonly paymentIntentId: string | null;
  readonly status: RefundStatus;
  /** The status in Stripe's words, kept where it is `unrecognized`. */
  readonly stripeStatus: string;
  readonly amount: number;
  readonly currency: string;
  readonly failureReason: string | null;
  /** Which call of ours made it, if one did; an idempotency key that comes again after its retention has the same. */
  readonly invocationId: string | null;
  /** Of which installation that call is; null where nobody wrote it. */
  readonly installationId: string | null;
  readonly createdAtMs: number;
};

/** What stands against a refund before Stripe is asked; null when nothing does. */
export type RefundObstacle =
  | { readonly kind: "invalid"; readonly message: string }
  | { readonly kind: "conflict"; readonly message: string }
  | { readonly kind: "needs_review"; readonly message: string };

/**
 * Says whether a payment can be refunded by an amount. How much earlier refunds left of it, only Stripe knows for sure.
 * @param amountMinor what to give back, or undefined for all that is left
 */
export function refundObstacle(payment: PaymentSnapshot, amountMinor: number | undefined): RefundObstacle | null {
  switch (payment.status) {
    case "requires_capture":
      // Of several captures, each can be given back before the last.
      return payment.amountReceived > 0
        ? amountObstacle(payment, amountMinor)
        : conflict("It is authorized and not captured, so there is nothing to refund: cancelPayment releases it.");
    case "succeeded":
      return amountObstacle(payment, amountMinor);
    case "processing":
      return conflict("It is still processing: awaitPayment tells how it ends, cancelPayment stops it.");
    case "requires_payment_method":
    case "requires_confirmation":
    case "requires_action":
      return conflict(`It has not been paid (${payment.status}): cancelPayment closes it.`);
    case "canceled":
      return conflict("It was cancelled, so there is nothing to refund.");
    case "unrecognized":
      return {
        kind: "needs_review",
        message: `Stripe reports the status "${payment.stripeStatus}", which this version doesn't know.`,
      };
  }
}

function amountObstacle(
  { amountReceived, currency }: PaymentSnapshot,
  amountMinor: number | undefined,
): RefundObstacle | null {
  const fraction = amountMinor === undefined ? null : fractionProblem(amountMinor, currency);
  if (fraction !== null) return { kind: "invalid", message: fraction };
  return amountMinor === undefined || amountMinor <= amountReceived
    ? null
    : { kind: "invalid", message: `must be at most ${amountReceived}, which is what was received` };
}

function conflict(message: string): RefundObstacle {
  return { kind: "conflict", message };
}

/** Tells whether a refund still holds or returns its money; a failed or cancelled one gave it back to the merchant. */
function countsAsRefunded({ status }: Pick<RefundSnapshot, "status">): boolean {
  switch (status) {
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

/**
 * What is left to refund, in minor units, after every refund that holds, whoever made it. Never negative. The charge says
 * it: the list of refunds may hold more than what was captured.
 */
export function amountLeftToRefund({ amountCaptured, amountRefunded }: ChargeSums): number {
  return Math.max(0, amountCaptured - amountRefunded);
}

type ChargeSums = Pick<PaymentSnapshot, "status" | "amount" | "amountCaptured" | "amountRefunded">;

/**
 * The refunds of money that was captured. Where a program of an API version before 2025-03-31 captured a part or cancelled,
 * Stripe lists the rest, which nobody ever paid, as a Refund, too. The charge does not count it, so the list adds up to more
 * than the charge says. This Refund came with the capture, so it is the oldest of its amount.
 * https://docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow
 */
export function refundsOfCaptured<
  Refund extends Pick<RefundSnapshot, "refundId" | "status" | "amount" | "createdAtMs">,
>(refunds: readonly Refund[], { status, amount, amountCaptured, amountRefunded }: ChargeSums): readonly Refund[] {
  const releasedMinor = status === "requires_capture" ? 0 : amount - amountCaptured;
  const listedMinor = refunds.filter(countsAsRefunded).reduce((sum, refund) => sum + refund.amount, 0);
  if (releasedMinor <= 0 || listedMinor - amountRefunded < releasedMinor) return refunds;
  const [release] = refunds
    .filter((refund) => refund.status === "succeeded" && refund.amount === releasedMinor)
    .toSorted((a, b) => a.createdAtMs - b.createdAtMs);
  return refunds.filter((refund) => refund.refundId !== release?.refundId);
}

/** What a refund means to whoever waits for its end. */
export type RefundJudgement =
  | { readonly kind: "pending" | "succeeded" | "failed" }
  | { readonly kind: "needs_review"; readonly message: string };

/** Decides what a snapshot means. Every status is listed. Stripe may still fail a succeeded refund, for up to 30 days. */
export function judgeRefund({ status, stripeStatus }: RefundSnapshot): RefundJudgement {
  switch (status) {
    case "succeeded":
      return { kind: "succeeded" };
    case "failed":
    case "canceled":
      return { kind: "failed" };
    case "pending":
    case "requires_action":
      return { kind: "pending" };
    case "unrecognized":
      return {
        kind: "needs_review",
        message: `Stripe reports the status "${stripeStatus}" of the refund, which this version doesn't know.`,
      };
  }
}

/**
 * The refunds that the requests of one call made, oldest first.
 * @param sinceMs what is older belongs to another call
 */
export function refundsOfCall(
  refunds: readonly RefundSnapshot[],
  maker: { readonly invocationId: string; readonly installationId: string },
  sinceMs: number,
): readonly RefundSnapshot[] {
  return refunds
    .filter(
      ({ invocationId, installationId, createdAtMs }) =>
        invocationId === maker.invocationId &&
        // A version before this one wrote no installation.
        (installationId ?? maker.installationId) === maker.installationId &&
        createdAtMs >= sinceMs,
    )
    .toSorted((a, b) => a.createdAtMs - b.createdAtMs);
}

/**
 * The refund that decides whether a payment of which nothing is left is given back: one that may fail yet, before all
 * others the newest that holds.
 */
export function decisiveRefund(refunds: readonly RefundSnapshot[]): RefundSnapshot | null {
  const newestFirst = refunds.filter(countsAsRefunded).toSorted((a, b) => b.createdAtMs - a.createdAtMs);
  return newestFirst.find((refund) => judgeRefund(refund).kind !== "succeeded") ?? newestFirst[0] ?? null;
}

/**
 * Tells whether all that a payment took has gone back for certain: by refunds, none of which may fail yet, and by lost disputes.
 * @param lostMinor what the bank took by lost disputes
 */
export function isGivenBack(
  { amountCaptured, amountRefunded }: Pick<PaymentSnapshot, "amountCaptured" | "amountRefunded">,
  refunds: readonly RefundSnapshot[],
  lostMinor: number,
): boolean {
  if (refunds.some(isUnsettled)) return false;
  return amountRefunded + lostMinor >= amountCaptured;
}

/** Tells whether a refund may still fail. */
export function isUnsettled(refund: RefundSnapshot): boolean {
  const { kind } = judgeRefund(refund);
  return kind === "pending" || kind === "needs_review";
}
