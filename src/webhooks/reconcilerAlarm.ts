/**
 * Makes sure that the reconciler runs, without an operator who starts it and without a cost to every payment: the first payment
 * of a process, and one per interval after it, wakes it. So one that an operator killed runs again.
 */
export type ReconcilerAlarm = {
  /** Tells whether to wake the reconciler now. It is the memory of a process: what it says has to be journaled. */
  isDue(nowMs: number): boolean;
};

/** @param intervalMs how often; 0 never */
export function createReconcilerAlarm(intervalMs: number): ReconcilerAlarm {
  let nextAtMs = intervalMs === 0 ? Infinity : -Infinity;
  return {
    isDue(nowMs) {
      if (nowMs < nextAtMs) return false;
      nextAtMs = nowMs + intervalMs;
      return true;
    },
  };
}
