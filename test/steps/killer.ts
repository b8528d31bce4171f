/**
 * Kills the service when trials have come to their points. Each is held at its point, so that one SIGKILL can hit several
 * exactly where they are; whatever else is under way dies wherever it happens to be.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Trace, Trial } from "./trials.ts";

/**
 * Nobody is waited for any more once nobody has come for this long. It is long, because every kill more makes the engine wait
 * longer before it calls again what died with it, and it comes to it only where a trial goes another way than it was to.
 */
const gatheringMs = 10_000;

/** What the engine has not recorded by then, it never will: then that one is no hit, and the others don't wait for it. */
const recordingMs = 30_000;

async function inTime(recorded: Promise<void>): Promise<void> {
  const isLate = delay(recordingMs, true, { ref: false });
  if ((await Promise.race([recorded, isLate])) === true)
    throw new Error("The engine has no record of what came before.");
}

export type Killer = ReturnType<typeof createKiller>;

/** @param kill kills the service and cuts its connections */
export function createKiller(kill: () => Promise<void>) {
  const expected = new Set<Trial>();
  let held: { readonly trace: Trace; readonly recorded: Promise<void> }[] = [];
  let timer: NodeJS.Timeout | undefined;
  let killing: Promise<void> | null = null;

  async function killNow(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const batch = held;
    held = [];
    const recorded = await Promise.allSettled(batch.map((one) => inTime(one.recorded)));
    for (const [index, { status }] of recorded.entries()) {
      const trial = batch[index]?.trace.trial;
      // It died somewhere else than it was to: that is no hit.
      if (status === "rejected" && trial !== undefined) trial.hit = false;
    }
    try {
      await kill();
    } finally {
      for (const { trace } of batch) trace.frozen = false;
    }
  }

  function start(): void {
    if (killing !== null || held.length === 0) return;
    killing = killNow().finally(() => {
      killing = null;
      if (held.length > 0) start();
    });
    killing.catch((error: unknown) => console.error(`The service could not be killed: ${String(error)}`));
  }

  return {
    /** Announces a trial, so that nobody waits for others in vain. */
    expect(trial: Trial): void {
      if (trial.armed !== null) expected.add(trial);
    },
    /** A trial that is over comes to no point any more. */
    forget(trial: Trial): void {
      expected.delete(trial);
      if (expected.size === 0) start();
    },
    /**
     * Holds a trace at its point.
     * @param recorded resolves when the engine has everything that comes before the point
     */
    hold(trace: Trace, recorded: Promise<void>): void {
      trace.frozen = true;
      trace.trial.hit = true;
      expected.delete(trace.trial);
      recorded.catch(() => {});
      held.push({ trace, recorded });
      if (expected.size === 0) start();
      else {
        clearTimeout(timer);
        timer = setTimeout(start, gatheringMs);
      }
    },
    settled: async (): Promise<void> => void (await killing),
  };
}
