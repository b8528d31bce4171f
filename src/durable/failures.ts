/** How a call fails: one constructor per row of the failure table, each a TerminalError that the ingress turns into HTTP. */
import { TerminalError } from "@restatedev/restate-sdk";
import type { PaymentFailure } from "../payments/rules/payment.ts";
import type { RefundSnapshot } from "../refunds/rules.ts";
import type { Refusal } from "../stripe/errorMeaning.ts";
import { statusOfReason, type Compensation, type FailureReason } from "../api/failures.ts";

type Details = {
  readonly paymentIntentId?: string | null;
  readonly setupIntentId?: string | null;
  readonly customerId?: string | null;
  readonly disputeId?: string | null;
  readonly stripeCode?: string | null;
  readonly declineCode?: string | null;
  readonly param?: string | null;
  readonly compensation?: Compensation;
  readonly refundId?: string;
  readonly failureReason?: string | null;
};

/** A failure about any object: the constructors below are for payments. */
export function failure(reason: FailureReason, message: string, details: Details): TerminalError {
  const known = Object.entries(details).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return new TerminalError(message, {
    errorCode: statusOfReason[reason],
    metadata: { reason, ...Object.fromEntries(known) },
  });
}

/** Stripe refuses a parameter. `param` is Stripe's name of it. */
export function invalidRequest(refusal: Refusal, paymentIntentId: string | null = null): TerminalError {
  const { message, stripeCode, param } = refusal;
  return failure("invalid_request", message, { stripeCode, param, paymentIntentId });
}

export function declined(
  cause: PaymentFailure,
  details: { readonly paymentIntentId: string | null; readonly compensation?: Compensation },
): TerminalError {
  return failure("declined", cause.message, {
    ...details,
    stripeCode: cause.stripeCode,
    declineCode: cause.declineCode,
  });
}

export function notFound(paymentIntentId: string): TerminalError {
  return failure("not_found", `Stripe knows no PaymentIntent ${paymentIntentId}.`, { paymentIntentId });
}

export function refundNotFound(refundId: string): TerminalError {
  return failure("not_found", `Stripe knows no refund ${refundId}.`, { refundId });
}

export function canceled(
  paymentIntentId: string | null,
  message: string,
  compensation?: Compensation,
  refundId?: string,
): TerminalError {
  return failure("canceled", message, {
    paymentIntentId,
    ...(compensation && { compensation }),
    ...(refundId && { refundId }),
  });
}

export function timedOut(
  paymentIntentId: string,
  message: string,
  compensation: Compensation,
  refundId?: string,
): TerminalError {
  return failure("timed_out", message, { paymentIntentId, compensation, ...(refundId && { refundId }) });
}

/** The object's state doesn't allow what was asked. */
export function conflict(paymentIntentId: string | null, message: string): TerminalError {
  return failure("conflict", message, { paymentIntentId });
}

/** A refund that Stripe, or the customer's bank, did not carry out; the money is the merchant's again. */
export function refundFailed(refund: RefundSnapshot, paymentIntentId: string): TerminalError {
  const { refundId, failureReason, status } = refund;
  const why = failureReason === null ? "" : ` (${failureReason})`;
  return failure("refund_failed", `The refund ${refundId} ended as ${status}${why}.`, {
    paymentIntentId,
    refundId,
    failureReason,
  });
}

export function needsReview(message: string, paymentIntentId: string | null = null): TerminalError {
  return failure("needs_review", message, { paymentIntentId });
}
