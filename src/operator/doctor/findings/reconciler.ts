/** Are webhooks that never came made up for? */
import { formatDuration } from "../../../config/duration.ts";
import { isScheduled, type ReconcileSchedule } from "../../../webhooks/rules.ts";
import { ok, warning, type Finding } from "./finding.ts";

const check = "reconciler";

export type ReconcilerQuestion = {
  /** As the settings have it; 0: never. */
  readonly intervalMs: number;
  readonly schedule: ReconcileSchedule | null;
  /** When the last complete reconciliation began; null if there was none. */
  readonly reconciledUntilMs: number | null;
  /** How many undelivered events it found. */
  readonly events: number;
  /** Looks that Stripe does not let go on, by their account; the longest first. */
  readonly stuck: readonly {
    readonly stripeAccount: string | null;
    readonly isPaused: boolean;
    readonly sinceMs: number;
  }[];
  readonly nowMs: number;
};

export function judgeReconciler(question: ReconcilerQuestion): readonly Finding[] {
  return [...judgeStuck(question), ...judgeSchedule(question)];
}

/** A look that stands still blocks the looks after it, and says so nowhere else: payments go on as if nothing was wrong. */
function judgeStuck({ stuck, reconciledUntilMs, nowMs }: ReconcilerQuestion): readonly Finding[] {
  return stuck.map(({ stripeAccount, isPaused, sinceMs }) => {
    const of = stripeAccount === null ? "your own account" : `the connected account ${stripeAccount}`;
    const state = isPaused ? "is paused" : "is retried, because Stripe gives no answer";
    const since = formatDuration(nowMs - sinceMs);
    const until =
      stripeAccount !== null || reconciledUntilMs === null
        ? ""
        : `; the last complete look was ${formatDuration(nowMs - reconciledUntilMs)} ago`;
    return warning(
      check,
      `The look for undelivered events of ${of} ${state} (for ${since})${until}. Webhooks that never come are not made up for until it goes on, and Stripe lists events for 30 days only.`,
      isPaused
        ? 'Give the key "Events: Read", or mend it, then resume the call (below)'
        : "See its cause (below); it goes on by itself when Stripe answers",
    );
  });
}

function judgeSchedule(question: ReconcilerQuestion): readonly Finding[] {
  const { intervalMs, schedule, reconciledUntilMs, events, nowMs } = question;
  if (intervalMs === 0) return [ok(check, "Webhooks that never come are not made up for: RECONCILE_INTERVAL is 0.")];
  const every = `Webhooks that never come are made up for every ${formatDuration(intervalMs)}`;
  if (schedule === null) return [ok(check, `${every}, from the next payment on.`)];
  if (!isScheduled(schedule, intervalMs, nowMs)) {
    return [
      warning(
        check,
        `The look for undelivered events was due ${formatDuration(nowMs - schedule.nextAtMs)} ago, or RECONCILE_INTERVAL was changed since.`,
        "See whether it is paused or retried (below); otherwise the next payment begins it anew",
      ),
    ];
  }
  if (reconciledUntilMs === null) return [ok(check, `${every}; the first look is still to come.`)];
  const ago = formatDuration(nowMs - reconciledUntilMs);
  return [ok(check, `${every}; the last look, ${ago} ago, found ${events} undelivered.`)];
}
