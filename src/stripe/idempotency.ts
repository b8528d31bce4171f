/**
 * A charge is the one request to Stripe that may move a customer's money. Its idempotency key makes a repetition safe,
 * but only for as long as Stripe remembers the key.
 */

/**
 * Stripe may forget a v1 idempotency key once it is 24 hours old (https://docs.stripe.com/api/idempotent_requests); the
 * hour below that covers clocks that disagree and a request that takes its time.
 */
const idempotencyKeySafeForMs = 23 * 60 * 60 * 1000;

/**
 * Tells whether repeating a request with the key it was first sent with still cannot create a second object.
 * @param firstSentAtMs when the request was fixed, before the first attempt to send it
 */
export function isKeyStillSafe(firstSentAtMs: number, nowMs: number): boolean {
  return nowMs - firstSentAtMs < idempotencyKeySafeForMs;
}
