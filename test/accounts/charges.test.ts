/** A marketplace's payments against the real engine and the sandbox: direct, destination, and separate charges and transfers. */
import type { Stripe } from "stripe";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bankDebit, card, modes, newOrder, openScene, until, type Scene } from "../scene/scene.ts";
import { onboarded, openPlatform } from "./marketplace.ts";

describe.each(modes)("a marketplace, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  let seller: string;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
    await openPlatform(scene);
    seller = await onboarded(scene);
  });
  afterAll(async () => {
    await scene.close();
  });
  beforeEach(async () => {
    await scene.clearFaults();
  });

  const pay = (body: object, key?: string) => scene.call("processPayment", body, key);

  /** The PaymentIntent of an order at a connected account, as soon as it exists. */
  async function paymentAt(account: string, order: string): Promise<Stripe.PaymentIntent> {
    return await until(`a PaymentIntent of ${order}`, async () => {
      const { data } = await scene.stripe.paymentIntents.list({ limit: 100 }, { stripeAccount: account });
      return data.find(({ metadata }) => metadata["orderId"] === order);
    });
  }
  /** The same as soon as its call waits. */
  async function waitingAt(account: string, order: string): Promise<Stripe.PaymentIntent> {
    const payment = await paymentAt(account, order);
    await scene.untilStatus(payment.metadata["restate_invocation_id"] ?? "", "suspended");
    return payment;
  }
  /** The fee that the platform has of a payment, less what it gave back. */
  async function feeOf(charge: string): Promise<number> {
    const { data } = await scene.stripe.applicationFees.list({ limit: 100 });
    const fee = data.find(
      ({ originating_transaction, charge: own }) => own === charge || originating_transaction === charge,
    );
    return (fee?.amount ?? 0) - (fee?.amount_refunded ?? 0);
  }
  /** What is left at the account of a destination charge. */
  async function transferredOf(paymentIntentId: string): Promise<number> {
    const payment = await scene.stripe.paymentIntents.retrieve(paymentIntentId, { expand: ["latest_charge.transfer"] });
    const made = (payment.latest_charge as Stripe.Charge).transfer as Stripe.Transfer | null;
    return (made?.amount ?? 0) - (made?.amount_reversed ?? 0);
  }

  const shared = (order: string) => ({
    ...card(order),
    amount: 1000,
    applicationFeeAmount: 100,
    transfer: { destination: seller },
    transferGroup: order,
  });

  const transfer = (body: object, key?: string) =>
    scene.call("accounts/createTransfer", { accountId: seller, amount: 900, currency: "usd", ...body }, key);
  const charge = async (amount = 1000) =>
    String((await pay({ ...card(newOrder()), amount, transferGroup: "order" })).body["chargeId"]);
  const transfersOf = async (sourceChargeId: string) => {
    const { data } = await scene.stripe.transfers.list({ limit: 100 });
    return data.filter(({ source_transaction }) => source_transaction === sourceChargeId).length;
  };

  describe("by direct charges", () => {
    it("charges on the account, takes the fee, and gives both back", async () => {
      const request = { ...card(newOrder()), amount: 1000, applicationFeeAmount: 100, stripeAccount: seller };
      const paid = await pay(request);
      expect(paid).toMatchObject({ status: 200, body: { status: "succeeded" } });
      const { paymentIntentId = "", chargeId } = paid.body;
      await expect(scene.stripe.paymentIntents.retrieve(paymentIntentId)).rejects.toMatchObject({ statusCode: 404 });
      expect(await scene.call("getPayment", { paymentIntentId, stripeAccount: seller })).toMatchObject({ status: 200 });
      expect(await scene.call("getPayment", { paymentIntentId })).toMatchObject({ status: 404 });
      await until("the fee", async () => ((await feeOf(String(chargeId))) === 100 ? true : undefined));
      const refund = { paymentIntentId, stripeAccount: seller, refundApplicationFee: true };
      expect(await scene.call("refundPayment", refund)).toMatchObject({ status: 200, body: { status: "succeeded" } });
      expect(await feeOf(String(chargeId))).toBe(0);
    });

    it.each([
      ["succeeded", 200],
      ["failed", 402],
    ] as const)("waits for a bank debit that %s, rung by the account's own event", async (outcome, status) => {
      const order = newOrder();
      const answer = pay({ ...bankDebit(order), applicationFeeAmount: 400, stripeAccount: seller });
      const { id } = await waitingAt(seller, order);
      await scene.settle(id, outcome);
      const { status: answered } = await answer;
      expect(answered).toBe(status);
      const { latest_charge } = await scene.stripe.paymentIntents.retrieve(id, {}, { stripeAccount: seller });
      const feeMinor = outcome === "succeeded" ? 400 : 0;
      const chargeId = typeof latest_charge === "string" ? latest_charge : "";
      await until("the fee", async () => ((await feeOf(chargeId)) === feeMinor ? true : undefined));
    });

    it("refuses an account that is not connected as the caller's mistake, at once", async () => {
      const refused = {
        status: 400,
        body: { metadata: { reason: "invalid_request", stripeCode: "account_invalid", param: "stripeAccount" } },
      };
      const stripeAccount = "acct_1Stranger";
      expect(await pay({ ...card(newOrder()), stripeAccount })).toMatchObject(refused);
      expect(await pay({ ...card(newOrder()), stripeAccount, reference: newOrder() })).toMatchObject(refused);
      for (const [handler, body] of [
        ["getPayment", { paymentIntentId: "pi_1" }],
        ["awaitPayment", { paymentIntentId: "pi_1" }],
        ["capturePayment", { paymentIntentId: "pi_1" }],
        ["cancelPayment", { paymentIntentId: "pi_1" }],
        ["refundPayment", { paymentIntentId: "pi_1" }],
        ["awaitRefund", { refundId: "re_1" }],
        ["createCustomer", { email: "jenny@shop.example" }],
        ["getCustomer", { customerId: "cus_1" }],
        ["setupPaymentMethod", { customerId: "cus_1", paymentMethodId: "pm_card_visa" }],
        ["awaitSetup", { setupIntentId: "seti_1" }],
        ["getDispute", { disputeId: "du_1" }],
      ] as const) {
        expect(await scene.call(handler, { ...body, stripeAccount })).toMatchObject(refused);
      }
    });

    it("ends a debit whose account disconnects while it waits, and pauses nothing", async () => {
      await openPlatform(scene, { pollScheduleMs: [300] });
      const account = await onboarded(scene);
      const order = newOrder();
      const reference = newOrder();
      const answers = [
        pay({ ...bankDebit(order), stripeAccount: account }),
        pay({ ...bankDebit(newOrder()), stripeAccount: account, reference }),
      ];
      const { id } = await paymentAt(account, order);
      const awaited = scene.call("awaitPayment", { paymentIntentId: id, stripeAccount: account });
      await until("both payments", async () => {
        const { data } = await scene.stripe.paymentIntents.list({ limit: 10 }, { stripeAccount: account });
        const hung = data.find((one) => one.id === id)?.metadata ?? {};
        const waiters = Object.keys(hung).filter((key) => key.startsWith("restate_callback_id"));
        return data.length === 2 && waiters.length === 2 ? true : undefined;
      });
      await scene.connected("deauthorize", { account });
      const review = { status: 502, body: { metadata: { reason: "needs_review", stripeCode: "account_invalid" } } };
      for (const answer of [...answers, awaited]) expect(await answer).toMatchObject(review);
      expect((await answers[0])?.body.metadata?.["paymentIntentId"]).toBe(id);
      expect((await awaited).body.metadata?.["paymentIntentId"]).toBe(id);
      await scene.untilEnded("payments", "paymentReference", "paymentWatcher", "paymentNotifier");
      await openPlatform(scene);
    });

    it("ends the watch over a payment whose account disconnects", async () => {
      await openPlatform(scene, { pollScheduleMs: [300] });
      const account = await onboarded(scene);
      const order = newOrder();
      const given = pay({ ...bankDebit(order), stripeAccount: account, timeoutSeconds: 2 });
      await paymentAt(account, order);
      expect(await given).toMatchObject({ status: 408, body: { metadata: { compensation: "watching" } } });
      expect(await scene.openInvocations("paymentWatcher")).toBe(1);
      await scene.connected("deauthorize", { account });
      await scene.untilEnded("paymentWatcher", "paymentNotifier");
      await openPlatform(scene);
    });
  });

  describe("by destination charges", () => {
    it("passes the money on, keeps the fee, and takes both back", async () => {
      const order = newOrder();
      const paid = await pay({ ...shared(order), onBehalfOf: seller });
      expect(paid).toMatchObject({ status: 200, body: { status: "succeeded" } });
      const { paymentIntentId = "", chargeId } = paid.body;
      const payment = await scene.stripe.paymentIntents.retrieve(paymentIntentId);
      expect(payment).toMatchObject({ on_behalf_of: seller, transfer_group: order, application_fee_amount: 100 });
      await until("the transfer", async () => ((await transferredOf(paymentIntentId)) === 1000 ? true : undefined));
      expect(await feeOf(String(chargeId))).toBe(100);
      const refund = { paymentIntentId, reverseTransfer: true, refundApplicationFee: true };
      expect(await scene.call("refundPayment", refund)).toMatchObject({ status: 200 });
      expect([await transferredOf(paymentIntentId), await feeOf(String(chargeId))]).toEqual([0, 0]);
    });

    it("passes on the amount that was asked for", async () => {
      const paid = await pay({ ...card(newOrder()), amount: 1000, transfer: { destination: seller, amount: 850 } });
      const { paymentIntentId = "" } = paid.body;
      await until("the transfer", async () => ((await transferredOf(paymentIntentId)) === 850 ? true : undefined));
    });

    it("captures with another fee, and says so of a second capture", async () => {
      const held = await pay({ ...shared(newOrder()), captureMethod: "manual" });
      const { paymentIntentId = "", chargeId } = held.body;
      const capture = { paymentIntentId, amount: 600, applicationFeeAmount: 50 };
      expect(await scene.call("capturePayment", capture)).toMatchObject({ status: 200, body: { amountReceived: 600 } });
      await until("the fee", async () => ((await feeOf(String(chargeId))) === 50 ? true : undefined));
      expect(await scene.call("capturePayment", capture)).toMatchObject({ status: 200 });
      expect(await scene.call("capturePayment", { ...capture, applicationFeeAmount: 51 })).toMatchObject({
        status: 409,
        body: { metadata: { reason: "conflict" } },
      });
    });

    it.each([
      ["succeeded", 200],
      ["failed", 402],
    ] as const)("waits for a bank debit that %s", async (outcome, status) => {
      const order = newOrder();
      const answer = pay({ ...bankDebit(order), transfer: { destination: seller }, applicationFeeAmount: 400 });
      const { id } = await scene.waitingPaymentOf(order);
      await scene.settle(id, outcome);
      expect((await answer).status).toBe(status);
      const expected = outcome === "succeeded" ? 4000 : 0;
      await until("the transfer", async () => ((await transferredOf(id)) === expected ? true : undefined));
    });

    it("takes transfer and fee back of a debit that succeeds after it was given up", async () => {
      const order = newOrder();
      const debit = { ...bankDebit(order), transfer: { destination: seller }, applicationFeeAmount: 400 };
      const answer = pay({ ...debit, timeoutSeconds: 2 });
      const { id } = await scene.waitingPaymentOf(order);
      expect(await answer).toMatchObject({ status: 408, body: { metadata: { compensation: "watching" } } });
      await scene.settle(id);
      const refund = await until("the refund", async () => {
        const [newest] = (await scene.stripe.refunds.list({ payment_intent: id })).data;
        return newest;
      });
      await scene.settle(refund.id);
      await scene.untilEnded("paymentWatcher");
      const { latest_charge } = await scene.stripe.paymentIntents.retrieve(id, { expand: ["latest_charge"] });
      const charged = latest_charge as Stripe.Charge;
      expect(charged).toMatchObject({ amount_refunded: 4000 });
      expect([await transferredOf(id), await feeOf(charged.id)]).toEqual([0, 0]);
    });

    it("takes them back of a payment that is cancelled too late", async () => {
      const paid = await pay(shared(newOrder()));
      const { paymentIntentId = "", chargeId } = paid.body;
      await until("the transfer", async () => ((await transferredOf(paymentIntentId)) === 1000 ? true : undefined));
      expect(await scene.call("cancelPayment", { paymentIntentId, refundIfSucceeded: true })).toMatchObject({
        status: 200,
        body: { status: "succeeded", amount: 1000 },
      });
      expect([await transferredOf(paymentIntentId), await feeOf(String(chargeId))]).toEqual([0, 0]);
    });

    it("refuses a destination that is not connected, or may get no transfers", async () => {
      const unready = String((await scene.call("accounts/createAccount", { dashboard: "express" })).body["accountId"]);
      for (const destination of ["acct_1Stranger", unready]) {
        expect(await pay({ ...card(newOrder()), transfer: { destination } })).toMatchObject({
          status: 400,
          body: { metadata: { reason: "invalid_request" } },
        });
      }
    });
  });

  describe("by separate charges and transfers", () => {
    it("transfers once per key, also where the answer is lost, and takes it back in parts", async () => {
      const sourceChargeId = await charge();
      const key = crypto.randomUUID();
      await scene.fault({
        target: "api",
        effect: "error_500_saved_after",
        method: "POST",
        path: "/v1/transfers",
        count: 1,
      });
      const first = await transfer({ sourceChargeId, transferGroup: "order" }, key);
      expect(first).toMatchObject({
        status: 200,
        body: { accountId: seller, amount: 900, amountReversed: 0, sourceChargeId, transferGroup: "order" },
      });
      expect(await transfer({ sourceChargeId, transferGroup: "order" }, key)).toEqual(first);
      expect(await transfersOf(sourceChargeId)).toBe(1);

      const transferId = String(first.body["transferId"]);
      const reverse = (body: object, again?: string) =>
        scene.call("accounts/reverseTransfer", { transferId, ...body }, again);
      const part = crypto.randomUUID();
      await scene.fault({
        target: "api",
        effect: "error_500_saved_after",
        method: "POST",
        path: `/v1/transfers/${transferId}/reversals`,
        count: 1,
      });
      const reversed = await reverse({ amount: 300 }, part);
      expect(reversed).toMatchObject({ status: 200, body: { transferId, amount: 300, currency: "usd" } });
      expect(await reverse({ amount: 300 }, part)).toEqual(reversed);
      expect(await reverse({ amount: 601 })).toMatchObject({ status: 409, body: { metadata: { reason: "conflict" } } });
      expect(await reverse({})).toMatchObject({ status: 200, body: { amount: 600 } });
      expect(await reverse({})).toMatchObject({ status: 409, body: { metadata: { reason: "conflict", transferId } } });
      expect((await scene.stripe.transfers.retrieve(transferId)).amount_reversed).toBe(900);
    });

    it("transfers the money of a bank debit that has settled, and none of one that failed", async () => {
      for (const [outcome, status] of [
        ["succeeded", 200],
        ["failed", 400],
      ] as const) {
        const order = newOrder();
        const answer = pay(bankDebit(order));
        const { id } = await scene.waitingPaymentOf(order);
        await scene.settle(id, outcome);
        await answer;
        const { latest_charge } = await scene.stripe.paymentIntents.retrieve(id);
        const answered = await transfer({ sourceChargeId: latest_charge, amount: 3000 });
        expect(answered.status).toBe(status);
      }
    });

    it("says that a balance is too low, and keeps no such answer", async () => {
      const key = crypto.randomUUID();
      const poor = { amount: 999_999_999 };
      const low = { status: 409, body: { metadata: { reason: "balance_insufficient", accountId: seller } } };
      expect(await transfer(poor, key)).toMatchObject(low);
      expect(await transfer(poor, key)).toMatchObject(low);
      const asked = (await scene.requests("POST", "/v1/transfers")).filter(({ status }) => status === 400);
      expect(new Set(asked.map(({ idempotencyKey }) => idempotencyKey)).size).toBeGreaterThan(1);
    });

    it("refuses an account that is not connected, and a transfer that is none", async () => {
      expect(await transfer({ accountId: "acct_1Stranger" })).toMatchObject({
        status: 400,
        body: { metadata: { reason: "invalid_request", param: "destination" } },
      });
      expect(await scene.call("accounts/reverseTransfer", { transferId: "tr_none" })).toMatchObject({
        status: 404,
        body: { metadata: { reason: "not_found", transferId: "tr_none" } },
      });
    });
  });
});
