/**
 * Keeps the requests of one process to one Stripe account below the rates at which Stripe refuses them: one rate for all, and one for each
 * operation. A request goes at once while there is room, and waits in a line otherwise: the more urgent first, of equals the older.
 *
 * ```
 *   asked ─┬─ room ────────────────────────────▶ sent
 *          ├─ short line ─▶ waits ─┬─ turn ────▶ sent
 *          │                       ├─ aborted ─▶ leaves
 *          │                       └─ too long ▶ told to come again (NoTurn)
 *          └─ long line ───────────────────────▶ told when to come again (NoTurn)
 * ```
 *
 * Whoever is told to come again holds nothing here meanwhile. The times that are told follow each other at the rate at which requests are
 * sent, so that thousands that are asked at once come back one by one.
 */
import { urgencies, type ApiOperation, type Urgency } from "./apiOperation.ts";
import { TokenBucket } from "./tokenBucket.ts";

/** Requests per second. */
export type Pace = { readonly all: number; readonly eachOperation: number; readonly search: number };

/**
 * The pace of a process that may send so many requests per second. Stripe's limits are 100 for a live account and 25 for a sandbox, 25 for
 * an operation and 20 for search, whatever the mode: https://docs.stripe.com/rate-limits. Several processes, or an account
 * with other limits, share them in these proportions.
 */
export function paceOf(requestsPerSecond: number, mode: "test" | "live"): Pace {
  const quarter = requestsPerSecond / 4;
  // A sandbox's limit for all is that of one operation.
  const eachOperation = mode === "live" ? quarter : Math.min(requestsPerSecond, Math.max(20, quarter));
  return { all: requestsPerSecond, eachOperation, search: eachOperation * 0.8 };
}

/** The line is too long for now. Nothing was sent. */
export class NoTurn extends Error {
  override readonly name = "NoTurn";
  readonly retryAfterMs: number;
  constructor(retryAfterMs: number) {
    super(`Too many requests to Stripe wait before this one: it has a turn in ${Math.ceil(retryAfterMs / 1000)} s.`);
    this.retryAfterMs = retryAfterMs;
  }
}

/** How long a line may be. A call that waits in it for longer is suspended by the engine, and played again for nothing. */
const longestLineMs = 2000;

/** The same for those who come again: on a busy machine many come at once, and to tell them so again costs more than their wait. */
const longestLineOfBookedMs = 10_000;

/** A request that is overtaken for so long leaves the line: far below the engine's abort timeout, together with Stripe's own time. */
const longestStayMs = 15_000;

/** Those who come again do so while the line is still half as long as it may be: no turn is lost where one comes late. */
const leadMs = longestLineMs / 2;

/** A promise for later than this is worth little, and its request should see meanwhile whether things have changed. */
const longestPromiseMs = 10 * 60_000;

/** After so many turns in which less urgent requests were passed over, the oldest request of all has one. */
const turnsPerTurnOfTheOldest = 10;

export type Asked = {
  readonly operation: ApiOperation;
  readonly urgency?: Urgency;
  /** Whether the request was told to come again, and does. */
  readonly isBooked?: boolean;
  readonly signal?: AbortSignal;
};

type Waiting = { readonly number: number; go(): void };

/** The requests of one operation and urgency, the oldest first. */
type Line = {
  readonly urgency: Urgency;
  readonly bucket: TokenBucket;
  readonly waiting: Waiting[];
  /** Until when all turns are promised to requests that are to come again. */
  promisedUntilMs: number;
};

export type PacerOptions = {
  /** Milliseconds by a clock that doesn't go back. */
  readonly now?: () => number;
  /** Is told, in a sentence, when Stripe refuses requests for their number. */
  readonly onSlowed?: (words: string) => void;
};

