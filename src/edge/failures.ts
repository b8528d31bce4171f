/** How the edge fails a request: the form of the handlers' failures, with its own reasons. */
import type { BodyError } from "../api/requestBody.ts";
import { statusOfEdgeReason, type EdgeFailureReason } from "../api/edgeFailures.ts";
import { statusOfReason } from "../api/failures.ts";
import { EngineLost, EngineUnavailable } from "./engineClient.ts";

type Reason = EdgeFailureReason | "invalid_request" | "not_found";

/** Thrown anywhere in the edge, and answered as it is. */
export class EdgeFailure extends Error {
  override readonly name = "EdgeFailure";
  readonly reason: Reason;
  readonly more: { readonly errors?: readonly BodyError[]; readonly retryAfterSeconds?: number };
  constructor(reason: Reason, message: string, more: EdgeFailure["more"] = {}) {
    super(message);
    this.reason = reason;
    this.more = more;
  }
}

/** What a request to the engine is aborted with when nobody waits for its answer any more: no failure of anybody's. */
export class CallerGone extends Error {
  override readonly name = "CallerGone";
  constructor() {
    super("The caller is gone.");
  }
}

/** An answer as it goes out. */
export type Answer = {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
};

export function failureAnswer({ reason, message, more }: EdgeFailure): Answer {
  const status = { ...statusOfReason, ...statusOfEdgeReason }[reason];
  return {
    status,
    body: {
      code: status,
      message,
      metadata: { reason },
      ...(more.errors === undefined ? {} : { errors: more.errors }),
    },
    headers: {
      ...(reason === "unauthorized" && { "www-authenticate": "Bearer" }),
      ...(more.retryAfterSeconds !== undefined && { "retry-after": String(more.retryAfterSeconds) }),
      // The rest of the body is not read.
      ...(reason === "too_large" && { connection: "close" }),
    },
  };
}

/** What the edge answers for an error; null for one that is a bug. */
export function failureOf(error: unknown): EdgeFailure | null {
  if (error instanceof EdgeFailure) return error;
  if (error instanceof EngineUnavailable) {
    return new EdgeFailure("unavailable", "The payment service takes no calls now. Nothing was accepted: repeat it.", {
      retryAfterSeconds: 1,
    });
  }
  if (error instanceof EngineLost) {
    const message = "The engine went away after the call was sent to it. Repeat it with the same idempotency-key.";
    return new EdgeFailure("unknown", message);
  }
  // Nobody reads it.
  if (error instanceof CallerGone) return new EdgeFailure("unknown", error.message);
  return null;
}

export const notFound = new EdgeFailure("not_found", "There is nothing at this address.");
