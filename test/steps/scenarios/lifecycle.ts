/** What follows a payment: captures, cancellations and refunds. */
import { expect } from "vitest";
import { bankDebit, card } from "../../scene/scene.ts";
import { closed, paidOnce, type Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

/** A payment that somebody else made with Stripe's own client: only the call in question is ours. */
async function make(stage: Stage, more: object = {}): Promise<string> {
  const { id } = await stage.stripe.paymentIntents.create({
    amount: 1000,
    currency: "usd",
    confirm: true,
    payment_method: "pm_card_visa",
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    metadata: { orderId: stage.order },
    ...more,
  });
  return id;
}

const authorize = (stage: Stage) => make(stage, { capture_method: "manual" });

const refundedOnce = [{ status: "succeeded", received: 1000, charged: 1, refunds: 1, refunded: 1000 }];

export const lifecycle: readonly Scenario[] = [
  {
    name: "a part of an authorization is captured",
    async play(stage) {
      const paymentIntentId = await authorize(stage);
      const answer = await stage.call("capturePayment", { paymentIntentId, amount: 400 });
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", amountReceived: 400 } });
        expect(await stage.ledger()).toMatchObject([{ status: "succeeded", received: 400, charged: 1 }]);
        expect(stage.told(paymentIntentId)).toEqual(["payment.succeeded"]);
      };
    },
  },
  {
    name: "the answer to a capture is lost",
    async play(stage) {
      const paymentIntentId = await authorize(stage);
      stage.faultOn("POST", /\/capture$/, "error_500_saved_after");
      const answer = await stage.call("capturePayment", { paymentIntentId });
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", amountReceived: 1000 } });
        expect(await stage.ledger()).toEqual(paidOnce(1000));
      };
    },
  },
  {
    name: "an authorization is released",
    async play(stage) {
      const paymentIntentId = await authorize(stage);
      const answer = await stage.call("cancelPayment", { paymentIntentId });
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "canceled" } });
        expect(await stage.ledger()).toMatchObject([{ status: "canceled", received: 0 }]);
        expect(stage.told(paymentIntentId)).toEqual(["payment.canceled"]);
      };
    },
  },
  {
    name: "a debit that is to be cancelled fails",
    async play(stage) {
      const waiting = stage.call("processPayment", bankDebit(stage.order));
      const { id: paymentIntentId } = await stage.payment();
      const canceling = stage.call("cancelPayment", { paymentIntentId });
      await stage.hung(1, () => stage.payment());
      await stage.settle(paymentIntentId, "failed");
      await stage.deliver("payment_intent.payment_failed", paymentIntentId);
      const answers = await Promise.all([canceling, waiting]);
      return async () => {
        expect(answers[0]).toMatchObject({ status: 200, body: { status: "canceled" } });
        expect(answers[1].status).toBeGreaterThanOrEqual(402);
        expect(await stage.ledger()).toEqual(closed);
      };
    },
  },
  {
    name: "a debit that is to be cancelled succeeds, and is given back: the whole saga in one call",
    async play(stage) {
      const waiting = stage.call("processPayment", bankDebit(stage.order));
      const { id: paymentIntentId } = await stage.payment();
      const canceling = stage.call("cancelPayment", { paymentIntentId, refundIfSucceeded: true });
      await stage.hung(1, () => stage.payment());
      await stage.settle(paymentIntentId);
      await stage.deliver("payment_intent.succeeded", paymentIntentId);
      const refund = await stage.pendingRefund(paymentIntentId);
      await stage.settle(refund.id);
      await stage.deliver("refund.updated", refund.id);
      const answers = await Promise.all([canceling, waiting]);
      return async () => {
        expect(answers).toMatchObject([
          { status: 200, body: { status: "succeeded", amount: 4000, refundId: refund.id } },
          { status: 200, body: { status: "succeeded" } },
        ]);
        expect(await stage.ledger()).toEqual([
          { status: "succeeded", received: 4000, charged: 1, refunds: 1, refunded: 4000 },
        ]);
        expect(stage.told(paymentIntentId)).toEqual(["payment.succeeded", "refund.succeeded"]);
      };
    },
  },
  {
    name: "the open Checkout Session of a payment is expired",
    async play(stage) {
      const session = await stage.stripe.checkout.sessions.create({
        mode: "payment",
        line_items: [
          { price_data: { currency: "usd", unit_amount: 1000, product_data: { name: "Book" } }, quantity: 1 },
        ],
        success_url: "https://shop.example/done",
        payment_intent_data: { metadata: { orderId: stage.order } },
      });
      await stage.tryToPay(session.id, "pm_card_visa_chargeDeclined");
      const { id: paymentIntentId } = await stage.payment();
      const answer = await stage.call("cancelPayment", { paymentIntentId });
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "canceled", paymentIntentId } });
        expect(await stage.ledger()).toEqual(closed);
        expect((await stage.stripe.checkout.sessions.retrieve(session.id)).status).toBe("expired");
      };
    },
  },
  {
    name: "a payment is refunded at once",
    async play(stage) {
      const paymentIntentId = await make(stage);
      const answer = await stage.call("refundPayment", { paymentIntentId });
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", amount: 1000 } });
        expect(await stage.ledger()).toEqual(refundedOnce);
        expect(stage.told(paymentIntentId)).toEqual(["payment.succeeded", "refund.succeeded"]);
      };
    },
  },
  {
    name: "a refund takes its time",
    async play(stage) {
      const paymentIntentId = await make(stage, { payment_method: "pm_card_pendingRefund" });
      const call = stage.call("refundPayment", { paymentIntentId, amount: 300 });
      const { id } = await stage.pendingRefund(paymentIntentId);
      await stage.settle(id);
      await stage.deliver("refund.updated", id);
      const answer = await call;
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", amount: 300, settledBy: "webhook" } });
        expect(await stage.ledger()).toMatchObject([{ charged: 1, refunds: 1, refunded: 300 }]);
      };
    },
  },
  {
    name: "a refund fails",
    async play(stage) {
      const paymentIntentId = await make(stage, { payment_method: "pm_card_pendingRefund" });
      const call = stage.call("refundPayment", { paymentIntentId });
      const { id } = await stage.pendingRefund(paymentIntentId);
      await stage.settle(id, "failed");
      await stage.deliver("refund.failed", id);
      const answer = await call;
      return async () => {
        expect(answer).toMatchObject({ status: 409, body: { metadata: { reason: "refund_failed", refundId: id } } });
        expect(await stage.ledger()).toMatchObject([{ charged: 1, refunds: 1, refunded: 0 }]);
      };
    },
  },
  {
    name: "the answer to a refund is lost, and found in the list",
    async play(stage) {
      const paymentIntentId = await make(stage);
      stage.faultOn("POST", /^\/v1\/refunds$/, "error_500_saved_after");
      const answer = await stage.call("refundPayment", { paymentIntentId, amount: 1000 });
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", amount: 1000, settledBy: "poll" } });
        expect(await stage.ledger()).toEqual(refundedOnce);
      };
    },
  },
  {
    name: "a refund that somebody else made is awaited",
    async play(stage) {
      const payment_intent = await make(stage, { payment_method: "pm_card_pendingRefund" });
      const { id: refundId } = await stage.stripe.refunds.create({ payment_intent });
      const call = stage.call("awaitRefund", { refundId });
      await stage.hung(1, () => stage.stripe.refunds.retrieve(refundId));
      await stage.settle(refundId);
      await stage.deliver("refund.updated", refundId);
      const answer = await call;
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", refundId } });
        expect(await stage.ledger()).toEqual(refundedOnce);
      };
    },
  },
  {
    name: "a payment of ours is authorized, captured and given back",
    async play(stage) {
      const held = await stage.call("processPayment", { ...card(stage.order), captureMethod: "manual" });
      const paymentIntentId = held.body.paymentIntentId ?? "";
      const captured = await stage.call("capturePayment", { paymentIntentId });
      const refunded = await stage.call("refundPayment", { paymentIntentId });
      return async () => {
        const answers = [held, captured, refunded].map(({ status, body }) => [status, body.status]);
        expect(answers).toEqual([
          [200, "requires_capture"],
          [200, "succeeded"],
          [200, "succeeded"],
        ]);
        expect(await stage.ledger()).toEqual([
          { status: "succeeded", received: 109, charged: 1, refunds: 1, refunded: 109 },
        ]);
      };
    },
  },
];
