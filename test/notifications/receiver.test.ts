import { createServer, type RequestListener } from "node:http";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import type { PaymentNotification } from "../../src/notifications/contract.ts";
import { postNotification } from "../../src/notifications/receiver.ts";

const secret = `whsec_${Buffer.alloc(32, "s").toString("base64")}`;
const notification = {
  id: "pi_1-payment_succeeded",
  type: "payment.succeeded",
  version: 1,
  createdAt: "2026-11-21T10:02:11.000Z",
  paymentIntentId: "pi_1",
  data: {
    status: "succeeded",
    amount: 109,
    amountReceived: 109,
    currency: "usd",
    chargeId: null,
    failure: null,
    cancellationReason: null,
    metadata: { name: "Zoë 🎈" },
  },
} as const satisfies PaymentNotification;

async function withServer<T>(listener: RequestListener, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  try {
    return await use(`http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const postTo = async (url: string, timeoutMs = 2000) =>
  await postNotification({ kind: "http", url, secrets: [secret] }, notification, timeoutMs);

describe("postNotification", () => {
  it("posts JSON that the receivers' own package verifies", async () => {
    const { promise: verified, resolve } = Promise.withResolvers<unknown>();
    const listener: RequestListener = (request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        resolve(new Webhook(secret).verify(body, request.headers as Record<string, string>));
        response.writeHead(request.headers["content-type"] === "application/json" ? 204 : 415).end();
      });
    };
    expect(await withServer(listener, postTo)).toEqual({ kind: "taken", status: 204 });
    expect(await verified).toEqual(notification);
  });

  it.each([200, 201, 299])("is taken by a %i", async (status) => {
    const attempt = await withServer((_request, response) => response.writeHead(status).end(), postTo);
    expect(attempt).toEqual({ kind: "taken", status });
  });

  it.each([301, 302, 307, 304, 400, 404, 410, 429, 500, 503])(
    "is refused by a %i, which is not followed",
    async (status) => {
      let requests = 0;
      const attempt = await withServer((_request, response) => {
        requests++;
        response.writeHead(status, { location: "/elsewhere" }).end();
      }, postTo);
      expect(attempt).toEqual({ kind: "refused", status });
      expect(requests).toBe(1);
    },
  );

  it("does not wait for a body that never ends", async () => {
    const attempt = await withServer((_request, response) => void response.writeHead(200).write("..."), postTo);
    expect(attempt).toEqual({ kind: "taken", status: 200 });
  });

  it("gives up a receiver that does not answer in time", async () => {
    const attempt = await withServer(
      () => {},
      (url) => postTo(url, 50),
    );
    expect(attempt).toEqual({ kind: "unreachable", reason: "no answer in time" });
  });

  it("names why it can't be reached, without the address", async () => {
    const url = await withServer(
      () => {},
      async (open) => open,
    );
    expect(await postTo(url)).toEqual({ kind: "unreachable", reason: "ECONNREFUSED" });
    expect(await postTo("http://nobody.invalid/secret-path")).toMatchObject({
      kind: "unreachable",
      reason: expect.not.stringContaining("nobody"),
    });
    const cut = await withServer((_request, response) => void response.destroy(), postTo);
    expect(cut).toMatchObject({ kind: "unreachable" });
  });
});
