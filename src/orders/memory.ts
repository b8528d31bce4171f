/**
 * What is kept of a reference, and for how long. With a retention there is one timer per reference: at its end Stripe is asked
 * whether the payment is over, whoever ended it, and the same timer is set again until the payment was over for as long as it is
 * to be remembered. Questions set no timer and move none.
 */
import * as restate from "@restatedev/restate-sdk";
import type { Call } from "../durable/call.ts";
import { paymentReferenceInterface, type ForgetRequest, type Kept } from "./interface.ts";
import { findAttempt, hasEnded } from "./lastAttempt.ts";
import { isKnownToBeOver, type ReferenceRecord } from "./rules.ts";

export type ReferenceState = {
  record: ReferenceRecord;
  kept: Kept;
  /** What was known when the attempt under way began, to go back to if Stripe refuses to make anything. */
  before: { readonly record: ReferenceRecord; readonly kept: Kept | null };
  /** When any of that changed last, in epoch milliseconds. */
  changedAtMs: number;
  /** The timer that runs, and when it ends, in epoch milliseconds. */
  timer: { readonly id: string; readonly dueAtMs: number };
  /** Stripe showed an end that the record doesn't know, at the last change. */
  endSeen: true;
};

export type ReferenceCall = Call<restate.ObjectContext<ReferenceState>>;

/** Sets the timer of a reference, unless it runs. @param retentionMs null to remember for ever */
export async function startTimer(call: ReferenceCall, retentionMs: number | null): Promise<void> {
  if (retentionMs === null) return;
  const timer = await call.ctx.get("timer");
  // One that should have come is lost, or late: then its end means nothing any more.
  if (timer === null || timer.dueAtMs <= call.lastStepAtMs()) setTimer(call, retentionMs);
}

/** The timer is a call of its own call: an operator who kills an attempt kills what that attempt has sent and is still to come. */
function setTimer(call: ReferenceCall, delayMs: number): void {
  const id = call.invocationId;
  call.ctx.set("timer", { id, dueAtMs: call.lastStepAtMs() + delayMs });
  call.ctx.sendClient(paymentReferenceInterface, call.ctx.key).setTimer({ timer: id, delayMs });
}

/** Notes that something has changed: the retention counts from now on. */
export function noteChange(call: ReferenceCall): void {
  call.ctx.set("changedAtMs", call.lastStepAtMs());
  call.ctx.clear("endSeen");
}

/** Forgets all but the timer that runs. */
export function clearMemory(call: ReferenceCall): void {
  for (const key of ["record", "kept", "before", "changedAtMs", "endSeen"] as const) call.ctx.clear(key);
}

/** A timer has come to its end. @param due undefined for a timer of an earlier version, which set several */
export async function forget(call: ReferenceCall, due: ForgetRequest | undefined): Promise<void> {
  const { ctx } = call;
  const timer = await ctx.get("timer");
  if (timer !== null && timer.id !== due?.timer) return;
  const record = await ctx.get("record");
  if (record === null) {
    ctx.clearAll();
    return;
  }
  const changedAtMs = (await ctx.get("changedAtMs")) ?? 0;
  const { retentionMs, leftMs } = await call.fix("look at the clock", ({ settings, nowMs }) => ({
    retentionMs: settings.referenceRetentionMs,
    leftMs: changedAtMs + (settings.referenceRetentionMs ?? 0) - nowMs,
  }));
  if (retentionMs === null) {
    ctx.clear("timer");
    return;
  }
  if (leftMs > 0) {
    setTimer(call, leftMs);
    return;
  }
  const isOver = await isOverAtStripe(call, record);
  if (isOver && (isKnownToBeOver(record) || (await ctx.get("endSeen")) === true)) {
    ctx.clearAll();
    return;
  }
  if (isOver) {
    // When it ended is not known, so it is remembered from now on.
    noteChange(call);
    ctx.set("endSeen", true);
  }
  setTimer(call, retentionMs);
}

/** An attempt under way keeps the object busy, so an attempt without a PaymentIntent was killed, and made none if none is found. */
async function isOverAtStripe(call: ReferenceCall, record: ReferenceRecord): Promise<boolean> {
  try {
    const paymentIntentId = record.paymentIntentId ?? (await findAttempt(call, record));
    return paymentIntentId === null || (await hasEnded(call, paymentIntentId));
  } catch (error) {
    if (!(error instanceof restate.TerminalError)) throw error;
    // Several of one attempt are a person's to judge. One of them stays.
    const paymentIntentId = error.metadata?.["paymentIntentId"] ?? null;
    call.ctx.set("record", { ...record, paymentIntentId });
    return false;
  }
}
