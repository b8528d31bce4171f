import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import {
  cardPayment,
  clientOf,
  connectedAccount,
  control,
  errorOf,
  type Received,
  secret,
  until,
  withFolder,
  withReceiver,
  withSandbox,
} from "../surroundings.ts";

const everything = { enabled_events: ["*"] as Stripe.WebhookEndpointCreateParams.EnabledEvent[] };

async function arrival(received: readonly Received[], type: string): Promise<Received> {
  return await until(type, () => received.find(({ event }) => event.type === type));
}

function verified({ body, headers }: Received, key: string): Stripe.Event {
  return Stripe.webhooks.constructEvent(body, String(headers["stripe-signature"]), key);
}

describe("a webhook endpoint", () => {
  it("is created with a secret that is shown once, and retrieved, updated, listed and deleted", async () => {
    await withSandbox(async ({ stripe }) => {
      const url = "http://127.0.0.1:9/hook";
      const created = await stripe.webhookEndpoints.create({ url, ...everything, metadata: { team: "a" } });
      expect(created).toMatchObject({ object: "webhook_endpoint", status: "enabled", api_version: null, url });
      expect(created.secret).toMatch(/^whsec_\w{32}$/);
      const { id } = created;
      expect(await stripe.webhookEndpoints.retrieve(id)).not.toHaveProperty("secret");
      const updated = await stripe.webhookEndpoints.update(id, { disabled: true, enabled_events: ["charge.failed"] });
      expect(updated).toMatchObject({ status: "disabled", enabled_events: ["charge.failed"], metadata: { team: "a" } });
      expect((await stripe.webhookEndpoints.list()).data).toMatchObject([{ id, status: "disabled" }]);
      expect(await stripe.webhookEndpoints.del(id)).toEqual({ id, object: "webhook_endpoint", deleted: true });
      expect(await errorOf(stripe.webhookEndpoints.retrieve(id))).toMatchObject({
        statusCode: 404,
        message: `No such webhook endpoint: '${id}'`,
      });
    });
  });

  it("is refused without events, with a strange address or version, and beyond the sixteenth", async () => {
    await withSandbox(async ({ stripe }) => {
      const url = "https://example.com/hook";
      const create = (params: object) =>
        stripe.webhookEndpoints.create(params as Stripe.WebhookEndpointCreateParams).catch((error: unknown) => error);
      expect(await create({ url })).toMatchObject({ code: "parameter_missing", param: "enabled_events" });
      expect(await create({ url, enabled_events: ["charge"] })).toMatchObject({ param: "enabled_events[0]" });
      expect(await create({ url: "example.com", ...everything })).toMatchObject({ code: "url_invalid" });
      expect(await create({ url, ...everything, api_version: "new" })).toMatchObject({ param: "api_version" });
      for (let i = 0; i < 16; i++) await stripe.webhookEndpoints.create({ url, ...everything });
      expect(await create({ url, ...everything })).toMatchObject({ statusCode: 400 });
    });
  });

  it("gets the events it asked for, in its version, signed with its secret, beside the configured one", async () => {
    await withReceiver(async (configured) => {
      await withReceiver(async ({ url, received }) => {
        await withSandbox(
          async ({ stripe }) => {
            const endpoint = await stripe.webhookEndpoints.create({
              url,
              enabled_events: ["charge.updated"],
              api_version: "2026-03-25.dahlia",
            });
            await stripe.paymentIntents.create(cardPayment());
            const webhook = await arrival(received, "charge.updated");
            const event = verified(webhook, endpoint.secret ?? "");
            expect(event).toMatchObject({ api_version: "2026-03-25.dahlia", pending_webhooks: 2 });
            expect(() => verified(webhook, secret)).toThrow("No signatures found");
            const other = verified(await arrival(configured.received, "charge.updated"), secret);
            expect(other).toMatchObject({ id: event.id, api_version: "2026-10-28.endive" });
            expect(received).toHaveLength(1);
            const pending = async () => (await stripe.events.retrieve(event.id)).pending_webhooks;
            await expect.poll(pending).toBe(0);
          },
          { webhook: { url: configured.url, secret } },
        );
      });
    });
  });

  it("made with connect gets the events of connected accounts, their own endpoints too", async () => {
    await withReceiver(async (own) => {
      await withReceiver(async ({ url, received }) => {
        await withSandbox(async ({ stripe, sandbox }) => {
          const account = await connectedAccount({ sandbox, stripe });
          const connected = clientOf(sandbox, { stripeAccount: account });
          const made = await stripe.webhookEndpoints.create({ url, ...everything, connect: true });
          expect(made.application).toBe("ca_sandbox_platform");
          const { id, application } = await connected.webhookEndpoints.create({ url: own.url, ...everything });
          expect(application).toBeNull();
          expect(await errorOf(stripe.webhookEndpoints.retrieve(id))).toMatchObject({ statusCode: 404 });
          await stripe.customers.create({});
          await connected.customers.create({});
          expect((await arrival(received, "customer.created")).event.account).toBe(account);
          expect((await arrival(own.received, "customer.created")).event.account).toBe(account);
          expect([received.length, own.received.length]).toEqual([1, 1]);
        });
      });
    });
  });

  it("that is disabled or deleted gets nothing more, not even retries", async () => {
    await withReceiver(async ({ url, received, answerWith }) => {
      await withSandbox(
        async ({ stripe, sandbox }) => {
          const { id } = await stripe.webhookEndpoints.create({ url, ...everything });
          answerWith(500);
          await stripe.customers.create({});
          await until("the first try", () => received[0]);
          await stripe.webhookEndpoints.update(id, { disabled: true });
          await stripe.customers.create({});
          const deliveries = async () => (await control(sandbox, "GET", "/deliveries")).body;
          await expect.poll(deliveries).toMatchObject([{ state: "given_up", nextAttempt: null }]);
          await stripe.webhookEndpoints.update(id, { disabled: false });
          await stripe.customers.create({});
          await stripe.webhookEndpoints.del(id);
          expect(await deliveries()).toMatchObject([{ state: "given_up" }, { state: "given_up" }]);
        },
        { webhookRetryDelaysMs: [50, 3_600_000] },
      );
    });
  });

  it("outlives a restart", async () => {
    await withFolder(async (dataDir) => {
      await withReceiver(async ({ url, received }) => {
        let key = "";
        const created = { url, ...everything };
        await withSandbox(
          async ({ stripe }) => void (key = (await stripe.webhookEndpoints.create(created)).secret ?? ""),
          { dataDir },
        );
        await withSandbox(
          async ({ stripe }) => {
            await stripe.customers.create({});
            expect(verified(await arrival(received, "customer.created"), key).type).toBe("customer.created");
          },
          { dataDir },
        );
      });
    });
  });

  it("is signed for with two secrets while one is being rolled, and with the new one after", async () => {
    await withReceiver(async ({ url, received }) => {
      await withSandbox(async ({ stripe, sandbox }) => {
        const { id, secret: old = "" } = await stripe.webhookEndpoints.create({ url, ...everything });
        const roll = async (expiresInMs: number) => {
          const { body } = await control(sandbox, "POST", `/webhook_endpoints/${id}/roll`, { expiresInMs });
          return (body as { secret: string }).secret;
        };
        const newer = await roll(60_000);
        await stripe.customers.create({});
        const webhook = await arrival(received, "customer.created");
        for (const key of [old, newer]) expect(verified(webhook, key).type).toBe("customer.created");
        const newest = await roll(0);
        await stripe.paymentIntents.create({ amount: 100, currency: "usd" });
        const later = await arrival(received, "payment_intent.created");
        expect(verified(later, newest).type).toBe("payment_intent.created");
        expect(() => verified(later, newer)).toThrow("No signatures found");
        expect(await control(sandbox, "POST", "/webhook_endpoints/we_none/roll", {})).toMatchObject({ status: 404 });
      });
    });
  });
});

