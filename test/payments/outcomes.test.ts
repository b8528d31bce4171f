/** Every outcome of a payment, known at once and known later, and every row of the failure table. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bankDebit, card, eventAbout, modes, newOrder, openScene, until, type Scene } from "../scene/scene.ts";

describe.each(modes)("outcomes, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
  });
  afterAll(async () => {
    await scene.close();
  });

  describe("known at once", () => {
    it("answers a card payment with Stripe's first response", async () => {
      const { status, body } = await scene.call("processPayment", card(newOrder()));
      expect(status).toBe(200);
      expect(body).toEqual({
        paymentIntentId: expect.stringMatching(/^pi_/),
        status: "succeeded",
        amount: 109,
        amountReceived: 109,
        currency: "usd",
        chargeId: expect.stringMatching(/^ch_/),
        settledBy: "response",
      });
    });

    it("answers an authorization that is to be captured later", async () => {
      const { status, body } = await scene.call("processPayment", { ...card(newOrder()), captureMethod: "manual" });
      expect(status).toBe(200);
      expect(body).toMatchObject({ status: "requires_capture", amountReceived: 0, settledBy: "response" });
    });

    it.each([
      ["pm_card_visa_chargeDeclined", "card_declined", "generic_decline", "try_again_later", "01"],
      ["pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "try_again_later", "51"],
      ["pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card", "do_not_try_again", "41"],
      ["pm_card_chargeDeclinedExpiredCard", "expired_card", undefined, "do_not_try_again", "54"],
    ])("declines %s with the bank's reason", async (paymentMethodId, stripeCode, declineCode, ...codes) => {
      const [adviceCode, networkDeclineCode] = codes;
      const { status, body } = await scene.call("processPayment", card(newOrder(), paymentMethodId));
      const paymentIntentId = body.metadata?.["paymentIntentId"];
      expect(await scene.call("getPayment", { paymentIntentId })).toMatchObject({
        body: { failure: { stripeCode, adviceCode, networkDeclineCode } },
      });
      expect(status).toBe(402);
      expect(body).toMatchObject({
        code: 402,
        message: expect.stringMatching(/card/i),
        metadata: {
          reason: "declined",
          stripeCode,
          adviceCode,
          networkDeclineCode,
          paymentIntentId: expect.stringMatching(/^pi_/),
          ...(declineCode && { declineCode }),
        },
      });
    });

    it("declines a card that needs a customer who is not there", async () => {
      const order = newOrder();
      const { status, body } = await scene.call("processPayment", card(order, "pm_card_authenticationRequired"));
      expect(status).toBe(402);
      expect(body.metadata).toMatchObject({ reason: "declined", stripeCode: "authentication_required" });
      const [payment] = await scene.paymentsOf(order);
      expect(payment?.status).toBe("requires_payment_method");
    });
  });

  describe("known later", () => {
    it("answers a bank debit when the bank has paid", async () => {
      const order = newOrder();
      const call = scene.call("processPayment", bankDebit(order));
      const payment = await scene.waitingPaymentOf(order);
      await scene.settle(payment.id);
      expect(await call).toMatchObject({
        status: 200,
        body: { paymentIntentId: payment.id, status: "succeeded", amountReceived: 4000, settledBy: "webhook" },
      });
    });

    it("answers a SEPA debit in euros", async () => {
      const order = newOrder();
      const call = scene.call("processPayment", { ...bankDebit(order, "pm_sepaDebit_success_de"), currency: "EUR" });
      const payment = await scene.waitingPaymentOf(order);
      await scene.settle(payment.id);
      expect(await call).toMatchObject({ status: 200, body: { status: "succeeded", currency: "eur" } });
    });

    it("declines a bank debit that the bank returns, and closes the PaymentIntent", async () => {
      const order = newOrder();
      const call = scene.call("processPayment", bankDebit(order, "pm_usBankAccount_insufficientFunds"));
      const payment = await scene.waitingPaymentOf(order);
      await scene.settle(payment.id, "failed");
      const { status, body } = await call;
      expect(status).toBe(402);
      expect(body.metadata).toMatchObject({
        reason: "declined",
        paymentIntentId: payment.id,
        compensation: "canceled",
        stripeCode: expect.any(String),
      });
      expect((await scene.stripe.paymentIntents.retrieve(payment.id)).status).toBe("canceled");
    });

    it("treats the first answer as processing when asked to, and still finds the success", async () => {
      const { status, body } = await scene.call("processPayment", { ...card(newOrder()), delayedStatus: true });
      expect(status).toBe(200);
      expect(body).toMatchObject({ status: "succeeded", settledBy: "webhook" });
    });

    it("treats a first decline as processing when asked to, and still finds the decline", async () => {
      const order = newOrder();
      const request = { ...card(order, "pm_card_visa_chargeDeclined"), delayedStatus: true };
      const { status, body } = await scene.call("processPayment", request);
      expect(status).toBe(402);
      expect(body.metadata).toMatchObject({ reason: "declined", declineCode: "generic_decline" });
      const { id: paymentIntentId, status: closed } = await scene.paymentOf(order);
      expect(closed).toBe("canceled");
      expect(await scene.call("awaitPayment", { paymentIntentId })).toMatchObject({
        status: 402,
        body: { metadata: { adviceCode: "try_again_later", networkDeclineCode: "01" } },
      });
    });
  });

  describe("with the customer present", () => {
    const returnUrl = "https://shop.example/back";
    const pay = async (order: string, more: object = {}) =>
      await scene.call("processPayment", { ...card(order, "pm_card_threeDSecure2Required"), returnUrl, ...more });

    it("sends the customer away, and awaitPayment returns what came of it", async () => {
      const first = await pay(newOrder());
      expect(first).toMatchObject({
        status: 200,
        body: {
          status: "requires_action",
          settledBy: "response",
          chargeId: null,
          nextAction: { type: "redirect_to_url", redirectUrl: expect.stringMatching(/^http/) },
        },
      });
      const paymentIntentId = first.body.paymentIntentId ?? "";
      const wait = scene.call("awaitPayment", { paymentIntentId });
      await until("the waiter's doorbell", async () => {
        const { metadata } = await scene.stripe.paymentIntents.retrieve(paymentIntentId);
        // The watcher's and the waiter's, beside the creator's own.
        return Object.keys(metadata).filter((key) => key.startsWith("restate_callback_id_")).length === 2
          ? true
          : undefined;
      });
      await scene.authorize(paymentIntentId, "succeeded");
      expect(await wait).toMatchObject({ status: 200, body: { paymentIntentId, status: "succeeded" } });
      await scene.untilEnded("paymentWatcher");
      expect(await scene.stripe.refunds.list({ payment_intent: paymentIntentId })).toMatchObject({ data: [] });
    });

    it("tells awaitPayment why, when the customer fails, and closes the PaymentIntent", async () => {
      const paymentIntentId = (await pay(newOrder())).body.paymentIntentId ?? "";
      const wait = scene.call("awaitPayment", { paymentIntentId });
      await until("both doorbells", async () => {
        const { metadata } = await scene.stripe.paymentIntents.retrieve(paymentIntentId);
        return Object.keys(metadata).filter((key) => key.startsWith("restate_callback_id_")).length === 2
          ? true
          : undefined;
      });
      await scene.authorize(paymentIntentId, "failed");
      const { status, body } = await wait;
      expect(status).toBe(402);
      expect(body.metadata).toMatchObject({
        reason: "declined",
        stripeCode: "payment_intent_authentication_failure",
        paymentIntentId,
      });
      await until("the PaymentIntent to be closed", async () =>
        (await scene.stripe.paymentIntents.retrieve(paymentIntentId)).status === "canceled" ? true : undefined,
      );
      // Whoever asks after that still learns that it was declined, and why.
      expect(await scene.call("awaitPayment", { paymentIntentId })).toMatchObject({
        status: 402,
        body: { metadata: { stripeCode: "payment_intent_authentication_failure" } },
      });
    });

    it("cancels a payment that the customer did not make in time", async () => {
      const paymentIntentId = (await pay(newOrder(), { timeoutSeconds: 1 })).body.paymentIntentId ?? "";
      expect(await scene.call("awaitPayment", { paymentIntentId })).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", paymentIntentId } },
      });
    });
  });

  describe("with the customer present, and the service away", () => {
    const returnUrl = "https://shop.example/back";
    const order3ds = { ...card(newOrder(), "pm_card_threeDSecure2Required"), returnUrl };

    it("lets a payment stand that the customer made in time, however late the watcher sees it", async () => {
      const { body } = await scene.call("processPayment", { ...order3ds, timeoutSeconds: 2 });
      const deadline = Date.now() + 2000;
      const paymentIntentId = body.paymentIntentId ?? "";
      await scene.stopService();
      await scene.authorize(paymentIntentId, "succeeded");
      await until("the deadline to pass", async () => (Date.now() > deadline + 200 ? true : undefined));
      await scene.startService();
      expect(await scene.call("awaitPayment", { paymentIntentId })).toMatchObject({ status: 200 });
      await scene.untilEnded("paymentWatcher");
      expect((await scene.stripe.refunds.list({ payment_intent: paymentIntentId })).data).toEqual([]);
      expect(await scene.call("getPayment", { paymentIntentId })).toMatchObject({ body: { status: "succeeded" } });
    });

    it("says declined of a failed attempt also when somebody's update erased the reason", async () => {
      const paymentIntentId = (await scene.call("processPayment", order3ds)).body.paymentIntentId ?? "";
      await scene.stopService();
      await scene.authorize(paymentIntentId, "failed");
      await scene.stripe.paymentIntents.update(paymentIntentId, { metadata: { merchant: "was here" } });
      await scene.startService();
      await until("the PaymentIntent to be closed", async () =>
        (await scene.stripe.paymentIntents.retrieve(paymentIntentId)).status === "canceled" ? true : undefined,
      );
      expect(await scene.call("awaitPayment", { paymentIntentId })).toMatchObject({
        status: 402,
        body: { metadata: { reason: "declined", paymentIntentId } },
      });
    });
  });

  describe("that somebody ends", () => {
    it("gives up at the deadline what the customer has not even been told of", async () => {
      const request = { ...card(newOrder(), "pm_card_threeDSecure2Required"), returnUrl: "https://shop.example/back" };
      await scene.fault({ target: "webhook", effect: "lose", count: 0 });
      const answer = await scene.call("processPayment", { ...request, delayedStatus: true, timeoutSeconds: 1 });
      await scene.clearFaults();
      expect(answer).toMatchObject({
        status: 408,
        body: { metadata: { reason: "timed_out", compensation: "canceled" } },
      });
    });

    it("answers canceled when the PaymentIntent is cancelled in Stripe", async () => {
      const order = newOrder();
      const call = scene.call("processPayment", bankDebit(order, "pm_usBankAccount_processing"));
      const payment = await scene.waitingPaymentOf(order);
      await scene.stripe.paymentIntents.cancel(payment.id);
      expect(await call).toMatchObject({
        status: 409,
        body: { code: 409, metadata: { reason: "canceled", paymentIntentId: payment.id } },
      });
    });

    it.each([
      ["before the first poll", [3_600_000]],
      ["after a first poll", [300, 3_600_000]],
      ["between polls", [300]],
    ])("cancels at the deadline what is still pending, %s", async (_when, pollScheduleMs) => {
      await scene.restartService({ pollScheduleMs });
      const order = newOrder();
      const request = { ...bankDebit(order, "pm_usBankAccount_processing"), timeoutSeconds: 1 };
      const startedAtMs = performance.now();
      const { status, body } = await scene.call("processPayment", request);
      expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(1000);
      const [payment] = await scene.paymentsOf(order);
      expect(payment?.status).toBe("canceled");
      expect(status).toBe(408);
      expect(body.metadata).toEqual({
        reason: "timed_out",
        paymentIntentId: payment?.id,
        compensation: "canceled",
      });
      await scene.restartService();
    });

    it("watches what cannot be cancelled at the deadline, and refunds it when it succeeds after all", async () => {
      const order = newOrder();
      const { status, body } = await scene.call("processPayment", { ...bankDebit(order), timeoutSeconds: 1 });
      const paymentIntentId = body.metadata?.["paymentIntentId"] ?? "";
      expect(status).toBe(408);
      expect(body.metadata).toMatchObject({ reason: "timed_out", compensation: "watching" });
      await scene.settle(paymentIntentId);
      const refund = await until("the refund", async () => {
        const refunds = await scene.stripe.refunds.list({ payment_intent: paymentIntentId });
        return refunds.data[0];
      });
      expect(refund.amount).toBe(4000);
      if (refund.status === "pending") await scene.settle(refund.id);
      await scene.untilEnded("paymentWatcher");
      const refunds = await scene.stripe.refunds.list({ payment_intent: paymentIntentId });
      expect(refunds.data.map((each) => [each.amount, each.status])).toEqual([[4000, "succeeded"]]);
    });

    it("counts an operator's refund when it refunds what succeeded after all", async () => {
      const { body } = await scene.call("processPayment", { ...bankDebit(newOrder()), timeoutSeconds: 1 });
      const paymentIntentId = body.metadata?.["paymentIntentId"] ?? "";
      // The watcher is asleep while an operator is quicker: webhooks are lost, then delivered by hand.
      await scene.fault({ target: "webhook", effect: "lose", count: 0 });
      await scene.settle(paymentIntentId);
      const byHand = await scene.stripe.refunds.create({ payment_intent: paymentIntentId, amount: 1500 });
      await scene.clearFaults();
      await scene.webhook(
        eventAbout("payment_intent.succeeded", await scene.stripe.paymentIntents.retrieve(paymentIntentId)),
      );
      const ours = await until("our refund", async () => {
        const refunds = await scene.stripe.refunds.list({ payment_intent: paymentIntentId });
        return refunds.data.find((each) => each.id !== byHand.id);
      });
      expect(ours.amount).toBe(2500);
      for (const refund of [byHand, ours]) {
        if ((await scene.stripe.refunds.retrieve(refund.id)).status === "pending") await scene.settle(refund.id);
      }
      await scene.untilEnded("paymentWatcher");
    });

    it("makes a refund again that failed", async () => {
      await scene.restartService({ pollScheduleMs: [300] });
      const { body } = await scene.call("processPayment", { ...bankDebit(newOrder()), timeoutSeconds: 1 });
      const paymentIntentId = body.metadata?.["paymentIntentId"] ?? "";
      await scene.settle(paymentIntentId);
      const pendingRefund = async () => {
        const refunds = await scene.stripe.refunds.list({ payment_intent: paymentIntentId });
        return refunds.data.find((each) => each.status === "pending");
      };
      const failing = await until("the first refund", pendingRefund);
      await scene.settle(failing.id, "failed");
      const second = await until("the second refund", pendingRefund);
      await scene.settle(second.id);
      await scene.untilEnded("paymentWatcher");
      const refunds = await scene.stripe.refunds.list({ payment_intent: paymentIntentId });
      expect(refunds.data.map((each) => [each.amount, each.status])).toEqual([
        [4000, "succeeded"],
        [4000, "failed"],
      ]);
      await scene.restartService();
    });

    it("closes what fails after the deadline", async () => {
      const { body } = await scene.call("processPayment", { ...bankDebit(newOrder()), timeoutSeconds: 1 });
      const paymentIntentId = body.metadata?.["paymentIntentId"] ?? "";
      await scene.settle(paymentIntentId, "failed");
      await until("it to be cancelled", async () =>
        (await scene.stripe.paymentIntents.retrieve(paymentIntentId)).status === "canceled" ? true : undefined,
      );
      expect((await scene.stripe.refunds.list({ payment_intent: paymentIntentId })).data).toEqual([]);
    });
  });

  describe("that are mistakes of the caller", () => {
    it("lists every field that the schema refuses", async () => {
      const { status, body } = await scene.call("processPayment", { amount: 1.5, captureMethod: "later", amuont: 1 });
      expect(status).toBe(400);
      expect(body.code).toBe(400);
      for (const field of ["paymentMethodId", "amount", "captureMethod", "amuont"])
        expect(body.message).toContain(field);
      expect(body.metadata).toBeUndefined();
    });

    it("passes on which parameter Stripe refuses", async () => {
      const { status, body } = await scene.call("processPayment", card(newOrder(), "pm_does_not_exist"));
      expect(status).toBe(400);
      expect(body.metadata).toMatchObject({
        reason: "invalid_request",
        stripeCode: "resource_missing",
        param: "payment_method",
      });
    });

    it("refuses a customer that does not exist", async () => {
      const { status, body } = await scene.call("processPayment", { ...card(newOrder()), customerId: "cus_missing" });
      expect(status).toBe(400);
      expect(body.metadata).toMatchObject({ reason: "invalid_request", param: "customer" });
    });

    it("refuses a bank debit without a mandate, as Stripe does", async () => {
      const { mandate: _, ...withoutMandate } = bankDebit(newOrder());
      const { status, body } = await scene.call("processPayment", withoutMandate);
      expect(status).toBe(400);
      expect(body.metadata).toMatchObject({ reason: "invalid_request" });
      expect(body.message).toMatch(/mandate/i);
    });

    it.each(["getPayment", "awaitPayment"])("answers 404 when %s names nothing", async (handler) => {
      const paymentIntentId = "pi_doesNotExist";
      expect(await scene.call(handler, { paymentIntentId })).toMatchObject({
        status: 404,
        body: { code: 404, metadata: { reason: "not_found", paymentIntentId } },
      });
    });

    it("refuses delayedStatus with a live key before anything is sent", async () => {
      await scene.restartService({ mode: "live" });
      const order = newOrder();
      const { status, body } = await scene.call("processPayment", { ...card(order), delayedStatus: true });
      await scene.restartService();
      expect(status).toBe(400);
      expect(body.metadata).toMatchObject({ reason: "invalid_request", param: "delayedStatus" });
      expect(await scene.paymentsOf(order)).toEqual([]);
    });
  });

  describe("read by getPayment and awaitPayment", () => {
    it("shows a payment in every state, without an error", async () => {
      const order = newOrder();
      const call = scene.call("processPayment", bankDebit(order));
      const { id: paymentIntentId } = await scene.waitingPaymentOf(order);
      const processing = await scene.call("getPayment", { paymentIntentId });
      expect(processing).toMatchObject({
        status: 200,
        body: {
          paymentIntentId,
          status: "processing",
          amount: 4000,
          amountReceived: 0,
          nextAction: null,
          failure: null,
        },
      });
      await scene.settle(paymentIntentId, "failed");
      await call;
      expect(await scene.call("getPayment", { paymentIntentId })).toMatchObject({
        status: 200,
        body: { status: "canceled" },
      });
    });

    it("answers a final state without touching the PaymentIntent", async () => {
      const order = newOrder();
      const { body } = await scene.call("processPayment", card(order));
      const before = (await scene.paymentOf(order)).metadata;
      expect(await scene.call("awaitPayment", { paymentIntentId: body.paymentIntentId })).toMatchObject({
        status: 200,
        body: { status: "succeeded", settledBy: "poll" },
      });
      expect((await scene.paymentOf(order)).metadata).toEqual(before);
    });

    it("waits for a PaymentIntent that was made elsewhere and is not even tried yet", async () => {
      const made = await scene.stripe.paymentIntents.create({
        amount: 500,
        currency: "usd",
        automatic_payment_methods: { enabled: true, allow_redirects: "never" },
      });
      const wait = scene.call("awaitPayment", { paymentIntentId: made.id });
      await until("the waiter's doorbell", async () => {
        const { metadata } = await scene.stripe.paymentIntents.retrieve(made.id);
        return Object.keys(metadata).length === 1 ? true : undefined;
      });
      await scene.stripe.paymentIntents.confirm(made.id, { payment_method: "pm_card_visa" });
      expect(await wait).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "webhook" } });
    });

    it("ends a wait at its own deadline and leaves the PaymentIntent as it is", async () => {
      const order = newOrder();
      const call = scene.call("processPayment", bankDebit(order));
      const { id: paymentIntentId } = await scene.waitingPaymentOf(order);
      expect(await scene.call("awaitPayment", { paymentIntentId, timeoutSeconds: 1 })).toMatchObject({
        status: 408,
        body: { metadata: { reason: "timed_out", paymentIntentId, compensation: "none" } },
      });
      expect((await scene.stripe.paymentIntents.retrieve(paymentIntentId)).status).toBe("processing");
      await scene.settle(paymentIntentId);
      expect(await call).toMatchObject({ status: 200 });
    });

    it("tells two waiters on one PaymentIntent the same", async () => {
      const order = newOrder();
      const creator = scene.call("processPayment", bankDebit(order, "pm_usBankAccount_insufficientFunds"));
      const { id: paymentIntentId } = await scene.waitingPaymentOf(order);
      const waiters = [1, 2].map(() => scene.call("awaitPayment", { paymentIntentId }));
      await until("three doorbells", async () => {
        const { metadata } = await scene.stripe.paymentIntents.retrieve(paymentIntentId);
        return Object.keys(metadata).filter((key) => key.startsWith("restate_callback_id")).length === 3
          ? true
          : undefined;
      });
      await scene.settle(paymentIntentId, "failed");
      const answers = await Promise.all([creator, ...waiters]);
      expect(answers.map((answer) => [answer.status, answer.body.metadata?.["reason"]])).toEqual(
        answers.map(() => [402, "declined"]),
      );
      expect(new Set(answers.map((answer) => answer.body.metadata?.["stripeCode"])).size).toBe(1);
    });
  });

  it("describes requests and responses in the engine's OpenAPI document", async () => {
    const document = JSON.stringify(await (await fetch(`${scene.admin}/services/payments/openapi`)).json());
    for (const word of ["processPayment", "paymentMethodId", "settledBy", "minor unit", "awaitPayment", "getPayment"]) {
      expect(document).toContain(word);
    }
    expect(document).not.toContain("paymentWatcher");
  });

  it("keeps the watcher out of the ingress", async () => {
    const response = await fetch(`${scene.ingress}/paymentWatcher/watch`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ paymentIntentId: "pi_1", mode: "abandoned", deadlineAtMs: null }),
    });
    expect(response.status).toBe(400);
  });
});
