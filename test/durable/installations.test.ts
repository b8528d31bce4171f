/** Two installations on one Stripe account, such as a shop and its staging: neither has anything to do with what the other made. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { notificationTimings } from "../../src/notifications/options.ts";
import { openMerchant, type Merchant } from "../scene/merchant.ts";
import { bankDebit, card, eventAbout, modes, newOrder, openScene, until, type Scene } from "../scene/scene.ts";

describe.each(modes)("two installations on one Stripe account, $mode", ({ inactivityTimeoutMs }) => {
  let shop: Scene;
  let staging: Scene;
  let shopsMerchant: Merchant;
  let stagingsMerchant: Merchant;
  beforeAll(async () => {
    shop = await openScene(inactivityTimeoutMs);
    staging = await openScene(inactivityTimeoutMs, { with: null }, shop);
    [shopsMerchant, stagingsMerchant] = [await openMerchant(), await openMerchant()];
    await serveAgain();
  });
  afterAll(async () => {
    await staging.close();
    await shop.close();
    await shopsMerchant.close();
    await stagingsMerchant.close();
  });
  beforeEach(async () => {
    await shop.clearFaults();
  });

  /** Fresh processes, which know nothing yet. */
  async function serveAgain(): Promise<void> {
    await shop.restartService({ notifications: { ...notificationTimings, receiver: shopsMerchant.receiver } });
    await staging.restartService({ notifications: { ...notificationTimings, receiver: stagingsMerchant.receiver } });
  }

  async function quiet(): Promise<void> {
    await shop.quiet();
    await staging.quiet();
  }

  it("each tells its own payments, refunds and disputes, and no other's", async () => {
    const own = await pay(shop);
    const disputed = await pay(staging, "pm_card_createDispute");
    const refunded = await pay(staging);
    expect(await staging.call("refundPayment", { paymentIntentId: refunded, amount: 9 })).toMatchObject({
      status: 200,
    });
    await shop.stripe.refunds.create({ payment_intent: refunded, amount: 1 });
    await stagingsMerchant.untilTold(disputed, "payment.disputed");
    await quiet();
    await until("both refunds", async () =>
      stagingsMerchant.typesOf(refunded).filter((type) => type === "refund.succeeded").length === 2 ? true : undefined,
    );
    // What comes to the shop's own door about the other's payments is taken, and tells nothing.
    for (const id of [disputed, refunded]) {
      const payment = await shop.stripe.paymentIntents.retrieve(id);
      expect(await shop.webhook(eventAbout("payment_intent.succeeded", payment))).toMatchObject({ status: 200 });
    }
    await quiet();
    expect(shopsMerchant.typesOf(own)).toEqual(["payment.succeeded"]);
    expect(stagingsMerchant.typesOf(disputed)).toEqual(["payment.succeeded", "payment.disputed"]);
    for (const id of [disputed, refunded]) {
      expect(shopsMerchant.typesOf(id)).toEqual([]);
      expect(await stateOf(shop, id)).toBe(0);
    }
    expect(stagingsMerchant.typesOf(own)).toEqual([]);
    expect(await stateOf(staging, own)).toBe(0);
  });

  it("tells what a call of its own awaited, whoever made it, also what comes after the wait", async () => {
    const order = newOrder();
    const paying = shop.call("processPayment", bankDebit(order));
    const { id } = await shop.waitingPaymentOf(order);
    const awaiting = await staging.call("awaitPayment", { paymentIntentId: id, timeoutSeconds: 1 });
    expect(awaiting).toMatchObject({ status: 408, body: { metadata: { compensation: "none" } } });
    await staging.quiet();
    await shop.settle(id);
    expect(await paying).toMatchObject({ status: 200 });
    await stagingsMerchant.untilTold(id, "payment.succeeded");
    await quiet();
    expect([shopsMerchant.typesOf(id), stagingsMerchant.typesOf(id)]).toEqual([
      ["payment.succeeded"],
      ["payment.succeeded"],
    ]);
  });

  it("each pays what it is asked under an idempotency key that both are given", async () => {
    const key = crypto.randomUUID();
    const order = newOrder();
    const answers = [
      await shop.call("processPayment", card(order), key),
      await staging.call("processPayment", card(order), key),
    ];
    expect(answers).toMatchObject([{ status: 200 }, { status: 200 }]);
    const payments = await shop.paymentsOf(order);
    expect(new Set(payments.map(({ id }) => id))).toEqual(new Set(answers.map(({ body }) => body.paymentIntentId)));
    expect(payments).toHaveLength(2);
    // The engines make the same id of the same key: it does not tell the calls apart.
    expect(new Set(payments.map(({ metadata }) => metadata["restate_invocation_id"])).size).toBe(1);
    expect(new Set(payments.map(({ metadata }) => metadata["restate_installation"])).size).toBe(2);
  });

  it("neither finds, nor takes back, what the other made under the same key, when an answer is lost", async () => {
    const key = crypto.randomUUID();
    const order = newOrder();
    const first = await shop.call("processPayment", card(order), key);
    await shop.fault({ target: "api", effect: "error_500_saved_after", method: "POST", path: "/v1/payment_intents" });
    const second = await staging.call("processPayment", card(order), key);
    expect([first, second]).toMatchObject([{ status: 200 }, { status: 200 }]);
    expect(second.body.paymentIntentId).not.toBe(first.body.paymentIntentId);
    await quiet();
    for (const { id, status, amount_received: received } of await shop.paymentsOf(order)) {
      expect([status, received]).toEqual(["succeeded", 109]);
      expect((await shop.stripe.refunds.list({ payment_intent: id })).data).toEqual([]);
    }
  });

  it("each waits for its own payment, and saves its own payment method and customer, under one key", async () => {
    const key = crypto.randomUUID();
    const request = { email: `${key}@shop.example` };
    const customers = [
      await shop.call("createCustomer", request, key),
      await staging.call("createCustomer", request, key),
    ];
    expect(new Set(customers.map(({ body }) => body["customerId"])).size).toBe(2);
    for (const [index, scene] of [shop, staging].entries()) {
      const customerId = String(customers[index]?.body["customerId"]);
      const setup = await scene.call("setupPaymentMethod", { customerId, paymentMethodId: "pm_card_visa" }, key);
      expect(setup).toMatchObject({ status: 200 });
      const marks = [
        (await shop.stripe.customers.retrieve(customerId)) as { metadata: Record<string, string> },
        await shop.stripe.setupIntents.retrieve(String(setup.body["setupIntentId"])),
      ].map(({ metadata }) => metadata?.["restate_installation"]);
      expect(marks).toEqual([await identityOf(scene), await identityOf(scene)]);
    }
    const order = newOrder();
    const calls = [shop, staging].map((scene) => scene.call("processPayment", bankDebit(order), key));
    const payments = await until("both payments", async () => {
      const found = await shop.paymentsOf(order);
      return found.length === 2 ? found : undefined;
    });
    for (const scene of [shop, staging]) await scene.suspended(key);
    for (const { id } of payments) await shop.settle(id);
    const answers = await Promise.all(calls);
    expect(answers).toMatchObject([{ status: 200 }, { status: 200 }]);
    expect(new Set(answers.map(({ body }) => body.paymentIntentId)).size).toBe(2);
  });

  it("keeps its identity when processes and engines are killed, and has one from the first moment on", async () => {
    const before = [await identityOf(shop), await identityOf(staging)];
    await serveAgain();
    // The first calls of a process come at once, and each has to know.
    await Promise.all(Array.from({ length: 10 }, () => identityOf(shop)));
    await shop.crashEngine();
    await serveAgain();
    expect([await identityOf(shop), await identityOf(staging)]).toEqual(before);
    expect(new Set(before).size).toBe(2);
  });

  it("costs the first payments of a process one call, and no other a step", async () => {
    await quiet();
    // Without a receiver there is no look, which would learn it as well.
    await shop.restartService();
    expect(await stepsOf(shop)).toEqual(["fix the request", "fix the request", "create PaymentIntent"]);
    expect(await stepsOf(shop)).toEqual(["fix the request", "create PaymentIntent"]);
  });
});

