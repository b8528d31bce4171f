import type { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { cardPayment, control, debitPayment, errorOf, until, untilStatus, withSandbox } from "../surroundings.ts";

const dayMs = 86_400_000;

/** The balance transaction of a payment's charge, once that has one. */
async function transactionOf(stripe: Stripe, id: string): Promise<Stripe.BalanceTransaction> {
  return await until(`the balance transaction of ${id}`, async () => {
    const expand = ["latest_charge.balance_transaction"];
    const { latest_charge } = await stripe.paymentIntents.retrieve(id, { expand });
    const transaction = (latest_charge as Stripe.Charge).balance_transaction;
    return typeof transaction === "object" ? (transaction ?? undefined) : undefined;
  });
}

function funds(amount: number, currency: string): Stripe.Balance.Available {
  return { amount, currency, source_types: { card: amount } };
}

describe("the balance", () => {
  it("is what the transactions add up to, by currency, available or not yet", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const nothing = [{ amount: 0, currency: "usd" }];
      expect(await stripe.balance.retrieve()).toMatchObject({
        object: "balance",
        available: nothing,
        pending: nothing,
      });
      const { id } = await stripe.paymentIntents.create(cardPayment());
      const { id: quick } = await stripe.paymentIntents.create(cardPayment("pm_card_bypassPending"));
      const { id: yen } = await stripe.paymentIntents.create({ ...cardPayment(), amount: 10_000, currency: "jpy" });
      await Promise.all([id, quick, yen].map(async (paid) => await transactionOf(stripe, paid)));
      await stripe.refunds.create({ payment_intent: quick, amount: 99 });
      const before = await stripe.balance.retrieve();
      expect(before.available).toEqual(expect.arrayContaining([funds(1_037 - 99, "usd"), funds(0, "jpy")]));
      expect(before.pending).toEqual(expect.arrayContaining([funds(1_037, "usd"), funds(9_680, "jpy")]));
      await control(sandbox, "POST", "/clock", { advanceMs: 2 * dayMs });
      const after = await stripe.balance.retrieve();
      expect(after.available).toEqual(expect.arrayContaining([funds(2_074 - 99, "usd"), funds(9_680, "jpy")]));
      expect(after.pending).toEqual(expect.arrayContaining([funds(0, "usd"), funds(0, "jpy")]));
    });
  });
});

describe("a balance transaction", () => {
  it.each([
    [cardPayment(), "charge", 1099, 62],
    [{ ...cardPayment(), amount: 50 }, "charge", 50, 31],
    [{ ...cardPayment(), amount: 10_000, currency: "jpy" }, "charge", 10_000, 320],
    [debitPayment(), "payment", 1099, 62],
  ])("of %j is a %s of %i less a fee of %i", async (params, type, amount, fee) => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create(params);
      const { latest_charge } = await untilStatus(stripe, id, "succeeded");
      const charge = typeof latest_charge === "object" ? latest_charge?.id : latest_charge;
      const transaction = await transactionOf(stripe, id);
      expect(transaction).toMatchObject({
        object: "balance_transaction",
        amount,
        currency: params.currency,
        fee,
        fee_details: [{ amount: fee, type: "stripe_fee" }],
        net: amount - fee,
        reporting_category: "charge",
        source: charge,
        status: "pending",
        type,
      });
      const expand = ["source"];
      expect(await stripe.balanceTransactions.retrieve(transaction.id, { expand })).toMatchObject({
        source: { object: "charge", id: charge },
      });
    });
  });

  it("counts what was captured, not what was authorized", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create({ ...cardPayment(), capture_method: "manual" });
      await stripe.paymentIntents.capture(id, { amount_to_capture: 1000 });
      expect(await transactionOf(stripe, id)).toMatchObject({ amount: 1000, fee: 59, net: 941 });
    });
  });

  it("becomes available after two days, or at once with the card for that", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const { id } = await stripe.paymentIntents.create(cardPayment());
      const { id: quick } = await stripe.paymentIntents.create(cardPayment("pm_card_bypassPending"));
      const pending = await transactionOf(stripe, id);
      expect(pending.available_on).toBe(pending.created + 2 * 86_400);
      expect((await transactionOf(stripe, quick)).status).toBe("available");
      await control(sandbox, "POST", "/clock", { advanceMs: 2 * dayMs });
      expect((await stripe.balanceTransactions.retrieve(pending.id)).status).toBe("available");
      const listed = await stripe.balanceTransactions.list();
      expect(listed.data.map(({ status }) => status)).toEqual(["available", "available"]);
    });
  });

  it("takes a refund from the balance, and gives it back when that fails", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create(cardPayment("pm_card_refundFail"));
      const refund = await stripe.refunds.create({ payment_intent: id, amount: 99, expand: ["balance_transaction"] });
      const shown = { amount: -99, fee: 0, net: -99, source: refund.id, status: "available", type: "refund" };
      expect(refund.balance_transaction).toMatchObject(shown);
      await until("the refund to fail", async () =>
        (await stripe.refunds.retrieve(refund.id)).status === "failed" ? true : undefined,
      );
      const failed = await stripe.refunds.retrieve(refund.id, { expand: ["failure_balance_transaction"] });
      expect(failed.failure_balance_transaction).toMatchObject({ amount: 99, type: "refund_failure" });
    });
  });

  it("comes with a pending refund only when that has succeeded", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create(cardPayment("pm_card_pendingRefund"));
      const refund = await stripe.refunds.create({ payment_intent: id });
      expect(refund.balance_transaction).toBeNull();
      const { data } = await until("the refund", async () => {
        const page = await stripe.balanceTransactions.list({ type: "refund" });
        return page.data.length > 0 ? page : undefined;
      });
      expect((await stripe.refunds.retrieve(refund.id)).balance_transaction).toBe(data[0]?.id);
    });
  });

  it("of a dispute takes the money and a fee, and is listed by its source", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create(cardPayment("pm_card_createDispute"));
      const [dispute] = (await stripe.disputes.list({ payment_intent: id })).data;
      const [withdrawn] = dispute?.balance_transactions ?? [];
      expect(withdrawn).toMatchObject({ amount: -1099, fee: 1500, net: -2599, reporting_category: "dispute" });
      const listed = await stripe.balanceTransactions.list({ source: dispute?.id ?? "" });
      expect(listed.data).toEqual([withdrawn]);
    });
  });

  it("that doesn't exist answers 404", async () => {
    await withSandbox(async ({ stripe }) => {
      expect(await errorOf(stripe.balanceTransactions.retrieve("txn_x"))).toMatchObject({ code: "resource_missing" });
    });
  });
});
