import type { Store } from "./store.ts";

/**
 * The sandbox's only source of time. All waiting (settlements, expiries, retries) asks for an alarm here. Real
 * time passes by itself; virtual time stands still until it is told to move, and then rings whatever is due on the way.
 */
export type Clock = {
  /** Unix time in milliseconds; never goes back. */
  now(): number;
  /** Rings once at or after `atMs`; the returned function calls it off. */
  setAlarm(atMs: number, ring: Ring): () => void;
};

type Ring = () => void | Promise<void>;
type Alarm = { readonly atMs: number; readonly ring: Ring; timer: NodeJS.Timeout | undefined };
export type ClockMode = "real" | "virtual";

// Node fires a timer of more than 2^31 - 1 ms at once, so that distant alarms are reached in stages.
const LONGEST_TIMER_MS = 2_147_483_647;

/** Mode and time are kept in the store, so that a restart changes neither. */
export class SandboxClock implements Clock {
  readonly #store: Store;
  readonly #alarms = new Set<Alarm>();
  #mode: ClockMode = "real";
  /** The time itself while virtual, and how far it is ahead of the machine's while real. */
  #baseMs = 0;
  #turn: Promise<void> = Promise.resolve();
  #isMoving = false;

  constructor(store: Store) {
    this.#store = store;
    const saved = store.row("SELECT mode, base_ms FROM clock");
    if (saved === undefined) return;
    this.#mode = saved["mode"] as ClockMode;
    this.#baseMs = Number(saved["base_ms"]);
  }

  get mode(): ClockMode {
    return this.#mode;
  }

  now(): number {
    return this.#mode === "virtual" ? this.#baseMs : Date.now() + this.#baseMs;
  }

  setAlarm(atMs: number, ring: Ring): () => void {
    const alarm: Alarm = { atMs, ring, timer: undefined };
    this.#alarms.add(alarm);
    this.#arm(alarm);
    return () => {
      clearTimeout(alarm.timer);
      this.#alarms.delete(alarm);
    };
  }

  /** Virtual time goes on from the present; real time goes on from the virtual one, even where that is ahead. */
  async switchTo(mode: ClockMode): Promise<void> {
    await this.#inTurn(async () => {
      if (mode === this.#mode) return;
      const nowMs = this.now();
      this.#mode = mode;
      await this.#set(mode === "virtual" ? nowMs : Math.max(0, nowMs - Date.now()));
      for (const alarm of this.#alarms) this.#arm(alarm);
    });
  }

  /**
   * Moves virtual time, and real time too, which halts it: one alarm after the other in due order, each with all it
   * causes, which `settled` waits for.
   */
  async moveTo(toMs: number, settled: () => Promise<void>): Promise<void> {
    await this.switchTo("virtual");
    await this.#inTurn(async () => {
      this.#isMoving = true;
      try {
        await settled();
        for (let next = this.#nextUntil(toMs); next !== undefined; next = this.#nextUntil(toMs)) {
          // The commit of the alarm's own work comes after this one.
          if (next.atMs > this.now()) void this.#set(next.atMs);
          this.#alarms.delete(next);
          await next.ring();
          await settled();
        }
        await this.#set(Math.max(toMs, this.now()));
      } finally {
        this.#isMoving = false;
      }
    });
  }

  close(): void {
    for (const { timer } of this.#alarms) clearTimeout(timer);
    this.#alarms.clear();
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    await turn;
  }

  #nextUntil(toMs: number): Alarm | undefined {
    let next: Alarm | undefined;
    for (const alarm of this.#alarms) {
      if (alarm.atMs <= toMs && (next === undefined || alarm.atMs < next.atMs)) next = alarm;
    }
    return next;
  }

  async #set(baseMs: number): Promise<void> {
    this.#baseMs = baseMs;
    const sql = "INSERT OR REPLACE INTO clock (id, mode, base_ms) VALUES (1, ?, ?)";
    await this.#store.write(() => void this.#store.run(sql, this.#mode, baseMs));
  }

  #arm(alarm: Alarm): void {
    clearTimeout(alarm.timer);
    const leftMs = Math.max(0, alarm.atMs - this.now());
    // A moving clock finds its alarms itself, and one that stands still has only those that are due.
    if (this.#mode === "virtual" && (this.#isMoving || leftMs > 0)) return;
    const timer = () => {
      if (leftMs > LONGEST_TIMER_MS) return this.#arm(alarm);
      if (this.#alarms.delete(alarm)) void alarm.ring();
    };
    alarm.timer = setTimeout(timer, Math.min(leftMs, LONGEST_TIMER_MS));
  }
}

export const SECOND_MS = 1000;
export const DAY_MS = 24 * 60 * 60 * SECOND_MS;

/** Stripe's timestamps are whole seconds. */
export function toUnixSeconds(timeMs: number): number {
  return Math.floor(timeMs / SECOND_MS);
}
