/**
 * The road between Stripe and those who take webhooks in turn: the engine's ingress, and the edge. Whoever stands at it sees what is delivered, and can send it again,
 * changed or not. What is lost, doubled, late or out of order, the sandbox itself does.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { doorbellAddresses } from "../../src/stripe/metadata.ts";
import { newsOfEvent } from "../../src/webhooks/eventNews.ts";
import type { MerchantName } from "./accounts.ts";
import type { Handed } from "./records.ts";

/** One genuine webhook as it was seen, on its way to a merchant's address. */
export type Seen = { readonly merchant: MerchantName; readonly body: string; readonly signature: string };

/** The engine's ingress knows whose a webhook is by its secret, the edge by its own address for each merchant. */
type Delivery = { readonly merchant: MerchantName; readonly body: string; readonly signature: string | null };

export type WebhookRoad = {
  /** Followed by the merchant whose webhooks they are. */
  readonly url: string;
  /** The latest that passed, oldest first. */
  readonly seen: readonly Seen[];
  readonly passed: () => number;
  /** Everything that was handed over and would ring, genuine or not. */
  readonly handed: readonly Handed[];
  /** From now on, this is done before a genuine webhook is handed over. */
  ambush(before: (genuine: Seen) => Promise<void>): void;
  /**
   * Hands a webhook to the one whose turn it is and gives the answer's status; null when there was none.
   * @param taker the one that gets it, turn or not
   */
  deliver(webhook: Delivery, taker?: "edge"): Promise<number | null>;
  close(): void;
};

const rememberedWebhooks = 300;

export async function startWebhookRoad(
  port: number,
  { ingressUrl, edgeUrl }: { readonly ingressUrl: string; readonly edgeUrl: string },
  headerCanary: string,
): Promise<WebhookRoad> {
  let turns = 0;
  const seen: Seen[] = [];
  let passed = 0;
  const handed: Handed[] = [];
  let before: ((genuine: Seen) => Promise<void>) | null = null;
  const deliver: WebhookRoad["deliver"] = async ({ merchant, body, signature }, taker) => {
    handed.push(...handedOf(merchant, body));
    const isForEdge = taker === "edge" || turns++ % 2 === 1;
    try {
      const url = isForEdge ? `${edgeUrl}/webhooks/${merchant}` : `${ingressUrl}/payments/processWebhook`;
      const response = await fetch(url, {
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
      const merchant = request.url?.slice("/webhooks/".length) as MerchantName;
      passed++;
      seen.push({ merchant, body, signature });
      if (seen.length > rememberedWebhooks) seen.shift();
      await before?.({ merchant, body, signature });
      response.writeHead((await deliver({ merchant, body, signature })) ?? 502).end();
    })().catch(() => response.destroy());
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${port}/webhooks`,
    seen,
    passed: () => passed,
    handed,
    ambush(done) {
      before = done;
    },
    deliver,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

type Event = { readonly data?: { readonly object?: { readonly metadata?: Readonly<Record<string, string>> } } };

/** An event that rings somebody, and whose it is. */
function handedOf(merchant: MerchantName, body: string): readonly Handed[] {
  const news = newsOfEvent(parse(body));
  const doorbells = news === null ? [] : doorbellAddresses(news.metadata);
  if (news === null || doorbells.length === 0) return [];
  return [{ merchant, maker: news.maker, doorbells, atMs: Date.now() }];
}

/** The metadata of an event's object. */
export function metadataIn(body: string): Readonly<Record<string, string>> {
  return (parse(body) as Event | null)?.data?.object?.metadata ?? {};
}

/** Null for a body that is cut. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
