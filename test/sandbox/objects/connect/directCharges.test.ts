import { describe, expect, it } from "vitest";
import {
  connectedAccount,
  control,
  debitPayment,
  errorOf,
  until,
  untilStatus,
  withSandbox,
} from "../../surroundings.ts";
import { balanceOf, chargeOf, eventsOf, idOf, movements, on, payment } from "./marketplace.ts";

describe("a direct charge", () => {
  it("with a fee leaves the rest to the account, and the fee to the platform", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const paid = await stripe.paymentIntents.create(payment({ application_fee_amount: 1_230 }), on(shop));
      const charge = chargeOf(paid);
      expect(paid).toMatchObject({ application: expect.stringMatching(/^ca_/), application_fee_amount: 1_230 });
      expect(charge).toMatchObject({ application: paid.application, application_fee: expect.stringMatching(/^fee_/) });
      const fee = await stripe.applicationFees.retrieve(idOf(charge.application_fee), { expand: ["charge"] });
      expect(fee).toMatchObject({
        account: shop,
        amount: 1_230,
        application: paid.application,
        charge: { id: charge.id, object: "charge" },
        originating_transaction: null,
      });
      expect((await stripe.applicationFees.list({ charge: charge.id })).data.map(({ id }) => id)).toEqual([fee.id]);
      expect((await stripe.applicationFees.list({}, on(shop))).data).toEqual([]);
      const transaction = await stripe.balanceTransactions.retrieve(idOf(charge.balance_transaction), {}, on(shop));
      expect(transaction).toMatchObject({
        amount: 10_000,
        fee: 1_550,
        fee_details: [
          { amount: 1_230, application: paid.application, type: "application_fee" },
          { amount: 320, application: null, type: "stripe_fee" },
        ],
        net: 8_450,
        type: "charge",
      });
      expect(await movements(stripe, null)).toEqual(["application_fee 1230"]);
      expect([await balanceOf(stripe, null), await balanceOf(stripe, shop)]).toEqual([1_230, 8_450]);
      expect(await eventsOf(stripe, null)).toEqual(["application_fee.created"]);
      expect(await eventsOf(stripe, shop)).toContain("payment_intent.succeeded");
    });
  });

  it("of a fee of nothing has none", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const paid = await stripe.paymentIntents.create(payment({ application_fee_amount: 0 }), on(shop));
      expect(chargeOf(paid)).toMatchObject({ application_fee: null });
      expect((await stripe.applicationFees.list()).data).toEqual([]);
    });
  });

  it("pays its fee when a bank debit settles, and none when that fails", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const debit = { ...debitPayment("pm_usBankAccount_processing"), application_fee_amount: 99 };
      const [one, other] = [
        await stripe.paymentIntents.create(debit, on(shop)),
        await stripe.paymentIntents.create(debit, on(shop)),
      ];
      await control(sandbox, "POST", "/settle", { id: one.id, outcome: "succeeded" });
      await control(sandbox, "POST", "/settle", { id: other.id, outcome: "failed" });
      const fees = await until("the fee", async () => {
        const { data } = await stripe.applicationFees.list();
        return data.length === 0 ? undefined : data;
      });
      expect(fees).toMatchObject([
        { amount: 99, charge: idOf((await stripe.paymentIntents.retrieve(one.id, {}, on(shop))).latest_charge) },
      ]);
      expect(await balanceOf(stripe, shop)).toBe(1_099 - 62 - 99);
    });
  });

  it("gives the fee back with its refund, in proportion, if that says so", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const { id, latest_charge } = await stripe.paymentIntents.create(
        payment({ application_fee_amount: 101 }),
        on(shop),
      );
      const refund = async (amount: number, refund_application_fee: boolean) =>
        await stripe.refunds.create({ payment_intent: id, amount, refund_application_fee }, on(shop));
      await refund(2_500, true);
      const [fee] = (await stripe.applicationFees.list()).data;
      expect(fee).toMatchObject({ amount_refunded: 25, refunded: false, refunds: { data: [{ amount: 25 }] } });
      await refund(2_500, false);
      await refund(5_000, true);
      const [last] = (await stripe.applicationFees.list()).data;
      // A quarter of it had its part, another one gave it up, and the last half is the rest to the cent.
      expect(last).toMatchObject({ amount_refunded: 25 + 50, refunded: false });
      expect(await balanceOf(stripe, null)).toBe(101 - 75);
      expect(await balanceOf(stripe, shop)).toBe(10_000 - 320 - 101 - 10_000 + 75);
      expect(await movements(stripe, null)).toEqual([
        "application_fee 101",
        "application_fee_refund -25",
        "application_fee_refund -50",
      ]);
      expect(await eventsOf(stripe, null)).toEqual([
        "application_fee.created",
        "application_fee.refunded",
        "application_fee.refunded",
      ]);
      expect(
        chargeOf({ ...(await stripe.paymentIntents.retrieve(id, { expand: ["latest_charge"] }, on(shop))) }),
      ).toMatchObject({
        id: idOf(latest_charge),
        refunded: true,
      });
    });
  });

  it("has no transfer to reverse, and without a fee none to refund", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const paid = await stripe.paymentIntents.create(payment(), on(shop));
      const charge = chargeOf(paid).id;
      const reversed = await errorOf(stripe.refunds.create({ charge, reverse_transfer: true }, on(shop)));
      expect(reversed).toMatchObject({
        message: `Cannot reverse transfer on charge ${charge} because it does not have an associated transfer.`,
        statusCode: 400,
      });
      const refunded = await errorOf(stripe.refunds.create({ charge, refund_application_fee: true }, on(shop)));
      expect(refunded).toMatchObject({
        message: `Attempting to refund_application_fee on ${charge}, but it has no application fee`,
        statusCode: 400,
      });
      expect((await stripe.refunds.list({}, on(shop))).data).toEqual([]);
    });
  });
});

