import type { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import type { FaultInput } from "../../../src/sandbox/world/faults.ts";
import { cardPayment, control, errorOf, until, withReceiver, withSandbox, secret } from "../surroundings.ts";

const key = { idempotencyKey: "order-1" };

async function madeOrLimited(stripe: Stripe): Promise<string[]> {
  const answers: string[] = [];
  for (let i = 0; i < 24; i++) {
    const call = stripe.paymentIntents.create({ amount: 100, currency: "usd" });
    answers.push(await call.then(() => "made").catch(() => "limited"));
  }
  return answers;
}

function apiFault(effect: string, more: object = {}) {
  return { target: "api", effect, method: "POST", path: "/v1/payment_intents*", ...more };
}

function webhookFault(effect: string, more: object = {}) {
  return { target: "webhook", effect, eventType: "payment_intent.succeeded", ...more };
}

describe("a fault of the API", () => {
  it.each([
    ["error_500", { statusCode: 500, rawType: "api_error" }],
    ["rate_limit", { statusCode: 429, code: "rate_limit" }],
    ["lock_timeout", { statusCode: 429, code: "lock_timeout", rawType: "invalid_request_error" }],
    ["conflict", { statusCode: 409, code: "idempotency_key_in_use" }],
    ["unauthorized", { statusCode: 401 }],
    ["forbidden", { statusCode: 403 }],
    ["html_502", { message: expect.stringContaining("Invalid JSON") }],
    // The client repeats a cut call once, whatever its settings; two cuts show the error.
    ["cut_before", { type: "StripeConnectionError" }, 2],
  ] as [string, object, number?][])("%s does nothing and saves nothing", async (effect, seen, count = 1) => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const answer = await control(sandbox, "POST", "/faults", apiFault(effect, { count }));
      expect(answer).toMatchObject({ status: 200, body: [{ effect, id: expect.any(String) }] });
      expect(await errorOf(stripe.paymentIntents.create(cardPayment(), key))).toMatchObject(seen);
      expect((await stripe.paymentIntents.list()).data).toEqual([]);
      const again = await stripe.paymentIntents.create(cardPayment(), key);
      expect(again.lastResponse.headers["idempotent-replayed"]).toBeUndefined();
    });
  });

  it.each([
    ["error_500_saved", 0],
    ["error_500_saved_after", 1],
  ])("%s is replayed under the key, with %i payments made", async (effect, made) => {
    await withSandbox(async ({ stripe, sandbox }) => {
      await control(sandbox, "POST", "/faults", apiFault(effect));
      const first = await errorOf(stripe.paymentIntents.create(cardPayment(), key));
      expect(first).toMatchObject({ statusCode: 500 });
      expect(first.headers).not.toHaveProperty("idempotent-replayed");
      const again = await errorOf(stripe.paymentIntents.create(cardPayment(), key));
      expect(again).toMatchObject({ statusCode: 500, headers: { "idempotent-replayed": "true" } });
      expect((await stripe.paymentIntents.list()).data).toHaveLength(made);
    });
  });

  it("cut_after is healed by a retry with the same key", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      await control(sandbox, "POST", "/faults", { target: "api", effect: "cut_after", path: "/v1/payment_intents" });
      const payment = await stripe.paymentIntents.create(cardPayment(), key);
      expect(payment.lastResponse.headers["idempotent-replayed"]).toBe("true");
      expect((await stripe.paymentIntents.list()).data).toHaveLength(1);
      const log = (await control(sandbox, "GET", "/requests?path=/v1/payment_intents&method=post")).body;
      expect(log).toMatchObject([
        { status: null, idempotencyKey: "order-1", replayed: false, fault: "cut_after" },
        { status: 200, replayed: true, fault: null },
      ]);
    });
  });

  it("stall does the work first", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      await control(sandbox, "POST", "/faults", {
        target: "api",
        effect: "stall",
        delayMs: 200,
        path: "/v1/payment_intents",
      });
      let isAnswered = false;
      const call = stripe.paymentIntents.create(cardPayment()).then(() => (isAnswered = true));
      const events = await until("its events", async () => {
        const { data } = await stripe.events.list();
        return data.length > 0 ? data : undefined;
      });
      expect(events.length).toBeGreaterThan(0);
      expect(isAnswered).toBe(false);
      await call;
    });
  });

  it("is listed, cleared, and refused when it makes no sense", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      expect(await control(sandbox, "POST", "/faults", { target: "api", effect: "lose" })).toMatchObject({
        status: 400,
        body: { error: { message: expect.stringContaining("effect") } },
      });
      const two = [
        { target: "api", effect: "error_500", count: 0 },
        { target: "webhook", effect: "lose", eventType: "charge.*" },
      ];
      expect(await control(sandbox, "POST", "/faults", two)).toMatchObject({ body: [{}, {}] });
      for (let i = 0; i < 3; i++) expect((await errorOf(stripe.paymentIntents.list())).statusCode).toBe(500);
      expect(await control(sandbox, "GET", "/faults")).toMatchObject({
        body: [{ count: 0 }, { eventType: "charge.*" }],
      });
      expect(await control(sandbox, "DELETE", "/faults")).toEqual({ status: 200, body: [] });
      expect((await stripe.paymentIntents.list()).data).toEqual([]);
    });
  });
});

