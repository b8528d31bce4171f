/**
 * A reference is the merchant's own name of what is to be paid, such as an order. It is charged at most once, whatever
 * idempotency keys callers use and however long after; its record remembers the request, the PaymentIntent and how it ended.
 */

/** What a request asks for, as digests: two that are equal ask for the same. */
export type RequestFingerprint = {
  /** What is paid: amount, currency, customer and what is said of the payment. It never changes under one reference. */
  readonly purchase: string;
  /** With what it is paid. After a failed attempt it may be something else. */
  readonly means: string;
};

/** How an attempt ended, as far as it decides about another one. */
export type AttemptEnd =
  /** An answer: paid, authorized, or handed to the customer, whose end is still to be read. */
  | { readonly kind: "answered"; readonly isFinal: boolean }
  /** A failure. `closed`: its PaymentIntent can't take money any more, or there never was one. */
  | { readonly kind: "failed"; readonly reason: string; readonly closed: boolean };

export type ReferenceRecord = {
  readonly fingerprint: RequestFingerprint;
  /** The engine's call that makes the attempt, and when it began, in epoch milliseconds. */
  readonly invocationId: string;
  readonly begunAtMs: number;
  /** Null until the current attempt has made one. */
  readonly paymentIntentId: string | null;
  /** Null while the attempt is under way. */
  readonly end: AttemptEnd | null;
};

export type ReferenceStep =
  /** Nothing stands against a new attempt. */
  | { readonly kind: "start" }
  /** The same was asked before, and is under way: what it comes to is the answer. */
  | { readonly kind: "join" }
  /** The same was asked before, and has ended so. */
  | { readonly kind: "repeat" }
  /** The same was asked before, and was answered; the payment may have gone on since. */
  | { readonly kind: "reread" }
  /** Whether the last attempt's PaymentIntent is closed is to be read before another one begins. */
  | { readonly kind: "check" }
  | { readonly kind: "conflict"; readonly message: string };

/** Failures after which nothing was charged for certain, so that another means may be tried. */
const retryable = new Set(["declined", "canceled", "timed_out", "invalid_request"]);

/** Decides what a request under a reference leads to. */
export function nextReferenceStep(record: ReferenceRecord | null, fingerprint: RequestFingerprint): ReferenceStep {
  if (record === null) return { kind: "start" };
  const { end } = record;
  if (record.fingerprint.purchase !== fingerprint.purchase) {
    return conflict("The reference was used with other parameters (amount, currency, customer or description).");
  }
  const isSame = record.fingerprint.means === fingerprint.means;
  if (end === null) {
    return isSame ? { kind: "join" } : conflict("A payment with other means is under way for the reference.");
  }
  switch (end.kind) {
    case "answered":
      if (!isSame) return conflict("The reference was answered already, for other means of payment.");
      return { kind: end.isFinal ? "repeat" : "reread" };
    case "failed":
      if (isSame) return { kind: "repeat" };
      if (!retryable.has(end.reason)) {
        return conflict("The last attempt for the reference ended unclear: have a person look at it first.");
      }
      return { kind: end.closed ? "start" : "check" };
  }
}

/** What a failure says of the attempt that it ended, or did not end. */
export type FailedAttempt =
  /** Nothing was made: the request can be mended and sent again. */
  | { readonly kind: "nothing_made" }
  /** The call stopped to wait, and the payment goes on. */
  | { readonly kind: "goes_on" }
  | { readonly kind: "ended"; readonly end: AttemptEnd };

export function judgeFailure(failure: {
  readonly reason: string;
  readonly paymentIntentId: string | null;
  readonly compensation: string | undefined;
}): FailedAttempt {
  const { reason, paymentIntentId, compensation } = failure;
  if (paymentIntentId === null && reason === "invalid_request") return { kind: "nothing_made" };
  if (compensation === "none") return { kind: "goes_on" };
  // A decline at once needs no compensation. One that is being watched could still succeed.
  const needsNone = reason === "declined" && compensation === undefined;
  const closed = compensation !== "watching" && (paymentIntentId === null || compensation === "canceled" || needsNone);
  return { kind: "ended", end: { kind: "failed", reason, closed } };
}

function conflict(message: string): ReferenceStep {
  return { kind: "conflict", message };
}
