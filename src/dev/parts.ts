/** The processes that make up a running stack: started one by one, watched for an end that nobody asked for, stopped in order. */
import { setTimeout as delay } from "node:timers/promises";
import type { Lock } from "./lock.ts";
import { describeExit, type RunningProcess } from "./processes.ts";

export type PartName = "edge" | "engine" | "sandbox" | "service";

export type PartFailure = { readonly part: PartName; readonly reason: string; readonly tail: string };

export class PartFailedError extends Error {
  override readonly name = "PartFailedError";
  readonly failure: PartFailure;
  constructor(failure: PartFailure) {
    super(describeFailure(failure));
    this.failure = failure;
  }
}

export function describeFailure(failure: PartFailure): string {
  const words = failure.tail === "" ? "" : ` Its last words:\n${failure.tail}`;
  const hint = outOfFiles.test(failure.tail)
    ? "\nIt had as many files and connections open as it may. Raise the limit (LimitNOFILE); see docs/operations.md, Connections and open files."
    : "";
  return `The ${failure.part} ${failure.reason}.${words}${hint}`;
}

/** EMFILE and ENFILE in the words of several C libraries. */
const outOfFiles = /No file descriptors available|Too many open files|EMFILE|ENFILE/i;

/** The parts that run, watched for an end that nobody asked for. */
export class Parts {
  readonly failed: Promise<PartFailure>;
  readonly #fail: (failure: PartFailure) => void;
  readonly #lock: Lock;
  readonly #running = new Map<PartName, RunningProcess>();
  readonly #starts: Promise<unknown>[] = [];
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #stopping = new AbortController();
  #stopped: Promise<void> | undefined;

  constructor(lock: Lock) {
    const { promise, resolve } = Promise.withResolvers<PartFailure>();
    this.failed = promise;
    this.#fail = resolve;
    this.#lock = lock;
  }

  /** Aborted when the stop begins: from then on the end of a part is no failure. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  add(name: PartName, part: RunningProcess): void {
    this.#running.set(name, part);
    this.#lock.note([...this.#running.values()].map((running) => running.pid));
    void this.#watch(name, part);
  }

  async #watch(name: PartName, part: RunningProcess): Promise<void> {
    const exit = await part.exited;
    if (!this.stopping.aborted) this.#fail({ part: name, reason: describeExit(exit), tail: part.tail() });
  }

  pids(): Partial<Record<PartName, number>> {
    return Object.fromEntries([...this.#running].map(([name, part]) => [name, part.pid]));
  }

  /** For what runs in this process and stands before a part: it is closed before the parts are stopped. */
  closeAtStop(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  /** Stopping waits for these to end, so that nothing is started behind its back. */
  whileStarting<T>(start: Promise<T>): Promise<T> {
    this.#starts.push(start);
    return start;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  /**
   * The edge first, so that nobody is let in to what stops; then the service, so that a step in flight can still be recorded. A step that
   * takes longer is repeated after the next start, with the same Stripe idempotency key, so nobody waits long for it.
   */
  async #stopAll(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled(this.#starts);
    const doors = [this.#stop("edge", 5_000), ...this.#closers.map((close) => close())];
    await Promise.race([Promise.all(doors), delay(1_500)]);
    const service = this.#stop("service", 5_000);
    await Promise.race([service, delay(1_500)]);
    await Promise.all([...doors, service, this.#stop("engine"), this.#stop("sandbox", 5_000)]);
    this.#lock.release();
  }

  async #stop(name: PartName, graceMs?: number): Promise<void> {
    await this.#running.get(name)?.stop(graceMs);
  }
}
