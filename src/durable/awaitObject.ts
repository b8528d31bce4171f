/**
 * The one wait: for news of one Stripe object that carries a doorbell.
 *
 * ```
 *            ┌──────────────── pending ────────────────┐
 *            ▼                                         │
 *   hang ─▶ sleep ── rung │ poll ──────▶ read ─▶ judge ┴─▶ decided ─▶ take the doorbell off
 *            └── deadline │ cancellation ▶ read ─▶ judge ─▶ given back to the caller
 * ```
 *
 * A ring brings no news: whoever wakes reads the object and judges what Stripe says now. A ring that found the object pending
 * is followed by a new doorbell, ten times; after that, polls do. One timer runs at a time, the one that is due first, and
 * each has a name. The settings that decide about time are fixed before the wait begins, so that a process with other
 * settings goes on with the same timers.
 */
import { RestatePromise } from "@restatedev/restate-sdk";
import { creatorCallbackKey, waiterCallbackKey } from "../stripe/metadata.ts";
import { CallStopped, unlessStopped, type Call, type Surroundings } from "./call.ts";
import { cancellationOf } from "./cancellation.ts";
import { createDoorbell, type Doorbell } from "./doorbell.ts";
import { AccountGone } from "./failures.ts";
import { pollDelayMs } from "./pollSchedule.ts";

/** How objects of one kind are awaited. Every noun that can be awaited has one, in its `object.ts`. */
export type AwaitedKind<Seen, Standpoint, Judgement extends Judged> = {
  /** Stripe's name of such an object, for log lines. */
  readonly noun: string;
  /** Reads one that is known to exist. @throws TerminalError `needs_review` if it is gone */
  read(call: Call, id: string): Promise<Seen>;
  /** Writes a doorbell's address into the metadata under a key; Stripe's answer is a read as well. */
  hang(call: Call, id: string, callbackKey: string, address: string): Promise<Hung<Seen>>;
  /** Takes the key off the metadata again. */
  unhang(call: Call, id: string, callbackKey: string): Promise<void>;
  /** What a look means to somebody; `pending` goes on. */
  judge(seen: Seen, standpoint: Standpoint): Judgement;
};

/** Stripe refuses where the metadata is full, or where the object's state allows no change: then the wait polls. */
type Hung<Seen> =
  | { readonly kind: "hung"; readonly seen: Seen }
  | { readonly kind: "refused"; readonly message: string };

type Judged = { readonly kind: string };

/** The part of a kind that the wait itself uses. */
type Awaited<Seen> = Pick<AwaitedKind<Seen, never, Judged>, "noun" | "read" | "hang" | "unhang">;

/** When to look unasked, and when to stop: fixed in the journal before it steers anything. */
export type WaitPlan = {
  readonly pollScheduleMs: readonly number[];
  /** In epoch milliseconds; null for a wait without an end. */
  readonly deadlineAtMs: number | null;
};

/** What woke a wait. */
export type Wake = "webhook" | "poll" | "deadline" | "cancellation";

/** What Stripe said at a wake, and what was made of it. Only at a deadline or a cancellation it may still be pending. */
export type Look<Seen, Judgement> = { readonly wake: Wake; readonly seen: Seen; readonly judgement: Judgement };

/** How a look was brought about, in the words of the answer. */
export function settledBy({ wake }: { readonly wake: Wake }): "webhook" | "poll" {
  return wake === "webhook" ? "webhook" : "poll";
}

export type ObjectWait<Seen> = {
  /**
   * Waits until the object is judged to be something else than pending, until the deadline, or until the call is cancelled.
   * A wait goes on after each of these, with the same doorbell and poll schedule; the deadline comes once.
   */
  until<Judgement extends Judged>(judge: (seen: Seen) => Judgement): Promise<Look<Seen, Judgement>>;
  /** Takes the wait's own key off the object. The creator's key stays: it was made with the object, and there is only one. */
  end(): Promise<void>;
};

/** How long the end of a wait may take while Stripe doesn't answer. */
const patienceToEndMs = 10_000;