describe("an event", () => {
  it("is sent again to the endpoint named, which makes up for its failure", async () => {
    await withReceiver(async ({ url, received, answerWith }) => {
      await withSandbox(
        async ({ stripe }) => {
          const endpoint = await stripe.webhookEndpoints.create({ url, ...everything });
          answerWith(500);
          await stripe.customers.create({});
          const failed = async () => (await stripe.events.list({ delivery_success: false })).data;
          await until("it to be given up", async () =>
            (await failed())[0]?.pending_webhooks === 0 ? true : undefined,
          );
          const [event] = await failed();
          answerWith(200);
          const retry = (params: object) =>
            stripe.rawRequest("POST", `/v1/events/${event?.id}/retry`, params).catch((error: unknown) => error);
          expect(await retry({ webhook_endpoint: endpoint.id })).toMatchObject({ id: event?.id, object: "event" });
          expect(verified(received[1] as Received, endpoint.secret ?? "").id).toBe(event?.id);
          expect(await failed()).toEqual([]);
          expect((await stripe.events.list({ delivery_success: true })).data).toHaveLength(1);
          expect(await retry({ for_stripecli: true })).toMatchObject({ id: event?.id });
          expect(received).toHaveLength(3);
          expect(await retry({})).toMatchObject({ code: "parameter_missing" });
          expect(await retry({ webhook_endpoint: "we_none" })).toMatchObject({ code: "resource_missing" });
        },
        { webhookRetryDelaysMs: [] },
      );
    });
  });

  it("is found by its type, several types, and when it was made", async () => {
    await withSandbox(async ({ stripe }) => {
      await stripe.customers.create({});
      await stripe.paymentIntents.create(cardPayment());
      const types = async (params: Stripe.EventListParams) =>
        (await stripe.events.list(params)).data.map(({ type }) => type).toSorted();
      expect(await types({ type: "customer.created" })).toEqual(["customer.created"]);
      expect(await types({ types: ["customer.created", "charge.succeeded"] })).toEqual([
        "charge.succeeded",
        "customer.created",
      ]);
      expect(await types({ type: "payment_intent.*" })).toHaveLength(2);
      const { created } = (await stripe.events.list({ limit: 1 })).data[0] ?? { created: 0 };
      expect(await types({ created: { gt: created } })).toEqual([]);
      expect((await types({ created: { lte: created } })).length).toBeGreaterThanOrEqual(4);
    });
  });
});
