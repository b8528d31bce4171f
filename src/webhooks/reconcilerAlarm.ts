/**
 * Makes sure that the reconciler runs, without an operator who starts it and without a cost to every payment: the first payment
 * of a merchant in a process, and one per interval after it, wakes it. So one that an operator killed runs again.
 */
export type ReconcilerAlarm = {
  /**
   * Tells whether a call is to wake the reconciler now. It is the memory of a process: what it says has to be journaled. A call that
   * asks again, because its step failed, is told the same again.
   */
  isDue(nowMs: number, invocationId: string, merchant: string): boolean;
};

/** @param intervalMs how often; 0 never */
export function createReconcilerAlarm(intervalMs: number): ReconcilerAlarm {
  const wakes = new Map<string, { readonly nextAtMs: number; readonly wakerId: string }>();
  return {
    isDue(nowMs, invocationId, merchant) {
      if (intervalMs === 0) return false;
      const last = wakes.get(merchant);
      if (last !== undefined && nowMs < last.nextAtMs) return invocationId === last.wakerId;
      wakes.set(merchant, { nextAtMs: nowMs + intervalMs, wakerId: invocationId });
      return true;
    },
  };
}
