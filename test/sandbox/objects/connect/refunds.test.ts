import { describe, expect, it } from "vitest";
import { connectedAccount, debitPayment, errorOf, until, untilStatus, withSandbox } from "../../surroundings.ts";
import { balanceOf, chargeOf, idOf, on, payment, transferOf } from "./marketplace.ts";

describe("the refund of a destination charge", () => {
  it("costs the platform alone, unless it says otherwise", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const split = { application_fee_amount: 1_000, transfer_data: { destination: shop } };
      const paid = await stripe.paymentIntents.create(payment(split));
      const refund = await stripe.refunds.create({ payment_intent: paid.id });
      expect(refund).toMatchObject({ transfer_reversal: null, source_transfer_reversal: null });
      expect([await balanceOf(stripe, null), await balanceOf(stripe, shop)]).toEqual([-320 - 9_000, 9_000]);
    });
  });

  it("reverses the transfer and refunds the fee in proportion, to the cent", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const split = { application_fee_amount: 333, transfer_data: { destination: shop } };
      const paid = await stripe.paymentIntents.create(payment({ amount: 1_000, ...split }));
      const both = { payment_intent: paid.id, reverse_transfer: true, refund_application_fee: true };
      const first = await stripe.refunds.create({ ...both, amount: 335, expand: ["transfer_reversal"] });
      expect(first).toMatchObject({
        source_transfer_reversal: null,
        transfer_reversal: { amount: 335, source_refund: first.id, transfer: idOf(chargeOf(paid).transfer) },
      });
      const [fee] = (await stripe.applicationFees.list()).data;
      expect(fee?.amount_refunded).toBe(112);
      await stripe.refunds.create({ ...both, amount: 333 });
      await stripe.refunds.create(both);
      expect((await stripe.applicationFees.list()).data).toMatchObject([{ amount_refunded: 333, refunded: true }]);
      expect(await transferOf(stripe, paid.id)).toMatchObject({ amount_reversed: 1_000, reversed: true });
      expect([await balanceOf(stripe, null), await balanceOf(stripe, shop)]).toEqual([-59, 0]);
    });
  });

  it("reverses a part of a transfer of a part", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const transfer_data = { amount: 7_777, destination: shop };
      const paid = await stripe.paymentIntents.create(payment({ transfer_data }));
      const order = { payment_intent: paid.id, reverse_transfer: true };
      await stripe.refunds.create({ ...order, amount: 5_000 });
      expect(await transferOf(stripe, paid.id)).toMatchObject({ amount_reversed: 3_889 });
      await stripe.refunds.create(order);
      expect(await transferOf(stripe, paid.id)).toMatchObject({ amount_reversed: 7_777, reversed: true });
    });
  });

  it("reverses no more than is left, and is refused when nothing is", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const split = { application_fee_amount: 1_000, transfer_data: { destination: shop } };
      const paid = await stripe.paymentIntents.create(payment(split));
      const charge = chargeOf(paid);
      await stripe.transfers.createReversal(idOf(charge.transfer), { amount: 9_500 });
      await stripe.applicationFees.createRefund(idOf(charge.application_fee), { amount: 900 });
      const both = { charge: charge.id, reverse_transfer: true, refund_application_fee: true };
      await stripe.refunds.create({ ...both, amount: 6_000 });
      expect(await transferOf(stripe, paid.id)).toMatchObject({ amount_reversed: 10_000 });
      expect((await stripe.applicationFees.list()).data).toMatchObject([{ amount_refunded: 1_000 }]);
      const refused = await errorOf(stripe.refunds.create({ ...both, amount: 100 }));
      expect(refused.message).toBe(`The transfer ${idOf(charge.transfer)} is already fully reversed.`);
      expect((await stripe.charges.retrieve(charge.id)).amount_refunded).toBe(6_000);
    });
  });

  it("doesn't refund the fee of a transfer that stays", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const split = {
        application_fee_amount: 1_000,
        transfer_data: { destination: await connectedAccount({ sandbox, stripe }) },
      };
      const { id } = await stripe.paymentIntents.create(payment(split));
      const refused = await errorOf(stripe.refunds.create({ payment_intent: id, refund_application_fee: true }));
      expect(refused).toMatchObject({
        message: "If you refund the application fee for a destination charge, you must also reverse the transfer.",
        statusCode: 400,
      });
    });
  });

  it("reverses a transfer that isn't shown yet", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const asynchronous = payment({ capture_method: "automatic_async", transfer_data: { destination: shop } });
      const { id } = await stripe.paymentIntents.create(asynchronous);
      const refund = await stripe.refunds.create({ payment_intent: id, reverse_transfer: true });
      expect(refund.transfer_reversal).toMatch(/^trr_/);
      expect(await balanceOf(stripe, shop)).toBe(0);
    });
  });

  it("that fails later leaves the money of the transfer with the platform", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const failing = payment({ payment_method: "pm_card_refundFail", transfer_data: { destination: shop } });
      const { id } = await stripe.paymentIntents.create(failing);
      const refund = await stripe.refunds.create({ payment_intent: id, reverse_transfer: true });
      await until("the refund to fail", async () =>
        (await stripe.refunds.retrieve(refund.id)).status === "failed" ? true : undefined,
      );
      expect([await balanceOf(stripe, null), await balanceOf(stripe, shop)]).toEqual([9_680, 0]);
    });
  });

  it("of a bank debit reverses at once, though the refund itself takes its time", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const { id } = await stripe.paymentIntents.create({ ...debitPayment(), transfer_data: { destination: shop } });
      await untilStatus(stripe, id, "succeeded");
      const refund = await stripe.refunds.create({ payment_intent: id, reverse_transfer: true });
      expect(refund).toMatchObject({ status: "pending", transfer_reversal: expect.stringMatching(/^trr_/) });
      expect(await balanceOf(stripe, shop)).toBe(0);
    });
  });
});

it("a payment that came by a transfer is refunded by the platform's reversal only", async () => {
  await withSandbox(async ({ stripe, sandbox }) => {
    const shop = await connectedAccount({ sandbox, stripe });
    const { id } = await stripe.paymentIntents.create(payment({ transfer_data: { destination: shop } }));
    const charge = idOf((await transferOf(stripe, id)).destination_payment);
    expect(await errorOf(stripe.refunds.create({ charge }, on(shop)))).toMatchObject({
      statusCode: 400,
      param: "charge",
    });
    expect(await errorOf(stripe.refunds.create({ charge }))).toMatchObject({ code: "resource_missing" });
  });
});
