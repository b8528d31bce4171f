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

/** Of the connected accounts, so many at most are reconciled in a second: what calls ask of Stripe meanwhile has room beside it. */
const accountsPerSecond = 5;

/**
 * How long after the run of the schedule a connected account is reconciled, by its place in the list: within one interval, however many
 * there are.
 */
export function reconcileDelayMs(place: number, intervalMs: number): number {
  return ((place * 1000) / accountsPerSecond) % intervalMs;
}

/** The next page of accounts is listed so long after one. */
export const nextPageDelayMs = 1000;

const dayMs = 24 * 60 * 60 * 1000;

/** Stripe lists events of the last 30 days. https://docs.stripe.com/api/events */
export const listedForMs = 30 * dayMs;

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