/** What an installation writes on the refund of a payment of its own. */
async function identityOf(scene: Scene): Promise<string> {
  const { body } = await scene.call("processPayment", card(newOrder()));
  const paymentIntentId = String(body.paymentIntentId);
  const { metadata } = await scene.stripe.paymentIntents.retrieve(paymentIntentId);
  const refund = await scene.call("refundPayment", { paymentIntentId });
  const { metadata: refunds } = await scene.stripe.refunds.retrieve(String(refund.body["refundId"]));
  expect(refunds?.["restate_installation"]).toBe(metadata["restate_installation"]);
  expect(metadata["restate_installation"]).toMatch(/^in_[0-9a-f]{20}$/);
  return String(metadata["restate_installation"]);
}

/** The steps of one payment. */
async function stepsOf(scene: Scene): Promise<readonly (string | null)[]> {
  const key = crypto.randomUUID();
  await scene.call("processPayment", card(newOrder()), key);
  const rows = await scene.sql<{ name: string | null }>(
    `select j.name from sys_journal j join sys_invocation i on j.id = i.id where i.idempotency_key = '${key}' and j.entry_type = 'Command: Run' order by j.index`,
  );
  return rows.map(({ name }) => name);
}

async function stateOf(scene: Scene, paymentIntentId: string): Promise<number> {
  const rows = await scene.sql<{ n: number }>(
    `select count(1) as n from state where service_name = 'paymentNotifier' and service_key = '${paymentIntentId}'`,
  );
  return rows[0]?.n ?? 0;
}

async function pay(scene: Scene, paymentMethodId?: string): Promise<string> {
  const { body } = await scene.call("processPayment", card(newOrder(), paymentMethodId));
  return String(body.paymentIntentId);
}
