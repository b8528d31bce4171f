/**
 * A reconciliation looks for events that Stripe could not deliver since the last one, and passes on what they say: that there is a
 * reason to look. It repeats itself for ever.
 */

/** The next run of the schedule. A run with another token belongs to a schedule that was replaced. */
export type ReconcileSchedule = { readonly nextAtMs: number; readonly token: string };

/**
 * Tells whether a schedule is alive: its next run is due within one interval, or late by less than one. A schedule of a longer
 * interval, which a setting has shortened since, is not.
 */
export function isScheduled(schedule: ReconcileSchedule | null, intervalMs: number, nowMs: number): boolean {
  return schedule !== null && Math.abs(schedule.nextAtMs - nowMs) <= intervalMs;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Stripe lists events of the last 30 days. https://docs.stripe.com/api/events */
const listedForMs = 30 * dayMs;

/** Clocks may be an hour apart, and an event is listed a little after its creation. What is passed on twice does no harm. */
const overlapMs = 2 * 60 * 60 * 1000;

/**
 * Since when events are to be listed, in Unix seconds.
 * @param reconciledUntilMs when the last complete reconciliation began; null if there was none
 */
export function reconcileSince(reconciledUntilMs: number | null, nowMs: number): number {
  const oldestMs = nowMs - listedForMs;
  return Math.floor(Math.max(oldestMs, (reconciledUntilMs ?? oldestMs) - overlapMs) / 1000);
}
