/**
 * Stripe's limits on the rate of requests: per account, for all of them and for each operation of the API. Off unless they are asked for, so
 * that tests run as fast as they can. A refused request counts for nothing. https://docs.stripe.com/rate-limits
 */
import { z } from "zod";

const perSecond = z.int().min(1).max(100_000);

/** Without numbers, the limits of a sandbox of Stripe's. A live account has 100 requests per second. */
export const limitsOrder = z.strictObject({
  perSecond: perSecond.default(25),
  perOperation: perSecond.default(25),
  search: perSecond.default(20),
});

export type LimitsInput = z.input<typeof limitsOrder>;
type RequestLimits = z.output<typeof limitsOrder>;

/** Stripe's header `Stripe-Rate-Limited-Reason`. */
export type LimitedReason = "global-rate" | "endpoint-rate";

const windowMs = 1000;

export class Limits {
  #limits: RequestLimits | null;
  /** The machine's time, and not the sandbox's, which may stand still: the requests don't. */
  readonly #now: () => number;
  readonly #windows = new Map<string, number[]>();

  constructor(limits: LimitsInput | null = null, now: () => number = () => performance.now()) {
    this.#limits = limits === null ? null : limitsOrder.parse(limits);
    this.#now = now;
  }

  /** Null while nothing is limited. */
  get current(): RequestLimits | null {
    return this.#limits;
  }

  set(limits: RequestLimits | null): RequestLimits | null {
    this.#limits = limits;
    this.#windows.clear();
    return limits;
  }

  /**
   * Counts a request, unless it is one too many.
   * @param operation method and path of the endpoint, with `:id` for any id
   * @returns why it is refused; null if it is not
   */
  count(account: string, operation: string): LimitedReason | null {
    if (this.#limits === null) return null;
    const { search, perOperation } = this.#limits;
    const nowMs = this.#now();
    const ofAll = this.#window(account, nowMs);
    const ofOperation = this.#window(`${account} ${operation}`, nowMs);
    if (ofAll.length >= this.#limits.perSecond) return "global-rate";
    if (ofOperation.length >= (operation.endsWith("/search") ? search : perOperation)) return "endpoint-rate";
    ofAll.push(nowMs);
    ofOperation.push(nowMs);
    return null;
  }

  /** The times of the last second's requests, the oldest first. */
  #window(key: string, nowMs: number): number[] {
    const window = this.#windows.get(key) ?? [];
    this.#windows.set(key, window);
    const recent = window.findIndex((atMs) => atMs > nowMs - windowMs);
    window.splice(0, recent === -1 ? window.length : recent);
    return window;
  }
}
