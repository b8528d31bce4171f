/** Stands between the service and the sandbox: sees which step each request is, and holds it or its answer at a point. */
import { createServer, request as requestOf, Agent, type IncomingMessage, type ServerResponse } from "node:http";
import type { Killer } from "./killer.ts";
import { isPoint, note, type Interference, type Trace, type Trials } from "./trials.ts";
import { until } from "./patience.ts";
import { invocationHeader, methodHeader, runHeader } from "./origin.ts";
import type { Relay } from "./relay.ts";

type Answer = { readonly message: IncomingMessage; readonly body: Buffer };

/** A request that the sandbox doesn't answer in this time is an outage, and the service asks again. */
const sandboxPatienceMs = 30_000;

export async function startDoor(from: {
  readonly trials: Trials;
  readonly killer: Killer;
  readonly relay: () => Relay;
  readonly sandboxUrl: string;
}) {
  const agent = new Agent({ keepAlive: true });
  /** The latest change on each path. */
  const last = new Map<string, Promise<unknown>>();
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request);
    const trace = from.trials.traceOf(String(request.headers[invocationHeader]));
    if (trace === undefined) return await send(response, await forward(request, body));
    const run = request.headers[runHeader];
    if (run === undefined) {
      // What is read outside the journal is a part of no step; the answer that it goes into is one.
      trace.trial.methods.add(String(request.headers[methodHeader]));
      return await send(response, await forward(request, body, interferenceWith(trace, request)));
    }
    const key = await stepOf(trace, decodeURIComponent(String(run)));
    // Its invocation is held already, or the process that sent it is gone.
    if (trace.frozen || response.destroyed) return;
    trace.trial.methods.add(String(request.headers[methodHeader]));
    if (isPoint(trace, key, "before")) return from.killer.hold(trace, Promise.resolve());
    note(trace, key, `${request.method} ${pathOf(request).replaceAll(/[a-z]+_[A-Za-z0-9]{14,}/g, ":id")}`);
    // A connection that Stripe cuts is an answer like any other: the next step is to hear of it.
    const given = await forward(request, body, interferenceWith(trace, request)).catch(() => null);
    if (trace.frozen) return;
    if (isPoint(trace, key, "after")) return from.killer.hold(trace, Promise.resolve());
    if (given === null) response.destroy();
    else await send(response, given);
  }

  /** The command that began the run comes by another connection, so it may come a moment later. */
  async function stepOf(trace: Trace, run: string): Promise<string> {
    const key = () => from.relay().attemptOf(trace.invocationId)?.requestOf(run);
    return await until(`the step "${run}" of ${trace.role}, to which a request belongs`, async () => key(), 5);
  }

  /**
   * A fault is for the next request that it fits, so one that is to meet a fault goes alone: no other may go the same way
   * meanwhile. Requests are told apart by their paths only.
   */
  async function forward(request: IncomingMessage, body: Buffer, with_: Interference | null = null): Promise<Answer> {
    await with_?.act?.();
    if (request.method === "GET") return await pass(request, body);
    const way = pathOf(request);
    const turn = (last.get(way) ?? Promise.resolve()).then(async () => {
      for (const effect of with_?.faults ?? []) {
        await fetch(`${from.sandboxUrl}/_sandbox/faults`, {
          method: "POST",
          body: JSON.stringify({ target: "api", effect, method: request.method, path: way, count: 1 }),
          signal: AbortSignal.timeout(sandboxPatienceMs),
        });
      }
      return await pass(request, body);
    });
    const over = Promise.allSettled([turn]);
    last.set(way, over);
    void over.then(() => last.get(way) === over && last.delete(way));
    return await turn;
  }

  function pass(request: IncomingMessage, body: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const onward = requestOf(
        `${from.sandboxUrl}${request.url}`,
        { method: request.method, headers: request.headers, agent, signal: AbortSignal.timeout(sandboxPatienceMs) },
        (message) => void read(message).then((given) => resolve({ message, body: given }), reject),
      );
      onward.on("error", reject);
      onward.end(body);
    });
  }

  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    async close(): Promise<void> {
      agent.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function send(response: ServerResponse, { message, body }: Answer): Promise<void> {
  const { "transfer-encoding": _, ...headers } = message.headers;
  response.writeHead(message.statusCode ?? 502, { ...headers, "content-length": body.length });
  await new Promise<void>((resolve) => response.end(body, () => resolve()));
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?")[0] ?? "";
}

function interferenceWith({ trial }: Trace, request: IncomingMessage): Interference | null {
  const index = trial.interferences.findIndex(
    ({ method, path }) => method === request.method && path.test(pathOf(request)),
  );
  return index === -1 ? null : (trial.interferences.splice(index, 1)[0] ?? null);
}
