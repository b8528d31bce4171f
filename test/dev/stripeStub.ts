/** Just enough of a Stripe to be asked for the account of a key. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export type StripeAnswer = { readonly status: number; readonly body: object };

export async function startStripeStub(answer: StripeAnswer): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export const stubAccount = { status: 200, body: { id: "acct_stub", object: "account" } };
export const invalidKey = {
  status: 401,
  body: { error: { type: "invalid_request_error", message: "Invalid API Key provided: sk_test_****" } },
};