describe("faults with a probability", () => {
  it("fall alike for the same seed, at the start and over HTTP, and otherwise for another", async () => {
    const order = apiFault("rate_limit", { count: 0, probability: 0.5 });
    const runs: string[][] = [];
    for (const faultSeed of [7, 8]) {
      const options = { faults: [order as FaultInput], faultSeed };
      await withSandbox(async ({ stripe }) => void runs.push(await madeOrLimited(stripe)), options);
    }
    await withSandbox(async ({ stripe, sandbox }) => {
      await control(sandbox, "POST", "/faults", order);
      expect(await control(sandbox, "POST", "/fault_seed", { seed: 7 })).toMatchObject({ body: { seed: 7 } });
      runs.push(await madeOrLimited(stripe));
    });
    expect(new Set(runs[0])).toEqual(new Set(["made", "limited"]));
    expect(runs[1]).not.toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });
});

describe("a fault of webhooks", () => {
  it.each([
    ["lose", 0, "lost"],
    ["double", 2, "delivered"],
  ])("%s sends the event %i times", async (effect, times, state) => {
    await withReceiver(async ({ url, received }) => {
      await withSandbox(
        async ({ stripe, sandbox }) => {
          await control(sandbox, "POST", "/faults", webhookFault(effect));
          await stripe.paymentIntents.create(cardPayment());
          await until("charge.updated", () => received.find(({ event }) => event.type === "charge.updated"));
          const types = received.map(({ event }) => event.type).filter((type) => type === "payment_intent.succeeded");
          expect(types).toHaveLength(times);
          await expect
            .poll(async () => (await control(sandbox, "GET", "/deliveries")).body)
            .toContainEqual(expect.objectContaining({ eventType: "payment_intent.succeeded", state, fault: effect }));
        },
        { webhook: { url, secret } },
      );
    });
  });

  it("delay sends the event later", async () => {
    await withReceiver(async ({ url, received }) => {
      await withSandbox(
        async ({ stripe, sandbox }) => {
          await control(sandbox, "POST", "/faults", webhookFault("delay", { delayMs: 150 }));
          const startMs = performance.now();
          await stripe.paymentIntents.create(cardPayment());
          await until("the others", () => (received.length >= 2 ? true : undefined));
          expect(received.map(({ event }) => event.type)).not.toContain("payment_intent.succeeded");
          await until("it", () => received.find(({ event }) => event.type === "payment_intent.succeeded"));
          expect(performance.now() - startMs).toBeGreaterThan(145);
        },
        { webhook: { url, secret } },
      );
    });
  });

  it("reorder sends a batch backwards", async () => {
    await withReceiver(async ({ url, received }) => {
      await withSandbox(
        async ({ stripe, sandbox }) => {
          await control(sandbox, "POST", "/faults", webhookFault("reorder"));
          await stripe.paymentIntents.create(cardPayment());
          await until("three events", () => (received.length >= 3 ? true : undefined));
          expect(received.slice(0, 3).map(({ event }) => event.type)).toEqual([
            "payment_intent.created",
            "payment_intent.succeeded",
            "charge.succeeded",
          ]);
        },
        { webhook: { url, secret } },
      );
    });
  });

  it("before_response has the event delivered before the answer", async () => {
    await withReceiver(async ({ url, received }) => {
      await withSandbox(
        async ({ stripe, sandbox }) => {
          await control(sandbox, "POST", "/faults", webhookFault("before_response"));
          await stripe.paymentIntents.create(cardPayment());
          expect(received.map(({ event }) => event.type)).toContain("payment_intent.succeeded");
        },
        { webhook: { url, secret } },
      );
    });
  });
});