/** After this many rings that found nothing new, polling does: rings are cheap for whoever sends them. */
const maximumRings = 10;

/** The plan of a wait whose deadline counts from the call's acceptance. @param timeoutSeconds as the caller asks for, or as the service does by default */
export function waitPlan(
  { settings, acceptedAtMs }: Pick<Surroundings, "settings" | "acceptedAtMs">,
  timeoutSeconds: number | undefined,
): WaitPlan {
  const timeoutMs = timeoutSeconds === undefined ? settings.timeoutMs : timeoutSeconds * 1000;
  return { pollScheduleMs: settings.pollScheduleMs, deadlineAtMs: acceptedAtMs + timeoutMs };
}

/** Fixes the plan of a wait whose deadline is that of the whole call. */
export async function planWait(call: Call, timeoutSeconds: number | undefined): Promise<WaitPlan> {
  const plan = await call.fix("fix the wait", (surroundings) => waitPlan(surroundings, timeoutSeconds));
  call.setDeadline(plan.deadlineAtMs ?? Infinity);
  return plan;
}

type WaitBeginning<Seen> = {
  readonly plan: WaitPlan;
  readonly first: Seen;
  readonly hanging?: Doorbell | null;
  readonly isCancellable?: boolean;
};

/**
 * Begins to wait for one object. The handler needs `explicitCancellation: true`.
 * @param from.first what Stripe said of the object last
 * @param from.hanging the doorbell that the object was made with; without one, a doorbell under a key of this call is hung
 * @param from.isCancellable whether a cancellation of the call ends the wait; if not, it is left for later
 */
