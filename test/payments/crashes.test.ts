/** Outages, crashes and cancellations at the worst moment: one charge, and an answer. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { spawnService } from "../scene/serviceProcess.ts";
import { bankDebit, card, modes, newOrder, openScene, until, type Scene } from "../scene/scene.ts";
import { restate } from "../scene/restateCli.ts";

describe.each(modes)("crashes and outages, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
  });
  afterAll(async () => {
    await scene.close();
  });
  beforeEach(async () => {
    await scene.clearFaults();
  });

  const createFault = (effect: string, more: Record<string, string | number> = {}) =>
    scene.fault({ target: "api", effect, method: "POST", path: "/v1/payment_intents", count: 1, ...more });

  /** The keys that the creates of an order were sent with; the sandbox's log has no bodies, so its order counts. */
  async function createRequests() {
    return await scene.requests("POST", "/v1/payment_intents");
  }

  describe("the same idempotency key", () => {
    it("makes one PaymentIntent and one answer, concurrently and after completion", async () => {
      const order = newOrder();
      const key = `key-${order}`;
      const answers = await Promise.all([1, 2, 3, 4].map(() => scene.call("processPayment", card(order), key)));
      answers.push(await scene.call("processPayment", card(order), key));
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(answers[0]?.status).toBe(200);
      expect(await scene.paymentsOf(order)).toHaveLength(1);
    });

    it("joins a call that waits, and repeats a decline", async () => {
      const order = newOrder();
      const request = bankDebit(order, "pm_usBankAccount_insufficientFunds");
      const first = scene.call("processPayment", request, order);
      const { id } = await scene.waitingPaymentOf(order);
      const second = scene.call("processPayment", request, order);
      await scene.settle(id, "failed");
      const third = first.then(() => scene.call("processPayment", request, order));
      const answers = await Promise.all([first, second, third]);
      expect(answers.map((answer) => answer.status)).toEqual([402, 402, 402]);
      expect(await scene.paymentsOf(order)).toHaveLength(1);
    });

    it("can be sent first and attached to later", async () => {
      const order = newOrder();
      const sent = await fetch(`${scene.ingress}/payments/processPayment/send`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": order },
        body: JSON.stringify(bankDebit(order)),
      });
      const { invocationId } = (await sent.json()) as { invocationId: string };
      expect(sent.status).toBe(202);
      const { id } = await scene.waitingPaymentOf(order);
      const attached = fetch(`${scene.ingress}/restate/attach/${invocationId}`);
      await scene.settle(id);
      expect(await (await attached).json()).toMatchObject({ paymentIntentId: id, status: "succeeded" });
    });
  });

  describe("when Stripe is ill", () => {
    it.each([
      ["error_500", {}],
      ["rate_limit", {}],
      ["lock_timeout", {}],
      ["conflict", {}],
      ["html_502", {}],
      ["cut_before", {}],
      ["cut_after", {}],
      ["cut_after", { count: 3 }],
    ])("charges once in spite of %s %o on create", async (effect, more) => {
      const order = newOrder();
      const before = (await createRequests()).length;
      await createFault(effect, more);
      const { status, body } = await scene.call("processPayment", card(order));
      expect(status).toBe(200);
      expect(body.status).toBe("succeeded");
      const payments = await scene.paymentsOf(order);
      expect(payments.map((payment) => payment.id)).toEqual([body.paymentIntentId]);
      const sent = (await createRequests()).slice(before);
      expect(sent.length).toBeGreaterThan(1);
      expect(new Set(sent.map((request) => request.idempotencyKey)).size).toBe(1);
    });

    it("retries reads while it waits", async () => {
      const order = newOrder();
      const call = scene.call("processPayment", bankDebit(order));
      const { id } = await scene.waitingPaymentOf(order);
      await scene.fault(
        { target: "api", effect: "error_500", method: "GET", path: `/v1/payment_intents/${id}`, count: 1 },
        { target: "api", effect: "cut_before", method: "GET", path: `/v1/payment_intents/${id}`, count: 1 },
      );
      await scene.settle(id);
      expect(await call).toMatchObject({ status: 200, body: { status: "succeeded" } });
    });

    it("adopts the PaymentIntent that a saved and replayed 500 hides", async () => {
      const order = newOrder();
      await createFault("error_500_saved_after");
      const { status, body } = await scene.call("processPayment", card(order));
      expect(status).toBe(200);
      expect(body.settledBy).toBe("poll");
      expect((await scene.paymentsOf(order)).map((payment) => payment.id)).toEqual([body.paymentIntentId]);
    });

    it("asks for a review when a saved 500 hides nothing that can be found", async () => {
      const order = newOrder();
      await createFault("error_500_saved");
      const { status, body } = await scene.call("processPayment", card(order));
      expect(status).toBe(502);
      expect(body).toMatchObject({ code: 502, metadata: { reason: "needs_review" } });
      expect(await scene.paymentsOf(order)).toEqual([]);
    });

    it("asks for a review when Stripe knows the key with other parameters", async () => {
      const order = newOrder();
      const before = (await createRequests()).length;
      await createFault("error_500", { count: 0 });
      const call = scene.call("processPayment", card(order));
      const first = await until("the first attempt", async () => (await createRequests())[before]);
      // Somebody else uses the key, at an endpoint that the fault spares, while the call's own attempts fail.
      await scene.stripe.customers.create({ name: "Else" }, { idempotencyKey: first.idempotencyKey ?? "" });
      await scene.clearFaults();
      expect(await call).toMatchObject({ status: 502, body: { code: 502, metadata: { reason: "needs_review" } } });
      expect(await scene.paymentsOf(order)).toEqual([]);
    });

    it.each(["unauthorized", "forbidden"])(
      "pauses at once when the API key is %s, and goes on where it was when it is resumed",
      async (effect) => {
        const order = newOrder();
        await createFault(effect);
        const call = scene.call("processPayment", card(order), order);
        const id = await until("the invocation to pause", async () => {
          const rows = await scene.sql<{ id: string }>(
            `select id from sys_invocation where status = 'paused' and idempotency_key = '${order}'`,
          );
          return rows[0]?.id;
        });
        await restate(scene.admin, "invocation", "resume", "--yes", id);
        expect(await call).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect(await scene.paymentsOf(order)).toHaveLength(1);
      },
    );
  });

  describe("when a process is killed", () => {
    it("settles a payment that was waiting when the engine was killed", async () => {
      const order = newOrder();
      const call = scene.call("processPayment", bankDebit(order), order).catch(() => "connection lost");
      const { id } = await scene.waitingPaymentOf(order);
      await scene.crashEngine();
      await scene.settle(id);
      expect(await call).toBe("connection lost");
      expect(await scene.call("processPayment", bankDebit(order), order)).toMatchObject({
        status: 200,
        body: { paymentIntentId: id, status: "succeeded" },
      });
      expect(await scene.paymentsOf(order)).toHaveLength(1);
    });

    it("delivers a webhook that came while the engine was down", async () => {
      const order = newOrder();
      const call = scene.call("processPayment", bankDebit(order), order).catch(() => "connection lost");
      const { id } = await scene.waitingPaymentOf(order);
      await scene.settle(id);
      await scene.crashEngine();
      await call;
      expect(await scene.call("processPayment", bankDebit(order), order)).toMatchObject({ status: 200 });
    });

    it("charges once when the service is killed between the charge and its record", async () => {
      const order = newOrder();
      const before = (await createRequests()).length;
      await scene.stopService();
      const victim = await spawnService({ port: scene.servicePort, apiBase: scene.sandboxUrl });
      // Stripe does the work, then its answer takes long enough to be killed in.
      await createFault("stall", { delayMs: 3000 });
      const call = scene.call("processPayment", card(order));
      await until("the charge", async () => (await scene.paymentsOf(order))[0]);
      await victim.kill();
      await scene.startService();
      const { status, body } = await call;
      expect(status).toBe(200);
      expect((await scene.paymentsOf(order)).map((payment) => payment.id)).toEqual([body.paymentIntentId]);
      const keys = (await createRequests()).slice(before).map((request) => request.idempotencyKey);
      expect(keys.length).toBeGreaterThanOrEqual(1);
      expect(new Set(keys).size).toBe(1);
    });
  });

  describe("when the call is cancelled with the restate CLI", () => {
    it("cancels the PaymentIntent and answers canceled", async () => {
      const order = newOrder();
      const call = scene.call("processPayment", bankDebit(order, "pm_usBankAccount_processing"));
      const payment = await scene.waitingPaymentOf(order);
      const list = await restate(scene.admin, "invocation", "list");
      const invocationId = payment.metadata["restate_invocation_id"] ?? "";
      expect(list).toContain(invocationId);
      await restate(scene.admin, "invocation", "cancel", "--yes", invocationId);
      expect(await call).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", paymentIntentId: payment.id, compensation: "canceled" } },
      });
      expect((await scene.paymentOf(order)).status).toBe("canceled");
    });

    it("asks Stripe again, with a fresh key, when it failed to cancel and saved that", async () => {
      const order = newOrder();
      const call = scene.call("processPayment", bankDebit(order, "pm_usBankAccount_processing"));
      const payment = await scene.waitingPaymentOf(order);
      const path = `/v1/payment_intents/${payment.id}/cancel`;
      await scene.fault({ target: "api", effect: "error_500_saved", method: "POST", path, count: 1 });
      await scene.cancel(payment.metadata["restate_invocation_id"] ?? "");
      expect(await call).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", compensation: "canceled" } },
      });
      expect((await scene.paymentOf(order)).status).toBe("canceled");
      const keys = (await scene.requests("POST", path)).map((request) => request.idempotencyKey);
      expect(new Set(keys).size).toBe(2);
    });

    it("has what cannot be cancelled watched, and refunded when it succeeds", async () => {
      const order = newOrder();
      const call = scene.call("processPayment", bankDebit(order));
      const payment = await scene.waitingPaymentOf(order);
      await restate(scene.admin, "invocation", "cancel", "--yes", payment.metadata["restate_invocation_id"] ?? "");
      expect(await call).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", compensation: "watching" } },
      });
      await scene.settle(payment.id);
      await until("the refund", async () => {
        const refunds = await scene.stripe.refunds.list({ payment_intent: payment.id });
        return refunds.data[0]?.amount === 4000 ? true : undefined;
      });
    });

    it.each([
      ["a payment that succeeds", "pm_card_visa", 200, "succeeded", "succeeded"],
      ["a payment that would wait", "pm_usBankAccount_processing", 409, "canceled", "canceled"],
    ])(
      "records what was sent before it looks at the cancellation: %s",
      async (_what, method, status, word, atStripe) => {
        const order = newOrder();
        await createFault("stall", { delayMs: 3000 });
        const call = scene.call("processPayment", bankDebit(order, method));
        const payment = await scene.paymentOf(order);
        await scene.cancel(payment.metadata["restate_invocation_id"] ?? "");
        const answer = await call;
        expect([answer.status, answer.body.status ?? answer.body.metadata?.["reason"]]).toEqual([status, word]);
        expect((await scene.paymentOf(order)).status).toBe(atStripe);
      },
    );

    it("closes what a lost answer made, whether its call has found it by then or is given up without it", async () => {
      const order = newOrder();
      await createFault("error_500_saved_after");
      const call = scene.call("processPayment", bankDebit(order, "pm_usBankAccount_processing"));
      const payment = await scene.paymentOf(order);
      await restate(scene.admin, "invocation", "cancel", "--yes", payment.metadata["restate_invocation_id"] ?? "");
      const { status, body } = await call;
      expect([status, body.metadata?.["reason"]]).toEqual([409, "canceled"]);
      const found = { paymentIntentId: payment.id, compensation: "canceled" };
      const notFound = { compensation: "watching" };
      expect(body.metadata).toMatchObject(body.metadata?.["paymentIntentId"] === undefined ? notFound : found);
      const closed = async () => ((await scene.paymentOf(order)).status === "canceled" ? true : undefined);
      await until("the payment to be closed", closed);
    });

    it("does not send the customer away for a payment that was cancelled meanwhile", async () => {
      const order = newOrder();
      await createFault("stall", { delayMs: 3000 });
      const call = scene.call("processPayment", {
        ...card(order, "pm_card_threeDSecure2Required"),
        returnUrl: "https://shop.example/back",
      });
      const payment = await scene.paymentOf(order);
      await scene.cancel(payment.metadata["restate_invocation_id"] ?? "");
      expect(await call).toMatchObject({ status: 409, body: { metadata: { compensation: "canceled" } } });
      expect((await scene.paymentOf(order)).status).toBe("canceled");
    });

    it("leaves the PaymentIntent alone when a mere wait is cancelled", async () => {
      const order = newOrder();
      const creator = scene.call("processPayment", bankDebit(order));
      const { id: paymentIntentId } = await scene.waitingPaymentOf(order);
      const wait = scene.call("awaitPayment", { paymentIntentId }, `wait-${order}`);
      const invocationId = await until("the wait to sleep", async () => {
        const rows = await scene.sql<{ id: string }>(
          `select id from sys_invocation where idempotency_key = 'wait-${order}' and status = 'suspended'`,
        );
        return rows[0]?.id;
      });
      await restate(scene.admin, "invocation", "cancel", "--yes", invocationId);
      expect(await wait).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", paymentIntentId, compensation: "none" } },
      });
      await scene.settle(paymentIntentId);
      expect(await creator).toMatchObject({ status: 200 });
    });
  });
});
