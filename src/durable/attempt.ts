/** One attempt at a request to Stripe: how long its answer is waited for, and when the engine is to try again. */
import { setTimeout as delay } from "node:timers/promises";
import { PauseError, RetryableError, type Context } from "@restatedev/restate-sdk";
import { StripeAccessError, StripeAccountGone, StripeBusy, StripeOutage } from "../stripe/request.ts";
import type { Refusal } from "../stripe/errorMeaning.ts";
import { onTerms, WithdrawnRequest } from "../stripe/terms.ts";
import { retryAfterMs } from "./policies.ts";
import { Later, termsOf, type Circumstances } from "./turn.ts";

/** How long an answer is waited for that may be under way: after the deadline, or after the last attempt began. */
export const graceMs = 2000;

/** Stands for an answer that did not come. */
export class Stop {
  readonly because: "deadline" | "cancellation";
  /** When the step fixed its request, in epoch milliseconds; null where another step did. */
  readonly fixedAtMs: number | null;
  constructor(because: "deadline" | "cancellation", fixedAtMs: number | null = null) {
    this.because = because;
    this.fixedAtMs = fixedAtMs;
  }
}

/** Stands for an answer from an account that is not connected. */
export class Gone {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    this.refusal = refusal;
  }
}

/**
 * One attempt at a request to Stripe, inside the closure of a step.
 */
export async function attempt<Answer>(
  ctx: Context,
  step: string,
  request: () => Promise<Answer>,
  from: Circumstances,
): Promise<Answer | Stop | Later | Gone> {
  const abandoned = new AbortController();
  try {
    // Also where the service was dead until the deadline, an attempt is given the time that an answer takes.
    const patienceMs = Math.max(graceMs, from.untilMs + graceMs - clock());
    const answer = onTerms(termsOf(from, clock(), abandoned.signal), request);
    return isNear(from.untilMs) ? await inTime(answer, patienceMs) : await answer;
  } catch (error) {
    // A request that still waits for its turn gives it up.
    abandoned.abort(error);
    if (error instanceof WithdrawnRequest) return new Stop(error.why as Stop["because"]);
    if (error instanceof StripeAccountGone) return new Gone(error.refusal);
    if (error instanceof StripeBusy && clock() < from.untilMs) return new Later(error.retryAfterMs);
    if (error instanceof StripeAccessError) {
      const remedy = `${remedies[error.problem]}, then: npx restate inv resume ${ctx.request().id}`;
      ctx.console.error(`${error.message} The invocation is paused at "${step}"; nothing is lost. ${remedy}`);
      throw new PauseError(`${error.message} ${remedy}`);
    }
    if (!(error instanceof StripeOutage)) throw error;
    const nowMs = clock();
    if (nowMs >= from.untilMs) return new Stop("deadline");
    const begunAtMs = failingSince(ctx.request().id, from.begunAtMs, nowMs);
    const retryAfter = retryAfterMs({ begunAtMs, nowMs, untilMs: from.untilMs });
    ctx.console.warn(`At "${step}": ${error.message} It is tried again in ${Math.round(retryAfter)} ms.`);
    throw RetryableError.from(error, { retryAfter });
  }
}

/** Of the calls that this process failed last, the step that failed, by when the one before was done, and since when it fails. */
const failing = new Map<string, { readonly stepBegunAtMs: number; readonly sinceMs: number }>();
const failingKept = 10_000;

/**
 * Since when a step fails. The engine counts the failures of a call over all its steps, and waits the longer the more there were: after
 * a few of them, days apart, each would hold the call up for a minute. What is remembered here decides only how long is waited.
 */
function failingSince(invocationId: string, stepBegunAtMs: number, nowMs: number): number {
  const known = failing.get(invocationId);
  if (known?.stepBegunAtMs === stepBegunAtMs) return known.sinceMs;
  failing.delete(invocationId);
  failing.set(invocationId, { stepBegunAtMs, sinceMs: nowMs });
  const [oldest] = failing.keys();
  if (failing.size > failingKept && oldest !== undefined) failing.delete(oldest);
  return nowMs;
}

/** Whether a deadline comes before the engine would try again by its own policy. */
export function isNear(deadlineAtMs: number): boolean {
  return deadlineAtMs - clock() < 2 * 60_000;
}

/** @throws StripeOutage when there is no answer by then; what is under way is left to itself */
export async function inTime<Answer>(answer: Promise<Answer>, patienceMs: number): Promise<Answer> {
  const patience = new AbortController();
  const over = delay(Math.max(0, patienceMs), undefined, { signal: patience.signal, ref: false }).then(() => {
    throw new StripeOutage("Stripe did not answer before the deadline.");
  });
  try {
    return await Promise.race([answer, over]);
  } finally {
    patience.abort();
    over.catch(() => {});
    answer.catch(() => {});
  }
}

/** The clock of this process, for what is recorded at once. */
export function clock(): number {
  // oxlint-disable-next-line no-restricted-globals -- Every caller is inside the closure of a step, or at the end of the call.
  return Date.now();
}

/** A key's permissions can be changed at Stripe while it is in use. */
const remedies = {
  rejected: "Fix STRIPE_SECRET_KEY, restart the service",
  forbidden: "Give the key that permission in Stripe's dashboard",
} as const;
