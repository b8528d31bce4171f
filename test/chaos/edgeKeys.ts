/** The callers' own keys in place of those that the edge makes of them, so that a call is found by its caller's. */
import { engineKeyOf } from "../../src/edge/callIdentity.ts";
import { addressee } from "./books.ts";
import type { Call } from "./clientLog.ts";
import type { InvocationRecord } from "./records.ts";

/** The developer of this machine, who calls an edge without API keys. */
const developer = "";

/** @param calls those that came through the edge */
export function withCallersKeys(
  invocations: readonly InvocationRecord[],
  installationId: string,
  calls: readonly Pick<Call, "key" | "sentAs" | "body">[],
): readonly InvocationRecord[] {
  const callersKeys = new Map(
    calls.map((call) => {
      const space = { merchant: addressee(call).merchant, name: developer };
      return [engineKeyOf(installationId, space, call.sentAs), call.key];
    }),
  );
  return invocations.map((invocation) => {
    const own = callersKeys.get(invocation.idempotencyKey ?? "");
    return own === undefined ? invocation : { ...invocation, idempotencyKey: own };
  });
}
