/**
 * One call from its first request to its outcome:
 *
 *   post ──outcome, failure──▶ end
 *   post ──202──▶ follow ──outcome, failure──▶ end
 *   post, follow ──no answer──▶ pause ──▶ the same request again
 *   follow ──404──▶ pause ──▶ post
 *
 * A request asks the edge to answer 202 before a proxy loses its patience (`Prefer: wait`). Every request of a call has the same
 * idempotency key, so to post again is to ask again. The call ends without an outcome only if its caller's patience ends.
 */
import { readEdgeAnswer, type EdgeAnswer, type FailedAnswer } from "./edgeAnswer.ts";
import { Patience, type Limits } from "./patience.ts";
import { PaymentsError } from "./paymentsError.ts";

/** What the client needs of `fetch`. */
export type Fetch = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string;
    readonly redirect: "manual";
    readonly signal: AbortSignal;
  },
) => Promise<{
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}>;

/** Where the edge is, and how long it is waited for. */
export type Connection = {
  /** Without a slash at its end. */
  readonly url: string;
  readonly apiKey: string | null;
  readonly fetch: Fetch;
  readonly pace: Pace;
};

export type Pace = {
  /** How long the edge is asked to wait before it answers 202. */
  readonly waitSeconds: number;
  /** How much longer an answer may take before the connection counts as dead. */
  readonly graceMs: number;
  /** Pauses begin with this one, and double. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
};

/** The shortest time-outs of common proxies and platforms are 30 seconds. */
export const usualPace: Pace = { waitSeconds: 25, graceMs: 15_000, firstPauseMs: 250, longestPauseMs: 15_000 };

/** An edge that answers 202 sooner did not wait, and is not asked again at once. */
const soonMs = 1000;

export type OneCall = {
  /** `payments/processPayment` */
  readonly name: string;
  /** JSON */
  readonly body: string;
  readonly idempotencyKey: string | null;
};

/** @throws PaymentsError */
export async function waitForOutcome(connection: Connection, call: OneCall, limits: Limits): Promise<unknown> {
  const patience = new Patience(limits);
  let callId: string | null = null;
  let isFollowing = false;
  let pauses = 0;
  let why = "nothing was sent";
  try {
    while (!patience.isOver) {
      const startMs = performance.now();
      const answer = await ask(connection, call, isFollowing ? callId : null, patience);
      let leastPauseMs = 0;
      switch (answer.kind) {
        case "outcome":
          return answer.outcome;
        case "failed":
          // The edge kept no outcome under the id, or the outcome itself is 404: only a call that is posted again tells.
          if (!isFollowing || answer.failure.status !== 404) throw errorOf(connection, answer.failure, callId);
          isFollowing = false;
          why = "the edge has no outcome under the call's id";
          break;
        case "goes_on": {
          const wasPosted = !isFollowing;
          const hasWaited = performance.now() - startMs >= soonMs;
          callId = answer.callId;
          isFollowing = true;
          why = "the call goes on";
          if (hasWaited) pauses = 0;
          if (hasWaited || wasPosted) continue;
          break;
        }
        case "no_answer":
          why = answer.why;
          leastPauseMs = answer.retryAfterMs;
          break;
      }
      await patience.pause(Math.max(leastPauseMs, pauseMs(connection.pace, pauses++)));
    }
    throw givenUp(connection, call, { callId, why, patience, timeoutMs: limits.timeoutMs });
  } finally {
    patience.close();
  }
}

/** Sends the call, or asks for its outcome, once. */
async function ask(
  connection: Connection,
  call: OneCall,
  callId: string | null,
  patience: Patience,
): Promise<EdgeAnswer> {
  const { pace } = connection;
  const waitSeconds = Math.max(1, Math.min(pace.waitSeconds, Math.ceil(patience.remainingMs / 1000)));
  const stretch = patience.stretch(waitSeconds * 1000 + pace.graceMs);
  try {
    return await Promise.race([
      exchange(connection, call, callId, waitSeconds, stretch.signal),
      stretch.over.then(() => noAnswer(`no answer within ${waitSeconds} s and ${pace.graceMs} ms`)),
    ]);
  } finally {
    stretch.end();
  }
}

async function exchange(
  { url, apiKey, fetch }: Connection,
  { name, body, idempotencyKey }: OneCall,
  callId: string | null,
  waitSeconds: number,
  signal: AbortSignal,
): Promise<EdgeAnswer> {
  const headers = {
    accept: "application/json",
    prefer: `wait=${waitSeconds}`,
    ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
  };
  const posted = {
    ...headers,
    "content-type": "application/json",
    ...(idempotencyKey === null ? {} : { "idempotency-key": idempotencyKey }),
  };
  try {
    // No redirect is followed: it would take the API key along, or post to nowhere.
    const common = { redirect: "manual", signal } as const;
    const response = await (callId === null
      ? fetch(`${url}/${name}`, { method: "POST", headers: posted, body, ...common })
      : fetch(`${url}/calls/${encodeURIComponent(callId)}`, { method: "GET", headers, ...common }));
    const { status } = response;
    const retryAfter = response.headers.get("retry-after");
    return readEdgeAnswer({ status, retryAfter, body: await response.text() }, Date.now());
  } catch (error) {
    return noAnswer(whyOf(error));
  }
}

function noAnswer(why: string): EdgeAnswer {
  return { kind: "no_answer", why, retryAfterMs: 0 };
}

/** `fetch` says little, and the cause inside says what the system said, such as ECONNREFUSED. */
function whyOf(error: unknown): string {
  const { code, cause, message } = error as {
    readonly code?: unknown;
    readonly cause?: unknown;
    readonly message?: unknown;
  };
  if (typeof code === "string") return code;
  if (typeof cause === "object" && cause !== null) return whyOf(cause);
  return typeof message === "string" ? message : "the connection failed";
}

/** Half of it by chance, so that many callers do not come back together. */
function pauseMs({ firstPauseMs, longestPauseMs }: Pace, pauses: number): number {
  const full = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(pauses, 30));
  return (full / 2) * (1 + Math.random());
}

function errorOf({ apiKey }: Connection, failure: FailedAnswer, callId: string | null): PaymentsError {
  return new PaymentsError({ ...withoutSecret(failure, apiKey), callId });
}

function givenUp(
  { apiKey }: Connection,
  { name, idempotencyKey }: OneCall,
  end: {
    readonly callId: string | null;
    readonly why: string;
    readonly patience: Patience;
    readonly timeoutMs: number | undefined;
  },
): PaymentsError {
  const { aborted } = end.patience;
  const by = aborted === null ? `after ${end.timeoutMs} ms` : "because its signal was aborted";
  const again = idempotencyKey === null ? "Call it again" : "Call it again with the same idempotency key";
  const message = `The client gave up ${name} ${by}, without an outcome (last: ${end.why}). ${again} to learn the outcome.`;
  const failure = { status: 502, message, metadata: { reason: "unknown" }, errors: [] } as const;
  const cause = aborted === null ? {} : { cause: aborted.reason };
  return new PaymentsError({ ...withoutSecret(failure, apiKey), callId: end.callId, ...cause });
}

/** A server, a proxy or a `fetch` may repeat what it was sent. */
function withoutSecret(failure: FailedAnswer, secret: string | null): FailedAnswer {
  if (secret === null) return failure;
  const hidden = JSON.stringify(failure, (_name, value: unknown) =>
    typeof value === "string" ? value.replaceAll(secret, "…") : value,
  );
  return JSON.parse(hidden) as FailedAnswer;
}
