/**
 * The engine as the edge uses it: calls with a key, their outcomes, and rings. It says whether the engine may have taken what it did
 * not answer: a caller repeats the one as he likes, the other with the same key.
 *
 * Paths: https://docs.restate.dev/services/invocation/http
 */
import { Pool, type Dispatcher } from "undici";
import { connectionTo } from "../engine/address.ts";
import type { CallTarget } from "../api/edgeHeader.ts";

export type EngineAnswer = { readonly status: number; readonly body: string };

/** One request to a handler. */
export type EngineCall = {
  readonly target: CallTarget;
  /** Null for a read, whose answer nobody asks for again. */
  readonly engineKey: string | null;
  /** What the edge tells the handler; null for nothing. */
  readonly edgeHeader: { readonly name: string; readonly value: string } | null;
  readonly body: string | Uint8Array;
};

/** Nothing was accepted: it is safe to repeat, with any key. */
export class EngineUnavailable extends Error {
  override readonly name = "EngineUnavailable";
}

/** It was sent, and whether the engine took it is not known. */
export class EngineLost extends Error {
  override readonly name = "EngineLost";
}

/** What became of a kept call: its answer, that it is under way, or that the engine knows of none. */
type KeptOutcome = { readonly kind: "ended"; readonly answer: EngineAnswer } | { readonly kind: "open" | "none" };

export type EngineClient = {
  /** Calls a handler and waits for its answer, however long that takes. @throws EngineUnavailable, EngineLost */
  call(call: EngineCall, signal?: AbortSignal): Promise<EngineAnswer>;
  /** Hands a call over, and doesn't wait for it. @throws EngineUnavailable, EngineLost */
  send(call: EngineCall): Promise<void>;
  /** @throws EngineUnavailable */
  outcome(target: CallTarget, engineKey: string): Promise<KeptOutcome>;
  /** Waits for the outcome of a kept call. @throws EngineUnavailable, or what the signal aborts with */
  attach(target: CallTarget, engineKey: string, signal: AbortSignal): Promise<KeptOutcome>;
  /** The id of the invocation that a key stands for, whether or not there is one. @throws EngineUnavailable */
  invocationId(target: CallTarget, engineKey: string): Promise<string>;
  /** Rings a doorbell: one append. An address that nobody waits at is passed over. @throws EngineUnavailable, EngineLost */
  ring(address: string): Promise<void>;
  close(): Promise<void>;
};

/** The engine answers this for a call that is under way, and at its start while it is not ready. */
const notReadyStatus = 470;

/** For whatever is answered at once: an engine with a full disk takes connections, and answers nothing. */
const defaultPatienceMs = 15_000;

/**
 * @param ingressUrl `http://…`, or `unix:` and the path of a socket
 * @param patienceMs how long an answer is waited for that doesn't wait for a call
 */
