/** Stands between the engine and the service: passes every message on, sees which step it is, and holds it at a point. */
import {
  createServer,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { createAttempt, type Attempt } from "./attempts.ts";
import { attemptHeader } from "./origin.ts";
import type { Killer } from "./killer.ts";
import { until } from "./patience.ts";
import type { Pool } from "./pool.ts";
import { createSplitter, invocationIdOf, messageType, objectKeyOf, type Message } from "./protocol.ts";
import { isPoint, note, type Trace, type Trials } from "./trials.ts";

type Recorded = (
  invocationId: string,
  least: { readonly commands: number; readonly results: number },
) => Promise<boolean>;

export type Relay = Awaited<ReturnType<typeof startRelay>>;

/** @param from.recorded whether the engine has that many commands and results of runs of an invocation, or has ended it */
export async function startRelay(from: {
  readonly trials: Trials;
  readonly killer: Killer;
  readonly pool: () => Pool;
  readonly recorded: Recorded;
}) {
  const sessions = new Set<ServerHttp2Session>();
  /** The latest attempt of each invocation. */
  const attempts = new Map<string, Attempt>();
  /** How often each invocation was attempted. */
  const counts = new Map<string, number>();
  const server = createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on("error", () => {});
    relay(stream, headers).catch(() => stream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();

  async function relay(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const worker = await from.pool().current();
    if (stream.destroyed || worker.destroyed) {
      stream.destroy();
      return;
    }
    const path = headers[":path"] ?? "";
    const invocationId = String(headers["x-restate-invocation-id"]);
    const count = counts.get(invocationId) ?? 0;
    counts.set(invocationId, count + 1);
    const upstream: ClientHttp2Stream = worker.request({ ...headers, [attemptHeader]: String(count) });
    upstream.on("error", () => {});
    upstream.on("response", (response) => {
      if (!stream.destroyed) stream.respond(response);
    });
    let trace: Trace | undefined;
    upstream.on("close", () => {
      // The service died, or gave the attempt up. One that is held may have given its answer early: what came before it is still on
      // its way to the engine.
      if (!stream.writableEnded && trace?.frozen !== true) stream.destroy();
    });
    stream.on("close", () => upstream.destroy());
    if (!path.startsWith("/invoke/")) {
      stream.pipe(upstream);
      upstream.pipe(stream);
      return;
    }

    const attempt = createAttempt();
    const target = path.slice("/invoke/".length);
    let start: Message | null = null;
    let isKnown = false;
    const fromEngine = createSplitter();
    stream.on("data", (chunk: Buffer) => {
      for (const message of fromEngine(chunk)) {
        if (start === null) start = message;
        else if (!isKnown) {
          isKnown = true;
          trace = began(start, message);
        }
        attempt.take(message);
        if (trace?.frozen !== true) upstream.write(message.bytes);
      }
    });
    stream.on("end", () => {
      if (trace?.frozen !== true) upstream.end();
    });
    /** The second message, which holds the input, tells whose invocation it is. */
    function began(first: Message, input: Message): Trace | undefined {
      const id = invocationIdOf(first);
      const objectKey = objectKeyOf(first);
      const found = from.trials.attempt({ id, target, objectKey, input: input.body.toString("latin1") });
      if (found !== undefined) attempts.set(id, attempt);
      return found;
    }

    const fromService = createSplitter();
    upstream.on("data", (chunk: Buffer) => {
      for (const message of fromService(chunk)) pass(message);
    });
    upstream.on("end", () => {
      if (trace?.frozen !== true && !stream.writableEnded) stream.end();
    });
    function pass(message: Message): void {
      if (trace?.frozen === true || stream.destroyed) return;
      const step = attempt.stepOf(message);
      if (trace === undefined || step === null) return void stream.write(message.bytes);
      if (isPoint(trace, step.key, "before")) return from.killer.hold(trace, Promise.resolve());
      note(trace, step.key, step.what);
      stream.write(message.bytes);
      // Nothing comes after it, and the engine takes the end of the stream for the end of the invocation.
      if (message.type === messageType.end) stream.end();
      if (isPoint(trace, step.key, "after"))
        from.killer.hold(trace, untilRecorded(trace.invocationId, message, attempt));
    }
  }

  /** Whether the engine has all that the service has sent so far. */
  async function untilRecorded(invocationId: string, message: Message, attempt: Attempt): Promise<void> {
    // What ends an invocation is recorded when the invocation is over.
    const isEnd = message.type === messageType.end;
    const least = isEnd ? { commands: Infinity, results: Infinity } : attempt.sent();
    await until(
      `the engine to record a step of ${invocationId}`,
      async () => (await from.recorded(invocationId, least)) || undefined,
    );
  }

  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    attemptOf: (invocationId: string): Attempt | undefined => attempts.get(invocationId),
    /** Cuts all connections with the engine, as the death of the service does. */
    cut(): void {
      for (const session of sessions) session.destroy();
    },
    async close(): Promise<void> {
      for (const session of sessions) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
