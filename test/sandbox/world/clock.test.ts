import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import type { Sandbox } from "../../../src/sandbox/sandbox.ts";
import {
  cardPayment,
  clientOf,
  control,
  debitPayment,
  errorOf,
  eventTypes,
  secret,
  until,
  untilStatus,
  withFolder,
  withReceiver,
  withSandbox,
} from "../surroundings.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

async function clockOf(sandbox: Sandbox, order?: object): Promise<{ mode: string; nowMs: number }> {
  const { status, body } = await control(sandbox, order === undefined ? "GET" : "POST", "/clock", order);
  expect(status).toBe(200);
  return body as { mode: string; nowMs: number };
}

describe("the virtual clock", () => {
  it("stands still, and settles what is due when it is moved", async () => {
    await withSandbox(
      async ({ stripe, sandbox }) => {
        const { mode, nowMs } = await clockOf(sandbox, { mode: "virtual" });
        expect(mode).toBe("virtual");
        const quick = await stripe.paymentIntents.create(debitPayment());
        const slow = await stripe.paymentIntents.create(debitPayment("pm_sepaDebit_successDelayed_de"));
        expect(quick.created).toBe(Math.floor(nowMs / 1000));
        await clockOf(sandbox, { advanceMs: 2 * dayMs });
        expect((await stripe.paymentIntents.retrieve(quick.id)).status).toBe("succeeded");
        expect((await stripe.paymentIntents.retrieve(slow.id)).status).toBe("processing");
        expect(await clockOf(sandbox, { to: nowMs + 4 * dayMs })).toMatchObject({ nowMs: nowMs + 4 * dayMs });
        expect((await stripe.paymentIntents.retrieve(slow.id)).status).toBe("succeeded");
        const { data } = await stripe.events.list({ type: "payment_intent.succeeded" });
        const startSeconds = Math.floor(nowMs / 1000);
        expect(data.map(({ created }) => created - startSeconds)).toEqual([4 * 86_400, 86_400]);
      },
      { settlementDelayMs: dayMs },
    );
  });

  it("ends an authorization after seven days", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      await clockOf(sandbox, { mode: "virtual" });
      const { id } = await stripe.paymentIntents.create({ ...cardPayment(), capture_method: "manual" });
      await clockOf(sandbox, { advanceMs: 7 * dayMs - 1 });
      expect((await stripe.paymentIntents.retrieve(id)).status).toBe("requires_capture");
      await clockOf(sandbox, { advanceMs: 1 });
      expect(await untilStatus(stripe, id, "canceled")).toMatchObject({ cancellation_reason: "expired" });
      expect((await eventTypes(stripe)).slice(-2)).toEqual(["charge.expired", "payment_intent.canceled"]);
    });
  });

  it.each([
    ["2026-10-28.endive", "expired", { refunded: false, amount_refunded: 0 }],
    ["2025-03-31.basil", "expired", { refunded: false, amount_refunded: 0 }],
    ["2025-02-24.acacia", "automatic", { refunded: true, amount_refunded: 1099 }],
    ["2022-11-15", "automatic", { refunded: true, amount_refunded: 1099 }],
  ] as const)("shows an expired authorization as version %s does: %s", async (version, reason, charge) => {
    await withReceiver(async ({ url, received }) => {
      await withSandbox(async ({ stripe, sandbox }) => {
        const enabled_events = ["charge.expired", "payment_intent.canceled"] as const;
        await stripe.webhookEndpoints.create({
          url,
          enabled_events: [...enabled_events],
          api_version: version,
        });
        const { id } = await stripe.paymentIntents.create({ ...cardPayment(), capture_method: "manual" });
        await clockOf(sandbox, { advanceMs: 7 * dayMs });
        const ofVersion = clientOf(sandbox, { apiVersion: version as "2026-10-28.endive" });
        const expand = ["latest_charge"];
        const shown = {
          cancellation_reason: reason,
          latest_charge: { captured: false, status: "succeeded", ...charge },
        };
        expect(await ofVersion.paymentIntents.retrieve(id, { expand })).toMatchObject(shown);
        expect((await ofVersion.paymentIntents.list({ expand: ["data.latest_charge"] })).data).toMatchObject([shown]);
        expect((await ofVersion.charges.list({ payment_intent: id })).data).toMatchObject([charge]);
        expect(await errorOf(ofVersion.paymentIntents.capture(id))).toMatchObject({
          payment_intent: { cancellation_reason: reason },
        });
        const told = Object.fromEntries(received.map(({ event }) => [event.type, event.data.object]));
        expect(told).toMatchObject({
          "charge.expired": charge,
          "payment_intent.canceled": { cancellation_reason: reason },
        });
        expect(await errorOf(stripe.refunds.create({ payment_intent: id }))).toMatchObject({ statusCode: 400 });
      });
    });
  });

  it("lets an idempotency key be used anew after a day", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      await clockOf(sandbox, { mode: "virtual" });
      const create = async () => (await stripe.paymentIntents.create(cardPayment(), { idempotencyKey: "order-1" })).id;
      const first = await create();
      await clockOf(sandbox, { advanceMs: dayMs - 1 });
      expect(await create()).toBe(first);
      await clockOf(sandbox, { advanceMs: 1 });
      expect(await create()).not.toBe(first);
    });
  });

  it("retries a webhook for three days, each time signed anew, and answers when all is done", async () => {
    await withReceiver(async ({ url, received, answerWith }) => {
      await withSandbox(
        async ({ stripe, sandbox }) => {
          const { nowMs } = await clockOf(sandbox, { mode: "virtual" });
          answerWith(500);
          await stripe.customers.create({});
          await clockOf(sandbox, { advanceMs: hourMs });
          expect(received).toHaveLength(3);
          expect((await stripe.events.list({ delivery_success: false })).data).toMatchObject([{ pending_webhooks: 1 }]);
          await clockOf(sandbox, { advanceMs: 3 * dayMs });
          expect(received).toHaveLength(10);
          const signedAt = received.map(({ body, headers }) => {
            const signature = String(headers["stripe-signature"]);
            expect(Stripe.webhooks.constructEvent(body, signature, secret).type).toBe("customer.created");
            return Number(/^t=(\d+)/.exec(signature)?.[1]) - Math.floor(nowMs / 1000);
          });
          const hours = [0, 0.1, 0.6, 2.6, 7.6, 17.6, 29.6, 41.6, 53.6, 65.6];
          expect(signedAt.slice(1)).toEqual(hours.slice(1).map((hour) => Math.round(hour * 3600)));
          expect((await stripe.events.list({ delivery_success: false })).data).toMatchObject([{ pending_webhooks: 0 }]);
        },
        { webhook: { url, secret } },
      );
    });
  });

  it("does things in due order, whatever kind they are", async () => {
    await withReceiver(async ({ url, received, answerWith }) => {
      await withSandbox(
        async ({ stripe, sandbox }) => {
          await clockOf(sandbox, { mode: "virtual" });
          answerWith(500);
          await stripe.paymentIntents.create(debitPayment());
          await until("the first tries", () => (received.length === 3 ? true : undefined));
          answerWith(200);
          await clockOf(sandbox, { advanceMs: 3 * hourMs });
          const types = received.slice(3).map(({ event }) => event.type);
          expect(types.slice(0, 2).toSorted()).toEqual(["charge.succeeded", "payment_intent.succeeded"]);
          expect(types[2]).toBe("charge.updated");
          expect(types.slice(3).toSorted()).toEqual([
            "charge.pending",
            "payment_intent.created",
            "payment_intent.processing",
          ]);
        },
        { webhook: { url, secret }, settlementDelayMs: hourMs, webhookRetryDelaysMs: [2 * hourMs] },
      );
    });
  });

  it("outlives a restart, and goes on in real time from where it is", async () => {
    await withFolder(async (dataDir) => {
      let nowMs = 0;
      let id = "";
      const options = { dataDir, settlementDelayMs: dayMs };
      await withSandbox(async ({ stripe, sandbox }) => {
        ({ nowMs } = await clockOf(sandbox, { advanceMs: 30 * dayMs }));
        ({ id } = await stripe.paymentIntents.create(debitPayment()));
      }, options);
      await withSandbox(async ({ stripe, sandbox }) => {
        expect(await clockOf(sandbox)).toMatchObject({ mode: "virtual", nowMs });
        expect((await stripe.paymentIntents.retrieve(id)).status).toBe("processing");
        await clockOf(sandbox, { advanceMs: dayMs - 50, mode: "real" });
        await untilStatus(stripe, id, "succeeded");
      }, options);
      await withSandbox(async ({ sandbox }) => {
        const clock = await clockOf(sandbox);
        expect(clock.mode).toBe("real");
        expect(clock.nowMs).toBeGreaterThan(nowMs + dayMs - 50);
      }, options);
    });
  });

  it.each([
    [{ to: 8_640_000_000_000_000 }],
    [{ to: Number.MAX_SAFE_INTEGER }],
    [{ to: 1e300 }],
    [{ to: Date.UTC(2100, 0, 1) + 1 }],
    [{ to: -1 }],
    [{ to: 1.5 }],
    [{ to: null }],
    [{ to: "2030-01-01" }],
    [{ advanceMs: 8_640_000_000_000_000 }],
    [{ advanceMs: Number.MAX_SAFE_INTEGER }],
    [{ advanceMs: Date.UTC(2100, 0, 1) }],
    [{ advanceMs: -1 }],
    [{ advanceMs: 0.5 }],
    [{ advanceMs: null }],
    [{ mode: "fast" }],
  ])("refuses %j, and doesn't move", async (order) => {
    await withSandbox(async ({ sandbox }) => {
      const { nowMs } = await clockOf(sandbox, { mode: "virtual" });
      expect(await control(sandbox, "POST", "/clock", order)).toMatchObject({ status: 400 });
      expect(await clockOf(sandbox)).toMatchObject({ mode: "virtual", nowMs });
    });
  });

  it("goes as far as the year 2100, in one order or in many, and no further", async () => {
    await withSandbox(async ({ sandbox }) => {
      const endMs = Date.UTC(2100, 0, 1);
      const { nowMs } = await clockOf(sandbox, { mode: "virtual" });
      await clockOf(sandbox, { advanceMs: 3660 * dayMs });
      expect(await control(sandbox, "POST", "/clock", { advanceMs: endMs - nowMs })).toMatchObject({
        status: 400,
        body: { error: { message: expect.stringContaining("2100-01-01") as string } },
      });
      expect(await clockOf(sandbox, { to: endMs })).toMatchObject({ nowMs: endMs });
      expect(await control(sandbox, "POST", "/clock", { advanceMs: 1 })).toMatchObject({ status: 400 });
    });
  });

  it("doesn't go back, and takes one order at a time", async () => {
    await withSandbox(async ({ sandbox }) => {
      const { nowMs } = await clockOf(sandbox);
      expect(await control(sandbox, "POST", "/clock", { to: nowMs - 1 })).toMatchObject({ status: 409 });
      expect(await control(sandbox, "POST", "/clock", { to: nowMs, advanceMs: 1 })).toMatchObject({ status: 400 });
      expect(await control(sandbox, "POST", "/clock", { advanceMs: -1 })).toMatchObject({ status: 400 });
      const both = await Promise.all([1, 2].map((hours) => clockOf(sandbox, { advanceMs: hours * hourMs })));
      expect(both.every((clock) => clock.mode === "virtual")).toBe(true);
    });
  });
});
