/** What follows a payment: captures, cancellations and refunds, each one call that returns the final outcome. */
import * as fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { restate } from "../scene/restateCli.ts";
import { spawnService } from "../scene/serviceProcess.ts";
import {
  bankDebit,
  card,
  eventAbout,
  modes,
  newOrder,
  openScene,
  until,
  type Answer,
  type Scene,
} from "../scene/scene.ts";

const any = (text: string) => expect.stringContaining(text) as string;

describe.each(modes)("what follows a payment, $mode", ({ inactivityTimeoutMs }) => {
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

  async function pay(paymentMethodId = "pm_card_visa", more: object = {}): Promise<string> {
    const paid = await scene.call("processPayment", { ...card(newOrder(), paymentMethodId), amount: 1000, ...more });
    expect(paid).toMatchObject({ status: 200, body: { status: "succeeded" } });
    return paid.body.paymentIntentId ?? "";
  }

  async function authorize(amount = 1000): Promise<string> {
    const held = await scene.call("processPayment", { ...card(newOrder()), amount, captureMethod: "manual" });
    expect(held).toMatchObject({ status: 200, body: { status: "requires_capture" } });
    return held.body.paymentIntentId ?? "";
  }

  /** A paid bank debit: its refund takes as long as it did. */
  async function payByDebit(): Promise<string> {
    const order = newOrder();
    const call = scene.call("processPayment", bankDebit(order));
    const { id } = await scene.waitingPaymentOf(order);
    await scene.settle(id);
    expect(await call).toMatchObject({ status: 200 });
    return id;
  }

  /** The PaymentIntent of a new Checkout Session on whose page somebody has tried to pay. */
  async function tryCheckout(payment_method: string): Promise<{ paymentIntentId: string; sessionId: string }> {
    const session = await scene.stripe.checkout.sessions.create({
      mode: "payment",
      line_items: [{ price_data: { currency: "usd", unit_amount: 1000, product_data: { name: "Book" } }, quantity: 1 }],
      success_url: "https://shop.example/done",
    });
    await fetch(`${scene.sandboxUrl}/v1/payment_pages/${session.id}/confirm`, {
      method: "POST",
      headers: { authorization: "Bearer sk_test_of_the_page" },
      body: new URLSearchParams({ payment_method }),
    });
    const [payment] = (await scene.stripe.paymentIntents.list({ limit: 1 })).data;
    return { paymentIntentId: payment?.id ?? "", sessionId: session.id };
  }

  async function refundsOf(payment_intent: string) {
    return (await scene.stripe.refunds.list({ payment_intent })).data;
  }

  async function pendingRefundOf(paymentIntentId: string): Promise<string> {
    return await until("a pending refund", async () => {
      return (await refundsOf(paymentIntentId)).find(({ status }) => status === "pending")?.id;
    });
  }

  /** The invocation that waits under an idempotency key, as soon as it sleeps. */
  async function sleeping(key: string): Promise<string> {
    return await until("the call to sleep", async () => {
      const query = `select id from sys_invocation where idempotency_key = '${key}' and status = 'suspended'`;
      return (await scene.sql<{ id: string }>(query))[0]?.id;
    });
  }

  describe("capturePayment", () => {
    it("takes all that is held, and the authorization said until when it could", async () => {
      const held = await scene.call("processPayment", { ...card(newOrder()), captureMethod: "manual" });
      const { paymentIntentId, captureBefore } = held.body;
      const charge = await scene.stripe.charges.retrieve(String(held.body["chargeId"]));
      const captureBeforeMs = (charge.payment_method_details?.card?.capture_before ?? 0) * 1000;
      expect(captureBefore).toBe(new Date(captureBeforeMs).toISOString());
      expect((await scene.call("getPayment", { paymentIntentId })).body).toMatchObject({ captureBefore });
      expect(await scene.call("capturePayment", { paymentIntentId })).toEqual({
        status: 200,
        body: {
          ...held.body,
          status: "succeeded",
          amountReceived: 109,
          settledBy: "response",
          captureBefore: undefined,
        },
      });
    });

    it("takes a part, and the rest is released", async () => {
      const paymentIntentId = await authorize();
      expect(await scene.call("capturePayment", { paymentIntentId, amount: 400 })).toMatchObject({
        status: 200,
        body: { status: "succeeded", amount: 1000, amountReceived: 400 },
      });
      const { status, amount_capturable } = await scene.stripe.paymentIntents.retrieve(paymentIntentId);
      expect([status, amount_capturable]).toEqual(["succeeded", 0]);
    });

    it("takes several parts, which can be given back before the last, and releases the rest", async () => {
      const several = { captureMethod: "manual", requestMulticapture: true };
      const held = await scene.call("processPayment", { ...card(newOrder()), amount: 1000, ...several });
      const { paymentIntentId } = held.body;
      const capture = async (amount: number | undefined, final?: boolean) =>
        await scene.call("capturePayment", { paymentIntentId, amount, final });
      expect(await capture(0)).toMatchObject({ status: 400, body: { message: any("cancelPayment") } });
      expect(await capture(0, false)).toMatchObject({ status: 400 });
      expect(await capture(600, false)).toMatchObject({
        status: 200,
        body: { status: "requires_capture", amountReceived: 600 },
      });
      expect(await capture(100, false)).toMatchObject({ status: 200, body: { amountReceived: 700 } });
      expect(await capture(301, false)).toMatchObject({ status: 400, body: { metadata: { param: "amount" } } });
      const refund = async (amount?: number) => await scene.call("refundPayment", { paymentIntentId, amount });
      expect(await refund(200)).toMatchObject({ status: 200, body: { status: "succeeded", amount: 200 } });
      expect(await refund(501)).toMatchObject({ status: 409, body: { message: any("Only 500 of 700") } });
      expect(await scene.call("cancelPayment", { paymentIntentId })).toMatchObject({
        status: 409,
        body: { message: any("700 of 1000"), metadata: { reason: "conflict" } },
      });
      const released = { status: 200, body: { status: "succeeded", amount: 1000, amountReceived: 700 } };
      expect(await capture(0)).toMatchObject(released);
      expect(await capture(0)).toMatchObject(released);
      expect(await refund()).toMatchObject({ status: 200, body: { amount: 500 } });
    });

    it("takes one part of a card that allows no more", async () => {
      const paymentIntentId = await authorize();
      expect(await scene.call("capturePayment", { paymentIntentId, amount: 400, final: false })).toMatchObject({
        status: 400,
        body: { metadata: { reason: "invalid_request", param: "final_capture", paymentIntentId } },
      });
      expect(await scene.call("capturePayment", { paymentIntentId, amount: 400 })).toMatchObject({ status: 200 });
    });

    it("is no success when another part was captured than was asked for", async () => {
      const paymentIntentId = await authorize();
      await scene.call("capturePayment", { paymentIntentId, amount: 400 });
      const conflict = { status: 409, body: { message: any("400 of 1000"), metadata: { reason: "conflict" } } };
      expect(await scene.call("capturePayment", { paymentIntentId })).toMatchObject(conflict);
      expect(await scene.call("capturePayment", { paymentIntentId, amount: 1000 })).toMatchObject(conflict);
      expect(await scene.call("capturePayment", { paymentIntentId, amount: 400 })).toMatchObject({ status: 200 });
    });

    it.each([
      [5, 409, "conflict"],
      [4000, 200, "succeeded"],
      [undefined, 200, "succeeded"],
    ])("judges a payment that is processing by its end: asked for %s it is %s %s", async (amount, status, word) => {
      const order = newOrder();
      const waiting = scene.call("processPayment", bankDebit(order));
      const { id: paymentIntentId } = await scene.waitingPaymentOf(order);
      const key = newOrder();
      const capturing = scene.call("capturePayment", { paymentIntentId, amount }, key);
      await sleeping(key);
      await scene.settle(paymentIntentId);
      const answer = await capturing;
      expect([answer.status, answer.body.status ?? answer.body.metadata?.["reason"]]).toEqual([status, word]);
      await waiting;
    });

    it("of a payment that was given up and then succeeded says that it is taken back", async () => {
      const request = { ...bankDebit(newOrder()), timeoutSeconds: 1 };
      const { paymentIntentId = "" } = (await scene.call("processPayment", request)).body.metadata ?? {};
      await scene.settle(paymentIntentId);
      const takenBack = {
        status: 409,
        body: { metadata: { reason: "canceled", paymentIntentId, compensation: "watching" } },
      };
      expect(await scene.call("capturePayment", { paymentIntentId })).toMatchObject(takenBack);
      expect(await scene.call("capturePayment", { paymentIntentId, amount: 4000 })).toMatchObject(takenBack);
      expect(await scene.call("awaitPayment", { paymentIntentId })).toMatchObject(takenBack);
      expect(await scene.call("cancelPayment", { paymentIntentId })).toMatchObject({
        status: 409,
        body: { message: any("being refunded") },
      });
      await scene.settle(await pendingRefundOf(paymentIntentId));
    });

    it("captures once, however often and concurrently it is asked for the same", async () => {
      const paymentIntentId = await authorize();
      const path = `/v1/payment_intents/${paymentIntentId}/capture`;
      const calls = [1, 2, 3].map(() => scene.call("capturePayment", { paymentIntentId }));
      for (const answer of await Promise.all(calls)) {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", amountReceived: 1000 } });
      }
      const again = await scene.call("capturePayment", { paymentIntentId, amount: 1000 });
      expect(again).toMatchObject({ status: 200, body: { settledBy: "poll" } });
      expect((await scene.requests("POST", path)).filter(({ status }) => status === 200)).toHaveLength(1);
    });

    it.each(["cut_after", "error_500_saved_after", "rate_limit", "html_502"])(
      "captures once when Stripe's answer is hit by %s",
      async (effect) => {
        const paymentIntentId = await authorize();
        const path = `/v1/payment_intents/${paymentIntentId}/capture`;
        await scene.fault({ target: "api", effect, method: "POST", path, count: effect === "cut_after" ? 2 : 1 });
        expect(await scene.call("capturePayment", { paymentIntentId })).toMatchObject({
          status: 200,
          body: { status: "succeeded", amountReceived: 1000 },
        });
      },
    );

    it("says that it captured where the last attempt did, and lost its answer", async () => {
      const paymentIntentId = await authorize();
      const fault = { target: "api", method: "POST", path: `/v1/payment_intents/${paymentIntentId}/capture`, count: 1 };
      await scene.fault(
        // Each is told twice: what failed is asked again under its key.
        { ...fault, effect: "error_500_saved", count: 4 },
        { ...fault, effect: "error_500_saved_after" },
      );
      expect(await scene.call("capturePayment", { paymentIntentId })).toMatchObject({
        status: 200,
        body: { status: "succeeded", amountReceived: 1000, settledBy: "poll" },
      });
    });

    it.each([
      ["more than is held", 1001, "usd", "at most 1000"],
      ["a fraction that the currency lacks", 150, "isk", "multiple of 100"],
    ])("refuses %s before it asks Stripe", async (_what, amount, currency, message) => {
      const held = await scene.call("processPayment", {
        ...card(newOrder()),
        amount: 1000,
        currency,
        captureMethod: "manual",
      });
      const { paymentIntentId } = held.body;
      expect(await scene.call("capturePayment", { paymentIntentId, amount })).toMatchObject({
        status: 400,
        body: { message: any(message), metadata: { reason: "invalid_request", param: "amount", paymentIntentId } },
      });
      expect(await scene.requests("POST", `/v1/payment_intents/${paymentIntentId}/capture`)).toEqual([]);
    });

    it("says what the state doesn't allow", async () => {
      const paid = await pay();
      expect(await scene.call("capturePayment", { paymentIntentId: paid, amount: 5 })).toMatchObject({
        status: 409,
        body: { metadata: { reason: "conflict", paymentIntentId: paid } },
      });
      const canceled = await authorize();
      await scene.stripe.paymentIntents.cancel(canceled, { cancellation_reason: "fraudulent" });
      expect(await scene.call("capturePayment", { paymentIntentId: canceled })).toMatchObject({
        status: 409,
        body: { message: any("fraudulent"), metadata: { reason: "canceled" } },
      });
      const { id: untried } = await scene.stripe.paymentIntents.create({ amount: 1000, currency: "usd" });
      expect(await scene.call("capturePayment", { paymentIntentId: untried })).toMatchObject({
        status: 409,
        body: { message: any("not authorized"), metadata: { reason: "conflict" } },
      });
      expect(await scene.call("capturePayment", { paymentIntentId: "pi_none" })).toMatchObject({
        status: 404,
        body: { metadata: { reason: "not_found" } },
      });
    });
  });

  describe("cancelPayment", () => {
    it("releases an authorization, and finds it cancelled the next time", async () => {
      const paymentIntentId = await authorize();
      expect(await scene.call("cancelPayment", { paymentIntentId, reason: "duplicate" })).toMatchObject({
        status: 200,
        body: { paymentIntentId, status: "canceled", amountReceived: 0, settledBy: "response" },
      });
      expect((await scene.stripe.paymentIntents.retrieve(paymentIntentId)).cancellation_reason).toBe("duplicate");
      expect(await scene.call("cancelPayment", { paymentIntentId })).toMatchObject({
        status: 200,
        body: { status: "canceled", settledBy: "poll" },
      });
    });

    it("ends a call that waits for the payment", async () => {
      const order = newOrder();
      const waiting = scene.call("processPayment", bankDebit(order, "pm_usBankAccount_processing"));
      const { id: paymentIntentId } = await scene.waitingPaymentOf(order);
      expect(await scene.call("cancelPayment", { paymentIntentId })).toMatchObject({
        status: 200,
        body: { status: "canceled" },
      });
      expect(await waiting).toMatchObject({ status: 409, body: { metadata: { reason: "canceled", paymentIntentId } } });
    });

    it("names refundPayment when the payment has succeeded", async () => {
      const paymentIntentId = await pay();
      expect(await scene.call("cancelPayment", { paymentIntentId })).toMatchObject({
        status: 409,
        body: { message: any("refundPayment"), metadata: { reason: "conflict", paymentIntentId } },
      });
      expect(await scene.call("cancelPayment", { paymentIntentId: "pi_none" })).toMatchObject({ status: 404 });
    });

    it("refunds a payment that has succeeded, if it may", async () => {
      const paymentIntentId = await pay();
      const answer = await scene.call("cancelPayment", { paymentIntentId, refundIfSucceeded: true });
      expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", amount: 1000, paymentIntentId } });
      expect(await refundsOf(paymentIntentId)).toMatchObject([{ id: answer.body["refundId"], amount: 1000 }]);
    });

    it.each([
      ["succeeds", "succeeded", { refundIfSucceeded: false }, 409, "conflict"],
      ["fails", "failed", { refundIfSucceeded: true }, 200, "canceled"],
    ] as const)(
      "waits for a debit that the bank has already, which then %s",
      async (_what, end, extra, status, word) => {
        const order = newOrder();
        const waiting = scene.call("processPayment", bankDebit(order));
        const { id: paymentIntentId } = await scene.waitingPaymentOf(order);
        const key = newOrder();
        const canceling = scene.call("cancelPayment", { paymentIntentId, ...extra }, key);
        await sleeping(key);
        await scene.settle(paymentIntentId, end);
        const answer = await canceling;
        expect([answer.status, answer.body.status ?? answer.body.metadata?.["reason"]]).toEqual([status, word]);
        await waiting;
      },
    );

    it("waits for a debit and its refund: the whole saga in one call", async () => {
      const order = newOrder();
      const waiting = scene.call("processPayment", bankDebit(order));
      const { id: paymentIntentId } = await scene.waitingPaymentOf(order);
      const key = newOrder();
      const canceling = scene.call("cancelPayment", { paymentIntentId, refundIfSucceeded: true }, key);
      await sleeping(key);
      await scene.settle(paymentIntentId);
      expect(await waiting).toMatchObject({ status: 200 });
      await scene.settle(await pendingRefundOf(paymentIntentId));
      expect(await canceling).toMatchObject({ status: 200, body: { status: "succeeded", amount: 4000 } });
    });

    it("leaves the debit as it is at its own deadline", async () => {
      const order = newOrder();
      const waiting = scene.call("processPayment", bankDebit(order));
      const { id: paymentIntentId } = await scene.waitingPaymentOf(order);
      expect(await scene.call("cancelPayment", { paymentIntentId, timeoutSeconds: 1 })).toMatchObject({
        status: 408,
        body: { metadata: { reason: "timed_out", compensation: "none", paymentIntentId } },
      });
      await scene.settle(paymentIntentId);
      expect(await waiting).toMatchObject({ status: 200 });
    });

    it("expires the open Checkout Session that the payment belongs to", async () => {
      const { paymentIntentId, sessionId } = await tryCheckout("pm_card_visa_chargeDeclined");
      expect(await scene.call("cancelPayment", { paymentIntentId })).toMatchObject({
        status: 200,
        body: { paymentIntentId, status: "canceled", settledBy: "response" },
      });
      expect((await scene.stripe.checkout.sessions.retrieve(sessionId)).status).toBe("expired");
    });

    it("says that a payment whose Checkout Session is complete can't be cancelled", async () => {
      const { paymentIntentId } = await tryCheckout("pm_usBankAccount_success");
      const key = newOrder();
      const canceling = scene.call("cancelPayment", { paymentIntentId }, key);
      await sleeping(key);
      await scene.settle(paymentIntentId, "failed");
      expect(await canceling).toMatchObject({
        status: 409,
        body: { message: any("Checkout Session is complete"), metadata: { reason: "conflict", paymentIntentId } },
      });
    });
  });

  describe("refundPayment", () => {
    it("answers a refund that Stripe knows at once", async () => {
      const paymentIntentId = await pay();
      const request = { paymentIntentId, amount: 300, reason: "requested_by_customer", metadata: { returnId: "r-1" } };
      const { status, body } = await scene.call("refundPayment", request);
      expect([status, body]).toEqual([
        200,
        {
          refundId: expect.stringMatching(/^re_/) as string,
          paymentIntentId,
          status: "succeeded",
          amount: 300,
          currency: "usd",
          settledBy: "response",
        },
      ]);
      expect(await refundsOf(paymentIntentId)).toMatchObject([
        { id: body["refundId"], reason: "requested_by_customer", metadata: { returnId: "r-1" } },
      ]);
    });

    it.each(["as it is", "lose", "double", "reorder", "delay", "before_response"])(
      "returns the end of a pending refund when webhooks come: %s",
      async (effect) => {
        if (effect === "lose") await scene.restartService({ pollScheduleMs: [300] });
        const paymentIntentId = await pay("pm_card_pendingRefund");
        const call = scene.call("refundPayment", { paymentIntentId });
        const refundId = await pendingRefundOf(paymentIntentId);
        if (effect !== "as it is") await scene.fault({ target: "webhook", effect, count: 0, delayMs: 300 });
        await scene.settle(refundId);
        expect(await call).toMatchObject({
          status: 200,
          body: { refundId, status: "succeeded", amount: 1000, settledBy: effect === "lose" ? "poll" : "webhook" },
        });
        if (effect === "lose") await scene.restartService();
      },
    );

    it("hears the end of a refund whose metadata somebody changes", async () => {
      const paymentIntentId = await pay("pm_card_pendingRefund");
      const key = newOrder();
      const call = scene.call("refundPayment", { paymentIntentId }, key);
      const refundId = await pendingRefundOf(paymentIntentId);
      const id = await sleeping(key);
      for (const note of ["seen", "filed"]) await scene.stripe.refunds.update(refundId, { metadata: { note } });
      await scene.settle(refundId);
      expect(await call).toMatchObject({ status: 200, body: { refundId, settledBy: "webhook" } });
      const hung = `select name from sys_journal where id = '${id}' and name = 'hang the doorbell'`;
      expect(await scene.sql(hung)).toEqual([]);
    });

    it("waits for an older refund that may fail yet, though a newer one has succeeded", async () => {
      const paymentIntentId = await pay("pm_card_pendingRefund");
      const refund = async (amount: number) =>
        (await scene.stripe.refunds.create({ payment_intent: paymentIntentId, amount })).id;
      const [older, newer] = [await refund(700), await refund(300)];
      await scene.settle(newer);
      expect(await scene.call("refundPayment", { paymentIntentId, timeoutSeconds: 1 })).toMatchObject({
        status: 408,
        body: { metadata: { reason: "timed_out", refundId: older } },
      });
    });

    it("asks Stripe again when the refund that held the money fails after the refusal", async () => {
      const paymentIntentId = await pay("pm_card_pendingRefund");
      const other = await scene.stripe.refunds.create({ payment_intent: paymentIntentId });
      await scene.fault({ target: "api", effect: "rate_limit", method: "GET", path: "/v1/refunds", count: 0 });
      const refusals = async () =>
        (await scene.requests("POST", "/v1/refunds")).filter(({ status }) => status === 400).length;
      const before = await refusals();
      const call = scene.call("refundPayment", { paymentIntentId, amount: 300 });
      await until("the refusal", async () => ((await refusals()) > before ? true : undefined));
      await scene.settle(other.id, "failed");
      await scene.clearFaults();
      const refundId = await pendingRefundOf(paymentIntentId);
      await scene.settle(refundId);
      expect(await call).toMatchObject({ status: 200, body: { refundId, amount: 300 } });
    });

    it("never gives back more than was captured, however many ask at once", async () => {
      const paymentIntentId = await pay();
      const calls = Array.from({ length: 6 }, () => scene.call("refundPayment", { paymentIntentId, amount: 300 }));
      const answers = await Promise.all(calls);
      const words = answers
        .map(({ body, status }) => `${status} ${body.status ?? body.metadata?.["reason"]}`)
        .toSorted();
      expect(words).toEqual([
        ...Array.from({ length: 3 }, () => "200 succeeded"),
        ...Array.from({ length: 3 }, () => "409 conflict"),
      ]);
      const refunded = (await refundsOf(paymentIntentId)).reduce((sum, { amount }) => sum + amount, 0);
      expect(refunded).toBe(900);
      expect(await scene.call("refundPayment", { paymentIntentId })).toMatchObject({ body: { amount: 100 } });
    });

    it("is one refund under one key, and finds a payment refunded that is", async () => {
      const paymentIntentId = await pay();
      const key = newOrder();
      const first = await scene.call("refundPayment", { paymentIntentId }, key);
      expect(await scene.call("refundPayment", { paymentIntentId }, key)).toEqual(first);
      expect(await scene.call("refundPayment", { paymentIntentId })).toMatchObject({
        status: 200,
        body: { refundId: first.body["refundId"], settledBy: "poll" },
      });
      expect(await refundsOf(paymentIntentId)).toHaveLength(1);
      expect(await scene.call("refundPayment", { paymentIntentId, amount: 1 })).toMatchObject({
        status: 409,
        body: { message: any("Only 0 of 1000"), metadata: { reason: "conflict" } },
      });
    });

    it.each([
      "cut_before",
      "cut_after",
      "error_500",
      "error_500_saved_after",
      "rate_limit",
      "lock_timeout",
      "html_502",
    ])("refunds once when Stripe's answer is hit by %s", async (effect) => {
      const paymentIntentId = await pay();
      const fault = { target: "api", method: "POST", path: "/v1/refunds", count: effect.startsWith("cut") ? 2 : 1 };
      await scene.fault({ ...fault, effect });
      expect(await scene.call("refundPayment", { paymentIntentId, amount: 300 })).toMatchObject({
        status: 200,
        body: { status: "succeeded", amount: 300 },
      });
      expect(await refundsOf(paymentIntentId)).toHaveLength(1);
    });

    it("asks a person when a saved failure leaves it unknown", async () => {
      const paymentIntentId = await pay();
      await scene.fault({ target: "api", effect: "error_500_saved", method: "POST", path: "/v1/refunds" });
      expect(await scene.call("refundPayment", { paymentIntentId, amount: 300 })).toMatchObject({
        status: 502,
        body: { metadata: { reason: "needs_review", paymentIntentId } },
      });
    });

    it("refunds once when the service is killed between the refund and its record", async () => {
      const paymentIntentId = await pay();
      await scene.stopService();
      const victim = await spawnService({ port: scene.servicePort, apiBase: scene.sandboxUrl });
      await scene.fault({ target: "api", effect: "stall", method: "POST", path: "/v1/refunds", delayMs: 3000 });
      const call = scene.call("refundPayment", { paymentIntentId, amount: 300 });
      await until("the refund", async () => (await refundsOf(paymentIntentId))[0]);
      await victim.kill();
      await scene.startService();
      expect(await call).toMatchObject({ status: 200, body: { amount: 300 } });
      expect(await refundsOf(paymentIntentId)).toHaveLength(1);
    });

    it.each([
      ["at its deadline", 408, "timed_out"],
      ["when the call is cancelled", 409, "canceled"],
    ])("leaves a pending refund as it is %s", async (what, status, reason) => {
      const paymentIntentId = await payByDebit();
      const key = newOrder();
      const timeout = what === "at its deadline" ? { timeoutSeconds: 1 } : {};
      const call = scene.call("refundPayment", { paymentIntentId, ...timeout }, key);
      const refundId = await pendingRefundOf(paymentIntentId);
      if (reason === "canceled") await restate(scene.admin, "invocation", "cancel", "--yes", await sleeping(key));
      expect(await call).toMatchObject({
        status,
        body: { metadata: { reason, refundId, paymentIntentId, compensation: "none" } },
      });
      await scene.settle(refundId);
      expect(await scene.call("refundPayment", { paymentIntentId })).toMatchObject({ status: 200, body: { refundId } });
    });

    it("says what the state doesn't allow", async () => {
      const held = await authorize();
      expect(await scene.call("refundPayment", { paymentIntentId: held })).toMatchObject({
        status: 409,
        body: { message: any("cancelPayment"), metadata: { reason: "conflict", paymentIntentId: held } },
      });
      const disputed = await pay("pm_card_createDispute");
      expect(await scene.call("refundPayment", { paymentIntentId: disputed })).toMatchObject({
        status: 409,
        body: { metadata: { reason: "conflict" } },
      });
      expect(await scene.call("refundPayment", { paymentIntentId: "pi_none" })).toMatchObject({ status: 404 });
      const paid = await pay();
      expect(await scene.call("refundPayment", { paymentIntentId: paid, amount: 1001 })).toMatchObject({
        status: 400,
        body: { metadata: { reason: "invalid_request", param: "amount" } },
      });
      expect(await scene.call("refundPayment", { paymentIntentId: paid, amuont: 5 })).toMatchObject({
        status: 400,
        body: { message: any("amuont") },
      });
    });
  });

  describe("awaitRefund", () => {
    it("goes on waiting for a refund whose call stopped to, without making another", async () => {
      const paymentIntentId = await payByDebit();
      const first = await scene.call("refundPayment", { paymentIntentId, amount: 300, timeoutSeconds: 1 });
      expect(first).toMatchObject({ status: 408, body: { metadata: { reason: "timed_out", compensation: "none" } } });
      const refundId = first.body.metadata?.["refundId"] ?? "";
      const key = newOrder();
      const call = scene.call("awaitRefund", { refundId }, key);
      await sleeping(key);
      await scene.settle(refundId);
      expect(await call).toMatchObject({
        status: 200,
        body: { refundId, paymentIntentId, status: "succeeded", amount: 300, settledBy: "webhook" },
      });
      expect(await refundsOf(paymentIntentId)).toHaveLength(1);
      expect(await scene.call("awaitRefund", { refundId })).toMatchObject({ status: 200, body: { settledBy: "poll" } });
    });

    it("hears the end of a refund that was made in Stripe's dashboard, beside another who waits for it", async () => {
      const payment_intent = await payByDebit();
      const { id: refundId } = await scene.stripe.refunds.create({ payment_intent });
      const keys = [newOrder(), newOrder()];
      const calls = keys.map((key) => scene.call("awaitRefund", { refundId }, key));
      for (const key of keys) await sleeping(key);
      await scene.settle(refundId, "failed");
      for (const answer of await Promise.all(calls)) {
        expect(answer).toMatchObject({ status: 409, body: { metadata: { reason: "refund_failed", refundId } } });
      }
    });

    it.each([
      ["re_none", 404, "not_found"],
      ["pi_none", 400, undefined],
    ])("answers %s with %s", async (refundId, status, reason) => {
      const answer = await scene.call("awaitRefund", { refundId });
      expect([answer.status, answer.body.metadata?.["reason"]]).toEqual([status, reason]);
    });

    it("leaves the refund as it is at its deadline", async () => {
      const payment_intent = await payByDebit();
      const { id: refundId } = await scene.stripe.refunds.create({ payment_intent });
      expect(await scene.call("awaitRefund", { refundId, timeoutSeconds: 1 })).toMatchObject({
        status: 408,
        body: { metadata: { reason: "timed_out", refundId, compensation: "none" } },
      });
      expect((await scene.stripe.refunds.retrieve(refundId)).status).toBe("pending");
    });
  });

  it("keeps the ledger, whatever is captured, cancelled, refunded and rung in whatever order and at once", async () => {
    const amount = fc.option(fc.integer({ min: 1, max: 1200 }), { nil: undefined });
    const aCall = fc.oneof(
      fc.record({ handler: fc.constant("capturePayment"), amount }),
      fc.record({ handler: fc.constant("refundPayment"), amount }),
      fc.record({ handler: fc.constant("cancelPayment"), refundIfSucceeded: fc.boolean() }),
    );
    const aLie = fc.record({
      type: fc.constantFrom("payment_intent.succeeded", "payment_intent.canceled", "refund.failed", "refund.updated"),
      status: fc.constantFrom("succeeded", "canceled", "requires_capture", "failed"),
    });
    const aRound = fc.record({
      calls: fc.array(aCall, { minLength: 1, maxLength: 3 }),
      lies: fc.array(aLie, { maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(aRound, { maxLength: 3 }), async (rounds) => {
        const paymentIntentId = await authorize();
        const answers: Answer[] = [];
        for (const { calls, lies } of rounds) {
          const waiting = calls.map(({ handler, ...rest }) => scene.call(handler, { paymentIntentId, ...rest }));
          const payment = await scene.stripe.paymentIntents.retrieve(paymentIntentId);
          for (const { type, status } of lies) await scene.webhook(eventAbout(type, { ...payment, status }));
          answers.push(...(await Promise.all(waiting)));
        }
        const { amount_received: captured, status } = await scene.stripe.paymentIntents.retrieve(paymentIntentId);
        const refunded = (await refundsOf(paymentIntentId)).reduce((sum, refund) => sum + refund.amount, 0);
        const said = answers.filter(({ body }) => body["refundId"] !== undefined);
        const promised = new Map(said.map(({ body }) => [body["refundId"], Number(body["amount"])]));
        expect(captured - refunded).toBeGreaterThanOrEqual(0);
        expect([...promised.values()].reduce((sum, refund) => sum + refund, 0)).toBe(refunded);
        expect(answers.filter((answer) => ![200, 400, 409].includes(answer.status))).toEqual([]);
        const told = answers.some(({ body }) => body.status === "succeeded" && body["amountReceived"] === captured);
        expect(told).toBe(status === "succeeded");
      }),
      { numRuns: 15 },
    );
  });

  it("says that an authorization has expired", async () => {
    const paymentIntentId = await authorize();
    const move = async (body: object) =>
      await fetch(`${scene.sandboxUrl}/_sandbox/clock`, { method: "POST", body: JSON.stringify(body) });
    await move({ advanceMs: 8 * 24 * 3_600_000 });
    await move({ mode: "real" });
    expect(await scene.call("capturePayment", { paymentIntentId })).toMatchObject({
      status: 409,
      body: { message: any("The authorization expired"), metadata: { reason: "canceled", paymentIntentId } },
    });
  });
});
