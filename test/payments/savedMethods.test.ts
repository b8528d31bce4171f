/** Payment methods that are saved while paying and charged again when their owner is away; and transfers by bank. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { card, modes, newOrder, openScene, untilHung, type Scene } from "../scene/scene.ts";

const mandate = { type: "offline" };
const returnUrl = "https://shop.example/back";

describe.each(modes)("saved payment methods, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
  });
  afterAll(async () => {
    await scene.close();
  });

  async function newCustomer(): Promise<string> {
    const { id } = await scene.stripe.customers.create({ email: "jenny@example.com" });
    return id;
  }

  async function savedMethod(customer: string): Promise<string> {
    const [saved] = (await scene.stripe.paymentMethods.list({ customer })).data;
    return saved?.id ?? "none";
  }

  async function transfer(more: object = {}) {
    const customerId = await newCustomer();
    const { id: paymentMethodId } = await scene.stripe.paymentMethods.create({ type: "customer_balance" });
    const request = { paymentMethodId, amount: 4000, customerId, bankTransfer: {}, returnUrl, ...more };
    return { customerId, answer: await scene.call("processPayment", request) };
  }
  const fund = async (customerId: string, amount: number) =>
    await scene.stripe.testHelpers.customers.fundCashBalance(customerId, { amount, currency: "usd" });

  async function redirect(more: object = {}) {
    const { id } = await scene.stripe.paymentMethods.create({ type: "ideal", ideal: {} });
    const request = { paymentMethodId: id, amount: 4000, currency: "eur", returnUrl, ...more };
    const { body } = await scene.call("processPayment", request);
    expect(body.nextAction).toMatchObject({ type: "redirect_to_url", redirectUrl: expect.stringMatching(/^http/) });
    return body.paymentIntentId ?? "";
  }

  it.each(["off_session", "on_session"])("saves a card %s while it is charged, and charges it again", async (usage) => {
    const customerId = await newCustomer();
    const order = newOrder();
    const first = await scene.call("processPayment", { ...card(order), customerId, savePaymentMethod: usage });
    expect(first).toMatchObject({ status: 200, body: { status: "succeeded" } });
    expect((await scene.paymentOf(order)).setup_future_usage).toBe(usage);
    const again = { ...card(newOrder(), await savedMethod(customerId)), customerId, offSession: true };
    expect(await scene.call("processPayment", again)).toMatchObject({
      status: 200,
      body: { status: "succeeded", settledBy: "response" },
    });
  });

  it.each([
    ["pm_usBankAccount_success", "usd"],
    ["pm_sepaDebit_success_de", "eur"],
  ])("debits a saved account again by the mandate of the first debit: %s", async (paymentMethodId, currency) => {
    const customerId = await newCustomer();
    const order = newOrder();
    const request = { paymentMethodId, amount: 4000, currency, customerId, metadata: { orderId: order } };
    const call = scene.call("processPayment", { ...request, mandate, savePaymentMethod: "off_session" });
    const first = await scene.waitingPaymentOf(order);
    await scene.settle(first.id);
    expect(await call).toMatchObject({ status: 200, body: { status: "succeeded" } });

    const orderId = newOrder();
    const again = scene.call("processPayment", {
      ...request,
      paymentMethodId: await savedMethod(customerId),
      offSession: true,
      metadata: { orderId },
    });
    const second = await scene.waitingPaymentOf(orderId);
    await scene.settle(second.id);
    expect(await again).toMatchObject({ status: 200, body: { paymentIntentId: second.id, settledBy: "webhook" } });
  });

  it("declines a saved card that wants its owner, who is away, and says so", async () => {
    const customerId = await newCustomer();
    const { id } = await scene.stripe.paymentMethods.attach("pm_card_authenticationRequired", { customer: customerId });
    const order = newOrder();
    const { status, body } = await scene.call("processPayment", { ...card(order, id), customerId, offSession: true });
    expect(status).toBe(402);
    expect(body.metadata).toMatchObject({
      reason: "declined",
      stripeCode: "authentication_required",
      paymentIntentId: (await scene.paymentOf(order)).id,
    });
  });

  it("charges a card in its owner's absence that was set up for that", async () => {
    const customerId = await newCustomer();
    const method = "pm_card_authenticationRequiredSetupForOffSession";
    const { id } = await scene.stripe.paymentMethods.attach(method, { customer: customerId });
    const request = { ...card(newOrder(), id), customerId, offSession: true };
    expect(await scene.call("processPayment", request)).toMatchObject({ status: 200, body: { status: "succeeded" } });
  });

  it("refuses to debit an account that nobody agreed to", async () => {
    const customerId = await newCustomer();
    const { id } = await scene.stripe.paymentMethods.attach("pm_usBankAccount_success", { customer: customerId });
    const request = { paymentMethodId: id, amount: 4000, customerId, offSession: true };
    expect(await scene.call("processPayment", request)).toMatchObject({
      status: 400,
      body: { metadata: { reason: "invalid_request", param: "mandate_data" } },
    });
  });

  it.each<[string, (own: string, id: string) => Promise<unknown>, string]>([
    ["of another customer", async () => undefined, "payment_method"],
    ["that was detached", async (_own, id) => await scene.stripe.paymentMethods.detach(id), "payment_method"],
    ["of a customer who was deleted", async (own) => await scene.stripe.customers.del(own), "customer"],
  ])("charges and saves no payment method %s", async (what, happen, param) => {
    const owner = await newCustomer();
    const { id: paymentMethodId } = await scene.stripe.paymentMethods.attach("pm_card_visa", { customer: owner });
    await happen(owner, paymentMethodId);
    const customerId = what === "of another customer" ? await newCustomer() : owner;
    const charge = { ...card(newOrder(), paymentMethodId), customerId, offSession: true };
    const refused = { status: 400, body: { metadata: { reason: "invalid_request", param } } };
    expect(await scene.call("processPayment", charge)).toMatchObject(refused);
    expect(await scene.call("setupPaymentMethod", { customerId, paymentMethodId })).toMatchObject(refused);
  });

  it("refuses what contradicts itself before anything is sent", async () => {
    const order = newOrder();
    const request = { ...card(order), offSession: true, savePaymentMethod: "off_session", returnUrl };
    const { status, body } = await scene.call("processPayment", request);
    expect(status).toBe(400);
    for (const field of ["customerId", "offSession"]) expect(body.message).toContain(field);
    expect(await scene.paymentsOf(order)).toEqual([]);
  });

  describe("a bank transfer", () => {
    it("answers with instructions, shows what came in, and succeeds when all of it did", async () => {
      const { customerId, answer } = await transfer();
      expect(answer).toMatchObject({
        status: 200,
        body: {
          status: "requires_action",
          nextAction: {
            type: "display_bank_transfer_instructions",
            redirectUrl: expect.stringMatching(/^http/),
            amountRemaining: 4000,
            currency: "usd",
            reference: expect.any(String),
            transferType: "us_bank_transfer",
            accounts: expect.any(Array),
          },
        },
      });
      const paymentIntentId = answer.body.paymentIntentId ?? "";
      const wait = scene.call("awaitPayment", { paymentIntentId });
      await untilHung(2, () => scene.stripe.paymentIntents.retrieve(paymentIntentId));
      await fund(customerId, 1500);
      expect(await scene.call("getPayment", { paymentIntentId })).toMatchObject({
        status: 200,
        body: { status: "requires_action", nextAction: { amountRemaining: 2500 } },
      });
      await fund(customerId, 2500);
      expect(await wait).toMatchObject({
        status: 200,
        body: { paymentIntentId, status: "succeeded", amountReceived: 4000, settledBy: "webhook" },
      });
    });

    it("takes what the customer sent before", async () => {
      const customerId = await newCustomer();
      await fund(customerId, 4000);
      expect((await transfer({ customerId })).answer).toMatchObject({ status: 200, body: { status: "succeeded" } });
    });

    it("that never came in full is cancelled at its deadline, and the parts stay the customer's", async () => {
      const { customerId, answer } = await transfer({ timeoutSeconds: 2 });
      const paymentIntentId = answer.body.paymentIntentId ?? "";
      await fund(customerId, 1500);
      expect(await scene.stripe.customers.retrieveCashBalance(customerId)).toMatchObject({ available: { usd: 0 } });
      expect(await scene.call("awaitPayment", { paymentIntentId })).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", paymentIntentId } },
      });
      // What came pays for nothing any more, nor does what comes late.
      await fund(customerId, 4000);
      expect((await scene.stripe.paymentIntents.retrieve(paymentIntentId)).status).toBe("canceled");
      expect(await scene.stripe.customers.retrieveCashBalance(customerId)).toMatchObject({ available: { usd: 5500 } });
    });
  });

  describe("a redirect", () => {
    it.each([
      ["succeeded", 200, "succeeded"],
      ["failed", 402, "declined"],
    ] as const)("that the customer ends as %s answers so", async (outcome, status, word) => {
      const paymentIntentId = await redirect();
      const wait = scene.call("awaitPayment", { paymentIntentId });
      await untilHung(2, () => scene.stripe.paymentIntents.retrieve(paymentIntentId));
      await scene.authorize(paymentIntentId, outcome);
      const answer = await wait;
      expect([answer.status, answer.body.status ?? answer.body.metadata?.["reason"]]).toEqual([status, word]);
    });

    it("that the customer lets expire is cancelled", async () => {
      const paymentIntentId = await redirect({ timeoutSeconds: 1 });
      expect(await scene.call("awaitPayment", { paymentIntentId })).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled" } },
      });
    });

    it("is refused when nobody is there to be redirected", async () => {
      const { id } = await scene.stripe.paymentMethods.create({ type: "ideal", ideal: {} });
      const request = { paymentMethodId: id, amount: 4000, currency: "eur" };
      expect(await scene.call("processPayment", request)).toMatchObject({
        status: 400,
        body: { metadata: { reason: "invalid_request" } },
      });
    });
  });

  it("leaves no watch behind", async () => {
    await scene.untilEnded("paymentWatcher");
    await scene.untilEnded("payments");
    expect(await scene.openInvocations("paymentWatcher", "payments")).toBe(0);
  });
});
