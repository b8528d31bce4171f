/** Closed-loop callers: each sends its next request when it has the answer to the last one. */
import { Agent, request } from "node:http";

export type Call = { readonly path: string; readonly body: string };

export type Client = {
  /** Posts with an idempotency key of its own. @throws Error unless the answer is a 2xx */
  post(call: Call): Promise<string>;
  close(): void;
};

/** Node's own client over connections that stay open: it takes a twentieth of what it measures. */
export function clientOf(url: string): Client {
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(url);
  return {
    async post({ path, body }) {
      return await new Promise((resolve, reject) => {
        const headers = {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
          "idempotency-key": crypto.randomUUID(),
        };
        const call = request({ agent, hostname, port, path, method: "POST", headers }, (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            const { statusCode = 0 } = response;
            if (statusCode >= 200 && statusCode < 300) resolve(text);
            else reject(new Error(`POST ${path} was answered with ${statusCode}: ${text}`));
          });
          response.on("error", reject);
        });
        call.on("error", reject).end(body);
      });
    },
    close: () => agent.destroy(),
  };
}

/** How long each request took, in the order of their answers. */
export type Load = { readonly latenciesMs: readonly number[]; readonly tookMs: number };

/** Calls until `isOver`, and waits for the answers that are outstanding then. */
export async function callInLoops(
  client: Client,
  callers: number,
  callOf: () => Call,
  isOver: (answers: number) => boolean,
): Promise<Load> {
  const latenciesMs: number[] = [];
  const startedAtMs = performance.now();
  const caller = async (): Promise<void> => {
    while (!isOver(latenciesMs.length)) {
      const sentAtMs = performance.now();
      await client.post(callOf());
      latenciesMs.push(performance.now() - sentAtMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { latenciesMs, tookMs: performance.now() - startedAtMs };
}

/** An end for `callInLoops`: when the time is over. */
export function forTime(durationMs: number): () => boolean {
  const untilMs = performance.now() + durationMs;
  return () => performance.now() > untilMs;
}
