/** What a pending payment waits for: its doorbell, the next poll, its deadline, or somebody who cancels the call. */
import { RestatePromise, type Context, type internal } from "@restatedev/restate-sdk";
import { pollDelayMs } from "./pollSchedule.ts";

export type Wake = "webhook" | "poll" | "deadline" | "cancellation";

/** A Restate awakeable without data: `address` is written to Stripe's metadata, `rung` resolves when a webhook rings. */
export type Doorbell = { readonly address: string; readonly rung: RestatePromise<"webhook"> };

/** Anybody who knows the address can ring with any payload, or reject: both are a ring, and none is read. */
const noPayload = { serialize: () => new Uint8Array(), deserialize: () => undefined };

export function createDoorbell(ctx: Context): Doorbell {
  const { id, promise } = ctx.awakeable<undefined>(noPayload);
  return { address: id, rung: promise.map(() => "webhook" as const) };
}

export type Wait = {
  /** Waits for the next reason to look again. A rung doorbell must not be passed again: it would wake at once, for ever. */
  next(doorbell: Doorbell | null): Promise<Wake>;
};

/**
 * Starts the timers of a wait. The handler needs `explicitCancellation: true`.
 *
 * Of the first poll and the deadline, only what is due first is started: most payments are over by then, and the engine
 * keeps every timer on its disk. Where a service that was down comes late to its first poll, the deadline is as late.
 * @param options.deadlineMs how long from now until the deadline, or null for none
 * @param options.cancellable whether a cancellation of the call wakes; if not, it is left for later
 */
export function startWait(
  ctx: Context,
  options: {
    readonly pollScheduleMs: readonly number[];
    readonly deadlineMs: number | null;
    readonly cancellable: boolean;
  },
): Wait {
  const { pollScheduleMs, deadlineMs, cancellable } = options;
  const timer = <Due extends Wake>(due: Due, delayMs: number) => ctx.sleep(delayMs).map(() => due);
  const nextPollMs = () => pollDelayMs(pollScheduleMs, polls, ctx.rand.random());
  let polls = 0;
  const firstPollMs = nextPollMs();
  const isPolledFirst = deadlineMs === null || firstPollMs < deadlineMs;
  let poll: RestatePromise<"poll"> | null = null;
  let deadline = isPolledFirst ? null : timer("deadline", deadlineMs);
  /** What is left until the deadline at the first poll; null where it has been started. */
  let leftMs = isPolledFirst && deadlineMs !== null ? deadlineMs - firstPollMs : null;
  return {
    async next(doorbell) {
      // Only now: a poll counts from when somebody begins to wait, and often nobody waits on after one.
      if (isPolledFirst || deadline === null) poll ??= timer("poll", leftMs === null ? nextPollMs() : firstPollMs);
      const wake: Wake = await RestatePromise.race([
        // After a cancellation, this is a fresh promise for the next one.
        ...(cancellable ? [cancellationOf(ctx)] : []),
        ...(doorbell === null ? [] : [doorbell.rung]),
        ...(deadline === null ? [] : [deadline]),
        ...(poll === null ? [] : [poll]),
      ]);
      if (wake === "deadline") deadline = null;
      if (wake === "poll") {
        poll = null;
        polls++;
        // At once: what the poll asks for may take Stripe its time.
        if (leftMs !== null) deadline = timer("deadline", leftMs);
        leftMs = null;
      }
      return wake;
    },
  };
}

/** Tells whether the call was cancelled before this point. It consumes the cancellation. */
export async function wasCancelled(ctx: Context): Promise<boolean> {
  // A step that does nothing, and no sleep of nothing: that one ends by the engine's clock, an hour late if ours is an hour ahead.
  const now = ctx.run("look for a cancellation", () => null).map(() => "now" as const);
  return (await RestatePromise.race([cancellationOf(ctx), now])) === "cancellation";
}

export function cancellationOf(ctx: Context): RestatePromise<"cancellation"> {
  return (ctx as internal.ContextInternal).cancellation().map(() => "cancellation" as const);
}
