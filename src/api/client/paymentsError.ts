/** The one error of the client: a call that failed, or that the client gave up. */
import type { EdgeFailureBody, FieldError } from "../edgeFailures.ts";

/** Why a call failed. `unknown` also of a call that the client gave up: then it may still go on. */
export type PaymentsErrorReason = EdgeFailureBody["metadata"]["reason"];

/** Ids, Stripe's codes and the fate of the payment, as far as the failure has them. */
export type PaymentsErrorMetadata<Reason extends PaymentsErrorReason = PaymentsErrorReason> = Omit<
  EdgeFailureBody["metadata"],
  "reason"
> & { readonly reason: Reason };

type Failure<Reason extends PaymentsErrorReason = PaymentsErrorReason> = {
  readonly reason: Reason;
  /** The HTTP status, 502 for a call that the client gave up. */
  readonly status: number;
  readonly metadata: PaymentsErrorMetadata<Reason>;
  /** With `invalid_request`: the fields that are wrong. */
  readonly errors: readonly FieldError[];
  /** The id under which the edge knows the call, if it told: `GET /calls/{callId}`. */
  readonly callId: string | null;
};

/** An error for each reason, so that `switch (error.reason)` narrows it and the compiler finds a case that is missing. */
export type PaymentsError = { [Reason in PaymentsErrorReason]: Error & Failure<Reason> }[PaymentsErrorReason];

type FailureOfCall = Omit<Failure, "reason"> & { readonly message: string; readonly cause?: unknown };

class ErrorOfCall extends Error implements Failure {
  static {
    // Before an error is made, so that its stack begins with the name that callers know.
    Object.defineProperty(this, "name", { value: "PaymentsError" });
    this.prototype.name = "PaymentsError";
  }

  readonly reason: PaymentsErrorReason;
  readonly status: number;
  readonly metadata: PaymentsErrorMetadata;
  readonly errors: readonly FieldError[];
  readonly callId: string | null;

  constructor({ message, status, metadata, errors, callId, cause }: FailureOfCall) {
    super(message, cause === undefined ? {} : { cause });
    this.reason = metadata.reason;
    this.status = status;
    this.metadata = metadata;
    this.errors = errors;
    this.callId = callId;
  }
}

/** The class as callers see it: `instanceof` tells the errors for each reason, not one error for all of them. */
export const PaymentsError = ErrorOfCall as unknown as {
  new (failure: FailureOfCall): PaymentsError;
  readonly prototype: PaymentsError;
};
