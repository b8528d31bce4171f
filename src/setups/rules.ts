/**
 * A set-up is one Stripe SetupIntent: a payment method that is saved for a customer's later payments, with their consent.
 * It moves no money. As with payments, a *snapshot* is what one read said and a *judgement* what we make of it.
 *
 * https://docs.stripe.com/payments/setup-intents
 */
import type { NextAction } from "../api/nextAction.ts";
import { noCodes, type PaymentFailure, type Standpoint } from "../payments/rules/payment.ts";

/** Every status Stripe documents, and ours for one that we don't know. */
export type SetupStatus =
  | "requires_payment_method"
  | "requires_confirmation"
  | "requires_action"
  | "processing"
  | "succeeded"
  | "canceled"
  | "unrecognized";

/** A SetupIntent as one read of Stripe showed it. */
export type SetupSnapshot = {
  readonly setupIntentId: string;
  /** True if a call of ours made it, with the one attempt that it gets. */
  readonly isMadeByCall: boolean;
  readonly status: SetupStatus;
  /** The status in Stripe's words, kept where it is `unrecognized`. */
  readonly stripeStatus: string;
  readonly customerId: string | null;
  /** Null once an attempt failed: Stripe lets go of the payment method. */
  readonly paymentMethodId: string | null;
  /** What the customer agreed to; cards have none. */
  readonly mandateId: string | null;
  readonly failure: PaymentFailure | null;
  /** True if our own hand closed it after a failed attempt; then `canceled` still means declined. */
  readonly closedAfterFailure: boolean;
  /** What the customer is to do, without the addresses of pages. */
  readonly nextAction: NextAction | null;
};

export type SetupJudgement =
  | { readonly kind: "pending" }
  | { readonly kind: "succeeded"; readonly paymentMethodId: string }
  | { readonly kind: "requires_action"; readonly paymentMethodId: string }
  | { readonly kind: "declined"; readonly failure: PaymentFailure }
  | { readonly kind: "canceled" }
  | { readonly kind: "needs_review"; readonly message: string };

/** A judgement that ends a wait. */
export type SetupDecision = Exclude<SetupJudgement, { readonly kind: "pending" }>;

const authenticationRequired: PaymentFailure = {
  ...noCodes,
  stripeCode: "authentication_required",
  message: "Saving needs the customer's authentication, and no returnUrl says that the customer is present.",
};

/** An attempt is known to have failed, and Stripe no longer says why. */
export const setupFailureWithoutReason: PaymentFailure = {
  ...noCodes,
  message: "The payment method was not saved; Stripe no longer says why.",
};

const nameless: SetupJudgement = {
  kind: "needs_review",
  message: "Stripe doesn't name the payment method that it was asked to save.",
};

/** Decides what a snapshot means from a standpoint. Every status is listed; there is no default. */
export function judgeSetup(setup: SetupSnapshot, standpoint: Standpoint): SetupJudgement {
  const { paymentMethodId } = setup;
  switch (setup.status) {
    case "succeeded":
      return paymentMethodId === null ? nameless : { kind: "succeeded", paymentMethodId };
    case "processing":
      return { kind: "pending" };
    case "requires_action":
      switch (standpoint.customer) {
        case "answer":
          return paymentMethodId === null ? nameless : { kind: "requires_action", paymentMethodId };
        case "decline":
          return { kind: "declined", failure: authenticationRequired };
        case "wait":
          return { kind: "pending" };
      }
    // oxlint-disable-next-line no-fallthrough -- every standpoint above returns; the compiler checks it.
    case "requires_payment_method":
      if (setup.failure) return { kind: "declined", failure: setup.failure };
      return standpoint.attempted ? { kind: "declined", failure: setupFailureWithoutReason } : { kind: "pending" };
    case "requires_confirmation":
      return standpoint.customer === "wait"
        ? { kind: "pending" }
        : { kind: "needs_review", message: "Stripe asks for a confirmation that was already sent." };
    case "canceled":
      return setup.closedAfterFailure
        ? { kind: "declined", failure: setup.failure ?? setupFailureWithoutReason }
        : { kind: "canceled" };
    case "unrecognized":
      return {
        kind: "needs_review",
        message: `Stripe reports the status "${setup.stripeStatus}", which this version doesn't know.`,
      };
  }
}

/** Decides what a snapshot means to somebody who only waits. As with payments, a failed attempt is final only for who made it. */
export function judgeAwaitedSetup(setup: SetupSnapshot): SetupJudgement {
  if (awaitsSetupAttempt(setup)) return { kind: "pending" };
  return judgeSetup(setup, { attempted: true, customer: "wait" });
}

/** Tells whether somebody else may still send the first attempt, or the next one. */
export function awaitsSetupAttempt(setup: SetupSnapshot): boolean {
  return setup.status === "requires_payment_method" && !setup.isMadeByCall;
}

/**
 * Decides the next step of whoever looks after a SetupIntent that no caller waits for.
 * @param isOver whether the customer's time is over
 */
export function nextSetupWatchStep(setup: SetupSnapshot, isOver: boolean): "done" | "wait" | "cancel" {
  switch (setup.status) {
    case "succeeded":
    case "canceled":
      return "done";
    case "requires_action":
    case "requires_confirmation":
      return isOver ? "cancel" : "wait";
    case "requires_payment_method":
      // The attempt failed, and the customer has no way to make another one on a SetupIntent of ours.
      return "cancel";
    case "processing":
    case "unrecognized":
      return "wait";
  }
}
