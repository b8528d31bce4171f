/** How the engine runs our handlers. Each value is set on purpose; the engine's own defaults fit none of them. */
import type { RetryPolicy } from "@restatedev/restate-sdk";

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const dayMs = 24 * 60 * minuteMs;

/**
 * Outages of Stripe or the network are not failures of the payment, so they are retried for about 16 hours: a night's
 * outage heals by itself, at most a minute after its end. Then the invocation pauses for an operator, well before the 23
 * hours after which an unknown outcome has to be looked up.
 */
const untilAnOperatorLooks: RetryPolicy = {
  initialInterval: 250,
  exponentiationFactor: 2,
  maxInterval: minuteMs,
  maxAttempts: 1000,
  onMaxAttempts: "pause",
};

/**
 * How long to wait before a request to Stripe is tried again: half as long as it has failed for, a minute at most, and never past its
 * deadline. It stands in for the engine's own intervals, which grow with all failures of a call, and leaves their number to the policy.
 */
export function retryAfterMs(tried: {
  readonly begunAtMs: number;
  readonly nowMs: number;
  readonly untilMs: number;
}): number {
  const { begunAtMs, nowMs, untilMs } = tried;
  const delayMs = Math.min(minuteMs, Math.max(250, (nowMs - begunAtMs) / 2));
  return Math.max(0, Math.min(delayMs, untilMs - nowMs));
}

/**
 * A webhook only rings doorbells. If even that fails, the failure goes back to Stripe, which delivers again for days; a
 * paused invocation would keep the event's body, with its client secret, in the engine.
 */
export const backToStripe: RetryPolicy = {
  initialInterval: 100,
  exponentiationFactor: 2,
  maxInterval: secondMs,
  maxAttempts: 5,
  onMaxAttempts: "kill",
};

/** A waiting invocation holds one of the engine's slots until it is suspended; two seconds let a quick webhook find it awake. */
export const defaultInactivityTimeoutMs = 2 * secondMs;

/** Far above the 40 s that one request to Stripe may take: an aborted step would run a second time beside the first. */
const abortTimeoutMs = 2 * minuteMs;

/** How long the steps of an ended payment can be looked at. They hold no secret; the answer beside them may hold a customer's page. */
export const paymentJournalRetentionMs = dayMs;

/** A watch has no caller; its result and steps are all that an operator sees of it. */
export const watchJournalRetentionMs = 7 * dayMs;

/** A delivery that was given up has to be found by somebody who was away for a week. */
export const deliveryRetentionMs = 14 * dayMs;

/**
 * Of reads, and of calls that hand on to a private call what is to be kept. Any time but none is a long one: the engine looks
 * only every hour (`worker.cleanup-interval`) for what it may forget, and answers with it until then.
 */
export const keepingNothing = { idempotencyRetention: 0, journalRetention: 0 } as const;

/** How long answers are kept that nobody asks for again. */
export const shortRetentionMs = minuteMs;

/** When to look up a create whose outcome is unknown: search lags by up to a minute, by up to an hour in outages. */
export const defaultLookUpDelaysMs: readonly number[] = [0, minuteMs, 60 * minuteMs];

/** How the engine runs a handler that speaks to Stripe. */
export function running({ inactivityTimeoutMs }: { readonly inactivityTimeoutMs: number }) {
  return {
    retryPolicy: untilAnOperatorLooks,
    inactivityTimeout: inactivityTimeoutMs,
    abortTimeout: abortTimeoutMs,
  } as const;
}
