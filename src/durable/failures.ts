/** How a call fails: a TerminalError that the ingress turns into HTTP. The reasons and their statuses are the public contract's. */
import { TerminalError } from "@restatedev/restate-sdk";
import { fingerprintField } from "../api/edgeHeader.ts";
import type { PaymentFailure } from "../payments/rules/payment.ts";
import type { Refusal } from "../stripe/errorMeaning.ts";
import { CallStopped } from "./call.ts";
import { statusOfReason, type Compensation, type FailureReason } from "../api/failures.ts";

/** The object that a failure is about, and what else its caller acts on. Absent is as good as null. */
export type FailureDetails = {
  readonly paymentIntentId?: string | null;
  readonly setupIntentId?: string | null;
  readonly customerId?: string | null;
  readonly disputeId?: string | null;
  readonly refundId?: string | null;
  readonly accountId?: string | null;
  readonly transferId?: string | null;
  readonly stripeCode?: string | null;
  readonly declineCode?: string | null;
  readonly adviceCode?: string | null;
  readonly networkDeclineCode?: string | null;
  readonly param?: string | null;
  readonly compensation?: Compensation | undefined;
  readonly failureReason?: string | null;
};

/** @param message a sentence for the caller's people */
export function failure(reason: FailureReason, message: string, details: FailureDetails): TerminalError {
  return new TerminalError(message, {
    errorCode: statusOfReason[reason],
    metadata: { reason, ...knownOf(details) },
  });
}

function knownOf(details: FailureDetails): Record<string, string> {
  const known = Object.entries(details).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return Object.fromEntries(known);
}

/** Stripe refuses a parameter. `param` is Stripe's name of it. */
export function refused({ message, stripeCode, param }: Refusal, details: FailureDetails): TerminalError {
  return failure("invalid_request", message, { ...details, stripeCode, param });
}

/** A field of the caller's request is wrong in a way that only a look at Stripe could tell. */
export function invalidField(param: string, message: string, details: FailureDetails): TerminalError {
  return failure("invalid_request", message, { ...details, param });
}

/** Card or bank said no. */
export function declined({ message, ...codes }: PaymentFailure, details: FailureDetails): TerminalError {
  return failure("declined", message, { ...details, ...codes });
}

/** The connected account that the call acts on is none of the merchant's, or it has left: nothing can be read there any more. */
export class AccountGone extends TerminalError {
  /** @param wasThere whether Stripe has answered the call there before */
  static of(refusal: Refusal, wasThere: boolean, details: FailureDetails): AccountGone {
    const { message, stripeCode, param } = refusal;
    const [reason, told, refusing] = wasThere
      ? (["needs_review", `${message} Only its owner can see how this ended.`, {}] as const)
      : (["invalid_request", message, { param }] as const);
    const known = knownOf({ ...details, ...refusing, stripeCode });
    return new AccountGone(told, { errorCode: statusOfReason[reason], metadata: { reason, ...known } });
  }

  /** The same with what else is known of what it is about. */
  with(details: FailureDetails): AccountGone {
    return new AccountGone(this.message, {
      errorCode: this.code,
      metadata: { ...knownOf(details), ...this.metadata },
    });
  }
}

/** A failed attempt is told as what it is, where the customer may still make another one. */
export function lastAttempt(cause: PaymentFailure | null) {
  if (cause === null) return { told: "", codes: {} };
  const { message, ...codes } = cause;
  return { told: ` The last attempt failed: ${message}`, codes };
}

/** What a call throws for an error that reaches its end: where it was stopped before Stripe gave an answer, a failure that says so. */
export function asFailure(error: unknown, request: unknown): unknown {
  if (error instanceof AccountGone) return error.with(idsIn(request));
  return error instanceof CallStopped ? stopped(error, request) : error;
}

function stopped({ because }: CallStopped, request: unknown): TerminalError {
  const details = { ...idsIn(request), compensation: "none" } as const;
  const fate =
    "Stripe gave no answer, so whether it did what was asked is not known: read the state before you ask again.";
  return because === "deadline"
    ? failure("timed_out", `The deadline came first. ${fate}`, details)
    : failure("canceled", `The call was cancelled. ${fate}`, details);
}

/** A failure that repeats the fingerprint of the request that it answers, for the edge; any other error as it is. */
export function withFingerprint(error: unknown, fingerprint: string | null): unknown {
  if (!(error instanceof TerminalError) || fingerprint === null) return error;
  const metadata = { [fingerprintField]: fingerprint, ...error.metadata };
  return new TerminalError(error.message, { errorCode: error.code, metadata });
}

/** The objects that a request names. */
function idsIn(request: unknown): FailureDetails {
  const given = Object.entries(typeof request === "object" && request !== null ? request : {});
  return Object.fromEntries(given.filter(([field]) => idFields.includes(field)));
}

const idFields: readonly string[] = [
  "paymentIntentId",
  "setupIntentId",
  "customerId",
  "disputeId",
  "refundId",
  "accountId",
  "transferId",
];

/** A TerminalError as it is kept: the same is thrown to everybody who asks for the same again. */
export type KeptFailure = {
  readonly code: number;
  readonly message: string;
  readonly metadata: Record<string, string>;
};

export function thrownAgain({ code, message, metadata }: KeptFailure): TerminalError {
  return new TerminalError(message, { errorCode: code, metadata });
}
