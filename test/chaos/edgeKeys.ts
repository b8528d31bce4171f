/** The callers' own keys in place of those that the edge makes of them, so that a call is found by its caller's. */
import { engineKeyOf } from "../../src/edge/callIdentity.ts";
import type { InvocationRecord } from "./records.ts";

/** Who calls an edge without API keys. */
const developer = { merchant: "default", name: "" };

/** @param keys those under which calls came through the edge */
export function withCallersKeys(
  invocations: readonly InvocationRecord[],
  installationId: string,
  keys: readonly string[],
): readonly InvocationRecord[] {
  const callersKeys = new Map(keys.map((key) => [engineKeyOf(installationId, developer, key), key]));
  return invocations.map((invocation) => {
    const own = callersKeys.get(invocation.idempotencyKey ?? "");
    return own === undefined ? invocation : { ...invocation, idempotencyKey: own };
  });
}
