/** Capturing an authorized payment: what a call does next, given what Stripe says. */
import { fractionProblem } from "../../money/money.ts";
import type { PaymentSnapshot } from "./payment.ts";

export type CaptureWish = {
  /** In minor units; undefined for all that is held. Nothing, after other captures, releases the rest. */
  readonly amount?: number | undefined;
  /** False leaves the rest capturable, where the card allows several captures. */
  readonly final: boolean;
  /** What it has received once this is done, as the first look at the authorization told; undefined if there was none. */
  readonly totalMinor?: number | undefined;
  /** What the platform takes, and what the destination gets, in minor units; undefined for what the payment was made with. */
  readonly applicationFeeAmount?: number | undefined;
  readonly transferAmount?: number | undefined;
};

/** What an authorized payment has received after a capture: of several captures, each adds to those before. */
export function totalAfterCapture(payment: PaymentSnapshot, amountMinor: number | undefined): number {
  return payment.amountReceived + (amountMinor ?? payment.amountCapturable);
}

export type CaptureStep =
  | { readonly kind: "capture" }
  /** It is as the caller wants it. */
  | { readonly kind: "captured" }
  /** The capture was taken and its end comes later. */
  | { readonly kind: "wait" }
  /** Its caller was told that it is over: the money that came, or comes, is given back, and a hold is released. */
  | { readonly kind: "taken_back"; readonly message: string }
  | { readonly kind: "invalid"; readonly message: string }
  | { readonly kind: "canceled"; readonly message: string }
  | { readonly kind: "conflict"; readonly message: string }
  | { readonly kind: "needs_review"; readonly message: string };

/** Decides the next step of a capture. Every status is listed. */
export function nextCaptureStep(payment: PaymentSnapshot, wish: CaptureWish): CaptureStep {
  // The call that made it is about to give it up, and may have found that the payment was faster.
  const isTaken = payment.status === "requires_capture" || payment.status === "succeeded";
  if (isTaken && payment.isBeingAbandoned) return { kind: "wait" };
  switch (payment.status) {
    case "requires_capture": {
      if (payment.isAbandoned) return takenBack("what it holds is released");
      const { amount } = wish;
      const fraction = amount === undefined ? null : fractionProblem(amount, payment.currency);
      if (fraction !== null) return { kind: "invalid", message: fraction };
      if (amount === 0 && payment.amountReceived === 0) {
        return {
          kind: "invalid",
          message: "must be at least 1 while nothing is captured: cancelPayment releases it all",
        };
      }
      return amount === undefined || amount <= payment.amountCapturable
        ? { kind: "capture" }
        : { kind: "invalid", message: `must be at most ${payment.amountCapturable}, which is what is held` };
    }
    case "succeeded":
      if (payment.isAbandoned) return takenBack("it is refunded");
      if (!isAsWished(payment, wish)) {
        return {
          kind: "conflict",
          message: `It is captured already, with ${payment.amountReceived} of ${payment.amount}.`,
        };
      }
      return isSharedAsWished(payment, wish)
        ? { kind: "captured" }
        : {
            kind: "conflict",
            message: "It is captured already, and shared with the connected account in another way.",
          };
    case "processing":
      return { kind: "wait" };
    case "canceled":
      return { kind: "canceled", message: `${whyCanceled(payment)} There is nothing left to capture.` };
    case "requires_payment_method":
    case "requires_confirmation":
    case "requires_action":
      return { kind: "conflict", message: `It is not authorized (${payment.status}), so it can't be captured.` };
    case "unrecognized":
      return {
        kind: "needs_review",
        message: `Stripe reports the status "${payment.stripeStatus}", which this version doesn't know.`,
      };
  }
}

function takenBack(fate: string): CaptureStep {
  return { kind: "taken_back", message: `It had been given up before it could be captured, so ${fate}.` };
}

/** Without an amount, the caller wants all: a part that somebody captured, releasing the rest, is something else. */
function isAsWished({ amount, amountReceived }: PaymentSnapshot, wish: CaptureWish): boolean {
  // Nothing is held any more.
  if (wish.amount === 0) return true;
  const totalMinor = wish.totalMinor ?? wish.amount;
  return totalMinor === undefined ? amountReceived >= amount : amountReceived === totalMinor;
}

function isSharedAsWished(payment: PaymentSnapshot, { applicationFeeAmount, transferAmount }: CaptureWish): boolean {
  const isFee = applicationFeeAmount === undefined || applicationFeeAmount === payment.applicationFeeAmount;
  return isFee && (transferAmount === undefined || transferAmount === payment.transfer?.amount);
}

/** Stripe's reasons: https://docs.stripe.com/api/payment_intents/object#payment_intent_object-cancellation_reason */
function whyCanceled({ cancellationReason }: PaymentSnapshot): string {
  switch (cancellationReason) {
    // Stripe says `automatic` before version 2025-03-31 of its API, and `expired` since then.
    case "automatic":
    case "expired":
      return "The authorization expired before it was captured.";
    case null:
      return "The payment was cancelled.";
    default:
      return `The payment was cancelled (${cancellationReason}).`;
  }
}
