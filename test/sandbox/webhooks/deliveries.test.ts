import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import {
  cardPayment,
  clientOf,
  control,
  debitPayment,
  secret,
  until,
  untilStatus,
  withFolder,
  withReceiver,
  withSandbox,
} from "../surroundings.ts";

describe("webhooks", () => {
  it("are signed as Stripe signs them and carry the object as it was", async () => {
    await withReceiver(async ({ url, received }) => {
      await withSandbox(
        async ({ stripe }) => {
          const { id } = await stripe.paymentIntents.create(cardPayment());
          const webhook = await until("the event", () =>
            received.find(({ event }) => event.type === "payment_intent.succeeded"),
          );
          const event = Stripe.webhooks.constructEvent(
            webhook.body,
            String(webhook.headers["stripe-signature"]),
            secret,
          );
          expect(event).toMatchObject({
            object: "event",
            api_version: "2026-10-28.endive",
            pending_webhooks: 1,
            data: { object: { id } },
          });
          expect(event.account).toBeUndefined();
          expect(webhook.headers).toMatchObject({
            "content-type": "application/json; charset=utf-8",
            "user-agent": expect.stringMatching(/^Stripe\/1\.0/),
          });
          expect(() =>
            Stripe.webhooks.constructEvent(`${webhook.body} `, String(webhook.headers["stripe-signature"]), secret),
          ).toThrow(Stripe.errors.StripeSignatureVerificationError);
        },
        { webhook: { url, secret } },
      );
    });
  });

  it("are retried until they are taken, and given up after the last try", async () => {
    await withReceiver(async ({ url, received, answerWith }) => {
      await withSandbox(
        async ({ stripe, sandbox }) => {
          answerWith(302);
          await stripe.customers.create({});
          await until("two tries", () => (received.length >= 2 ? true : undefined));
          expect((await stripe.events.list({ delivery_success: false })).data).toHaveLength(1);
          answerWith(204);
          const deliveries = async () => (await control(sandbox, "GET", "/deliveries")).body;
          await expect
            .poll(deliveries)
            .toMatchObject([{ eventType: "customer.created", state: "delivered", lastStatus: 204, nextAttempt: null }]);
          expect((await stripe.events.list({ delivery_success: false })).data).toEqual([]);
          answerWith(500);
          await stripe.customers.create({});
          await expect
            .poll(deliveries, { timeout: 5000 })
            .toMatchObject([{}, { state: "given_up", attempts: 7, lastStatus: 500 }]);
          answerWith(200);
          const [event] = (await stripe.events.list({ delivery_success: false })).data;
          const before = received.length;
          expect(await control(sandbox, "POST", `/events/${event?.id}/deliver`)).toMatchObject({ status: 200 });
          expect(received.length).toBe(before + 1);
          expect(await control(sandbox, "POST", "/events/evt_none/deliver")).toMatchObject({ status: 404 });
        },
        { webhook: { url, secret }, webhookRetryDelaysMs: [10, 50, 50, 50, 50, 50] },
      );
    });
  });

  it("for connected accounts go to an endpoint made for them, and only those", async () => {
    await withReceiver(async ({ url, received }) => {
      await withSandbox(
        async ({ stripe, sandbox }) => {
          await stripe.customers.create({});
          const stripeAccount = (await stripe.accounts.create()).id;
          await clientOf(sandbox, { stripeAccount }).customers.create({});
          const { event } = await until("the event", () => received[0]);
          expect(event.account).toBe(stripeAccount);
          expect(received).toHaveLength(1);
        },
        { webhook: { url, secret, connect: true } },
      );
    });
  });
});

describe("a restarted sandbox", () => {
  it("keeps its objects and its saved answers", async () => {
    await withFolder(async (dataDir) => {
      const key = { idempotencyKey: "order-1" };
      let id = "";
      await withSandbox(async ({ stripe }) => void ({ id } = await stripe.paymentIntents.create(cardPayment(), key)), {
        dataDir,
      });
      await withSandbox(
        async ({ stripe }) => {
          expect((await stripe.paymentIntents.retrieve(id)).status).toBe("succeeded");
          expect((await stripe.paymentIntents.create(cardPayment(), key)).id).toBe(id);
        },
        { dataDir },
      );
    });
  });

  it("settles what was due while it was away", async () => {
    await withFolder(async (dataDir) => {
      const ids: string[] = [];
      await withSandbox(
        async ({ stripe }) => {
          for (const method of ["pm_usBankAccount_success", "pm_usBankAccount_noAccount"]) {
            ids.push((await stripe.paymentIntents.create(debitPayment(method))).id);
          }
        },
        { dataDir, settlementDelayMs: 100 },
      );
      await withSandbox(
        async ({ stripe }) => {
          expect(await untilStatus(stripe, ids[0] ?? "", "succeeded")).toMatchObject({ amount_received: 1099 });
          expect(await untilStatus(stripe, ids[1] ?? "", "requires_payment_method")).toMatchObject({
            last_payment_error: { code: "no_account" },
          });
        },
        { dataDir, settlementDelayMs: 60_000 },
      );
    });
  });

  it("delivers what nobody took before", async () => {
    await withFolder(async (dataDir) => {
      await withReceiver(async ({ url, received, answerWith }) => {
        const options = { dataDir, webhook: { url, secret }, webhookRetryDelaysMs: [50, 50, 50, 50, 50, 50, 50, 50] };
        answerWith(503);
        await withSandbox(async ({ stripe }) => {
          await stripe.customers.create({ name: "Ada" });
          await until("the first try", () => received[0]);
        }, options);
        answerWith(200);
        received.length = 0;
        await withSandbox(async ({ sandbox }) => {
          const webhook = await until("the event", () => received[0]);
          expect(webhook.event).toMatchObject({ type: "customer.created", data: { object: { name: "Ada" } } });
          const deliveries = async () => (await control(sandbox, "GET", "/deliveries")).body;
          await expect.poll(deliveries).toMatchObject([{ state: "delivered" }]);
        }, options);
      });
    });
  });
});
