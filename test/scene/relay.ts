/** A relay between the service and the sandbox, for a Stripe that says what the sandbox never would. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

type Told = { readonly status: number; readonly body: Record<string, unknown> };

/** Changes an answer of Stripe's; null for a scene without a relay. */
export type Retelling = { with: null | ((request: { method: string; path: string }, told: Told) => Told) };

export async function startRelay(target: string, retelling: Retelling) {
  if (retelling.with === null) return null;
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const path = request.url ?? "/";
      const method = request.method ?? "GET";
      const { host: _host, connection: _connection, "content-length": _length, ...headers } = request.headers;
      const answer = await fetch(`${target}${path}`, {
        method,
        headers: headers as Record<string, string>,
        ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
      });
      const told = { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
      const { status, body } = retelling.with?.({ method, path }, told) ?? told;
      const replayed = answer.headers.get("idempotent-replayed");
      const sent = {
        "content-type": "application/json",
        ...(replayed !== null && { "idempotent-replayed": replayed }),
      };
      response.writeHead(status, sent).end(JSON.stringify(body));
    })().catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
