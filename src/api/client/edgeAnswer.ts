/**
 * An HTTP answer, read: pure. It is the call's outcome or failure, or it says that the call goes on, or it is no answer at all: a
 * proxy's page, or the edge without its engine. Then the same request is sent again, which the idempotency key makes safe.
 */
import type { EdgeFailureBody, FieldError } from "../edgeFailures.ts";
import type { PaymentsErrorMetadata, PaymentsErrorReason } from "./paymentsError.ts";

/** An answer as plain data. */
export type HttpAnswer = { readonly status: number; readonly retryAfter: string | null; readonly body: string };

export type FailedAnswer = {
  readonly status: number;
  readonly message: string;
  readonly metadata: PaymentsErrorMetadata;
  readonly errors: readonly FieldError[];
};

export type EdgeAnswer =
  | { readonly kind: "outcome"; readonly outcome: unknown }
  | { readonly kind: "failed"; readonly failure: FailedAnswer }
  | { readonly kind: "goes_on"; readonly callId: string }
  /** `why` is for the message of a call that is given up later. */
  | { readonly kind: "no_answer"; readonly why: string; readonly retryAfterMs: number };

/** Reasons that the edge gives for something that passes. */
const passing: ReadonlySet<string> = new Set<PaymentsErrorReason>(["unknown", "unavailable", "rate_limited"]);

/** Statuses by which a proxy says that it had no answer: too slow, too early, too many. */
const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

export function readEdgeAnswer({ status, retryAfter, body }: HttpAnswer, nowMs: number): EdgeAnswer {
  const value = parsed(body);
  if (status === 202) {
    const { callId } = fieldsOf(value);
    if (typeof callId === "string" && callId !== "") return { kind: "goes_on", callId };
    return noAnswer("an answer 202 without a callId", retryAfter, nowMs);
  }
  if (status >= 200 && status < 300) {
    return value === undefined
      ? noAnswer(`an answer ${status} that is no JSON`, retryAfter, nowMs)
      : { kind: "outcome", outcome: value };
  }
  const failure = failureOf(status, value);
  if (failure !== null && !passing.has(failure.metadata.reason)) return { kind: "failed", failure };
  if (failure !== null) return noAnswer(`an answer ${status} ${failure.metadata.reason}`, retryAfter, nowMs);
  if (status >= 500 || passingStatuses.has(status)) {
    return noAnswer(`an answer ${status} that is not of the payment service`, retryAfter, nowMs);
  }
  // Another server is there, or a proxy that leads elsewhere: it would say the same again.
  return { kind: "failed", failure: strange(status) };
}

/** A failure in the edge's form; null for any other body. */
function failureOf(status: number, value: unknown): FailedAnswer | null {
  const { code, message, metadata, errors } = fieldsOf(value) as {
    readonly [Field in keyof EdgeFailureBody]?: unknown;
  };
  if (code !== status || typeof message !== "string") return null;
  const { reason } = fieldsOf(metadata);
  if (typeof reason === "string") {
    const list = Array.isArray(errors) ? (errors as readonly FieldError[]) : [];
    return { status, message, metadata: metadata as PaymentsErrorMetadata, errors: list };
  }
  // Restate's own ingress refuses a body like this.
  return status === 400 ? { status, message, metadata: { reason: "invalid_request" }, errors: [] } : null;
}

function strange(status: number): FailedAnswer {
  const where = status < 400 ? "leads elsewhere" : "was not given by the payment service";
  return {
    status,
    message: `The answer ${status} ${where}. Check the client's url.`,
    metadata: { reason: "unknown" },
    errors: [],
  };
}

function noAnswer(why: string, retryAfter: string | null, nowMs: number): EdgeAnswer {
  return { kind: "no_answer", why, retryAfterMs: waitAsked(retryAfter, nowMs) };
}

/** No header makes the client silent for longer. */
const maximumRetryAfterMs = 300_000;

/** `retry-after` in seconds or as a date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function waitAsked(retryAfter: string | null, nowMs: number): number {
  if (retryAfter === null) return 0;
  const ms = /^\d+$/.test(retryAfter.trim()) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - nowMs;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), maximumRetryAfterMs);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
