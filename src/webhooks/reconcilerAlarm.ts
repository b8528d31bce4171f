/**
 * Makes sure that the reconciler runs, without an operator who starts it and without a cost to every payment: the first payment
 * of a process, and one per interval after it, wakes it. So one that an operator killed runs again.
 */
export type ReconcilerAlarm = {
  /**
   * Tells whether a call is to wake the reconciler now. It is the memory of a process: what it says has to be journaled. A call that
   * asks again, because its step failed, is told the same again.
   */
  isDue(nowMs: number, invocationId: string): boolean;
};

/** @param intervalMs how often; 0 never */
export function createReconcilerAlarm(intervalMs: number): ReconcilerAlarm {
  let nextAtMs = intervalMs === 0 ? Infinity : -Infinity;
  let wakerId: string | null = null;
  return {
    isDue(nowMs, invocationId) {
      if (nowMs < nextAtMs) return invocationId === wakerId;
      nextAtMs = nowMs + intervalMs;
      wakerId = invocationId;
      return true;
    },
  };
}