export class Pacer {
  readonly #pace: Pace;
  readonly #now: () => number;
  readonly #onSlowed: (words: string) => void;
  readonly #all: TokenBucket;
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #lines = new Map<string, Line>();
  #asked = 0;
  #passedOver = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(pace: Pace, { now = () => performance.now(), onSlowed = () => {} }: PacerOptions = {}) {
    this.#pace = pace;
    this.#now = now;
    this.#onSlowed = onSlowed;
    this.#all = new TokenBucket(pace.all, now());
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#count(() => true);
  }

  /**
   * Resolves when a request may be sent.
   * @throws NoTurn where it is to come again, and the signal's reason once that is aborted
   */
  async turn({ operation, urgency = operation.urgency, isBooked = false, signal }: Asked): Promise<void> {
    signal?.throwIfAborted();
    const line = this.#line(operation, urgency);
    const nowMs = this.#now();
    const waitMs = this.#waitMs(line, nowMs);
    // Turns are promised to others, who are there or will be soon.
    const isPromised = !isBooked && line.promisedUntilMs - nowMs > longestLineMs && waitMs > leadMs / 2;
    const longestMs = isBooked ? longestLineOfBookedMs : longestLineMs;
    if (isPromised || waitMs > longestMs) throw this.#promise(line, isBooked, nowMs);
    await this.#stand(line, signal);
  }

  /**
   * Slows down after Stripe has refused a request for the number of requests.
   * @param reason Stripe's header `Stripe-Rate-Limited-Reason`
   */
  refused(operation: ApiOperation, reason: string, sentAtMs: number): void {
    // An object has limits of its own, which say nothing about the others.
    if (reason === "resource-specific") return;
    const isOfAll = reason.startsWith("global");
    const bucket = isOfAll ? this.#all : this.#bucket(operation);
    const nowMs = this.#now();
    if (!bucket.halve(nowMs, sentAtMs)) return;
    const rate = Math.round(bucket.perSecond(nowMs) * 10) / 10;
    const what = isOfAll ? "Requests" : operation.name;
    this.#onSlowed(`Stripe limits the rate of requests (${reason}). ${what}: at most ${rate} per second for now.`);
  }

  now(): number {
    return this.#now();
  }

  #promise(line: Line, isBooked: boolean, nowMs: number): NoTurn {
    const fromMs = Math.max(line.promisedUntilMs, nowMs + this.#waitMs(line, nowMs));
    // A turn that was promised before is not promised twice.
    if (!isBooked) line.promisedUntilMs = fromMs + 1000 / this.#perSecond(line, nowMs);
    return new NoTurn(Math.min(longestPromiseMs, Math.max(leadMs, fromMs - nowMs - leadMs)));
  }

  async #stand(line: Line, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(stay);
        signal?.removeEventListener("abort", abort);
        line.waiting.splice(line.waiting.indexOf(waiting), 1);
      };
      const abort = (): void => {
        leave();
        this.#giveTurns();
        reject(signal?.reason as Error);
      };
      const waiting = {
        number: this.#asked++,
        go: () => {
          leave();
          resolve();
        },
      };
      line.waiting.push(waiting);
      signal?.addEventListener("abort", abort);
      const stay = setTimeout(() => {
        leave();
        this.#giveTurns();
        reject(this.#promise(line, false, this.#now()));
      }, longestStayMs);
      this.#giveTurns();
    });
  }

  #giveTurns(): void {
    clearTimeout(this.#timer);
    for (;;) {
      const lines = [...this.#lines.values()].filter(({ waiting }) => waiting.length > 0);
      if (lines.length === 0) return;
      const nowMs = this.#now();
      const leftMs = Math.max(this.#all.waitMs(nowMs), Math.min(...lines.map(({ bucket }) => bucket.waitMs(nowMs))));
      if (leftMs > 0) {
        this.#timer = setTimeout(() => this.#giveTurns(), Math.ceil(leftMs));
        return;
      }
      const line = this.#nextOf(lines.filter(({ bucket }) => bucket.waitMs(nowMs) === 0));
      this.#all.take(nowMs);
      line?.bucket.take(nowMs);
      line?.waiting[0]?.go();
    }
  }

  /** Strict precedence would starve polls while payments come as fast as they may. */
  #nextOf(lines: readonly Line[]): Line | undefined {
    const byAge = lines.toSorted((one, other) => numberOf(one) - numberOf(other));
    const mostUrgent = urgencies.find((urgency) => lines.some((line) => line.urgency === urgency));
    if (byAge.every(({ urgency }) => urgency === mostUrgent)) return byAge[0];
    this.#passedOver = (this.#passedOver + 1) % turnsPerTurnOfTheOldest;
    return this.#passedOver === 0 ? byAge[0] : byAge.find(({ urgency }) => urgency === mostUrgent);
  }

  /** How long those take that are to be sent before a request that joins the line now. */
  #waitMs(line: Line, nowMs: number): number {
    const isBefore = ({ urgency }: Line): boolean => urgencies.indexOf(urgency) <= urgencies.indexOf(line.urgency);
    const ofOperation = this.#count((other) => isBefore(other) && other.bucket === line.bucket);
    const perSecond = line.bucket.perSecond(nowMs);
    return 1000 * Math.max(ofOperation / perSecond, this.#count(isBefore) / this.#all.perSecond(nowMs));
  }

  #perSecond({ bucket }: Line, nowMs: number): number {
    return Math.min(bucket.perSecond(nowMs), this.#all.perSecond(nowMs));
  }

  #count(which: (line: Line) => boolean): number {
    let count = 0;
    for (const line of this.#lines.values()) if (which(line)) count += line.waiting.length;
    return count;
  }

  #line(operation: ApiOperation, urgency: Urgency): Line {
    const key = `${urgency} ${operation.name}`;
    const known = this.#lines.get(key);
    if (known !== undefined) return known;
    const bucket = this.#bucket(operation);
    const line: Line = { urgency, bucket, waiting: [], promisedUntilMs: -Infinity };
    this.#lines.set(key, line);
    return line;
  }

  #bucket({ name, isSearch }: ApiOperation): TokenBucket {
    const known = this.#buckets.get(name);
    if (known !== undefined) return known;
    const bucket = new TokenBucket(isSearch ? this.#pace.search : this.#pace.eachOperation, this.#now());
    this.#buckets.set(name, bucket);
    return bucket;
  }
}

function numberOf({ waiting }: Line): number {
  return waiting[0]?.number ?? Infinity;
}
