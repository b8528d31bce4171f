import type { Call } from "./clientLog.ts";
import type { InvocationRecord, RunRecord } from "./records.ts";

/** The caller's call behind a call: itself, or the one that called it. */
export function callerOf(id: string | null, byId: ReadonlyMap<string, InvocationRecord>): InvocationRecord | undefined {
  const invocation = byId.get(id ?? "");
  const parent = invocation?.invokedBy ?? null;
  return parent === null ? invocation : callerOf(parent, byId);
}

export type CallFinder = (invocationId: string | null) => Call | undefined;

/** Finds the caller's call behind a call of the engine. */
export function callFinder({ calls, invocations }: RunRecord): CallFinder {
  const byId = new Map(invocations.map((invocation) => [invocation.id, invocation]));
  const byKey = new Map(calls.map((call) => [call.key, call]));
  return (invocationId) => byKey.get(callerOf(invocationId, byId)?.idempotencyKey ?? "");
}
