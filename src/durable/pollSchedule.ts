/** When to read a pending payment unasked: webhooks get lost, so nobody waits for one alone. */

/**
 * The delay before poll number `index` (from 0), in milliseconds: the schedule's entry, its last one for ever after,
 * spread by ± 10 % so that a batch of payments does not poll in the same second.
 * @param random a number in [0, 1)
 */
export function pollDelayMs(scheduleMs: readonly number[], index: number, random: number): number {
  const delayMs = scheduleMs[Math.min(index, scheduleMs.length - 1)];
  if (delayMs === undefined) throw new RangeError("A poll schedule has at least one entry.");
  return Math.round(delayMs * (0.9 + 0.2 * random));
}
