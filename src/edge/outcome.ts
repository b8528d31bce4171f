/** The outcome of a call as the engine gives it, made the caller's: in the contract's form, and only for the request that it answers. */
import { fingerprintField } from "../api/edgeHeader.ts";
import { callIdOf, type CallIdentity } from "./callIdentity.ts";
import type { EngineAnswer } from "./engineClient.ts";
import { EdgeFailure, type Answer } from "./failures.ts";
import { appliedHeader, type Preference } from "./prefer.ts";

type FailureBody = {
  readonly code?: number;
  readonly message?: string;
  readonly metadata?: Readonly<Record<string, string>>;
};

/**
 * @param fingerprint of the request that is answered; null where it doesn't matter
 * @throws EdgeFailure `idempotency_key_reused` where the outcome is that of another request
 */
export function outcomeAnswer({ status, body }: EngineAnswer, fingerprint: string | null): Answer {
  const parsed = parse(body);
  if (status < 300) {
    const { [fingerprintField]: answered, ...outcome } = parsed;
    refuseOther(answered, fingerprint);
    return { status: 200, body: outcome };
  }
  return failedOutcome({ ...(parsed as FailureBody), code: status }, fingerprint);
}

/** The same for a failure that is kept as a value. */
export function failedOutcome(failure: FailureBody & { readonly code: number }, fingerprint: string | null): Answer {
  const { [fingerprintField]: answered, ...metadata } = failure.metadata ?? {};
  refuseOther(answered, fingerprint);
  const { code, message = "The call failed." } = failure;
  return { status: code, body: { code, message, ...(Object.keys(metadata).length > 0 && { metadata }) } };
}

/** An outcome without a fingerprint is of a call that was made beside the edge, or that an operator ended: it is given as it is. */
export function refuseOther(answered: unknown, fingerprint: string | null): void {
  if (fingerprint === null || typeof answered !== "string" || answered === fingerprint) return;
  throw keyReused();
}

export function keyReused(): EdgeFailure {
  return new EdgeFailure(
    "idempotency_key_reused",
    "This idempotency-key was used for another request: a key stands for one request. Nothing was done for this one.",
  );
}

/** The call goes on: where its outcome is asked for. */
export function acceptedAnswer(identity: CallIdentity, preference: Preference): Answer {
  const callId = callIdOf(identity);
  return {
    status: 202,
    body: { callId },
    headers: { location: `/calls/${callId}`, ...appliedHeader(preference).headers },
  };
}

function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
