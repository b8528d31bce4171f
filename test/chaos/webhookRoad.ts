/**
 * The road between Stripe and those who take webhooks in turn: the engine's ingress, and the edge. Whoever stands at it sees what is delivered, and can send it again,
 * changed or not. What is lost, doubled, late or out of order, the sandbox itself does.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";

/** One genuine webhook as it was seen. */
export type Seen = { readonly body: string; readonly signature: string };

export type WebhookRoad = {
  readonly url: string;
  /** The latest that passed, oldest first. */
  readonly seen: readonly Seen[];
  readonly passed: () => number;
  /** Hands a webhook to the one whose turn it is and gives the answer's status; null when there was none. */
  deliver(webhook: { readonly body: string; readonly signature: string | null }): Promise<number | null>;
  close(): void;
};

const rememberedWebhooks = 300;

/** @param takers addresses of those who take webhooks */
export async function startWebhookRoad(
  port: number,
  takers: readonly string[],
  headerCanary: string,
): Promise<WebhookRoad> {
  let turns = 0;
  const seen: Seen[] = [];
  let passed = 0;
  const deliver: WebhookRoad["deliver"] = async ({ body, signature }) => {
    try {
      const response = await fetch(`${takers[turns++ % takers.length]}/payments/processWebhook`, {
        method: "POST",
        headers: {
          "content-type": "application/json; charset=utf-8",
          "x-chaos-canary": headerCanary,
          ...(signature !== null && { "stripe-signature": signature }),
        },
        body,
        signal: AbortSignal.timeout(15_000),
      });
      await response.body?.cancel();
      return response.status;
    } catch {
      return null;
    }
  };
  const server = createServer((request, response) => {
    void (async () => {
      const body = (await buffer(request)).toString("utf8");
      const signature = String(request.headers["stripe-signature"]);
      passed++;
      seen.push({ body, signature });
      if (seen.length > rememberedWebhooks) seen.shift();
      response.writeHead((await deliver({ body, signature })) ?? 502).end();
    })().catch(() => response.destroy());
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${port}/webhooks`,
    seen,
    passed: () => passed,
    deliver,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
