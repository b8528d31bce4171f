/** Cancelling a payment on the merchant's word: what a call does next, given what Stripe says. */
import type { PaymentSnapshot } from "./payment.ts";

export type CancelStep =
  | { readonly kind: "cancel" }
  | { readonly kind: "canceled" }
  /** The money has come: it goes back. */
  | { readonly kind: "refund" }
  | { readonly kind: "conflict"; readonly message: string }
  | { readonly kind: "needs_review"; readonly message: string };

/** Decides the next step of a cancellation. Every status is listed. */
export function nextCancelStep(payment: PaymentSnapshot, refundIfSucceeded: boolean): CancelStep {
  switch (payment.status) {
    case "requires_payment_method":
    case "requires_confirmation":
    case "requires_action":
    // Some payment methods can be stopped while they are processing; where they can't, Stripe says so.
    case "processing":
      return { kind: "cancel" };
    case "requires_capture":
      return payment.amountReceived === 0
        ? { kind: "cancel" }
        : {
            kind: "conflict",
            message: `${payment.amountReceived} of ${payment.amount} is captured: capturePayment with "amount": 0 releases the rest, refundPayment gives the captured money back.`,
          };
    case "canceled":
      return { kind: "canceled" };
    case "succeeded":
      return refundIfSucceeded ? { kind: "refund" } : { kind: "conflict", message: whyNotCanceled(payment) };
    case "unrecognized":
      return {
        kind: "needs_review",
        message: `Stripe reports the status "${payment.stripeStatus}", which this version doesn't know.`,
      };
  }
}

function whyNotCanceled({ isAbandoned }: PaymentSnapshot): string {
  return isAbandoned
    ? "It succeeded after it had been given up, so it is being refunded: there is nothing left to cancel."
    : 'It has succeeded: refundPayment gives the money back, or cancelPayment with "refundIfSucceeded": true.';
}
