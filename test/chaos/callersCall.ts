import type { InvocationRecord } from "./records.ts";

/** The caller's call behind a call: itself, or the one that called it. */
export function callerOf(id: string | null, byId: ReadonlyMap<string, InvocationRecord>): InvocationRecord | undefined {
  const invocation = byId.get(id ?? "");
  const parent = invocation?.invokedBy ?? null;
  return parent === null ? invocation : callerOf(parent, byId);
}
