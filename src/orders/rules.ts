/**
 * A reference is the merchant's own name of what is to be paid, such as an order. It is charged at most once, whatever
 * idempotency keys callers use and however long after; its record remembers the request, the PaymentIntent and how it ended.
 *
 * ```
 *           ┌── refused before anything was made: as it was before ──┐
 *           ▼                                                        │
 *   free ─▶ open ─▶ attempt ─┬─ paid ─▶ repeated for ever            │
 *                            ├─ refused ────────────────────────────┘
 *                            ├─ authorized, or handed to its customer ─▶ read again, each time
 *                            └─ failed ─▶ repeated; by other means, or again after a soft decline: open,
 *                                         as soon as Stripe shows that the last attempt neither has money nor can get any
 * ```
 */
import { isSoftDecline } from "../payments/rules/declines.ts";
import type { PaymentSnapshot } from "../payments/rules/payment.ts";

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
  /**
   * Whether the last attempt's PaymentIntent is closed is to be read before another one begins. `isOver`: its caller was told
   * that it is over, so it may be cancelled where it is still open.
   */
  | { readonly kind: "check"; readonly isOver: boolean }
  /** `isUnderWay`: an attempt by other means is, as far as the record says; an attempt that was killed leaves no other trace. */
  | { readonly kind: "conflict"; readonly message: string; readonly isUnderWay: boolean };

/** Failures after which the caller knows that nothing is charged, so that another means may be tried. */
const retryable = new Set(["declined", "canceled", "timed_out", "invalid_request"]);

/**
 * Decides what a request under a reference leads to.
 * @param from.triesAgain whether the caller asks again after a soft decline, and knew of it: then the same means are tried again
 * @param from.isAlone whether no attempt can be under way: one without an end was killed
 */
export function nextReferenceStep(
  record: ReferenceRecord | null,
  fingerprint: RequestFingerprint,
  { triesAgain = false, isAlone = false }: { readonly triesAgain?: boolean; readonly isAlone?: boolean } = {},
): ReferenceStep {
  if (record === null) return { kind: "start" };
  const { end } = record;
  if (record.fingerprint.purchase !== fingerprint.purchase) {
    return conflict("The reference was used with other parameters (amount, currency, customer or description).");
  }
  const isSame = record.fingerprint.means === fingerprint.means;
  if (end === null) {
    if (isSame) return { kind: "join" };
    if (isAlone) return { kind: "check", isOver: false };
    return { ...conflict("A payment with other means is under way for the reference."), isUnderWay: true };
  }
  switch (end.kind) {
    case "answered":
      if (isSame) return { kind: end.isFinal ? "repeat" : "reread" };
      if (end.isFinal) return conflict("The reference was answered already, for other means of payment.");
      return { kind: "check", isOver: false };
    case "failed": {
      if (isSame && !triesAgain) return { kind: "repeat" };
      const isOver = retryable.has(end.reason);
      return end.closed && isOver ? { kind: "start" } : { kind: "check", isOver };
    }
  }
}

/** What a failure says of the attempt that it ended, or did not end. */
export type FailedAttempt =
  /** Nothing was made: the request can be mended and sent again, and what was known before still holds. */
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
  // Of what is being watched, it is not known yet whether Stripe made anything.
  if (paymentIntentId === null && compensation !== "watching") {
    if (reason === "invalid_request" || reason === "timed_out" || reason === "canceled") {
      return { kind: "nothing_made" };
    }
  }
  if (compensation === "none") return { kind: "goes_on" };
  // A decline at once needs no compensation. One that is being watched could still succeed.
  const needsNone = reason === "declined" && compensation === undefined;
  const isLeftAlone = paymentIntentId === null && compensation !== "watching";
  const closed = isLeftAlone || compensation === "canceled" || needsNone;
  return { kind: "ended", end: { kind: "failed", reason, closed } };
}

/** Tells whether a failure that was kept is a decline after which the same means may be tried again. */
export function isSoft(metadata: Readonly<Record<string, string>>): boolean {
  return metadata["reason"] === "declined" && isSoftDecline(metadata);
}

/** Whether a PaymentIntent has money, or can still get any. */
export type Holding =
  /** It neither has money nor can get any. */
  | "none"
  /** It has money, unless all of that was given back. */
  | "money"
  /** It waits for somebody to confirm, act or capture, and can be cancelled. */
  | "open"
  /** Stripe is at work, or in a state that we don't know. */
  | "unsettled";

/** Every status is listed. */
export function holdingOf({ status, isBeingAbandoned }: PaymentSnapshot): Holding {
  switch (status) {
    case "canceled":
    // Without a payment method it can't succeed by itself, and nobody has one for it.
    case "requires_payment_method":
      return "none";
    case "succeeded":
      // What a success is worth is known only to the call that is about to give it up.
      return isBeingAbandoned ? "unsettled" : "money";
    case "requires_confirmation":
    case "requires_action":
    case "requires_capture":
      return "open";
    case "processing":
    case "unrecognized":
      return "unsettled";
  }
}

/** Tells whether two ends are the same: a question that finds nothing new changes nothing. */
export function isSameEnd(one: AttemptEnd | null, other: AttemptEnd): boolean {
  switch (other.kind) {
    case "answered":
      return one?.kind === "answered" && one.isFinal === other.isFinal;
    case "failed":
      return one?.kind === "failed" && one.reason === other.reason && one.closed === other.closed;
  }
}

/** Tells whether a record says by itself that the attempt is over. */
export function isKnownToBeOver({ end }: ReferenceRecord): boolean {
  return end?.kind === "failed" ? end.closed : end?.isFinal === true;
}

function conflict(message: string): ReferenceStep & { readonly kind: "conflict" } {
  return { kind: "conflict", message, isUnderWay: false };
}
