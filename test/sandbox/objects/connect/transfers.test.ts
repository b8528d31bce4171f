import type { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { connectedAccount, control, debitPayment, errorOf, until, withSandbox } from "../../surroundings.ts";
import { balanceOf, chargeOf, eventsOf, idOf, movements, on, payment } from "./marketplace.ts";

const dayMs = 86_400_000;

/** A platform charge of 100.00 whose money is pending for two days. */
async function pendingCharge(stripe: Stripe): Promise<string> {
  return chargeOf(await stripe.paymentIntents.create(payment())).id;
}

async function fund(stripe: Stripe, more: Partial<Stripe.PaymentIntentCreateParams> = {}): Promise<void> {
  await stripe.paymentIntents.create(payment({ payment_method: "pm_card_bypassPending", ...more }));
}

describe("a transfer", () => {
  it("from the balance needs available money, which a payment of a moment ago may be", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const order = { amount: 5_000, currency: "usd", destination: shop };
      await pendingCharge(stripe);
      const refused = await errorOf(stripe.transfers.create(order));
      expect(refused).toMatchObject({ statusCode: 400, code: "balance_insufficient" });
      expect(refused.message).toMatch(/^You have insufficient available funds in your Stripe account\./);
      await fund(stripe, { capture_method: "automatic_async" });
      const transfer = await stripe.transfers.create({ ...order, description: "Rent", metadata: { month: "5" } });
      expect(transfer).toMatchObject({
        ...order,
        amount_reversed: 0,
        description: "Rent",
        destination_payment: expect.stringMatching(/^py_/),
        metadata: { month: "5" },
        reversals: { data: [], has_more: false, url: `/v1/transfers/${transfer.id}/reversals` },
        reversed: false,
        source_transaction: null,
        transfer_group: null,
      });
      expect(await movements(stripe, shop)).toEqual(["payment 5000"]);
      expect((await stripe.balance.retrieve({}, on(shop))).available).toMatchObject([
        { amount: 5_000, currency: "usd" },
      ]);
      expect(await errorOf(stripe.transfers.create(order))).toMatchObject({ code: "balance_insufficient" });
      await control(sandbox, "POST", "/clock", { advanceMs: 2 * dayMs });
      await stripe.transfers.create(order);
      expect(await errorOf(stripe.transfers.create({ ...order, currency: "eur" }))).toMatchObject({
        code: "balance_insufficient",
      });
    });
  });

  it("from a charge takes that one's money, pending as it is, and joins its group", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const [shop, other] = [await connectedAccount({ sandbox, stripe }), await connectedAccount({ sandbox, stripe })];
      const source_transaction = await pendingCharge(stripe);
      const order = { currency: "usd", source_transaction };
      const first = await stripe.transfers.create({ ...order, amount: 4_000, destination: shop });
      const charge = await stripe.charges.retrieve(source_transaction);
      expect(first.transfer_group).toBe(`group_${idOf(charge.payment_intent)}`);
      expect(charge.transfer_group).toBe(first.transfer_group);
      const pending = (await stripe.balance.retrieve({}, on(shop))).pending;
      expect(pending).toMatchObject([{ amount: 4_000 }]);
      expect(await errorOf(stripe.transfers.create({ ...order, amount: 6_001, destination: other }))).toMatchObject({
        statusCode: 400,
        message:
          "Transfers using this transaction as a source must not exceed the source amount of $100.00. (There is already a transfer using this source, amounting to $40.00.)",
      });
      const rest = await stripe.transfers.create({ ...order, destination: other });
      expect(rest.amount).toBe(6_000);
      expect(await errorOf(stripe.transfers.create({ ...order, destination: other }))).toMatchObject({
        statusCode: 400,
      });
      // Money that comes back may go again.
      await stripe.transfers.createReversal(rest.id, { amount: 1_000 });
      expect((await stripe.transfers.create({ ...order, destination: shop })).amount).toBe(1_000);
      const group = String(first.transfer_group);
      const listed = await stripe.transfers.list({ transfer_group: group, destination: shop });
      expect(listed.data.map(({ amount }) => amount)).toEqual([1_000, 4_000]);
    });
  });

  it.each<[string, object, object]>([
    [
      "an unknown account",
      { destination: "acct_1Nobody" },
      { code: "resource_missing", param: "destination", message: "No such destination: 'acct_1Nobody'" },
    ],
    ["an unknown charge", { source_transaction: "ch_none" }, { code: "resource_missing", param: "source_transaction" }],
    ["nothing", { amount: 0 }, { param: "amount" }],
    ["no amount", { amount: undefined }, { code: "parameter_missing", param: "amount" }],
    ["another currency than its source's", { source_transaction: "paid", currency: "eur" }, { param: "currency" }],
    ["money that wasn't taken", { source_transaction: "held" }, { param: "source_transaction" }],
    ["money that is on its way", { source_transaction: "debited" }, { param: "source_transaction" }],
  ])("of %s is refused", async (_, asked, error) => {
    await withSandbox(async ({ stripe, sandbox }) => {
      await fund(stripe);
      const { id: paid } = chargeOf(await stripe.paymentIntents.create(payment()));
      const { id: held } = chargeOf(await stripe.paymentIntents.create(payment({ capture_method: "manual" })));
      const debit = await stripe.paymentIntents.create(debitPayment("pm_usBankAccount_processing"));
      const names: Readonly<Record<string, string>> = { paid, held, debited: idOf(debit.latest_charge) };
      const named = Object.entries(asked).map(([key, value]) => [key, names[String(value)] ?? value] as const);
      const order = {
        amount: 100,
        currency: "usd",
        destination: await connectedAccount({ sandbox, stripe }),
        ...Object.fromEntries(named),
      };
      expect(await errorOf(stripe.transfers.create(order))).toMatchObject({ statusCode: 400, ...error });
      expect((await stripe.transfers.list()).data).toEqual([]);
    });
  });

  it("is made once for one idempotency key", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const order = { amount: 4_000, currency: "usd", destination: await connectedAccount({ sandbox, stripe }) };
      await fund(stripe);
      const options = { idempotencyKey: "once" };
      const [one, again] = [
        await stripe.transfers.create(order, options),
        await stripe.transfers.create(order, options),
      ];
      expect(again.id).toBe(one.id);
      expect((await stripe.transfers.list()).data).toHaveLength(1);
    });
  });

  it("is described anew by an update", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      await fund(stripe);
      const { id } = await stripe.transfers.create({
        amount: 1,
        currency: "usd",
        destination: await connectedAccount({ sandbox, stripe }),
      });
      await stripe.transfers.update(id, { description: "A cent", metadata: { a: "b" } });
      expect(await stripe.transfers.retrieve(id)).toMatchObject({ description: "A cent", metadata: { a: "b" } });
      const [event] = (await stripe.events.list({ type: "transfer.updated" })).data;
      expect(event?.data).toMatchObject({ object: { id }, previous_attributes: { description: null, metadata: {} } });
      expect(await errorOf(stripe.transfers.retrieve("tr_none"))).toMatchObject({
        statusCode: 404,
        code: "resource_missing",
      });
    });
  });
});

