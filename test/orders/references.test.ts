/** A reference is charged at most once, whatever idempotency keys its callers use. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { restate } from "../scene/restateCli.ts";
import { bankDebit, card, modes, newOrder, openScene, until, type Scene } from "../scene/scene.ts";
import { spawnService } from "../scene/serviceProcess.ts";

function cardFor(reference: string, paymentMethodId?: string) {
  return { ...card(reference, paymentMethodId), reference };
}

function debitFor(reference: string, paymentMethodId?: string) {
  return { ...bankDebit(reference, paymentMethodId), reference };
}

describe.each(modes)("references, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
  });
  afterAll(async () => {
    await scene.close();
  });
  afterEach(async () => {
    await scene.clearFaults();
  });

  it("is charged once, however many calls with keys of their own ask for it, at once and later", async () => {
    const reference = newOrder();
    const answers = await Promise.all([1, 2, 3, 4].map(() => scene.call("processPayment", cardFor(reference))));
    answers.push(await scene.call("processPayment", cardFor(reference)));
    const [first] = answers;
    expect(first).toMatchObject({ status: 200, body: { status: "succeeded" } });
    for (const answer of answers) expect(answer).toEqual(first);
    expect(await scene.paymentsOf(reference)).toHaveLength(1);
  });

  it("is joined while its payment waits, and found by getPayment and awaitPayment", async () => {
    const reference = newOrder();
    const calls = [1, 2].map(() => scene.call("processPayment", debitFor(reference)));
    const { id } = await scene.paymentOf(reference);
    expect(await scene.call("getPayment", { reference })).toMatchObject({
      status: 200,
      body: { paymentIntentId: id, status: "processing" },
    });
    const waiting = scene.call("awaitPayment", { reference });
    await scene.settle(id);
    for (const answer of await Promise.all([...calls, waiting])) {
      expect(answer).toMatchObject({ status: 200, body: { paymentIntentId: id, status: "succeeded" } });
    }
    expect(await scene.paymentsOf(reference)).toHaveLength(1);
  });

  it.each([
    ["another amount", { amount: 110 }],
    ["another currency", { currency: "eur" }],
    ["another description", { description: "else" }],
    ["another payment method", { paymentMethodId: "pm_card_mastercard" }],
  ])("refuses %s at once, also while the payment waits", async (_what, other) => {
    const reference = newOrder();
    await scene.call("processPayment", cardFor(reference));
    const conflict = { status: 409, body: { metadata: { reason: "conflict" } } };
    expect(await scene.call("processPayment", { ...cardFor(reference), ...other })).toMatchObject(conflict);
    const waiting = newOrder();
    const call = scene.call("processPayment", debitFor(waiting));
    const { id } = await scene.paymentOf(waiting);
    expect(await scene.call("processPayment", { ...debitFor(waiting), ...other })).toMatchObject(conflict);
    await scene.settle(id);
    expect(await call).toMatchObject({ status: 200 });
    expect(await scene.paymentsOf(waiting)).toHaveLength(1);
  });

  it("is one order with space around it, and with decomposed letters, for every call", async () => {
    const name = newOrder();
    const reference = `${name} St\u00fchle`;
    const paid = await scene.call("processPayment", { ...cardFor(name), reference });
    for (const same of [`${reference} `, `\t${reference}`, `${name} Stu\u0308hle`]) {
      expect(await scene.call("processPayment", { ...cardFor(name), reference: same })).toEqual(paid);
      for (const handler of ["getPayment", "awaitPayment"]) {
        expect(await scene.call(handler, { reference: same })).toMatchObject({
          status: 200,
          body: { paymentIntentId: paid.body.paymentIntentId },
        });
      }
    }
    expect(await scene.paymentsOf(name)).toHaveLength(1);
  });

  it("takes the order of fields and the case of the currency for the same request", async () => {
    const reference = newOrder();
    const first = await scene.call("processPayment", { ...cardFor(reference), currency: "usd" });
    const { metadata, ...rest } = cardFor(reference);
    expect(await scene.call("processPayment", { metadata, currency: "USD", ...rest })).toEqual(first);
  });

  it("that was declined repeats its decline, and may be paid by other means", async () => {
    const reference = newOrder();
    const declined = await scene.call("processPayment", cardFor(reference, "pm_card_visa_chargeDeclined"));
    expect(declined.status).toBe(402);
    expect(await scene.call("processPayment", cardFor(reference, "pm_card_visa_chargeDeclined"))).toEqual(declined);
    const paid = await scene.call("processPayment", cardFor(reference));
    expect(paid).toMatchObject({ status: 200, body: { status: "succeeded" } });
    const statuses = (await scene.paymentsOf(reference)).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual(["requires_payment_method", "succeeded"]);
    expect(await scene.call("processPayment", cardFor(reference, "pm_card_visa_chargeDeclined"))).toMatchObject({
      status: 409,
    });
  });

  it("is not paid by other means while the last attempt can't be closed", async () => {
    const reference = newOrder();
    const timedOut = await scene.call("processPayment", { ...debitFor(reference), timeoutSeconds: 1 });
    expect(timedOut).toMatchObject({ status: 408, body: { metadata: { compensation: "watching" } } });
    const other = { ...debitFor(reference), paymentMethodId: "pm_card_visa" };
    expect(await scene.call("processPayment", other)).toMatchObject({
      status: 409,
      body: { metadata: { reason: "conflict" } },
    });
    const id = timedOut.body.metadata?.["paymentIntentId"] ?? "";
    await scene.settle(id, "failed");
    await until("the watcher to close it", async () =>
      (await scene.stripe.paymentIntents.retrieve(id)).status === "canceled" ? true : undefined,
    );
    expect(await scene.call("processPayment", other)).toMatchObject({ status: 200 });
  });

  it("answers what became of a payment that was handed to its customer", async () => {
    const reference = newOrder();
    const request = { ...cardFor(reference, "pm_card_threeDSecure2Required"), returnUrl: "https://shop.example/back" };
    const asked = await scene.call("processPayment", request);
    expect(asked).toMatchObject({ status: 200, body: { status: "requires_action" } });
    expect(await scene.call("processPayment", request)).toMatchObject({
      status: 200,
      body: { status: "requires_action" },
    });
    await scene.authorize(String(asked.body.paymentIntentId), "succeeded");
    expect(await scene.call("processPayment", request)).toMatchObject({ status: 200, body: { status: "succeeded" } });
    expect(await scene.paymentsOf(reference)).toHaveLength(1);
  });

  it("goes on to wait after a call that stopped waiting for what the customer had begun", async () => {
    const reference = newOrder();
    const { id: paymentMethodId } = await scene.stripe.paymentMethods.create({
      type: "sofort",
      sofort: { country: "DE" },
    });
    const returnUrl = "https://shop.example/back";
    const request = { ...cardFor(reference, paymentMethodId), currency: "eur", returnUrl };
    const asked = await scene.call("processPayment", request);
    expect(asked).toMatchObject({ status: 200, body: { status: "requires_action" } });
    const id = String(asked.body.paymentIntentId);
    await scene.authorize(id, "succeeded");
    expect(await scene.call("processPayment", { ...request, timeoutSeconds: 1 })).toMatchObject({
      status: 408,
      body: { metadata: { compensation: "none" } },
    });
    await scene.settle(id);
    expect(await scene.call("processPayment", request)).toMatchObject({
      status: 200,
      body: { paymentIntentId: id, status: "succeeded" },
    });
  });

  it("forgets a request that Stripe refused before anything was made", async () => {
    const reference = newOrder();
    const refused = await scene.call("processPayment", { ...cardFor(reference), customerId: "cus_none" });
    expect(refused).toMatchObject({ status: 400, body: { metadata: { reason: "invalid_request" } } });
    expect(await scene.call("processPayment", cardFor(reference))).toMatchObject({ status: 200 });
  });

  it("charges once when the service is killed between the charge and its record", async () => {
    const reference = newOrder();
    await scene.stopService();
    const victim = await spawnService({ port: scene.servicePort, apiBase: scene.sandboxUrl });
    const path = "/v1/payment_intents";
    await scene.fault({ target: "api", effect: "stall", method: "POST", path, delayMs: 3000 });
    const call = scene.call("processPayment", cardFor(reference));
    await scene.paymentOf(reference);
    await victim.kill();
    await scene.startService();
    expect(await call).toMatchObject({ status: 200 });
    expect(await scene.call("processPayment", cardFor(reference))).toMatchObject({ status: 200 });
    expect(await scene.paymentsOf(reference)).toHaveLength(1);
  });

  it.each([
    ["after its payment was made", false],
    ["before its record said which payment it made", true],
  ])("is still charged once when an operator kills its attempt %s", async (_what, stalls) => {
    const reference = newOrder();
    const path = "/v1/payment_intents";
    if (stalls) await scene.fault({ target: "api", effect: "stall", method: "POST", path, delayMs: 10_000 });
    const call = scene.call("processPayment", debitFor(reference));
    const { id, metadata } = stalls ? await scene.paymentOf(reference) : await scene.waitingPaymentOf(reference);
    await restate(scene.admin, "invocation", "kill", "--yes", metadata["restate_invocation_id"] ?? "");
    expect((await call).status).toBeGreaterThanOrEqual(400);
    await scene.settle(id);
    expect(await scene.call("processPayment", debitFor(reference))).toMatchObject({
      status: 200,
      body: { paymentIntentId: id, status: "succeeded" },
    });
    expect(await scene.paymentsOf(reference)).toHaveLength(1);
  });

  it("has ended for everybody when a killed attempt turns out to have made several payments", async () => {
    const reference = newOrder();
    const path = "/v1/payment_intents";
    await scene.fault({ target: "api", effect: "stall", method: "POST", path, delayMs: 10_000 });
    const call = scene.call("processPayment", cardFor(reference));
    const first = await scene.paymentOf(reference);
    await restate(scene.admin, "invocation", "kill", "--yes", first.metadata["restate_invocation_id"] ?? "");
    await call;
    await scene.clearFaults();
    const extra = await scene.stripe.paymentIntents.create({
      amount: first.amount,
      currency: first.currency,
      payment_method: "pm_card_visa",
      confirm: true,
      automatic_payment_methods: { enabled: true, allow_redirects: "never" },
      metadata: first.metadata,
    });
    await until("search to show both", async () => {
      const query = `metadata["restate_invocation_id"]:"${first.metadata["restate_invocation_id"]}"`;
      return (await scene.stripe.paymentIntents.search({ query })).data.length === 2 ? true : undefined;
    });
    const answers = [
      await scene.call("processPayment", cardFor(reference)),
      await scene.call("processPayment", cardFor(reference)),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 502, body: { metadata: { paymentIntentId: first.id } } });
    }
    await until("the extra one to be refunded", async () => {
      const refunds = await scene.stripe.refunds.list({ payment_intent: extra.id });
      return refunds.data[0]?.amount === extra.amount ? true : undefined;
    });
    expect(await scene.call("processPayment", cardFor(reference, "pm_card_mastercard"))).toMatchObject({
      status: 409,
      body: { metadata: { reason: "conflict" } },
    });
    await scene.untilEnded("paymentWatcher");
    expect(await scene.paymentsOf(reference)).toHaveLength(2);
  });

  it("is given up at its deadline when an operator killed the attempt that would have", async () => {
    const reference = newOrder();
    const request = { ...debitFor(reference, "pm_usBankAccount_processing"), timeoutSeconds: 4 };
    const call = scene.call("processPayment", request);
    const { id, metadata } = await scene.waitingPaymentOf(reference);
    await restate(scene.admin, "invocation", "kill", "--yes", metadata["restate_invocation_id"] ?? "");
    await call;
    expect(await scene.call("processPayment", request)).toMatchObject({
      status: 408,
      body: { metadata: { reason: "timed_out", paymentIntentId: id, compensation: "canceled" } },
    });
    expect((await scene.paymentOf(reference)).status).toBe("canceled");
  });

  it("is taken from its customer at its deadline, also when an operator killed the attempt before it said so", async () => {
    const reference = newOrder();
    const returnUrl = "https://shop.example/back";
    const request = { ...cardFor(reference, "pm_card_threeDSecure2Required"), returnUrl, timeoutSeconds: 4 };
    await scene.fault({ target: "api", effect: "stall", method: "POST", path: "/v1/payment_intents", delayMs: 10_000 });
    const call = scene.call("processPayment", request);
    const { id, metadata } = await scene.paymentOf(reference);
    await restate(scene.admin, "invocation", "kill", "--yes", metadata["restate_invocation_id"] ?? "");
    await call;
    expect(await scene.call("processPayment", request)).toMatchObject({
      status: 200,
      body: { paymentIntentId: id, status: "requires_action" },
    });
    await until("the customer's time to be over", async () =>
      (await scene.paymentOf(reference)).status === "canceled" ? true : undefined,
    );
  });

  it("is forgotten after its retention, if there is one", async () => {
    const reference = newOrder();
    await scene.restartService({ referenceRetentionMs: 300 });
    await scene.call("processPayment", cardFor(reference));
    await until("it to be forgotten", async () =>
      (await scene.call("getPayment", { reference })).status === 404 ? true : undefined,
    );
    await scene.restartService();
    expect(await scene.call("processPayment", cardFor(reference, "pm_card_mastercard"))).toMatchObject({ status: 200 });
  });

  it("is closed when its call is cancelled", async () => {
    const reference = newOrder();
    const key = newOrder();
    const call = scene.call("processPayment", debitFor(reference, "pm_usBankAccount_processing"), key);
    await scene.waitingPaymentOf(reference);
    const rows = await until("the call", async () => {
      const found = await scene.sql<{ id: string }>(`select id from sys_invocation where idempotency_key = '${key}'`);
      return found[0];
    });
    await restate(scene.admin, "invocation", "cancel", "--yes", rows.id);
    expect(await call).toMatchObject({
      status: 409,
      body: { metadata: { reason: "canceled", compensation: "canceled" } },
    });
    expect((await scene.paymentOf(reference)).status).toBe("canceled");
  });

  it.each([
    [{ reference: "unknown" }, 404, "not_found"],
    [{}, 400, undefined],
    [{ reference: "a", paymentIntentId: "pi_1" }, 400, undefined],
    [{ reference: "" }, 400, undefined],
  ])("answers getPayment %j with %s", async (request, status, reason) => {
    const answer = await scene.call("getPayment", request);
    expect([answer.status, answer.body.metadata?.["reason"]]).toEqual([status, reason]);
  });
});
