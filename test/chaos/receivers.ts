/** The systems of the further merchants, which are told what became of payments. `default` has none: its calls tell nobody. */
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import type { FurtherMerchant } from "./accounts.ts";
import type { ToldRecord } from "./records.ts";

export type Receivers = {
  urlOf(merchant: FurtherMerchant): string;
  /** Everything that was told to anybody, once for each time. */
  readonly told: readonly ToldRecord[];
  close(): void;
};

/** One server for all: the address tells who was told. */
export async function startReceivers(): Promise<Receivers> {
  const told: ToldRecord[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const { paymentIntentId, type, merchant, stripeAccount } = JSON.parse(await text(request)) as Partial<
        Record<string, string>
      >;
      told.push({
        receiver: request.url?.slice(1) ?? "",
        paymentIntentId: paymentIntentId ?? "",
        type: type ?? "",
        account: { merchant: merchant ?? "default", stripeAccount: stripeAccount ?? null },
      });
      response.writeHead(204).end();
    })().catch(() => response.writeHead(400).end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    urlOf: (merchant) => `http://127.0.0.1:${port}/${merchant}`,
    told,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
