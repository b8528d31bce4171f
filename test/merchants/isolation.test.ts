/** What goes wrong with one merchant, or what one merchant asks for, touches no other: with one Stripe account, and with an account each. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createStripeGateway } from "../../src/merchants/gateway.ts";
import { startCheckedSandbox } from "../sandbox/schemas/checked.ts";
import { openEdge } from "../scene/edge.ts";
import { bankDebit, card, newOrder, until, type Answer } from "../scene/scene.ts";
import { openStage, type Accounts, type Stage } from "./stage.ts";

const ways: readonly { readonly accounts: Accounts; readonly inactivityTimeoutMs: number }[] = [
  { accounts: "one Stripe account", inactivityTimeoutMs: 0 },
  { accounts: "an account each", inactivityTimeoutMs: 1000 },
];

const idOf = ({ body }: Answer) => body.paymentIntentId ?? "";

describe.each(ways)("merchants with $accounts", ({ accounts, inactivityTimeoutMs }) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage(accounts, inactivityTimeoutMs);
  });
  afterAll(async () => {
    await stage.close();
  });
  beforeEach(async () => {
    await stage.reset();
  });

  const told = (id: string) =>
    (["books", "toys", "default"] as const).map((name) => stage.receiverOf(name).typesOf(id));

  it("find nothing of another's by its id, and change nothing: it is as if there were no such object", async () => {
    const { call, pay, clientOf, scene } = stage;
    const stripe = clientOf("books");
    const customer = await call("books", "createCustomer", { email: "reader@books.example" });
    const customerId = String(customer.body["customerId"]);
    const setup = await call("books", "setupPaymentMethod", { customerId, paymentMethodId: "pm_card_visa" });
    const paymentMethodId = String(setup.body["paymentMethodId"]);
    const setupIntentId = String(setup.body["setupIntentId"]);
    const paid = idOf(await pay("books", newOrder()));
    const held = idOf(await pay("books", newOrder(), { captureMethod: "manual" }));
    const disputed = idOf(await pay("books", newOrder(), { paymentMethodId: "pm_card_createDispute" }));
    const refund = await call("books", "refundPayment", { paymentIntentId: paid, amount: 9 });
    const refundId = String(refund.body["refundId"]);
    const disputeId = await until("the dispute", async () => {
      const { data } = await stripe.disputes.list({ payment_intent: disputed });
      return data[0]?.id;
    });
    await scene.quiet();
    const everything = async () =>
      JSON.stringify([
        await stripe.customers.retrieve(customerId),
        await stripe.paymentMethods.retrieve(paymentMethodId),
        await stripe.setupIntents.retrieve(setupIntentId),
        await stripe.refunds.list({ limit: 100 }),
        await stripe.disputes.retrieve(disputeId),
        await Promise.all([paid, held, disputed].map(async (id) => await stripe.paymentIntents.retrieve(id))),
      ]);
    const before = await everything();
    const toldBefore = [paid, held, disputed].map(told);

    const evidence = { productDescription: "A book." };
    const fresh = { paymentMethodId: "pm_card_visa" };
    const asked: readonly (readonly [string, string, (id: string) => object])[] = [
      ["getPayment", paid, (paymentIntentId) => ({ paymentIntentId })],
      ["awaitPayment", held, (paymentIntentId) => ({ paymentIntentId })],
      ["capturePayment", held, (paymentIntentId) => ({ paymentIntentId })],
      ["cancelPayment", held, (paymentIntentId) => ({ paymentIntentId })],
      ["refundPayment", paid, (paymentIntentId) => ({ paymentIntentId, amount: 5 })],
      ["awaitRefund", refundId, (one) => ({ refundId: one })],
      ["awaitSetup", setupIntentId, (one) => ({ setupIntentId: one })],
      ["getCustomer", customerId, (one) => ({ customerId: one })],
      ["processPayment", customerId, (one) => ({ ...card(newOrder()), customerId: one })],
      ["setupPaymentMethod", customerId, (one) => ({ ...fresh, customerId: one })],
      ["getDispute", disputeId, (one) => ({ disputeId: one })],
      ["submitDisputeEvidence", disputeId, (one) => ({ disputeId: one, evidence, submit: true })],
      ["acceptDispute", disputeId, (one) => ({ disputeId: one })],
    ];
    for (const [handler, id, body] of asked) {
      const unknown = `${id.slice(0, id.indexOf("_"))}_unknown`;
      const [theirs, nobodys] = [await call("toys", handler, body(id)), await call("toys", handler, body(unknown))];
      const answerOf = ({ status, body: { message, ...rest } }: Answer, named: string) =>
        JSON.stringify([handler, status, message, rest]).replaceAll(named, "<id>");
      expect(answerOf(theirs, id)).toBe(answerOf(nobodys, unknown));
      expect([handler, theirs.status]).toEqual([handler, expect.toBeOneOf([400, 404])]);
    }
    // Stripe itself keeps a saved payment method to its customer.
    expect(await call("toys", "processPayment", card(newOrder(), paymentMethodId))).toMatchObject({ status: 400 });
    await scene.quiet();
    expect(await everything()).toBe(before);
    expect([paid, held, disputed].map(told)).toEqual(toldBefore);
    // For its own merchant each of them is there.
    expect(await call("books", "getDispute", { disputeId })).toMatchObject({ status: 200 });
    expect(await call("books", "capturePayment", { paymentIntentId: held })).toMatchObject({ status: 200 });
    expect(await call("books", "processPayment", { ...card(newOrder(), paymentMethodId), customerId })).toMatchObject({
      status: 200,
    });
  });

  it("are told what a reconciliation finds of their own, while the webhooks of one don't arrive", async () => {
    const { configured, original, serve, clientOf, scene, receiverOf } = stage;
    await serve({ reconcileIntervalMs: 500 });
    configured.set("books", { ...original("books"), webhookSecrets: ["whsec_of_another_endpoint"] });
    const order = newOrder();
    const waiting = stage.call("books", "processPayment", bankDebit(order));
    const debit = await until("the debit", async () => (await stage.paymentsOf("books", order))[0]);
    await scene.untilStatus(debit.metadata["restate_invocation_id"] ?? "", "suspended");
    await scene.settle(debit.id);
    expect(await waiting).toMatchObject({ status: 200, body: { paymentIntentId: debit.id } });
    const paid = idOf(await stage.pay("books", newOrder()));
    await clientOf("books").refunds.create({ payment_intent: paid, amount: 9 });
    await receiverOf("books").untilTold(paid, "refund.succeeded");
    const toys = idOf(await stage.pay("toys", newOrder()));
    await clientOf("toys").refunds.create({ payment_intent: toys, amount: 9 });
    await receiverOf("toys").untilTold(toys, "refund.succeeded");
    await scene.quiet();
    expect(told(debit.id)).toEqual([["payment.succeeded"], [], []]);
    expect(told(paid)).toEqual([["payment.succeeded", "refund.succeeded"], [], []]);
    expect(told(toys)).toEqual([[], ["payment.succeeded", "refund.succeeded"], []]);
    await serve();
  });

  it("are told while the receiver of another hangs", async () => {
    const { receiverOf } = stage;
    receiverOf("books").answerWith(() => "hang");
    const hanging = await Promise.all([1, 2, 3].map(async () => idOf(await stage.pay("books", newOrder()))));
    for (const id of hanging) await receiverOf("books").untilTold(id, "payment.succeeded");
    const toys = await Promise.all([1, 2, 3].map(async () => idOf(await stage.pay("toys", newOrder()))));
    for (const id of toys) await receiverOf("toys").untilTold(id, "payment.succeeded");
    // None of the others was given up, nor tried again, meanwhile.
    for (const id of hanging) expect(told(id)).toEqual([["payment.succeeded"], [], []]);
  });

  it("pay while Stripe refuses the requests of another for their number", async () => {
    const { configured, original, scene } = stage;
    const elsewhere = await startCheckedSandbox({ port: 0, dataDir: null, webhook: null });
    try {
      const faults = `${elsewhere.url}/_sandbox/faults`;
      const fault = [{ target: "api", effect: "rate_limit", count: 0 }];
      const headers = { "content-type": "application/json" };
      expect((await fetch(faults, { method: "POST", headers, body: JSON.stringify(fault) })).status).toBe(200);
      const gateway = createStripeGateway({
        secretKey: "sk_test_elsewhere",
        apiBase: elsewhere.url,
        sharedBy: "books",
      });
      configured.set("books", { ...original("books"), stripe: gateway });
      let isSlowedDone = false;
      const slowed = stage.pay("books", newOrder()).finally(() => (isSlowedDone = true));
      await until("a refusal", async () => {
        const answer = await fetch(`${elsewhere.url}/_sandbox/requests?method=POST&path=/v1/payment_intents`);
        return (await answer.text()).includes("429") ? true : undefined;
      });
      for (let payment = 0; payment < 5; payment++) {
        expect(await stage.pay("toys", newOrder())).toMatchObject({ status: 200 });
      }
      expect(await scene.call("processPayment", card(newOrder()))).toMatchObject({ status: 200 });
      expect(isSlowedDone).toBe(false);
      await fetch(faults, { method: "DELETE" });
      expect(await slowed).toMatchObject({ status: 200 });
    } finally {
      await elsewhere.close();
    }
  });

  it("get back what a payment of theirs took that was given up, and nobody else is told", async () => {
    const { clientOf, scene } = stage;
    const order = newOrder();
    await scene.fault({ target: "api", method: "POST", path: "/v1/payment_intents", effect: "cut_after", count: 0 });
    const answer = await stage.pay("books", order, { timeoutSeconds: 2 });
    expect(answer).toMatchObject({
      status: 408,
      body: { metadata: { reason: "timed_out", compensation: "watching" } },
    });
    await scene.clearFaults();
    const [made] = await until("the payment", async () => {
      const found = await stage.paymentsOf("books", order);
      return found.length > 0 ? found : undefined;
    });
    await scene.untilEnded("paymentWatcher");
    const { data } = await clientOf("books").refunds.list({ payment_intent: made?.id ?? "" });
    expect(data.map(({ amount, status }) => [amount, status])).toEqual([[109, "succeeded"]]);
    expect(await stage.paymentsOf("books", order)).toHaveLength(1);
    await scene.quiet();
    const [books, ...others] = told(made?.id ?? "");
    expect(others).toEqual([[], []]);
    expect(books).toContain("refund.succeeded");
  });

  it("have a refund whose answer is lost once", async () => {
    const { clientOf, scene } = stage;
    const id = idOf(await stage.pay("books", newOrder()));
    await scene.fault({ target: "api", method: "POST", path: "/v1/refunds", effect: "cut_after", count: 1 });
    const requests = async () => await scene.requests("POST", "/v1/refunds");
    const before = (await requests()).length;
    expect(await stage.call("books", "refundPayment", { paymentIntentId: id, amount: 9 })).toMatchObject({
      status: 200,
      body: { amount: 9 },
    });
    const sent = (await requests()).slice(before);
    expect(sent.length).toBeGreaterThan(1);
    expect(new Set(sent.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    const { data } = await clientOf("books").refunds.list({ payment_intent: id });
    expect(data.map(({ amount }) => amount)).toEqual([9]);
    await scene.quiet();
    expect(told(id)).toEqual([["payment.succeeded", "refund.succeeded"], [], []]);
  });

  it("are served when they come to the edge before the service knows of them", async () => {
    const { configured, original, scene } = stage;
    const { id, mode, webhookSecrets } = original("books");
    const edge = await openEdge(scene, { furtherMerchants: () => [{ id, mode, webhookSecrets }] });
    try {
      configured.delete("books");
      const before = stage.misses();
      const [order, key] = [newOrder(), crypto.randomUUID()];
      const headers = { "idempotency-key": key };
      const call = edge.call("/payments/processPayment", { ...card(order), merchant: "books" }, headers);
      await until("the service to miss the merchant", async () => (stage.misses() > before ? true : undefined));
      configured.set("books", original("books"));
      expect(await call).toMatchObject({ status: 200, body: { status: "succeeded" } });
      expect(await stage.paymentsOf("books", order)).toHaveLength(1);
    } finally {
      await edge.close();
    }
  });
});
