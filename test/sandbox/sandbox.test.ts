import { networkInterfaces } from "node:os";
import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { startSandbox } from "../../src/sandbox/sandbox.ts";
import { cardPayment, until, withReceiver } from "./surroundings.ts";

describe("a sandbox that is started without options", () => {
  it("tells all that the stripe package needs, and sends webhooks to an endpoint that is made as at Stripe", async () => {
    const sandbox = await startSandbox();
    const { protocol, host, port, secretKey } = sandbox;
    expect(sandbox.url).toBe(`${protocol}://${host}:${port}`);
    const stripe = new Stripe(secretKey, { protocol, host, port });
    try {
      await withReceiver(async ({ url, received }) => {
        const { secret = "" } = await stripe.webhookEndpoints.create({
          url,
          enabled_events: ["payment_intent.succeeded"],
        });
        const { status } = await stripe.paymentIntents.create(cardPayment("pm_card_visa"));
        expect(status).toBe("succeeded");
        const [first] = await until("a webhook", () => (received.length > 0 ? received : undefined));
        const event = stripe.webhooks.constructEvent(
          first?.body ?? "",
          first?.headers["stripe-signature"] ?? "",
          secret,
        );
        expect(event.type).toBe("payment_intent.succeeded");
      });
    } finally {
      await sandbox.close();
    }
  });

  it("leaves the process's globals alone", async () => {
    const before = [globalThis.Request, globalThis.Response, globalThis.fetch];
    const sandbox = await startSandbox();
    await sandbox.close();
    expect([globalThis.Request, globalThis.Response, globalThis.fetch]).toEqual(before);
  });

  it("listens on this machine's loopback address only", async () => {
    const sandbox = await startSandbox();
    try {
      const others = Object.values(networkInterfaces()).flatMap((list) =>
        (list ?? []).filter(({ family, internal }) => family === "IPv4" && !internal),
      );
      for (const { address } of others) {
        await expect(fetch(`http://${address}:${sandbox.port}/_sandbox/health`)).rejects.toThrow("fetch failed");
      }
      expect((await fetch(`${sandbox.url}/_sandbox/health`)).status).toBe(200);
    } finally {
      await sandbox.close();
    }
  });
});
