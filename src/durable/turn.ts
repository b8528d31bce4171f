/**
 * What a call does when too many requests to Stripe wait before its own: it sleeps until its turn, and asks again. A sleep is durable and
 * holds nothing, while a failed attempt that the engine repeats holds one of the engine's slots all the time: thousands of
 * those would leave no slot to new payments.
 */
import { RestatePromise, type Context } from "@restatedev/restate-sdk";
import { WithdrawnRequest, type Terms } from "../stripe/terms.ts";
import { cancellationOf } from "./cancellation.ts";

/** Stands for an answer, where the request is to be sent later. */
export class Later {
  readonly laterMs: number;
  constructor(laterMs: number) {
    this.laterMs = laterMs;
  }
}

/** What a step leaves in the journal where its request is to be sent later. */
export type Postponed = { readonly atMs: number; readonly laterMs: number };

/** When a request began to be tried and when trying ends, in epoch milliseconds, and what is to be known at its turn. */
export type Circumstances = {
  readonly begunAtMs: number;
  readonly untilMs: number;
  /** False where nobody waits for the answer. */
  readonly isHurried: boolean;
  /** Whether it was told to come later, and does. */
  readonly isBooked: boolean;
  /** Why it must not be sent any more; null where it may. */
  readonly withdrawn?: () => "deadline" | "cancellation" | null;
};

/** A read that comes so soon before the deadline is the last one before the call ends: it goes before all others. */
const lastMomentMs = 5000;

/** @param signal aborted when nobody waits for the request any more */
export function termsOf(from: Circumstances, nowMs: number, signal: AbortSignal): Terms {
  const { untilMs, isHurried, isBooked, withdrawn = () => null } = from;
  const urgency = untilMs - nowMs < lastMomentMs ? "first" : isHurried ? null : "later";
  return {
    signal,
    isBooked,
    ...(urgency !== null && { urgency }),
    check() {
      const why = withdrawn();
      if (why !== null) throw new WithdrawnRequest(why);
    },
  };
}

/**
 * Sleeps until the turn, but not past the deadline of what is asked.
 * @param isCancellable whether a cancellation of the call ends the sleep; then it consumes the cancellation
 */
export async function untilTurn(
  ctx: Context,
  { atMs, laterMs }: Postponed,
  deadlineAtMs: number,
  isCancellable: boolean,
): Promise<"turn" | "cancellation"> {
  const sleepMs = Math.max(0, Math.min(laterMs, deadlineAtMs - atMs));
  const turn = ctx.sleep(sleepMs, "turn at Stripe").map(() => "turn" as const);
  return await (isCancellable ? RestatePromise.race([turn, cancellationOf(ctx)]) : turn);
}
