/** A server that answers as Stripe could, by the book of a test: for answers that no sandbox gives at will. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export type CannedAnswer = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
};

/** A request as it was on the wire, its parameters in Stripe's form encoding: `metadata[orderId]`. */
export type Sent = {
  readonly line: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly idempotencyKey: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
};

/** Opens a server until the end of the test. The last answer is given to every request after it. */
export async function cannedStripe(...answers: readonly CannedAnswer[]) {
  return await cannedStripeAt("127.0.0.1", ...answers);
}

/** The same at another address of this machine. */
export async function cannedStripeAt(host: "127.0.0.1" | "::1", ...answers: readonly CannedAnswer[]) {
  const sent: Sent[] = [];
  const server = createServer((request, response) => {
    const answer = async () => {
      const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>);
      const url = new URL(request.url ?? "", "http://stripe");
      const form = request.method === "GET" ? url.search : Buffer.concat(chunks).toString();
      sent.push({
        line: `${request.method} ${url.pathname}`,
        parameters: Object.fromEntries(new URLSearchParams(form)),
        idempotencyKey: request.headers["idempotency-key"]?.toString(),
        headers: request.headers,
      });
      const { status = 200, headers = {}, body } = answers[sent.length - 1] ?? answers.at(-1) ?? { body: {} };
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
    };
    void answer();
  });
  server.listen(0, host);
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://${host === "::1" ? "[::1]" : host}:${port}`, sent };
}

/** What Stripe answers instead of what was asked for, by what it means. */
export const refusals = {
  declined: {
    status: 402,
    body: {
      error: {
        type: "card_error",
        code: "card_declined",
        decline_code: "lost_card",
        advice_code: "do_not_try_again",
        network_decline_code: "41",
        message: "The bank said no.",
      },
    },
  },
  missing: {
    status: 404,
    body: {
      error: { type: "invalid_request_error", code: "resource_missing", param: "id", message: "There is none." },
    },
  },
  refused: {
    status: 400,
    body: { error: { type: "invalid_request_error", code: "parameter_invalid", param: "amount", message: "Wrong." } },
  },
  unexpected_state: {
    status: 400,
    body: {
      error: { type: "invalid_request_error", code: "payment_intent_unexpected_state", message: "Not in this state." },
    },
  },
  needs_review: {
    status: 400,
    body: { error: { type: "idempotency_error", message: "The key was used with other parameters." } },
  },
  saved_failure: {
    status: 500,
    headers: { "idempotent-replayed": "true" },
    body: { error: { type: "api_error", message: "Something went wrong." } },
  },
} as const satisfies Readonly<Record<string, CannedAnswer>>;

export type RefusalKind = keyof typeof refusals;

/** What we make of them where they are passed on. */
export const failure = {
  stripeCode: "card_declined",
  declineCode: "lost_card",
  adviceCode: "do_not_try_again",
  networkDeclineCode: "41",
  message: "The bank said no.",
};
export const missing = { stripeCode: "resource_missing", param: "id", message: "There is none." };
export const refused = { stripeCode: "parameter_invalid", param: "amount", message: "Wrong." };
export const reused = "Stripe saw this idempotency key with other parameters; the request was not repeated.";