describe("a reversal", () => {
  it("takes a transfer back in parts, and never beyond its amount", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      await fund(stripe);
      const transfer = await stripe.transfers.create({ amount: 5_000, currency: "usd", destination: shop });
      const before = await balanceOf(stripe, null);
      const part = await stripe.transfers.createReversal(transfer.id, { amount: 1_500, metadata: { a: "b" } });
      expect(part).toMatchObject({
        object: "transfer_reversal",
        amount: 1_500,
        destination_payment_refund: expect.stringMatching(/^pyr_/),
        metadata: { a: "b" },
        source_refund: null,
        transfer: transfer.id,
      });
      expect(await stripe.refunds.retrieve(idOf(part.destination_payment_refund), {}, on(shop))).toMatchObject({
        amount: 1_500,
        charge: transfer.destination_payment,
        source_transfer_reversal: part.id,
        status: "succeeded",
      });
      expect(await errorOf(stripe.transfers.createReversal(transfer.id, { amount: 3_501 }))).toMatchObject({
        message: "Transfer reversal amount ($35.01) is greater than unreversed amount on transfer ($35.00)",
        param: "amount",
        statusCode: 400,
      });
      const rest = await stripe.transfers.createReversal(transfer.id);
      expect(await stripe.transfers.retrieve(transfer.id)).toMatchObject({
        amount_reversed: 5_000,
        reversed: true,
        reversals: { data: [{ id: rest.id, amount: 3_500 }, { id: part.id }] },
      });
      expect(await errorOf(stripe.transfers.createReversal(transfer.id))).toMatchObject({
        message: `The transfer ${transfer.id} is already fully reversed.`,
      });
      expect((await stripe.transfers.listReversals(transfer.id)).data.map(({ id }) => id)).toEqual([rest.id, part.id]);
      expect(await stripe.transfers.retrieveReversal(transfer.id, part.id)).toEqual(part);
      await stripe.transfers.updateReversal(transfer.id, part.id, { metadata: { a: "c" } });
      expect(await stripe.transfers.retrieveReversal(transfer.id, part.id)).toMatchObject({ metadata: { a: "c" } });
      expect(await errorOf(stripe.transfers.retrieveReversal(transfer.id, "trr_none"))).toMatchObject({
        statusCode: 404,
      });
      expect(await balanceOf(stripe, null)).toBe(before + 5_000);
      expect(await movements(stripe, shop)).toEqual(["payment 5000", "payment_refund -1500", "payment_refund -3500"]);
      expect((await movements(stripe, null)).slice(-2)).toEqual(["transfer_refund 1500", "transfer_refund 3500"]);
      expect((await eventsOf(stripe, null)).slice(-2)).toEqual(["transfer.reversed", "transfer.reversed"]);
      const received = await stripe.charges.retrieve(idOf(transfer.destination_payment), {}, on(shop));
      expect(received).toMatchObject({ amount_refunded: 5_000, refunded: true });
    });
  });

  it("needs the money to be there, unless the transfer is a destination charge's", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      await fund(stripe);
      const { id } = await stripe.transfers.create({ amount: 5_000, currency: "usd", destination: shop });
      // The account loses more than the transfer brought it.
      const lost = await stripe.paymentIntents.create(payment(), on(shop));
      await control(sandbox, "POST", "/dispute", { id: lost.id });
      await until("the charge to be booked", async () =>
        (await balanceOf(stripe, shop)) === 5_000 - 320 - 1_500 ? true : undefined,
      );
      expect(await errorOf(stripe.transfers.createReversal(id))).toMatchObject({ code: "balance_insufficient" });
      await stripe.transfers.createReversal(id, { amount: 3_180 });
      const charged = await stripe.paymentIntents.create(
        payment({ amount: 100, transfer_data: { destination: shop } }),
      );
      await stripe.transfers.createReversal(idOf(chargeOf(charged).transfer));
      expect(await balanceOf(stripe, shop)).toBe(0);
    });
  });

  it("gives the fee back in proportion if it says so, and is refused where there is none", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const split = { application_fee_amount: 1_001, transfer_data: { destination: shop } };
      const charge = chargeOf(await stripe.paymentIntents.create(payment(split)));
      const order = { amount: 5_000, refund_application_fee: true };
      await stripe.transfers.createReversal(idOf(charge.transfer), order);
      expect((await stripe.applicationFees.list()).data).toMatchObject([{ amount_refunded: 501 }]);
      await stripe.transfers.createReversal(idOf(charge.transfer), order);
      expect((await stripe.applicationFees.list()).data).toMatchObject([{ amount_refunded: 1_001, refunded: true }]);
      expect(await balanceOf(stripe, shop)).toBe(0);
      await fund(stripe);
      const plain = await stripe.transfers.create({ amount: 5_000, currency: "usd", destination: shop });
      expect(await errorOf(stripe.transfers.createReversal(plain.id, order))).toMatchObject({
        param: "refund_application_fee",
      });
      expect(await stripe.transfers.retrieve(plain.id)).toMatchObject({ amount_reversed: 0 });
    });
  });
});
