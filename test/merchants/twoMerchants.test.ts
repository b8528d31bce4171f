/** Several merchants on one engine: nothing of one is ever read, rung, told, refunded or listed for another. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createStripeGateway } from "../../src/merchants/gateway.ts";
import type { Merchant as Configured } from "../../src/merchants/options.ts";
import { notificationTimings } from "../../src/notifications/options.ts";
import { openMerchant, type Merchant as Receiver } from "../scene/merchant.ts";
import {
  bankDebit,
  card,
  eventAbout,
  modes,
  newOrder,
  openScene,
  secretKey,
  sign,
  until,
  type Scene,
} from "../scene/scene.ts";

type Name = "books" | "toys";

describe.each(modes)("two merchants on one engine, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  const receivers = new Map<string, Receiver>();
  const originals = new Map<string, Configured>();
  /** As the service sees them now. */
  const configured = new Map<string, Configured>();

  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
    for (const name of ["books", "toys", "default"]) receivers.set(name, await openMerchant());
    for (const name of ["books", "toys"] as const) originals.set(name, await configure(name));
    await scene.restartService({
      notifications: { ...notificationTimings, receiver: receiverOf("default").receiver },
      furtherMerchants: { find: (id) => configured.get(id), all: () => [...configured.values()] },
    });
  });
  afterAll(async () => {
    await scene.close();
    for (const receiver of receivers.values()) await receiver.close();
  });
  beforeEach(async () => {
    for (const [name, merchant] of originals) configured.set(name, merchant);
    await scene.clearFaults();
  });

  /** A merchant of the scene's one Stripe account, with an endpoint of its own. */
  async function configure(id: Name): Promise<Configured> {
    const { secret = "" } = await scene.stripe.webhookEndpoints.create({
      url: `${scene.ingress}/payments/processWebhook`,
      enabled_events: ["*"],
    });
    return {
      id,
      stripe: createStripeGateway({ secretKey, apiBase: scene.sandboxUrl }),
      mode: "test",
      webhookSecrets: [secret],
      limits: null,
      clientId: null,
      receiver: receiverOf(id).receiver,
    };
  }
  const receiverOf = (name: string): Receiver => receivers.get(name) as Receiver;
  const secretOf = (name: Name): string => originals.get(name)?.webhookSecrets[0] ?? "";
  const pay = (merchant: Name, order: string, more: object = {}) =>
    scene.call("processPayment", { ...card(order), ...more, merchant });

  it("has a payment for each merchant's reference of one name", async () => {
    const reference = newOrder();
    const books = await pay("books", newOrder(), { reference });
    const toys = await pay("toys", newOrder(), { reference, amount: 222 });
    const own = await scene.call("processPayment", { ...card(newOrder()), reference, amount: 333 });
    const ids = [books, toys, own].map(({ body }) => body.paymentIntentId);
    expect(new Set(ids).size).toBe(3);
    for (const [merchant, amount] of [
      ["books", 109],
      ["toys", 222],
      ["default", 333],
    ] as const) {
      const found = await scene.call("getPayment", { reference, merchant });
      expect(found).toMatchObject({ status: 200, body: { amount } });
    }
    expect(await pay("books", newOrder(), { reference, amount: 444 })).toMatchObject({ status: 409 });
  });

  it("writes on what it makes whose it is, and keeps that to itself", async () => {
    const order = newOrder();
    await pay("books", order);
    const payment = await scene.paymentOf(order);
    expect(payment.metadata).toMatchObject({ restate_merchant: "books", orderId: order });
    await receiverOf("books").untilTold(payment.id, "payment.succeeded");
    const [told] = receiverOf("books").of(payment.id);
    expect(told?.notification).toMatchObject({ merchant: "books", data: { metadata: { orderId: order } } });
    expect(told?.notification).not.toHaveProperty("stripeAccount");
    const own = newOrder();
    await scene.call("processPayment", card(own));
    expect((await scene.paymentOf(own)).metadata).not.toHaveProperty("restate_merchant");
  });

  it("tells each merchant of its own payments, and nobody else", async () => {
    const order = newOrder();
    const call = scene.call("processPayment", { ...bankDebit(order), merchant: "books" });
    const debit = await scene.waitingPaymentOf(order);
    await scene.settle(debit.id);
    expect(await call).toMatchObject({ status: 200, body: { settledBy: "webhook" } });
    await receiverOf("books").untilTold(debit.id, "payment.succeeded");
    const { body } = await pay("books", newOrder());
    const id = body.paymentIntentId ?? "";
    await scene.stripe.refunds.create({ payment_intent: id, amount: 9 });
    await receiverOf("books").untilTold(id, "refund.succeeded");
    await scene.quiet();
    expect(receiverOf("books").typesOf(id)).toEqual(["payment.succeeded", "refund.succeeded"]);
    expect(receiverOf("toys").typesOf(id)).toEqual([]);
    expect(receiverOf("default").typesOf(id)).toEqual([]);
  });

  it("rings nobody for an event that another merchant's endpoint brings", async () => {
    const order = newOrder();
    const call = scene.call("processPayment", { ...bankDebit(order), merchant: "books" });
    const payment = await scene.waitingPaymentOf(order);
    const reads = async () => (await scene.requests("GET", `/v1/payment_intents/${payment.id}`)).length;
    const before = await reads();
    const event = eventAbout("payment_intent.succeeded", { ...payment, status: "succeeded" });
    expect(await scene.webhook(event, sign(event, { secret: secretOf("toys") }))).toMatchObject({ status: 200 });
    expect(await scene.webhook(event, sign(event))).toMatchObject({ status: 200 });
    await scene.quiet();
    expect(await reads()).toBe(before);
    expect(await scene.webhook(event, sign(event, { secret: secretOf("books") }))).toMatchObject({ status: 200 });
    await until("the ring", async () => ((await reads()) > before ? true : undefined));
    await scene.settle(payment.id);
    expect(await call).toMatchObject({ status: 200 });
  });

  it("refuses a merchant that there isn't, and charges nobody", async () => {
    const order = newOrder();
    const answer = await scene.call("processPayment", { ...card(order), merchant: "nobody" });
    expect(answer).toMatchObject({
      status: 400,
      body: { message: "There is no merchant nobody.", metadata: { reason: "invalid_request", param: "merchant" } },
    });
    expect(await scene.call("getPayment", { paymentIntentId: "pi_1", merchant: "nobody" })).toMatchObject({
      status: 400,
    });
    expect(await scene.call("processPayment", { ...card(order), reference: order, merchant: "nobody" })).toMatchObject({
      status: 400,
    });
    expect(await scene.paymentsOf(order)).toEqual([]);
  });

  it("refuses an id that no merchant can have", async () => {
    const answer = await scene.call("processPayment", { ...card(newOrder()), merchant: "books/own" });
    expect(answer).toMatchObject({ status: 400 });
    expect(answer.body.message).toContain("merchant");
  });

  it.each([
    [
      "an amount beyond them",
      { amount: 501 },
      "amount",
      "This merchant charges at most 500 (usd, in minor units) at once.",
    ],
    ["a currency without one", { currency: "eur" }, "currency", "This merchant takes no eur: only usd."],
  ])("keeps a merchant's limits: %s", async (_what, more, param, message) => {
    const order = newOrder();
    const books = configured.get("books") as Configured;
    configured.set("books", { ...books, limits: { usd: 500 } });
    const refused = await pay("books", order, more);
    expect(refused).toMatchObject({ status: 400, body: { message, metadata: { reason: "invalid_request", param } } });
    expect(await pay("books", order, { amount: 500 })).toMatchObject({ status: 200 });
    configured.set("books", books);
    expect(await scene.paymentsOf(order)).toHaveLength(1);
  });

  it("pauses the waiting calls of a merchant that was removed, says so, and goes on when it is back", async () => {
    const order = newOrder();
    const waiting = scene.call("processPayment", { ...bankDebit(order), merchant: "books" });
    const payment = await scene.waitingPaymentOf(order);
    const id = payment.metadata["restate_invocation_id"] ?? "";
    const books = configured.get("books") as Configured;
    configured.delete("books");
    const event = eventAbout("payment_intent.succeeded", { ...payment, status: "succeeded" });
    // Its secret is gone as well, so that a poll wakes it, or somebody who knows the doorbell's address.
    expect(await scene.webhook(event, sign(event, { secret: books.webhookSecrets[0] ?? "" }))).toMatchObject({
      status: 400,
    });
    const doorbell = payment.metadata["restate_callback_id"] ?? "";
    await fetch(`${scene.ingress}/restate/awakeables/${doorbell}/resolve`, { method: "POST" });
    await scene.untilStatus(id, "paused");
    const events = await scene.sql<{ event_json: string }>(
      `select event_json from sys_journal_events where id = '${id}' and event_type = 'Paused'`,
    );
    expect(events.at(-1)?.event_json).toContain("There is no merchant books. Put it back into MERCHANTS_FILE");

    configured.set("books", books);
    await scene.settle(payment.id);
    const resumed = await fetch(`${scene.admin}/invocations/${id}/resume`, { method: "PATCH" });
    expect(resumed.status).toBeLessThan(300);
    expect(await waiting).toMatchObject({ status: 200, body: { paymentIntentId: payment.id } });
  });

  it("goes on with one merchant while Stripe rejects the other's key", async () => {
    const books = configured.get("books") as Configured;
    const order = newOrder();
    configured.set("books", {
      ...books,
      stripe: createStripeGateway({ secretKey: "sk_live_rejected", apiBase: scene.sandboxUrl }),
    });
    const stuck = scene.call("processPayment", { ...card(order), merchant: "books" }, order);
    const id = await until("the call to be paused", async () => {
      const rows = await scene.sql<{ id: string }>(
        `select id from sys_invocation where idempotency_key = '${order}' and status = 'paused'`,
      );
      return rows[0]?.id;
    });
    expect(await pay("toys", newOrder())).toMatchObject({ status: 200 });
    configured.set("books", books);
    await fetch(`${scene.admin}/invocations/${id}/resume`, { method: "PATCH" });
    expect(await stuck).toMatchObject({ status: 200 });
  });
});
