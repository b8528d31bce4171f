/** `GET /calls/{callId}`: what is known of a call that was made before, at once or after a wait. */
import { setTimeout as delay } from "node:timers/promises";
import type { Call } from "../api/calls.ts";
import type { CallIdentity } from "./callIdentity.ts";
import type { EngineClient } from "./engineClient.ts";
import { EdgeFailure, type Answer } from "./failures.ts";
import { findOutcome } from "./keptOutcome.ts";
import { acceptedAnswer } from "./outcome.ts";
import { preferenceOf } from "./prefer.ts";

/** Answers what is known of an earlier call, waiting for its end as long as the caller prefers. */
export async function answerKept(
  engine: EngineClient,
  declared: Pick<Call, "keeps">,
  identity: CallIdentity,
  preferHeader: string | undefined,
  gone: AbortSignal,
): Promise<Answer> {
  const preference = preferenceOf(preferHeader);
  const untilMs = performance.now() + (preference.waitMs ?? 0);
  for (let pauseMs = firstLookMs; ; pauseMs = Math.min(pauseMs * 2, longestLookMs)) {
    const found = await findOutcome(engine, declared, identity);
    if (found.kind === "ended") return found.answer;
    if (found.kind === "none") throw new EdgeFailure("not_found", "No call of this id is known, or no longer.");
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0 || gone.aborted) return acceptedAnswer(identity, preference);
    // A timer of an AbortSignal takes whole milliseconds only.
    await attachOrPause(engine, identity, Math.ceil(Math.min(leftMs, pauseMs)), gone);
  }
}

const firstLookMs = 250;
const longestLookMs = 10_000;

/** Waits until the call itself ends, or some time: what is kept elsewhere ends with it. */
async function attachOrPause(
  engine: EngineClient,
  { target, engineKey }: CallIdentity,
  pauseMs: number,
  gone: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([gone, AbortSignal.timeout(pauseMs)]);
  try {
    const { kind } = await engine.attach(target, engineKey, signal);
    if (kind !== "ended") await delay(pauseMs, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
