/** Payments, from the call to their end. */
import { expect } from "vitest";
import { bankDebit, card } from "../../scene/scene.ts";
import { closed, expectCanceled, expectClosed, impatient, paidOnce, type Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

const slow = "pm_usBankAccount_processing";
const threeDSecure = "pm_card_threeDSecure2Required";
const returnUrl = "https://shop.example/back";
const create = /^\/v1\/payment_intents$/;

/** Nothing is left of what was tried: Stripe shows the failed attempt, and nobody can try again behind our back. */
const declined = [{ status: "requires_payment_method", received: 0, charged: 0, refunds: 0, refunded: 0 }];

async function sendAway(stage: Stage, more: object = {}): Promise<string> {
  const answer = await stage.call("processPayment", { ...card(stage.order, threeDSecure), returnUrl, ...more });
  expect(answer).toMatchObject({ status: 200, body: { status: "requires_action" } });
  return answer.body.paymentIntentId ?? "";
}

export const payments: readonly Scenario[] = [
  {
    name: "a card is charged at once",
    async play(stage) {
      const answer = await stage.call("processPayment", card(stage.order));
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "response" } });
        expect(await stage.ledger()).toEqual(paidOnce());
        expect(stage.told(answer.body.paymentIntentId ?? "")).toEqual(["payment.succeeded"]);
      };
    },
  },
  {
    name: "a card is declined at once",
    async play(stage) {
      const answer = await stage.call("processPayment", card(stage.order, "pm_card_visa_chargeDeclined"));
      return async () => {
        expect(answer).toMatchObject({ status: 402, body: { metadata: { reason: "declined" } } });
        expect(await stage.ledger()).toEqual(declined);
        expect(stage.told(answer.body.metadata?.["paymentIntentId"] ?? "")).toEqual(["payment.declined"]);
      };
    },
  },
  {
    name: "a card needs its owner, who is away",
    async play(stage) {
      const answer = await stage.call("processPayment", card(stage.order, threeDSecure));
      return async () => {
        expect(answer).toMatchObject({ status: 402, body: { metadata: { stripeCode: "authentication_required" } } });
        expect((await stage.payment()).status).toMatch(/canceled|requires_payment_method/);
        expect(stage.told(answer.body.metadata?.["paymentIntentId"] ?? "")).toEqual(["payment.declined"]);
      };
    },
  },
  {
    name: "Stripe refuses a parameter",
    async play(stage) {
      const { mandate: _, ...request } = bankDebit(stage.order);
      const answer = await stage.call("processPayment", request);
      return async () => {
        expect(answer).toMatchObject({ status: 400, body: { metadata: { reason: "invalid_request" } } });
        expect((await stage.ledger()).filter((one) => "charged" in one && one.charged !== 0)).toEqual([]);
      };
    },
  },
  {
    name: "a bank debit succeeds later, and a webhook says so",
    async play(stage) {
      const call = stage.call("processPayment", bankDebit(stage.order));
      const { id } = await stage.payment();
      await stage.settle(id);
      await stage.deliver("payment_intent.succeeded", id);
      const answer = await call;
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "webhook" } });
        expect(await stage.ledger()).toEqual(paidOnce(4000));
        expect(stage.told(id)).toEqual(["payment.succeeded"]);
      };
    },
  },
  {
    name: "a bank debit succeeds after a webhook that lied",
    async play(stage) {
      const call = stage.call("processPayment", bankDebit(stage.order));
      const payment = await stage.payment();
      const { id } = payment;
      await stage.ring("payment_intent.succeeded", payment);
      const first = payment.metadata["restate_callback_id"];
      await stage.until("a new doorbell", async () =>
        (await stage.payment()).metadata["restate_callback_id"] === first ? undefined : true,
      );
      await stage.settle(id);
      await stage.deliver("payment_intent.succeeded", id);
      const answer = await call;
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "webhook" } });
        expect(await stage.ledger()).toEqual(paidOnce(4000));
        expect(stage.told(id)).toEqual(["payment.succeeded"]);
      };
    },
  },
  {
    name: "a bank debit succeeds later, and only polling finds out",
    profile: impatient,
    async play(stage) {
      const call = stage.call("processPayment", bankDebit(stage.order));
      const { id } = await stage.payment();
      await stage.settle(id);
      const answer = await call;
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "poll" } });
        expect(await stage.ledger()).toEqual(paidOnce(4000));
        expect(stage.told(id)).toEqual(["payment.succeeded"]);
      };
    },
  },
  {
    name: "a bank debit fails later",
    async play(stage) {
      const call = stage.call("processPayment", bankDebit(stage.order));
      const { id } = await stage.payment();
      await stage.settle(id, "failed");
      await stage.deliver("payment_intent.payment_failed", id);
      const answer = await call;
      return async () => {
        expect(answer).toMatchObject({
          status: 402,
          body: { metadata: { reason: "declined", compensation: "canceled" } },
        });
        expect(await stage.ledger()).toEqual(closed);
        expect(stage.told(id)).toEqual(["payment.declined"]);
      };
    },
  },
  {
    name: "the answer to the charge is lost, and looked up",
    async play(stage) {
      stage.faultOn("POST", create, "error_500_saved_after");
      const answer = await stage.call("processPayment", card(stage.order));
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "poll" } });
        expect(await stage.ledger()).toEqual(paidOnce());
        expect(stage.told(answer.body.paymentIntentId ?? "")).toEqual(["payment.succeeded"]);
      };
    },
  },
  {
    name: "the charge failed at Stripe, which nobody can know",
    async play(stage) {
      stage.faultOn("POST", create, "error_500_saved");
      const answer = await stage.call("processPayment", card(stage.order));
      return async () => {
        expect(answer).toMatchObject({ status: 502, body: { metadata: { reason: "needs_review" } } });
        expect(await stage.ledger()).toEqual([]);
      };
    },
  },
  {
    name: "the call is cancelled while the answer to the charge is lost, and the charge is taken back",
    async play(stage) {
      const key = `${stage.order}-call`;
      stage.cancelAndFail("POST", create, key, "error_500_saved_after");
      const answer = await stage.call("processPayment", card(stage.order), key);
      return async () => {
        expect(answer).toMatchObject({ status: 409, body: { metadata: { compensation: "watching" } } });
        expect(await stage.ledger()).toEqual([
          { status: "succeeded", received: 109, charged: 1, refunds: 1, refunded: 109 },
        ]);
      };
    },
  },
  {
    name: "a payment is cancelled at its deadline",
    async play(stage) {
      const answer = await stage.call("processPayment", { ...bankDebit(stage.order, slow), timeoutSeconds: 12 });
      return async () => {
        expect(answer.status).toBe(408);
        expectClosed(stage, answer);
        expect(await stage.ledger()).toEqual(closed);
        expect(stage.told(answer.body.metadata?.["paymentIntentId"] ?? "")).toEqual(["payment.canceled"]);
      };
    },
  },
  {
    name: "the call of a payment is cancelled",
    async play(stage) {
      const call = stage.call("processPayment", bankDebit(stage.order, slow), `${stage.order}-call`);
      const { id } = await stage.payment();
      await stage.cancel(await stage.invocationOf(`${stage.order}-call`));
      const answer = await call;
      return async () => {
        expectCanceled(stage, answer);
        expect(await stage.ledger()).toEqual(closed);
        expect(stage.told(id)).toEqual(["payment.canceled"]);
      };
    },
  },
  {
    name: "a payment that can't be cancelled at its deadline succeeds, and is given back",
    async play(stage) {
      const answer = await stage.call("processPayment", { ...bankDebit(stage.order), timeoutSeconds: 12 });
      const id = answer.body.metadata?.["paymentIntentId"] ?? "";
      await stage.untilTold(id, "payment.abandoned");
      await stage.hung(1, () => stage.payment());
      await stage.settle(id);
      await stage.deliver("payment_intent.succeeded", id);
      const refund = await stage.pendingRefund(id);
      await stage.settle(refund.id);
      await stage.deliver("refund.updated", refund.id);
      return async () => {
        expect(answer).toMatchObject({ status: 408, body: { metadata: { compensation: "watching" } } });
        expect(await stage.ledger()).toEqual([
          { status: "succeeded", received: 4000, charged: 1, refunds: 1, refunded: 4000 },
        ]);
        expect(stage.told(id)).toEqual(["payment.abandoned", "payment.taken_back", "refund.succeeded"]);
      };
    },
  },
  {
    name: "a payment whose call was cancelled fails while it is watched",
    async play(stage) {
      const call = stage.call("processPayment", bankDebit(stage.order), `${stage.order}-call`);
      const { id } = await stage.payment();
      await stage.cancel(await stage.invocationOf(`${stage.order}-call`));
      const answer = await call;
      await stage.hung(1, () => stage.payment());
      await stage.settle(id, "failed");
      await stage.deliver("payment_intent.payment_failed", id);
      return async () => {
        expect(answer).toMatchObject({ status: 409, body: { metadata: { compensation: "watching" } } });
        expect(await stage.ledger()).toEqual(closed);
      };
    },
  },
  {
    name: "a payment is faster than its caller's giving up",
    async play(stage) {
      // The first update of it is the note that it is abandoned.
      stage.beforeRequest("POST", /^\/v1\/payment_intents\/pi_[^/]+$/, async () => {
        await stage.settle((await stage.payment()).id);
      });
      const answer = await stage.call("processPayment", { ...bankDebit(stage.order), timeoutSeconds: 12 });
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect(await stage.ledger()).toEqual(paidOnce(4000));
        expect((await stage.payment()).metadata).not.toHaveProperty("restate_abandoned_by");
        expect(stage.told(answer.body.paymentIntentId ?? "")).toEqual(["payment.succeeded"]);
      };
    },
  },
  {
    name: "the customer acts, and awaitPayment says what came of it",
    async play(stage) {
      const id = await sendAway(stage);
      const waiting = stage.call("awaitPayment", { paymentIntentId: id });
      await stage.hung(2, () => stage.payment());
      await stage.authorize(id, "succeeded");
      await stage.deliver("payment_intent.succeeded", id);
      const answer = await waiting;
      return async () => {
        // Who hangs its doorbell once more, because it died before it knew that it hung, may see the success by that.
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect(await stage.ledger()).toEqual(paidOnce());
        expect(stage.told(id)).toEqual(["payment.succeeded"]);
      };
    },
  },
  {
    name: "the customer fails",
    async play(stage) {
      const id = await sendAway(stage);
      await stage.hung(1, () => stage.payment());
      await stage.authorize(id, "failed");
      await stage.deliver("payment_intent.payment_failed", id);
      return async () => {
        expect(await stage.ledger()).toEqual(closed);
        expect(stage.told(id)).toEqual(["payment.declined"]);
      };
    },
  },
  {
    name: "the customer doesn't act in time",
    async play(stage) {
      // A call whose service is dead until the deadline does not send the customer away any more. One whose service is dead for even
      // longer finds that the payment was cancelled.
      const request = { ...card(stage.order, threeDSecure), returnUrl, timeoutSeconds: 12 };
      const { status } = await stage.call("processPayment", request);
      return async () => {
        expect([200, 408, 409]).toContain(status);
        expect(await stage.ledger()).toEqual(closed);
      };
    },
  },
  {
    name: "the customer isn't sent away for a call that was cancelled meanwhile",
    async play(stage) {
      stage.beforeRequest("POST", create, async () => {
        await stage.cancel(await stage.invocationOf(`${stage.order}-call`));
      });
      const request = { ...card(stage.order, threeDSecure), returnUrl };
      const answer = await stage.call("processPayment", request, `${stage.order}-call`);
      return async () => {
        expectCanceled(stage, answer);
        expect(await stage.ledger()).toEqual(closed);
      };
    },
  },
  {
    name: "a wait for a payment ends at its own deadline, and the payment goes on",
    async play(stage) {
      const call = stage.call("processPayment", bankDebit(stage.order));
      const { id } = await stage.payment();
      const waited = await stage.call("awaitPayment", { paymentIntentId: id, timeoutSeconds: 1 });
      const read = await stage.call("getPayment", { paymentIntentId: id });
      await stage.settle(id);
      await stage.deliver("payment_intent.succeeded", id);
      const answer = await call;
      return async () => {
        expect(waited).toMatchObject({ status: 408, body: { metadata: { compensation: "none" } } });
        expect(read).toMatchObject({ status: 200, body: { status: "processing" } });
        expect(answer).toMatchObject({ status: 200, body: { status: "succeeded" } });
        expect(await stage.ledger()).toEqual(paidOnce(4000));
      };
    },
  },
];
