/** The deadline is the caller's, and so is a cancellation: both count while Stripe doesn't answer, from the first request on. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bankDebit, card, modes, newOrder, openScene, until, type Answer, type Scene } from "../scene/scene.ts";

const create = { target: "api", method: "POST", path: "/v1/payment_intents" } as const;
/** As long as nobody clears it. The stripe package repeats a cut request once by itself. */
const always = { count: 0 };

const reasonOf = ({ status, body }: Answer) => ({ status, ...body.metadata });

describe.each(modes)("while Stripe doesn't answer, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
  });
  afterAll(async () => {
    await scene.close();
  });

  /** Stripe is back, and whoever looks after what was given up has come to an end. */
  async function recovered(): Promise<void> {
    await scene.clearFaults();
    await scene.atRest("the watchers to end", async () => {
      const refunds = await scene.stripe.refunds.list({ limit: 100 });
      for (const { id, status } of refunds.data) if (status === "pending") await scene.settle(id);
      return (await scene.openInvocations("paymentWatcher", "setupWatcher")) === 0;
    });
  }

  /** The money of an order that the merchant has, or holds. */
  async function kept(order: string): Promise<number> {
    let sum = 0;
    for (const payment of await scene.paymentsOf(order)) {
      const refunds = await scene.stripe.refunds.list({ payment_intent: payment.id });
      const refunded = refunds.data.reduce(
        (total, { amount, status }) => total + (status === "failed" ? 0 : amount),
        0,
      );
      sum += payment.amount_received - refunded + payment.amount_capturable;
    }
    return sum;
  }

  it.each([
    ["fails", { effect: "error_500" }],
    ["is behind an ill proxy", { effect: "html_502" }],
    ["cuts connections", { effect: "cut_before" }],
  ])("gives a payment up at its deadline and never sends it later, where Stripe %s", async (_how, fault) => {
    const order = newOrder();
    await scene.fault({ ...create, ...fault, ...always });
    const answer = await scene.call("processPayment", { ...card(order), timeoutSeconds: 2 });
    expect(reasonOf(answer)).toMatchObject({ status: 408, reason: "timed_out", compensation: "watching" });
    await recovered();
    expect(await scene.paymentsOf(order)).toEqual([]);
  });

  it.each([
    ["a charge", {}],
    ["a hold", { captureMethod: "manual" }],
    [
      "a payment that its customer could still pay",
      { paymentMethodId: "pm_card_threeDSecure2Required", returnUrl: "https://shop.example/" },
    ],
    ["a debit under way", { paymentMethodId: "pm_usBankAccount_success", mandate: { type: "offline" } }],
  ])("takes back what a lost request made: %s", async (_what, more) => {
    const order = newOrder();
    await scene.fault({ ...create, effect: "cut_after", ...always });
    const answer = await scene.call("processPayment", { ...card(order), ...more, timeoutSeconds: 2 });
    expect(reasonOf(answer)).toMatchObject({ status: 408, reason: "timed_out", compensation: "watching" });
    const [made] = await scene.paymentsOf(order);
    if (made?.status === "processing") {
      await scene.clearFaults();
      await until("the note", async () =>
        (await scene.paymentsOf(order))[0]?.metadata["restate_abandoned_by"] === undefined ? undefined : true,
      );
      await scene.settle(made.id);
    }
    await recovered();
    expect(await scene.paymentsOf(order)).toHaveLength(1);
    expect(await kept(order)).toBe(0);
  });

  it("gives a payment up whose answer hangs beyond the deadline, and takes it back", async () => {
    const order = newOrder();
    await scene.fault({ ...create, effect: "stall", delayMs: 15_000, count: 1 });
    const answer = await scene.call("processPayment", { ...card(order), timeoutSeconds: 1 });
    expect(reasonOf(answer)).toMatchObject({ status: 408, compensation: "watching" });
    await recovered();
    expect(await kept(order)).toBe(0);
  });

  it("gives a waiting payment up at its deadline while Stripe can neither be read nor told to cancel", async () => {
    const order = newOrder();
    const request = { ...bankDebit(order), timeoutSeconds: 3 };
    const call = scene.call("processPayment", request);
    const { id } = await scene.paymentOf(order);
    await scene.fault({ target: "api", effect: "error_500", ...always });
    expect(reasonOf(await call)).toMatchObject({ status: 408, compensation: "watching", paymentIntentId: id });
    await scene.clearFaults();
    await until("the note", async () =>
      (await scene.paymentOf(order)).metadata["restate_abandoned_by"] === undefined ? undefined : true,
    );
    await scene.settle(id);
    await recovered();
    expect(await kept(order)).toBe(0);
  });

  it("cancels a processing payment once Stripe answers again, where it gave no answer to the call that gave it up", async () => {
    const order = newOrder();
    const call = scene.call("processPayment", {
      ...bankDebit(order, "pm_usBankAccount_processing"),
      timeoutSeconds: 3,
    });
    const { id } = await scene.paymentOf(order);
    await scene.fault({ target: "api", effect: "error_500", ...always });
    expect(reasonOf(await call)).toMatchObject({ status: 408, compensation: "watching", paymentIntentId: id });
    await recovered();
    expect((await scene.paymentOf(order)).status).toBe("canceled");
  });

  it("ends a call that is cancelled between two attempts, and sends nothing more", async () => {
    const order = newOrder();
    await scene.fault({ ...create, effect: "error_500", ...always });
    const key = newOrder();
    const call = scene.call("processPayment", card(order), key);
    await scene.cancel(await backingOff(scene, key));
    expect(reasonOf(await call)).toMatchObject({ status: 409, reason: "canceled", compensation: "watching" });
    await recovered();
    expect(await scene.paymentsOf(order)).toEqual([]);
  });

  it("takes back what a lost request made before its call was cancelled", async () => {
    const order = newOrder();
    await scene.fault({ ...create, effect: "cut_after", ...always });
    const key = newOrder();
    const call = scene.call("processPayment", card(order), key);
    await scene.paymentOf(order);
    await scene.cancel(await backingOff(scene, key));
    expect(reasonOf(await call)).toMatchObject({ status: 409, reason: "canceled", compensation: "watching" });
    await recovered();
    expect(await scene.paymentsOf(order)).toHaveLength(1);
    expect(await kept(order)).toBe(0);
  });

  it("answers a cancellation within seconds while the payment can neither be read nor cancelled, and looks after it", async () => {
    const order = newOrder();
    const key = newOrder();
    const call = scene.call("processPayment", bankDebit(order, "pm_usBankAccount_processing"), key);
    const { id } = await scene.waitingPaymentOf(order);
    const wait = scene.call("awaitPayment", { paymentIntentId: id }, `${key}-wait`);
    await scene.suspended(`${key}-wait`);
    await scene.fault({ target: "api", effect: "error_500", ...always });
    await scene.cancel(await invocationOf(scene, key));
    await scene.cancel(await invocationOf(scene, `${key}-wait`));
    // Stripe comes back only when both are answered.
    expect(reasonOf(await call)).toMatchObject({ status: 409, reason: "canceled", compensation: "watching" });
    expect(reasonOf(await wait)).toMatchObject({ status: 409, reason: "canceled", compensation: "none" });
    await recovered();
    expect((await scene.paymentOf(order)).status).toBe("canceled");
  });

  it.each([
    ["that Stripe made", "searched for", "error_500_saved_after", "/v1/payment_intents/search", 1],
    ["that Stripe never made", "looked for in the list", "error_500_saved", "/v1/payment_intents", 0],
  ])("answers a cancellation while a payment %s is %s, and keeps nothing", async (_what, _how, effect, path, made) => {
    const order = newOrder();
    const key = newOrder();
    await scene.fault(
      { ...create, effect, count: 1 },
      { target: "api", effect: "error_500", method: "GET", path, ...always },
    );
    const call = scene.call("processPayment", card(order), key);
    // The first failure is that of the creation.
    await scene.cancel(await backingOff(scene, key, 2));
    expect(reasonOf(await call)).toMatchObject({ status: 409, reason: "canceled", compensation: "watching" });
    await recovered();
    expect(await scene.paymentsOf(order)).toHaveLength(made);
    expect(await kept(order)).toBe(0);
  });

  it("releases a hold whose call was cancelled while the request was under way", async () => {
    const order = newOrder();
    await scene.fault({ ...create, effect: "stall", delayMs: 1500, count: 1 });
    const key = newOrder();
    const call = scene.call("processPayment", { ...card(order), captureMethod: "manual" }, key);
    await scene.paymentOf(order);
    await scene.cancel(await invocationOf(scene, key));
    expect(reasonOf(await call)).toMatchObject({ status: 409, reason: "canceled" });
    await recovered();
    expect(await kept(order)).toBe(0);
  });

  it("gives a set-up up at its deadline, and cancels what a lost request made", async () => {
    const customer = await scene.stripe.customers.create({ email: "jenny@example.com" });
    await scene.fault({ target: "api", method: "POST", path: "/v1/setup_intents", effect: "cut_after", ...always });
    const answer = await scene.call("setupPaymentMethod", {
      customerId: customer.id,
      paymentMethodId: "pm_card_threeDSecure2Required",
      returnUrl: "https://shop.example/",
      timeoutSeconds: 2,
    });
    expect(reasonOf(answer)).toMatchObject({ status: 408, compensation: "watching" });
    await recovered();
    const setups = await scene.stripe.setupIntents.list({ customer: customer.id });
    expect(setups.data.map(({ status }) => status)).toEqual(["canceled"]);
  });

  it("refunds what succeeded after it was given up, however long Stripe can't be asked for it", async () => {
    const order = newOrder();
    const answer = await scene.call("processPayment", { ...bankDebit(order), timeoutSeconds: 1 });
    expect(reasonOf(answer)).toMatchObject({ status: 408, compensation: "watching" });
    await scene.fault({ target: "api", method: "GET", path: "/v1/refunds", effect: "error_500", ...always });
    await scene.settle(answer.body.metadata?.["paymentIntentId"] ?? "");
    const begunAtMs = Date.now();
    // Longer than the end of a call may take.
    await until("the outage to last", async () => (Date.now() - begunAtMs > 13_000 ? true : undefined));
    await recovered();
    expect(await kept(order)).toBe(0);
  });

  it("gives a payment and a set-up up at their deadline whose page can't be read, and sends nobody to it", async () => {
    const order = newOrder();
    const customer = await scene.stripe.customers.create({ email: "jenny@example.com" });
    const asksTheCustomer = { returnUrl: "https://shop.example/", timeoutSeconds: 3 };
    const method = "pm_card_threeDSecure2Required";
    await scene.fault({ target: "api", method: "GET", effect: "error_500", ...always });
    const [payment, setup] = await Promise.all([
      scene.call("processPayment", { ...card(order, method), ...asksTheCustomer }),
      scene.call("setupPaymentMethod", { customerId: customer.id, paymentMethodId: method, ...asksTheCustomer }),
    ]);
    expect(reasonOf(payment)).toMatchObject({ status: 408, reason: "timed_out", compensation: "watching" });
    expect(reasonOf(setup)).toMatchObject({ status: 408, reason: "timed_out", compensation: "watching" });
    await recovered();
    expect((await scene.paymentsOf(order)).map(({ status }) => status)).toEqual(["canceled"]);
    const setups = await scene.stripe.setupIntents.list({ customer: customer.id });
    expect(setups.data.map(({ status }) => status)).toEqual(["canceled"]);
  });

  it.each([
    ["awaitPayment", "paymentIntentId", {}],
    ["refundPayment", "paymentIntentId", {}],
    ["cancelPayment", "paymentIntentId", {}],
    ["capturePayment", "paymentIntentId", {}],
  ] as const)("answers %s at its deadline, too", async (handler, field, more) => {
    const order = newOrder();
    const paid = await scene.call("processPayment", card(order));
    await scene.fault({ target: "api", effect: "error_500", ...always });
    const id = paid.body.paymentIntentId ?? "";
    const answer = await scene.call(handler, { [field]: id, ...more, timeoutSeconds: 1 });
    expect(reasonOf(answer)).toMatchObject({ status: 408, reason: "timed_out", compensation: "none", [field]: id });
    await recovered();
    expect(await kept(order)).toBe(109);
  });
});

async function invocationOf(scene: Scene, key: string): Promise<string> {
  return await until(`the call of ${key}`, async () => {
    const rows = await scene.sql<{ id: string }>(`select id from sys_invocation where idempotency_key = '${key}'`);
    return rows[0]?.id;
  });
}

/** The invocation of a key, as soon as that many attempts have failed. */
async function backingOff(scene: Scene, key: string, failures = 1): Promise<string> {
  return await until(`the call of ${key} to fail ${failures} times`, async () => {
    const rows = await scene.sql<{ id: string }>(
      `select id from sys_invocation where idempotency_key = '${key}' and retry_count >= ${failures}`,
    );
    return rows[0]?.id;
  });
}
