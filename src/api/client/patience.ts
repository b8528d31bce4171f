/** How long a call may go on: until its time is over, or until its caller aborts it. Every wait of the client ends then. */

export type Limits = {
  /** Aborts the waiting. What the call does at Stripe goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Gives up waiting after this time. Without it the client waits as long as the call does, for weeks if need be. */
  readonly timeoutMs?: number | undefined;
};

/** A stretch of time that ends by itself, or with the patience. */
export type Stretch = {
  readonly signal: AbortSignal;
  readonly over: Promise<void>;
  /** Frees what it holds. */
  end(): void;
};

/** A longer timer fires at once. https://developer.mozilla.org/en-US/docs/Web/API/Window/setTimeout#maximum_delay_value */
const longestTimerMs = 2 ** 31 - 1;

export class Patience {
  readonly #over = new AbortController();
  readonly #deadlineMs: number;
  readonly #signal: AbortSignal | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ signal, timeoutMs = Infinity }: Limits) {
    this.#deadlineMs = performance.now() + timeoutMs;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#end);
    if (signal?.aborted === true) this.#end();
    else this.#watchTheClock();
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Whether the caller aborted, and with what; null if the time is over. */
  get aborted(): { readonly reason: unknown } | null {
    return this.#signal?.aborted === true ? { reason: this.#signal.reason } : null;
  }

  get remainingMs(): number {
    return Math.max(0, this.#deadlineMs - performance.now());
  }

  stretch(ms: number): Stretch {
    const controller = new AbortController();
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const finish = () => {
      controller.abort();
      resolve();
    };
    const timer = setTimeout(finish, ms);
    this.#over.signal.addEventListener("abort", finish);
    if (this.isOver) finish();
    const end = () => {
      clearTimeout(timer);
      this.#over.signal.removeEventListener("abort", finish);
    };
    return { signal: controller.signal, over, end };
  }

  async pause(ms: number): Promise<void> {
    const stretch = this.stretch(ms);
    await stretch.over;
    stretch.end();
  }

  /** Lets go of the caller's signal and of the timer. */
  close(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#end);
  }

  readonly #end = () => this.#over.abort();

  #watchTheClock(): void {
    if (this.#deadlineMs === Infinity) return;
    const left = this.#deadlineMs - performance.now();
    if (left <= 0) this.#end();
    else this.#timer = setTimeout(() => this.#watchTheClock(), Math.min(Math.ceil(left), longestTimerMs));
  }
}
