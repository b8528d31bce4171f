/** Turns Stripe's objects into the snapshots that decisions and the journal need. */
import type { Stripe } from "stripe";
import { abandonmentNoteOf, failureNoteKey, invocationIdKey } from "../../stripe/metadata.ts";
import { failureNote, failureOfAttempt } from "../../stripe/snapshot.ts";
import type { PaymentFailure, PaymentSnapshot, PaymentStatus } from "../rules/payment.ts";
import { nextActionOf, withoutPages } from "../../stripe/nextAction.ts";

const paymentStatuses: ReadonlySet<string> = new Set<PaymentStatus>([
  "requires_payment_method",
  "requires_confirmation",
  "requires_action",
  "processing",
  "requires_capture",
  "succeeded",
  "canceled",
]);

const attemptFailed = "The payment attempt failed.";

/** Reads a PaymentIntent, with its latest charge expanded wherever the request could ask for it. */
export function snapshotOfPayment(paymentIntent: Stripe.PaymentIntent): PaymentSnapshot {
  const charge = paymentIntent.latest_charge;
  const note = failureNote(paymentIntent.metadata[failureNoteKey]);
  const abandonment = abandonmentNoteOf(paymentIntent.metadata);
  return {
    paymentIntentId: paymentIntent.id,
    isMadeByCall: invocationIdKey in paymentIntent.metadata,
    status: isPaymentStatus(paymentIntent.status) ? paymentIntent.status : "unrecognized",
    stripeStatus: paymentIntent.status,
    amount: paymentIntent.amount,
    amountReceived: paymentIntent.amount_received,
    ...sumsOfCharge(paymentIntent),
    amountCapturable: paymentIntent.amount_capturable,
    currency: paymentIntent.currency,
    chargeId: typeof charge === "string" ? charge : (charge?.id ?? null),
    captureBefore: typeof charge === "string" ? null : captureBeforeOf(charge),
    cancellationReason: paymentIntent.cancellation_reason,
    failure:
      (paymentIntent.last_payment_error && failureOfAttempt(paymentIntent.last_payment_error, attemptFailed)) ??
      (typeof charge === "string" ? null : failureOfCharge(charge)) ??
      note,
    closedAfterFailure: note !== null,
    isAbandoned: abandonment === "decided",
    isBeingAbandoned: abandonment === "undecided",
    ...sharesOf(paymentIntent),
    nextAction: withoutPages(nextActionOf(paymentIntent.next_action)),
  };
}

/** A capture may change them, and then the charge has the last word. */
function sharesOf({ latest_charge: latest, transfer_data, application_fee_amount }: Stripe.PaymentIntent) {
  const charge = typeof latest === "string" ? null : latest;
  const transfer = charge?.transfer_data ?? transfer_data ?? null;
  const fee = charge?.application_fee_amount ?? application_fee_amount ?? null;
  return {
    ...(transfer !== null && { transfer: { amount: transfer.amount ?? null } }),
    ...(fee !== null && { applicationFeeAmount: fee }),
  };
}

/** The answer to a create is not asked for the charge in full, and nothing is given back yet. */
function sumsOfCharge({ latest_charge: charge, amount_received }: Stripe.PaymentIntent) {
  return charge === null || typeof charge === "string"
    ? { amountCaptured: amount_received, amountRefunded: 0 }
    : { amountCaptured: charge.amount_captured, amountRefunded: charge.amount_refunded };
}

/** Stripe tells it for cards. https://docs.stripe.com/payments/place-a-hold-on-a-payment-method */
function captureBeforeOf(charge: Stripe.Charge | null): string | null {
  const captureBefore = charge?.payment_method_details?.card?.capture_before;
  return typeof captureBefore === "number" ? new Date(captureBefore * 1000).toISOString() : null;
}

function failureOfCharge(charge: Stripe.Charge | null): PaymentFailure | null {
  if (charge === null || charge.status !== "failed") return null;
  return {
    stripeCode: charge.failure_code,
    declineCode: charge.outcome?.reason ?? null,
    adviceCode: charge.outcome?.advice_code ?? null,
    networkDeclineCode: charge.outcome?.network_decline_code ?? null,
    message: charge.failure_message ?? charge.outcome?.seller_message ?? attemptFailed,
  };
}

function isPaymentStatus(status: string): status is PaymentStatus {
  return paymentStatuses.has(status);
}
