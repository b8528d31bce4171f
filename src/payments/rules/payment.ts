/**
 * A payment is one Stripe PaymentIntent, seen through what a decision needs. A *snapshot* is what one read of Stripe
 * said; a *judgement* is what we make of it from where we stand. Only `succeeded` and `canceled` are final at Stripe, but
 * whoever made one attempt on behalf of one caller also takes a failed attempt as final. A PaymentIntent that no call of
 * ours made belongs to a page or to another program, which may send the next attempt.
 *
 * https://docs.stripe.com/payments/paymentintents/lifecycle
 */
import type { AttemptFailure } from "../../api/failures.ts";
import type { NextAction } from "../../api/nextAction.ts";

/** Every status Stripe documents, and ours for one that we don't know: a state a person can see, never "pending". */
export type PaymentStatus =
  | "requires_payment_method"
  | "requires_confirmation"
  | "requires_action"
  | "processing"
  | "requires_capture"
  | "succeeded"
  | "canceled"
  | "unrecognized";

/** Why an attempt failed. */
export type PaymentFailure = AttemptFailure;

/** A PaymentIntent as one read of Stripe showed it. This, not Stripe's object, goes into the journal. */
export type PaymentSnapshot = {
  readonly paymentIntentId: string;
  /** True if a call of ours made it, with the one attempt that it gets. */
  readonly isMadeByCall: boolean;
  readonly status: PaymentStatus;
  /** The status in Stripe's words, kept where it is `unrecognized`. */
  readonly stripeStatus: string;
  readonly amount: number;
  readonly amountReceived: number;
  /** What the charge took, and how much of it was given back; both count for what can still be refunded. */
  readonly amountCaptured: number;
  readonly amountRefunded: number;
  /** What an authorization still holds. */
  readonly amountCapturable: number;
  readonly currency: string;
  readonly chargeId: string | null;
  /** When the authorization ends (ISO 8601), as the charge says; null where Stripe doesn't. */
  readonly captureBefore: string | null;
  /** Why it was cancelled, in Stripe's words; null while it isn't, or where nobody said. */
  readonly cancellationReason: string | null;
  /** The last attempt's failure: from the PaymentIntent, its latest charge, or the note we left when we closed it. */
  readonly failure: PaymentFailure | null;
  /** True if our own hand closed the PaymentIntent after a failed attempt; then `canceled` still means declined. */
  readonly closedAfterFailure: boolean;
  /** True if the call that made it gave it up while it was pending: a success is taken back, an authorization released. */
  readonly isAbandoned: boolean;
  /**
   * True while the call that made it is about to give it up, and may still find that the payment was faster. So what a success
   * is worth is known to nobody yet but that call.
   */
  readonly isBeingAbandoned: boolean;
  /** Of a destination charge: what is passed on to a connected account, in minor units; null for all. */
  readonly transfer?: { readonly amount: number | null };
  /** What a platform takes of it, in minor units, if it takes anything. */
  readonly applicationFeeAmount?: number;
  /** What the customer is to do, without the addresses of pages. */
  readonly nextAction: NextAction | null;
};

/** What a status means to the one who looks at it. */
export type Judgement =
  | { readonly kind: "pending" }
  | { readonly kind: "succeeded" }
  /** It succeeded after its caller was told that it is over, and is refunded. */
  | { readonly kind: "taken_back" }
  | { readonly kind: "requires_capture" }
  | { readonly kind: "requires_action" }
  | { readonly kind: "declined"; readonly failure: PaymentFailure }
  | { readonly kind: "canceled" }
  | { readonly kind: "needs_review"; readonly message: string };

/** A judgement that ends a wait. */
export type Decision = Exclude<Judgement, { readonly kind: "pending" }>;

/**
 * Where the looker stands. `attempted`: a confirmation is known to have been sent, so a PaymentIntent without a payment
 * method is one whose attempt failed. `customer`: what a needed customer action means, an answer (the caller redirects
 * the customer), a decline (nobody is there to act), or more waiting (somebody else takes care of it).
 */
export type Standpoint = { readonly attempted: boolean; readonly customer: "answer" | "decline" | "wait" };

/** Stripe gave no code. */
export const noCodes = { stripeCode: null, declineCode: null, adviceCode: null, networkDeclineCode: null };

const authenticationRequired: PaymentFailure = {
  ...noCodes,
  stripeCode: "authentication_required",
  message: "The payment needs the customer's authentication, and no returnUrl says that the customer is present.",
};

/** An attempt is known to have failed, and Stripe no longer says why. */
export const failureWithoutReason: PaymentFailure = {
  ...noCodes,
  message: "The payment attempt failed; Stripe no longer says why.",
};

/** Decides what a snapshot means from a standpoint. Every status is listed; there is no default. */
export function judgePayment(payment: PaymentSnapshot, standpoint: Standpoint): Judgement {
  switch (payment.status) {
    case "succeeded":
      if (payment.isBeingAbandoned) return { kind: "pending" };
      return { kind: payment.isAbandoned ? "taken_back" : "succeeded" };
    case "requires_capture":
      return { kind: payment.isAbandoned || payment.isBeingAbandoned ? "pending" : "requires_capture" };
    case "processing":
      return { kind: "pending" };
    case "requires_action":
      switch (standpoint.customer) {
        case "answer":
          return { kind: "requires_action" };
        case "decline":
          return { kind: "declined", failure: authenticationRequired };
        case "wait":
          return { kind: "pending" };
      }
    // oxlint-disable-next-line no-fallthrough -- every standpoint above returns; the compiler checks it.
    case "requires_payment_method":
      if (payment.failure) return { kind: "declined", failure: payment.failure };
      return standpoint.attempted ? { kind: "declined", failure: failureWithoutReason } : { kind: "pending" };
    case "requires_confirmation":
      return standpoint.customer === "wait"
        ? { kind: "pending" }
        : { kind: "needs_review", message: "Stripe asks for a confirmation that was already sent." };
    case "canceled":
      return payment.closedAfterFailure
        ? { kind: "declined", failure: payment.failure ?? failureWithoutReason }
        : { kind: "canceled" };
    case "unrecognized":
      return {
        kind: "needs_review",
        message: `Stripe reports the status "${payment.stripeStatus}", which this version doesn't know.`,
      };
  }
}

/**
 * Decides what a snapshot means to somebody who only waits. A failed attempt is final only for who made it: on a PaymentIntent
 * that no call of ours made, the customer may try again, with another card for instance.
 */
export function judgeAwaitedPayment(payment: PaymentSnapshot): Judgement {
  if (awaitsAttempt(payment)) return { kind: "pending" };
  return judgePayment(payment, { attempted: true, customer: "wait" });
}

/** Tells whether somebody else may still send the first attempt, or the next one. */
export function awaitsAttempt(payment: PaymentSnapshot): boolean {
  return payment.status === "requires_payment_method" && !payment.isMadeByCall;
}
