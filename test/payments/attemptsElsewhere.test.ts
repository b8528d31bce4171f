/** A PaymentIntent or SetupIntent that no call of ours made: its page or program may try again after a decline. */
import { Stripe } from "stripe";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modes, openScene, until, untilHung, type Scene } from "../scene/scene.ts";

const returnUrl = "https://shop.example/back";

describe.each(modes)("an attempt on what somebody else made, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
  });
  afterAll(async () => {
    await scene.close();
  });

  async function makePayment(): Promise<string> {
    const made = await scene.stripe.paymentIntents.create({
      amount: 500,
      currency: "usd",
      automatic_payment_methods: { enabled: true },
    });
    return made.id;
  }

  const readPayment = (id: string) => scene.stripe.paymentIntents.retrieve(id);

  /** Sends one attempt, as the page does; a decline is its customer's to see. */
  async function attempt(id: string, payment_method: string): Promise<void> {
    const mandate_data = payment_method.includes("Bank") && { customer_acceptance: { type: "offline" as const } };
    const more = { return_url: returnUrl, ...(mandate_data && { mandate_data }) };
    await scene.stripe.paymentIntents.confirm(id, { payment_method, ...more }).catch((error: unknown) => {
      if (!(error instanceof Stripe.errors.StripeCardError)) throw error;
    });
  }

  /** Begins to wait, and gives how to find out that the waiter has read what its doorbell rang for. */
  async function waitFor(paymentIntentId: string) {
    const outcome = scene.call("awaitPayment", { paymentIntentId });
    await untilHung(1, () => readPayment(paymentIntentId));
    const hanging = async () => JSON.stringify((await readPayment(paymentIntentId)).metadata);
    const before = { addresses: await hanging() };
    const noticed = async () => {
      before.addresses = await until("another doorbell", async () => {
        const addresses = await hanging();
        return addresses === before.addresses ? undefined : addresses;
      });
    };
    return { outcome, noticed };
  }

  it("may be declined, and followed by one that succeeds: the wait goes on until then", async () => {
    const paymentIntentId = await makePayment();
    const { outcome, noticed } = await waitFor(paymentIntentId);
    await attempt(paymentIntentId, "pm_card_visa_chargeDeclinedInsufficientFunds");
    await noticed();
    expect(await scene.call("getPayment", { paymentIntentId })).toMatchObject({
      status: 200,
      body: { status: "requires_payment_method", failure: { declineCode: "insufficient_funds" } },
    });
    await attempt(paymentIntentId, "pm_card_visa_chargeDeclined");
    await noticed();
    await attempt(paymentIntentId, "pm_card_visa");
    expect(await outcome).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "webhook" } });
  });

  it("that was declined before anybody waits does not end the wait, whose 408 tells it as an attempt", async () => {
    const paymentIntentId = await makePayment();
    await attempt(paymentIntentId, "pm_card_visa_chargeDeclinedLostCard");
    expect(await scene.call("awaitPayment", { paymentIntentId, timeoutSeconds: 1 })).toMatchObject({
      status: 408,
      body: {
        message: expect.stringContaining("declined") as string,
        metadata: { reason: "timed_out", compensation: "none", declineCode: "lost_card" },
      },
    });
    const { outcome } = await waitFor(paymentIntentId);
    await attempt(paymentIntentId, "pm_card_visa");
    expect(await outcome).toMatchObject({ status: 200, body: { status: "succeeded" } });
  });

  it("may fail at the bank's page, whose reason Stripe forgets, and be followed by a debit that takes days", async () => {
    const paymentIntentId = await makePayment();
    const { outcome, noticed } = await waitFor(paymentIntentId);
    await attempt(paymentIntentId, "pm_card_threeDSecure2Required");
    await noticed();
    await scene.authorize(paymentIntentId, "failed");
    await noticed();
    await attempt(paymentIntentId, "pm_usBankAccount_success");
    expect((await readPayment(paymentIntentId)).status).toBe("processing");
    await scene.settle(paymentIntentId);
    expect(await outcome).toMatchObject({ status: 200, body: { status: "succeeded" } });
  });

  it("may fail days later, and be followed by a cancellation, which ends the wait", async () => {
    const paymentIntentId = await makePayment();
    const { outcome, noticed } = await waitFor(paymentIntentId);
    await attempt(paymentIntentId, "pm_usBankAccount_insufficientFunds");
    await scene.settle(paymentIntentId, "failed");
    await noticed();
    await scene.stripe.paymentIntents.cancel(paymentIntentId);
    expect(await outcome).toMatchObject({ status: 409, body: { metadata: { reason: "canceled" } } });
  });

  it("may authorize after a decline", async () => {
    const { id: paymentIntentId } = await scene.stripe.paymentIntents.create({
      amount: 500,
      currency: "usd",
      capture_method: "manual",
      automatic_payment_methods: { enabled: true },
    });
    await attempt(paymentIntentId, "pm_card_visa_chargeDeclined");
    const { outcome } = await waitFor(paymentIntentId);
    await attempt(paymentIntentId, "pm_card_visa");
    expect(await outcome).toMatchObject({ status: 200, body: { status: "requires_capture" } });
  });

  it("may fail to save a payment method, and be followed by one that does", async () => {
    const customer = await scene.stripe.customers.create({ email: "jenny@example.com" });
    const { id: setupIntentId } = await scene.stripe.setupIntents.create({
      customer: customer.id,
      automatic_payment_methods: { enabled: true },
    });
    const confirm = (payment_method: string) =>
      scene.stripe.setupIntents.confirm(setupIntentId, { payment_method, return_url: returnUrl });
    await expect(confirm("pm_card_visa_chargeDeclined")).rejects.toMatchObject({ statusCode: 402 });
    expect(await scene.call("awaitSetup", { setupIntentId, timeoutSeconds: 1 })).toMatchObject({
      status: 408,
      body: { metadata: { reason: "timed_out", compensation: "none", declineCode: "generic_decline" } },
    });
    const outcome = scene.call("awaitSetup", { setupIntentId });
    await untilHung(1, () => scene.stripe.setupIntents.retrieve(setupIntentId));
    await confirm("pm_card_visa");
    expect(await outcome).toMatchObject({ status: 200, body: { status: "succeeded" } });
  });
});
