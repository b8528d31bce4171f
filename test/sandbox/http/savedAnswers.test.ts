import { describe, expect, it } from "vitest";
import { cardPayment, clientOf, connectedAccount, control, errorOf, eventTypes, withSandbox } from "../surroundings.ts";

const key = { idempotencyKey: "order-1" };

describe("an idempotency key", () => {
  it("gives the same answer for the same request, and does the work once", async () => {
    await withSandbox(async ({ stripe }) => {
      const first = await stripe.paymentIntents.create(cardPayment(), key);
      const second = await stripe.paymentIntents.create(cardPayment(), key);
      expect(second.id).toBe(first.id);
      expect(first.lastResponse.headers["idempotent-replayed"]).toBeUndefined();
      expect(second.lastResponse.headers["idempotent-replayed"]).toBe("true");
      expect((await stripe.paymentIntents.list()).data).toHaveLength(1);
    });
  });

  it("replays a decline, though the object has moved on", async () => {
    await withSandbox(async ({ stripe }) => {
      const first = await errorOf(stripe.paymentIntents.create(cardPayment("pm_card_visa_chargeDeclined"), key));
      await stripe.paymentIntents.confirm(first.payment_intent?.id ?? "", { payment_method: "pm_card_visa" });
      const second = await errorOf(stripe.paymentIntents.create(cardPayment("pm_card_visa_chargeDeclined"), key));
      expect(second).toMatchObject({
        statusCode: 402,
        payment_intent: { id: first.payment_intent?.id, status: "requires_payment_method" },
      });
      expect(second.headers).toMatchObject({ "idempotent-replayed": "true" });
    });
  });

  it("is refused for other parameters or another endpoint", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create(cardPayment(), key);
      expect(await errorOf(stripe.paymentIntents.create({ ...cardPayment(), amount: 5 }, key))).toMatchObject({
        statusCode: 400,
        rawType: "idempotency_error",
        message: expect.stringContaining("Keys for idempotent requests can only be used with the same parameters"),
      });
      expect(await errorOf(stripe.refunds.create({ payment_intent: id }, key))).toMatchObject({
        rawType: "idempotency_error",
      });
    });
  });

  it("is not used up by a request whose parameters were refused, but by one whose object refused", async () => {
    await withSandbox(async ({ stripe }) => {
      await errorOf(stripe.paymentIntents.create({ ...cardPayment(), amount: 1 }, key));
      const { id } = await stripe.paymentIntents.create(cardPayment(), key);
      const again = { idempotencyKey: "cancel-1" };
      await errorOf(stripe.paymentIntents.cancel(id, {}, again));
      const replayed = await errorOf(stripe.paymentIntents.cancel(id, {}, again));
      expect(replayed).toMatchObject({
        code: "payment_intent_unexpected_state",
        headers: { "idempotent-replayed": "true" },
      });
    });
  });

  it("is in use while the first request is under way", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      await control(sandbox, "POST", "/faults", { target: "api", effect: "stall", delayMs: 300 });
      const first = stripe.paymentIntents.create(cardPayment(), key);
      await expect.poll(async () => (await eventTypes(stripe)).length).toBeGreaterThan(0);
      expect(await errorOf(stripe.paymentIntents.create(cardPayment(), key))).toMatchObject({
        statusCode: 409,
        rawType: "idempotency_error",
        code: "idempotency_key_in_use",
      });
      const { id } = await first;
      expect((await stripe.paymentIntents.create(cardPayment(), key)).id).toBe(id);
    });
  });

  it("belongs to one account", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const here = await stripe.paymentIntents.create(cardPayment(), key);
      const stripeAccount = await connectedAccount({ sandbox, stripe });
      const there = await clientOf(sandbox, { stripeAccount }).paymentIntents.create(cardPayment(), key);
      expect(there.id).not.toBe(here.id);
    });
  });
});