export function createEngineClient(ingressUrl: string, patienceMs = defaultPatienceMs): EngineClient {
  const { origin, socketPath } = connectionTo(ingressUrl);
  const { pathname, origin: server } = new URL(origin);
  const base = pathname.replace(/\/$/, "");
  const soon = { headersTimeout: patienceMs, bodyTimeout: patienceMs };
  // No limit of connections and no timeout: a call waits for as long as its payment takes.
  const pool = new Pool(server, {
    connections: null,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 30_000,
    ...(socketPath === null ? {} : { connect: { socketPath } }),
  });

  async function request(
    options: Dispatcher.RequestOptions,
  ): Promise<EngineAnswer & { readonly isOfIngress: boolean }> {
    const { path, ...rest } = options;
    try {
      const { statusCode, headers, body } = await pool.request({ ...rest, path: `${base}${path}` });
      const isOfIngress = headers["x-restate-error-source"] === "ingress";
      return { status: statusCode, body: await body.text(), isOfIngress };
    } catch (error) {
      if (rest.signal instanceof AbortSignal && rest.signal.aborted) throw error;
      const code = codeOf(error);
      if (unsent.has(code)) throw new EngineUnavailable(`The engine can't be reached (${code}).`);
      throw new EngineLost(`The connection to the engine was lost (${code}).`);
    }
  }

  /** A request that can be repeated is, once: the engine may have closed an idle connection just now. */
  async function repeatable(options: Dispatcher.RequestOptions) {
    try {
      return await request(options);
    } catch (error) {
      if (!(error instanceof EngineLost)) throw error;
      return await request(options).catch((again: unknown) => {
        // The first one may have been taken.
        throw again instanceof EngineUnavailable ? error : again;
      });
    }
  }

  function invoke(path: string, call: EngineCall, signal?: AbortSignal) {
    const { target, engineKey, edgeHeader, body } = call;
    const options: Dispatcher.RequestOptions = {
      method: "POST",
      path: `/${target.service}/${target.handler}${path}`,
      headers: {
        ...(body.length > 0 && { "content-type": "application/json" }),
        ...(engineKey !== null && { "idempotency-key": engineKey }),
        ...(edgeHeader !== null && { [edgeHeader.name]: edgeHeader.value }),
      },
      body: body.length > 0 ? body : null,
      ...(path === "" ? {} : soon),
      ...(signal === undefined ? {} : { signal }),
    };
    return engineKey === null ? request(options) : repeatable(options);
  }

  async function kept(
    verb: "output" | "attach",
    target: CallTarget,
    engineKey: string,
    signal?: AbortSignal,
  ): Promise<KeptOutcome> {
    const answer = await orUnavailable(
      repeatable({
        method: "GET",
        path: `/restate/invocation/${target.service}/${target.handler}/${engineKey}/${verb}`,
        ...(verb === "output" ? soon : {}),
        ...(signal === undefined ? {} : { signal }),
      }),
    );
    if (answer.isOfIngress && answer.status === 404) return { kind: "none" };
    if (answer.isOfIngress && answer.status === notReadyStatus) return { kind: "open" };
    if (answer.isOfIngress) throw new EngineUnavailable(`The engine answered ${answer.status}.`);
    return { kind: "ended", answer };
  }

  return {
    async call(call, signal) {
      const answer = await invoke("", call, signal);
      refuseIngressErrors(answer);
      return answer;
    },
    async send(call) {
      const answer = await invoke("/send", call);
      refuseIngressErrors(answer);
      if (answer.status >= 300) throw new EngineUnavailable(`The engine answered ${answer.status}.`);
    },
    outcome: (target, engineKey) => kept("output", target, engineKey),
    attach: (target, engineKey, signal) => kept("attach", target, engineKey, signal),
    async invocationId({ service, handler }, engineKey) {
      const body = JSON.stringify({ target: "idempotentInvocation", service, handler, idempotencyKey: engineKey });
      const answer = await orUnavailable(
        repeatable({
          method: "POST",
          path: "/restate/lookup",
          headers: { "content-type": "application/json" },
          body,
          ...soon,
        }),
      );
      const { invocationId } = (answer.status === 200 ? JSON.parse(answer.body) : {}) as { invocationId?: unknown };
      if (typeof invocationId !== "string") throw new EngineUnavailable(`The engine answered ${answer.status}.`);
      return invocationId;
    },
    async ring(address) {
      const answer = await repeatable({ method: "POST", path: `/restate/awakeables/${address}/resolve`, ...soon });
      refuseIngressErrors(answer);
    },
    close: async () => await pool.destroy(),
  };
}

/** Of a request that changes nothing it doesn't matter whether the engine took it. */
async function orUnavailable<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof EngineLost ? new EngineUnavailable(error.message) : error;
  }
}

/** The ingress itself refuses what it did not take, but for its 5xx, which may come after the append. */
function refuseIngressErrors({ status, isOfIngress }: EngineAnswer & { readonly isOfIngress: boolean }): void {
  if (!isOfIngress) return;
  if (status >= 500) throw new EngineLost(`The engine answered ${status}.`);
  throw new EngineUnavailable(`The engine answered ${status}.`);
}

/** Errors of connecting: nothing was sent. */
const unsent: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOENT",
  "EACCES",
  "EAGAIN",
  "EMFILE",
  "ENFILE",
  "EADDRNOTAVAIL",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