describe("an application fee", () => {
  it("is refunded on its own, in parts, and never beyond its amount", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      await stripe.paymentIntents.create(payment({ application_fee_amount: 500 }), on(shop));
      const [fee] = (await stripe.applicationFees.list()).data;
      const id = idOf(fee);
      const part = await stripe.applicationFees.createRefund(id, { amount: 200, metadata: { reason: "late" } });
      expect(part).toMatchObject({ object: "fee_refund", amount: 200, fee: id, metadata: { reason: "late" } });
      expect(await errorOf(stripe.applicationFees.createRefund(id, { amount: 301 }))).toMatchObject({
        message: "Refund amount ($3.01) is greater than unrefunded amount on fee ($3.00)",
        param: "amount",
      });
      const rest = await stripe.applicationFees.createRefund(id);
      expect(rest.amount).toBe(300);
      expect(await errorOf(stripe.applicationFees.createRefund(id))).toMatchObject({ statusCode: 400 });
      expect(await stripe.applicationFees.retrieve(id)).toMatchObject({ amount_refunded: 500, refunded: true });
      expect((await stripe.applicationFees.listRefunds(id)).data.map((one) => one.id)).toEqual([rest.id, part.id]);
      expect(await stripe.applicationFees.retrieveRefund(id, part.id)).toEqual(part);
      await stripe.applicationFees.updateRefund(id, part.id, { metadata: { reason: "early" } });
      expect(await stripe.applicationFees.retrieveRefund(id, part.id)).toMatchObject({ metadata: { reason: "early" } });
      expect(await errorOf(stripe.applicationFees.retrieveRefund(id, "fr_none"))).toMatchObject({ statusCode: 404 });
      expect(await eventsOf(stripe, null)).toEqual([
        "application_fee.created",
        "application_fee.refunded",
        "application_fee.refunded",
        "application_fee.refund.updated",
      ]);
      expect([await balanceOf(stripe, null), await balanceOf(stripe, shop)]).toEqual([0, 9_680]);
    });
  });

  it("is not seen by the account that paid it, nor refunded by it", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const [shop, other] = [await connectedAccount({ sandbox, stripe }), await connectedAccount({ sandbox, stripe })];
      const paid = await stripe.paymentIntents.create(payment({ application_fee_amount: 500 }), on(shop));
      const id = idOf(chargeOf(paid).application_fee);
      for (const account of [shop, other]) {
        expect(await errorOf(stripe.applicationFees.createRefund(id, {}, on(account)))).toMatchObject({
          statusCode: 404,
        });
      }
      expect(
        (await untilStatus(stripe, (await stripe.paymentIntents.create(payment())).id, "succeeded")).application,
      ).toBeNull();
    });
  });
});
