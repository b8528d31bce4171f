/** What the merchant's own system is told: every outcome and every later change, once each, in order. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { notificationTimings } from "../../src/notifications/options.ts";
import { paymentNotificationSchema } from "../../src/notifications/contract.ts";
import { openMerchant, type Merchant } from "../scene/merchant.ts";
import {
  bankDebit,
  card,
  eventAbout,
  modes,
  newOrder,
  openScene,
  sign,
  until,
  type Fault,
  type Scene,
} from "../scene/scene.ts";

describe.each(modes)("notifications, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  let merchant: Merchant;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
    merchant = await openMerchant();
    await scene.restartService({ notifications: { ...notificationTimings, receiver: merchant.receiver } });
  });
  afterAll(async () => {
    await scene.close();
    await merchant.close();
  });
  beforeEach(async () => {
    await scene.clearFaults();
  });

  async function pay(paymentMethodId = "pm_card_visa", more: object = {}): Promise<string> {
    const { body } = await scene.call("processPayment", { ...card(newOrder(), paymentMethodId), ...more });
    return body.paymentIntentId ?? body.metadata?.["paymentIntentId"] ?? "";
  }

  /** A bank debit that its call waits for. */
  async function payByDebit(paymentMethodId?: string, more: object = {}) {
    const order = newOrder();
    const call = scene.call("processPayment", { ...bankDebit(order, paymentMethodId), ...more });
    return { id: (await scene.paymentOf(order)).id, call };
  }

  async function disputeOf(paymentIntentId: string): Promise<string> {
    const { data } = await scene.stripe.disputes.list({ payment_intent: paymentIntentId });
    return data[0]?.id ?? "";
  }

  async function payAndDispute() {
    const id = await pay("pm_card_createDispute");
    return { id, disputeId: await until("the dispute", async () => (await disputeOf(id)) || undefined) };
  }

  /** What was told of a payment once nothing is left to be told; every delivery is signed, and every body has its form. */
  async function toldOf(paymentIntentId: string): Promise<readonly string[]> {
    await scene.quiet();
    for (const { headers, notification, isVerified } of merchant.of(paymentIntentId)) {
      expect(isVerified).toBe(true);
      expect(headers["webhook-id"]).toBe(notification.id);
      expect(paymentNotificationSchema.parse(notification)).toEqual(notification);
    }
    return merchant.typesOf(paymentIntentId);
  }

  /** Stripe's webhook, again and again, while the race is open. */
  async function webhookAbout(id: string): Promise<void> {
    const payment = await scene.stripe.paymentIntents.retrieve(id);
    expect(await scene.webhook(eventAbout("payment_intent.succeeded", payment))).toMatchObject({ status: 200 });
    await scene.quiet();
  }

  async function untilNobodyWatches(): Promise<void> {
    await scene.untilEnded("paymentWatcher");
  }

  describe("of outcomes", () => {
    it("tells a success, with the order that it belongs to", async () => {
      const order = newOrder();
      const { body } = await scene.call("processPayment", card(order));
      const paymentIntentId = body.paymentIntentId ?? "";
      expect(await merchant.untilTold(paymentIntentId, "payment.succeeded")).toEqual({
        id: `${paymentIntentId}-payment_succeeded`,
        type: "payment.succeeded",
        version: 1,
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        paymentIntentId,
        data: {
          status: "succeeded",
          amount: 109,
          amountReceived: 109,
          currency: "usd",
          chargeId: body["chargeId"],
          failure: null,
          cancellationReason: null,
          metadata: { orderId: order },
        },
      });
      expect(await toldOf(paymentIntentId)).toEqual(["payment.succeeded"]);
    });

    it("tells a decline at once, with its reason", async () => {
      const id = await pay("pm_card_visa_chargeDeclinedLostCard");
      expect(await merchant.untilTold(id, "payment.declined")).toMatchObject({
        data: { failure: { stripeCode: "card_declined", declineCode: "lost_card" } },
      });
      expect(await toldOf(id)).toEqual(["payment.declined"]);
    });

    it("tells a success and a decline that come later", async () => {
      const good = await payByDebit();
      const bad = await payByDebit("pm_usBankAccount_insufficientFunds");
      await scene.settle(bad.id, "failed");
      await scene.settle(good.id);
      expect([(await good.call).status, (await bad.call).status]).toEqual([200, 402]);
      expect(await toldOf(good.id)).toEqual(["payment.succeeded"]);
      expect(await toldOf(bad.id)).toEqual(["payment.declined"]);
      expect(merchant.of(bad.id)[0]?.notification.data).toMatchObject({ failure: { stripeCode: expect.any(String) } });
    });

    it("tells an authorization and its capture", async () => {
      const id = await pay("pm_card_visa", { captureMethod: "manual" });
      await merchant.untilTold(id, "payment.authorized");
      await scene.stripe.paymentIntents.capture(id, { amount_to_capture: 100 });
      expect(await merchant.untilTold(id, "payment.succeeded")).toMatchObject({ data: { amountReceived: 100 } });
      expect(await toldOf(id)).toEqual(["payment.authorized", "payment.succeeded"]);
    });

    it("tells a cancellation in Stripe, and one at the deadline", async () => {
      const first = await payByDebit("pm_usBankAccount_processing");
      await scene.stripe.paymentIntents.cancel(first.id, { cancellation_reason: "duplicate" });
      await first.call;
      const second = await payByDebit("pm_usBankAccount_processing", { timeoutSeconds: 1 });
      await second.call;
      expect(await toldOf(first.id)).toEqual(["payment.canceled"]);
      expect(await toldOf(second.id)).toEqual(["payment.canceled"]);
      const reasons = [first, second].map(({ id }) => merchant.of(id)[0]?.notification.data);
      expect(reasons).toMatchObject([{ cancellationReason: "duplicate" }, { cancellationReason: "abandoned" }]);
    });

    it.each([
      ["succeeded", "payment.succeeded"],
      ["failed", "payment.declined"],
    ] as const)("tells what came of the customer's action when that %s", async (outcome, type) => {
      const id = await pay("pm_card_threeDSecure2Required", { returnUrl: "https://shop.example/back" });
      expect(await toldOf(id)).toEqual([]);
      await scene.authorize(id, outcome);
      await merchant.untilTold(id, type);
      await scene.untilEnded("paymentWatcher");
      expect(await toldOf(id)).toEqual([type]);
    });

    it("never says succeeded of what was given up and is taken back", async () => {
      const { id, call } = await payByDebit("pm_usBankAccount_success", { timeoutSeconds: 1 });
      expect(await call).toMatchObject({ status: 408, body: { metadata: { compensation: "watching" } } });
      await merchant.untilTold(id, "payment.abandoned");
      await scene.settle(id);
      const refund = await until("the refund", async () => {
        const { data } = await scene.stripe.refunds.list({ payment_intent: id });
        return data[0];
      });
      expect(await scene.call("awaitPayment", { paymentIntentId: id })).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", compensation: "watching" } },
      });
      await scene.settle(refund.id);
      await merchant.untilTold(id, "refund.succeeded");
      expect(await toldOf(id)).toEqual(["payment.abandoned", "payment.taken_back", "refund.succeeded"]);
    });

    it("says succeeded, and takes nothing back, where the payment was faster than its caller's giving up", async () => {
      const { id, call } = await payByDebit("pm_usBankAccount_success", { timeoutSeconds: 3 });
      const path = `/v1/payment_intents/${id}`;
      const stall = { target: "api", effect: "stall", delayMs: 1000 };
      await scene.fault({ ...stall, method: "POST", path: `${path}/cancel` });
      await scene.faultsMet();
      // Stripe still says processing in this answer, which is on its way while the payment succeeds.
      await scene.fault({ ...stall, method: "GET", path });
      await scene.faultsMet();
      await scene.settle(id);
      await merchant.untilTold(id, "payment.succeeded");
      expect(await call).toMatchObject({ status: 200, body: { status: "succeeded" } });
      expect(await toldOf(id)).toEqual(["payment.succeeded"]);
      await scene.untilEnded("paymentWatcher");
      expect((await scene.stripe.paymentIntents.retrieve(id)).metadata).not.toHaveProperty("restate_abandoned_by");
    });

    describe("in the race between a payment and its caller's giving up", () => {
      const note = "restate_abandoned_by";
      const stall = { target: "api", effect: "stall", delayMs: 1500 };

      /** A bank debit whose call is about to write its note; `faults` are met by the requests that change the PaymentIntent. */
      async function aboutToNote(...faults: readonly Fault[]) {
        const { id, call } = await payByDebit("pm_usBankAccount_success", { timeoutSeconds: 3 });
        const path = `/v1/payment_intents/${id}`;
        await scene.fault({ ...stall, method: "POST", path: `${path}/cancel` });
        await scene.faultsMet();
        if (faults.length > 0) await scene.fault(...faults.map((fault) => ({ method: "POST", path, ...fault })));
        return { id, call, path };
      }

      async function untilNoted(id: string): Promise<void> {
        await until("the note", async () => {
          const { metadata } = await scene.stripe.paymentIntents.retrieve(id);
          return note in metadata ? true : undefined;
        });
      }

      it("tells a success alone where the payment came before the note, whose answer is late", async () => {
        const { id, call, path } = await aboutToNote();
        // Stripe still says processing in this answer, which is on its way while the payment succeeds.
        await scene.fault({ ...stall, method: "GET", path });
        await scene.faultsMet();
        await scene.fault({ ...stall, method: "POST", path });
        // The one that the test sends comes while the note hangs, and no other.
        await scene.fault({ target: "webhook", effect: "lose", count: 0 });
        await scene.settle(id);
        await untilNoted(id);
        await webhookAbout(id);
        expect(merchant.typesOf(id)).toEqual([]);
        const awaiting = scene.call("awaitPayment", { paymentIntentId: id });
        expect(await call).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect(await awaiting).toMatchObject({ status: 200, body: { status: "succeeded" } });
        await webhookAbout(id);
        await untilNobodyWatches();
        expect(await toldOf(id)).toEqual(["payment.succeeded"]);
        expect((await scene.stripe.paymentIntents.retrieve(id)).metadata).not.toHaveProperty(note);
      });

      it("answers a success, and tells it later, where Stripe fails as the note is to be taken back", async () => {
        const { id, call, path } = await aboutToNote();
        await scene.fault({ ...stall, method: "GET", path });
        await scene.faultsMet();
        const outage = { target: "api", effect: "error_500", count: 0 };
        await scene.fault({ ...stall, delayMs: 0, method: "POST", path }, { ...outage, method: "POST", path });
        await scene.fault({ target: "webhook", effect: "lose", count: 0 });
        await scene.settle(id);
        expect(await call).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect((await scene.stripe.paymentIntents.retrieve(id)).metadata).toHaveProperty(note);
        await webhookAbout(id);
        expect(merchant.typesOf(id)).toEqual([]);
        await scene.clearFaults();
        await merchant.untilTold(id, "payment.succeeded");
        await untilNobodyWatches();
        await webhookAbout(id);
        expect(await toldOf(id)).toEqual(["payment.succeeded"]);
        expect((await scene.stripe.paymentIntents.retrieve(id)).metadata).not.toHaveProperty(note);
      });

      it("tells a success alone where the answer to the note is lost, and the next one says that the payment succeeded", async () => {
        const { id, call } = await aboutToNote(
          { target: "api", effect: "cut_after" },
          { target: "api", effect: "error_500", count: 3 },
        );
        await untilNoted(id);
        await scene.settle(id);
        await webhookAbout(id);
        expect(await call).toMatchObject({ status: 200, body: { status: "succeeded" } });
        await webhookAbout(id);
        expect(await toldOf(id)).toEqual(["payment.succeeded"]);
      });

      it("tells that it is taken back alone where the note came first, and its answer is late", async () => {
        const { id, call } = await aboutToNote(stall);
        await untilNoted(id);
        await scene.settle(id);
        await webhookAbout(id);
        const awaiting = scene.call("awaitPayment", { paymentIntentId: id });
        expect(await call).toMatchObject({ status: 408, body: { metadata: { compensation: "watching" } } });
        expect(await awaiting).toMatchObject({ status: 409, body: { metadata: { reason: "canceled" } } });
        await merchant.untilTold(id, "payment.taken_back");
        await webhookAbout(id);
        await until("the refund", async () => {
          const { data } = await scene.stripe.refunds.list({ payment_intent: id });
          return data[0] === undefined ? undefined : scene.settle(data[0].id).then(() => true);
        });
        await merchant.untilTold(id, "refund.succeeded");
        await untilNobodyWatches();
        expect(await toldOf(id)).toEqual(["payment.taken_back", "refund.succeeded"]);
      });
    });

    it("tells once what is awaited of another's payment, and nothing of what nobody here has to do with", async () => {
      const make = async () =>
        (
          await scene.stripe.paymentIntents.create({
            amount: 109,
            currency: "usd",
            confirm: true,
            payment_method: "pm_card_visa",
            automatic_payment_methods: { enabled: true, allow_redirects: "never" },
          })
        ).id;
      const foreign = await make();
      const awaited = await make();
      await scene.call("awaitPayment", { paymentIntentId: awaited });
      await scene.stripe.refunds.create({ payment_intent: foreign });
      expect(await toldOf(awaited)).toEqual(["payment.succeeded"]);
      expect(await toldOf(foreign)).toEqual([]);
      const state = await scene.sql<{ n: number }>(
        `select count(1) as n from state where service_name = 'paymentNotifier' and service_key = '${foreign}'`,
      );
      expect(state).toEqual([{ n: 0 }]);
    });
  });

  describe("of what turns bad later", () => {
    it.each([
      ["winning_evidence", "payment.dispute_won"],
      ["losing_evidence", "payment.dispute_lost"],
    ] as const)("tells a dispute, and with %s that it is %s", async (evidence, end) => {
      const id = await pay("pm_card_createDispute");
      const disputed = await merchant.untilTold(id, "payment.disputed");
      const disputeId = await disputeOf(id);
      expect(disputed).toMatchObject({
        data: { disputeId, status: "needs_response", reason: "fraudulent", amount: 109, respondBy: expect.any(String) },
      });
      await scene.stripe.disputes.update(disputeId, { evidence: { uncategorized_text: evidence } });
      await merchant.untilTold(id, end);
      expect(await toldOf(id)).toEqual(["payment.succeeded", "payment.disputed", end]);
    });

    it("tells an inquiry, its escalation and the review", async () => {
      const id = await pay("pm_card_createDisputeInquiry");
      await merchant.untilTold(id, "payment.inquiry_opened");
      await scene.stripe.disputes.update(await disputeOf(id), {
        evidence: { uncategorized_text: "escalate_inquiry_evidence" },
      });
      await merchant.untilTold(id, "payment.disputed");
      await scene.stripe.disputes.update(await disputeOf(id), {
        evidence: { uncategorized_text: "Here is the receipt." },
      });
      await merchant.untilTold(id, "payment.dispute_updated");
      expect(await toldOf(id)).toEqual([
        "payment.succeeded",
        "payment.inquiry_opened",
        "payment.disputed",
        "payment.dispute_updated",
      ]);
    });

    it("tells that the bank took a debit back", async () => {
      const { id, call } = await payByDebit("pm_usBankAccount_dispute");
      await scene.settle(id);
      expect(await call).toMatchObject({ status: 200 });
      expect(await merchant.untilTold(id, "payment.returned")).toMatchObject({
        data: { status: "lost", reason: "debit_not_authorized" },
      });
      expect(await toldOf(id)).toEqual(["payment.succeeded", "payment.returned"]);
    });

    it("tells each refund, and the one that fails after it succeeded", async () => {
      const id = await pay("pm_card_refundFail");
      const first = await scene.stripe.refunds.create({ payment_intent: id, amount: 9, reason: "duplicate" });
      await scene.quiet();
      const second = await scene.stripe.refunds.create({ payment_intent: id, amount: 50 });
      await scene.quiet();
      await scene.settle(first.id, "failed");
      expect(await merchant.untilTold(id, "refund.failed")).toMatchObject({
        data: { refundId: first.id, status: "failed", amount: 9, reason: "duplicate", failureReason: "unknown" },
      });
      expect(await toldOf(id)).toEqual(["payment.succeeded", "refund.succeeded", "refund.succeeded", "refund.failed"]);
      expect(merchant.of(id).map(({ notification }) => notification.id)).toEqual([
        `${id}-payment_succeeded`,
        `${first.id}-refund_succeeded`,
        `${second.id}-refund_succeeded`,
        `${first.id}-refund_failed`,
      ]);
    });

    it("tells an early fraud warning, while a refund may still prevent the dispute", async () => {
      const id = await pay("pm_card_createIssuerFraudRecord");
      expect(await merchant.untilTold(id, "payment.fraud_warning")).toMatchObject({ data: { actionable: true } });
      expect(await toldOf(id)).toEqual(["payment.succeeded", "payment.fraud_warning"]);
    });
  });

  describe("whatever Stripe's webhooks do", () => {
    it.each(["double", "reorder", "delay"])(
      "tells every fact once, in order, when they are hit by: %s",
      async (effect) => {
        await scene.fault({ target: "webhook", effect, count: 0, delayMs: 100 });
        const id = await pay("pm_card_createDispute");
        await merchant.untilTold(id, "payment.disputed");
        await scene.stripe.disputes.close(await disputeOf(id));
        await merchant.untilTold(id, "payment.dispute_lost");
        expect(await toldOf(id)).toEqual(["payment.succeeded", "payment.disputed", "payment.dispute_lost"]);
      },
    );

    it("tells the outcome when every webhook is lost", async () => {
      await scene.fault({ target: "webhook", effect: "lose", count: 0 });
      const id = await pay();
      await merchant.untilTold(id, "payment.succeeded");
      expect(await toldOf(id)).toEqual(["payment.succeeded"]);
    });

    it("tells what our own calls did later, when every webhook is lost", async () => {
      await scene.fault({ target: "webhook", effect: "lose", count: 0 });
      const refunded = await pay();
      expect(await scene.call("refundPayment", { paymentIntentId: refunded, amount: 9 })).toMatchObject({
        status: 200,
      });
      const captured = await pay("pm_card_visa", { captureMethod: "manual" });
      const canceled = await pay("pm_card_visa", { captureMethod: "manual" });
      // What has passed when it is looked at is not told.
      for (const id of [captured, canceled]) await merchant.untilTold(id, "payment.authorized");
      expect(await scene.call("capturePayment", { paymentIntentId: captured })).toMatchObject({ status: 200 });
      expect(await scene.call("cancelPayment", { paymentIntentId: canceled })).toMatchObject({ status: 200 });
      expect(await toldOf(refunded)).toEqual(["payment.succeeded", "refund.succeeded"]);
      expect(await toldOf(captured)).toEqual(["payment.authorized", "payment.succeeded"]);
      expect(await toldOf(canceled)).toEqual(["payment.authorized", "payment.canceled"]);
    });

    it("tells what our own calls did about disputes, or waited for, when every webhook is lost", async () => {
      await scene.fault({ target: "webhook", effect: "lose", count: 0 });
      const accepted = await payAndDispute();
      expect(await scene.call("acceptDispute", { disputeId: accepted.disputeId })).toMatchObject({ status: 200 });
      const awaited = await payAndDispute();
      // A read tells nothing: nobody asked for the end.
      await scene.call("getDispute", { disputeId: awaited.disputeId });
      expect(await toldOf(awaited.id)).toEqual(["payment.succeeded"]);
      const evidence = { uncategorizedText: "Here is the receipt." };
      await scene.call("submitDisputeEvidence", { disputeId: awaited.disputeId, evidence, submit: true });
      await scene.quiet();
      await scene.settle(awaited.disputeId);
      await scene.call("getDispute", { disputeId: awaited.disputeId, awaitOutcome: true });
      expect(await toldOf(accepted.id)).toEqual(["payment.succeeded", "payment.disputed", "payment.dispute_lost"]);
      expect(await toldOf(awaited.id)).toEqual([
        "payment.succeeded",
        "payment.disputed",
        "payment.dispute_updated",
        "payment.dispute_won",
      ]);
    });

    it("tells the outcome once Stripe answers again", async () => {
      const { id, call } = await payByDebit();
      const path = `/v1/payment_intents/${id}`;
      await scene.fault(
        { target: "api", effect: "error_500", method: "GET", path, count: 2 },
        { target: "api", effect: "cut_before", method: "GET", path, count: 2 },
      );
      await scene.settle(id);
      await call;
      await merchant.untilTold(id, "payment.succeeded");
      expect(await toldOf(id)).toEqual(["payment.succeeded"]);
    });

    it("tells nothing because of a forged one, and nothing but the truth because of one that lies", async () => {
      const { id, call } = await payByDebit();
      const payment = await scene.stripe.paymentIntents.retrieve(id);
      const lie = eventAbout("payment_intent.succeeded", { ...payment, status: "succeeded" });
      const dispute = eventAbout("charge.dispute.closed", { id: "du_lie", payment_intent: id, status: "lost" });
      const before = await scene.requests("GET", `/v1/payment_intents/${id}`);
      expect((await scene.webhook(lie, sign(lie, { secret: "whsec_guessed" }))).status).toBe(400);
      await scene.quiet();
      expect(await scene.requests("GET", `/v1/payment_intents/${id}`)).toEqual(before);
      for (const event of [lie, dispute]) expect((await scene.webhook(event)).status).toBe(200);
      expect(await toldOf(id)).toEqual([]);
      await scene.settle(id);
      await call;
      expect(await toldOf(id)).toEqual(["payment.succeeded"]);
    });

    it("asks Stripe nothing about a payment of which all was told", async () => {
      const id = await pay();
      await toldOf(id);
      const before = await scene.requests("GET", `/v1/payment_intents/${id}`);
      const event = eventAbout("payment_intent.succeeded", await scene.stripe.paymentIntents.retrieve(id));
      await scene.webhook(event);
      await scene.quiet();
      // The test's own read is the one more.
      expect((await scene.requests("GET", `/v1/payment_intents/${id}`)).length).toBe(before.length + 1);
      expect(merchant.typesOf(id)).toEqual(["payment.succeeded"]);
    });
  });
});
