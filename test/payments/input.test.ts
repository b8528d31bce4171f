/** The service at its border: bodies that it passes on to Stripe as they are, and bodies that it refuses. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { card, newOrder, openScene, type Scene } from "../scene/scene.ts";

let scene: Scene;
beforeAll(async () => {
  scene = await openScene(1000);
});
afterAll(async () => {
  await scene.close();
});

describe("an amount", () => {
  it("of more than eight digits is held, captured in part and refunded in part", async () => {
    const held = await scene.call("processPayment", {
      ...card(newOrder()),
      amount: 250_000_000,
      currency: "idr",
      captureMethod: "manual",
    });
    expect(held).toMatchObject({ status: 200, body: { status: "requires_capture", amount: 250_000_000 } });
    const { paymentIntentId } = held.body;
    const captured = await scene.call("capturePayment", { paymentIntentId, amount: 200_000_000 });
    expect(captured).toMatchObject({ status: 200, body: { status: "succeeded", amountReceived: 200_000_000 } });
    const refunded = await scene.call("refundPayment", { paymentIntentId, amount: 150_000_000 });
    expect(refunded).toMatchObject({ status: 200, body: { status: "succeeded", amount: 150_000_000 } });
  });

  it("is judged by Stripe where its limits depend on the payment method or on the account", async () => {
    const { id: paymentMethodId } = await scene.stripe.paymentMethods.create({ type: "ideal" });
    const cent = { paymentMethodId, amount: 1, currency: "eur", returnUrl: "https://shop.example", timeoutSeconds: 60 };
    expect(await scene.call("processPayment", cent)).toMatchObject({
      status: 200,
      body: { status: "requires_action", amount: 1 },
    });
    for (const [change, stripeCode] of [
      [{ amount: 1 }, "amount_too_small"],
      [
        { amount: 100_000_000, paymentMethodId: "pm_usBankAccount_success", mandate: { type: "offline" } },
        "amount_too_large",
      ],
    ] as const) {
      const refused = await scene.call("processPayment", { ...card(newOrder()), ...change });
      expect(refused).toMatchObject({ status: 400, body: { metadata: { reason: "invalid_request", stripeCode } } });
    }
  });
});