export function openWait<Seen>(
  call: Call,
  kind: Awaited<Seen>,
  id: string,
  from: WaitBeginning<Seen>,
): ObjectWait<Seen> {
  const { ctx } = call;
  const { hanging = null, isCancellable = true } = from;
  const { pollScheduleMs } = from.plan;
  const callbackKey = hanging === null ? waiterCallbackKey(call.invocationId) : creatorCallbackKey;
  let { deadlineAtMs } = from.plan;
  let latest = from.first;
  let doorbell = hanging;
  /** Whether a doorbell hangs, or hung, or could not be hung: only the first is hung unasked. */
  let isHung = hanging !== null;
  /** Whether this call's own key is on the object, or may be. */
  let hasOwnKey = false;
  let rings = 0;
  let polls = 0;
  let timer: RestatePromise<"poll" | "deadline"> | null = null;

  async function hang(): Promise<Seen> {
    const next = createDoorbell(ctx);
    const hadOwnKey = hasOwnKey;
    // Also where Stripe's answer doesn't come in time, the key may be there.
    hasOwnKey = hanging === null;
    const hung = await kind.hang(call, id, callbackKey, next.address);
    if (hung.kind === "hung") {
      doorbell = next;
      return hung.seen;
    }
    hasOwnKey = hadOwnKey;
    ctx.console.warn(`Stripe takes no doorbell on the ${kind.noun} ${id}, so the call polls for it: ${hung.message}`);
    return await kind.read(call, id);
  }

  /** Sets the timer that is due first, counted from the last step. */
  function startTimer(): RestatePromise<"poll" | "deadline"> {
    const pollMs = pollDelayMs(pollScheduleMs, polls, ctx.rand.random());
    const leftMs = deadlineAtMs === null ? Infinity : Math.max(0, deadlineAtMs - call.lastStepAtMs());
    return leftMs <= pollMs
      ? ctx.sleep(leftMs, "deadline").map(() => "deadline" as const)
      : ctx.sleep(pollMs, "next poll").map(() => "poll" as const);
  }

  async function sleep(): Promise<Wake> {
    timer ??= startTimer();
    const wake: Wake = await RestatePromise.race<readonly RestatePromise<Wake>[]>([
      ...(isCancellable ? [cancellationOf(ctx)] : []),
      ...(doorbell === null ? [] : [doorbell.rung]),
      timer,
    ]);
    // A rung doorbell must not be raced again: it would wake at once, for ever.
    if (wake === "webhook") doorbell = null;
    if (wake === "poll" || wake === "deadline") timer = null;
    if (wake === "poll") polls++;
    return wake;
  }

  /** A timer may come late, and a poll may take its time: a deadline that has passed meanwhile has come. */
  function withDeadline(wake: Wake): Wake {
    if (wake === "cancellation") return wake;
    if (deadlineAtMs !== null && call.lastStepAtMs() >= deadlineAtMs) return "deadline";
    return wake;
  }

  /** Looks at the object until it is decided, or until the wait is over without a decision. */
  async function lookUntil<Judgement extends Judged>(judge: (seen: Seen) => Judgement): Promise<Look<Seen, Judgement>> {
    if (isCancellable && call.takeCancellation()) return lookAt("cancellation", judge(latest));
    if (!isHung) {
      isHung = true;
      latest = await hang();
      const judgement = judge(latest);
      if (judgement.kind !== "pending") return lookAt("poll", judgement);
    }
    for (;;) {
      const woken = await sleep();
      latest = await readAt(woken);
      let judgement = judge(latest);
      if (judgement.kind !== "pending") return lookAt(woken, judgement);
      const wake = withDeadline(woken);
      if (wake === "deadline" || wake === "cancellation") return lookAt(wake, judgement);
      // Reading came first: on a PaymentIntent, writing the new address erases the reason of a failure.
      if (woken === "webhook" && ++rings <= maximumRings) {
        latest = await hang();
        judgement = judge(latest);
        if (judgement.kind !== "pending") return lookAt(woken, judgement);
      }
    }
  }

  /** A cancellation is answered within seconds, also while Stripe doesn't answer: then by what Stripe said last. */
  async function readAt(wake: Wake): Promise<Seen> {
    const read = async () => await kind.read(call, id);
    if (wake === "poll") return await call.unhurried(read);
    if (wake !== "cancellation") return await read();
    const cancelledAtMs = await call.fix("note the cancellation", ({ nowMs }) => nowMs);
    const before = call.setDeadline(cancelledAtMs + patienceToEndMs);
    try {
      return await unlessStopped(read(), () => latest);
    } finally {
      call.setDeadline(before);
    }
  }

  function lookAt<Judgement>(wake: Wake, judgement: Judgement): Look<Seen, Judgement> {
    if (wake === "deadline") {
      deadlineAtMs = null;
      // The timer that runs may be that of the deadline.
      timer = null;
    }
    return { wake, seen: latest, judgement };
  }

  return {
    async until(judge) {
      try {
        return await lookUntil(judge);
      } catch (error) {
        // Stripe gave no answer until the deadline: what it said last is all that is known.
        if (!(error instanceof CallStopped)) throw error;
        return lookAt(error.because, judge(latest));
      }
    },
    async end() {
      if (!hasOwnKey) return;
      hasOwnKey = false;
      // An ill Stripe must not hold the answer back; a key that stays behind does no harm but to take its place.
      const before = call.setDeadline(call.lastStepAtMs() + patienceToEndMs);
      try {
        await kind.unhang(call, id, callbackKey);
      } catch (error) {
        // An account that has left has taken its objects along.
        if (error instanceof AccountGone) return;
        if (!(error instanceof CallStopped)) throw error;
        ctx.console.warn(`Stripe gave no answer, so the doorbell of this call stays on the ${kind.noun} ${id}.`);
      } finally {
        // What comes after the wait, a refund for one, may take as long as it has to.
        call.setDeadline(before);
      }
    },
  };
}

/** Waits once for one object, as `openWait` does, and takes the doorbell off however the wait ends. */
export async function awaitObject<Seen, Judgement extends Judged>(
  call: Call,
  kind: Awaited<Seen>,
  id: string,
  from: WaitBeginning<Seen> & { readonly judge: (seen: Seen) => Judgement },
): Promise<Look<Seen, Judgement>> {
  const wait = openWait(call, kind, id, from);
  const look = await wait.until(from.judge);
  await wait.end();
  return look;
}
