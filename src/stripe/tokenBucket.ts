/**
 * How often something may happen. A token is there for each time; tokens come back at the bucket's rate, and a tenth of a second's worth is
 * kept for what comes at once, so that no second sees much more than the rate. The rate is halved when it turns out to be too
 * high, and recovers by a steady amount, as in TCP's congestion control.
 */

/** Halving stops here, or a long outage would end in silence. */
const leastPerSecond = 1;

/** How long it takes to recover from nothing to the full rate. */
const recoveryMs = 20_000;

/** Refusals of one overload come within a second, and count once. */
const windowMs = 1000;

export class TokenBucket {
  readonly #fullPerSecond: number;
  readonly #capacity: number;
  #tokens: number;
  #filledAtMs: number;
  #halvedTo: number;
  #halvedAtMs = -Infinity;

  /** @param nowMs by any clock that doesn't go back; the other methods need the same */
  constructor(fullPerSecond: number, nowMs: number) {
    this.#fullPerSecond = fullPerSecond;
    this.#capacity = Math.max(1, fullPerSecond / 10);
    this.#tokens = this.#capacity;
    this.#filledAtMs = nowMs;
    this.#halvedTo = fullPerSecond;
  }

  perSecond(nowMs: number): number {
    const recovered = (this.#fullPerSecond * (nowMs - this.#halvedAtMs)) / recoveryMs;
    return Math.min(this.#fullPerSecond, this.#halvedTo + recovered);
  }

  /** How long until there is a token; 0 if there is one. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    // Fractions of a token add up to a little less than one.
    return this.#tokens > 0.999_999 ? 0 : ((1 - this.#tokens) / this.perSecond(nowMs)) * 1000;
  }

  take(nowMs: number): void {
    this.#fill(nowMs);
    this.#tokens -= 1;
  }

  /**
   * Halves the rate, once for all refusals of one overload.
   * @param sentAtMs when the request was sent that was refused
   * @returns whether the rate was halved
   */
  halve(nowMs: number, sentAtMs: number): boolean {
    if (sentAtMs < this.#halvedAtMs + windowMs) return false;
    this.#fill(nowMs);
    this.#halvedTo = Math.min(this.#fullPerSecond, Math.max(leastPerSecond, this.perSecond(nowMs) / 2));
    this.#halvedAtMs = nowMs;
    this.#tokens = Math.min(this.#tokens, 0);
    return true;
  }

  #fill(nowMs: number): void {
    const come = (this.perSecond(nowMs) * (nowMs - this.#filledAtMs)) / 1000;
    this.#tokens = Math.min(this.#capacity, this.#tokens + come);
    this.#filledAtMs = nowMs;
  }
}
