/** Where the outcome of an earlier call is found: with the call itself, or with the private calls that keep it. */
import type { Call } from "../api/calls.ts";
import { keptCallKey, keptCallsName } from "../api/keptCalls.ts";
import type { CallIdentity } from "./callIdentity.ts";
import type { EngineClient } from "./engineClient.ts";
import type { Answer } from "./failures.ts";
import { failedOutcome, outcomeAnswer, refuseOther } from "./outcome.ts";

/** `none`: the engine knows nothing of such a call, or no longer. */
export type FoundCall =
  | { readonly kind: "ended"; readonly answer: Answer }
  | { readonly kind: "open" }
  | { readonly kind: "none" };

/** @throws EdgeFailure `idempotency_key_reused`; EngineUnavailable */
export async function findOutcome(
  engine: EngineClient,
  { keeps }: Pick<Call, "keeps">,
  identity: CallIdentity,
): Promise<FoundCall> {
  const { target, engineKey, fingerprint } = identity;
  if (keeps === "elsewhere") {
    const kept = await findKeptElsewhere(engine, identity);
    if (kept !== null) return kept;
  }
  const own = await engine.outcome(target, engineKey);
  return own.kind === "ended" ? { kind: "ended", answer: outcomeAnswer(own.answer, fingerprint) } : own;
}

type Kept = {
  readonly fingerprint?: string | null;
} & (
  | { readonly kind: "answer"; readonly answer: object }
  | { readonly kind: "passing"; readonly failure: Parameters<typeof failedOutcome>[0] }
);

/** The last of the private calls is the one that counts: those before it ended in what has passed. */
async function findKeptElsewhere(
  engine: EngineClient,
  { target, engineKey, fingerprint }: CallIdentity,
): Promise<FoundCall | null> {
  const publicId = await engine.invocationId(target, engineKey);
  const keptTarget = { service: keptCallsName, handler: target.handler };
  let last: FoundCall | null = null;
  for (let number = 0; ; number++) {
    const found = await engine.outcome(keptTarget, keptCallKey(publicId, number));
    switch (found.kind) {
      case "none":
        return last;
      case "open":
        return found;
      case "ended": {
        if (found.answer.status >= 300) return { kind: "ended", answer: outcomeAnswer(found.answer, fingerprint) };
        const kept = JSON.parse(found.answer.body) as Kept;
        refuseOther(kept.fingerprint, fingerprint);
        if (kept.kind === "answer") {
          return { kind: "ended", answer: { status: 200, body: kept.answer } };
        }
        last = { kind: "ended", answer: failedOutcome(kept.failure, fingerprint) };
      }
    }
  }
}
