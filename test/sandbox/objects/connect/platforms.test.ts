/** Money between several platforms and their accounts: it goes only where an account is connected. */
import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import type { Sandbox } from "../../../../src/sandbox/sandbox.ts";
import { clientOf, connectedAccount, control, debitPayment, errorOf, until, withSandbox } from "../../surroundings.ts";
import { balanceOf, chargeOf, idOf, movements, on, payment } from "./marketplace.ts";

/** The client of a platform of its own, whose application is `ca_account_<name>`. */
function platform({ host, port, protocol }: Sandbox, name: string): Stripe {
  return new Stripe(`sk_test_account_${name}`, { host, port, protocol, maxNetworkRetries: 0 });
}

const available = payment({ payment_method: "pm_card_bypassPending" });

describe("the fee of a payment", () => {
  it("goes to the platform that the account is connected to, and to no other", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const shoes = platform(sandbox, "shoes");
      const shop = await connectedAccount({ sandbox, stripe: shoes });
      const direct = await shoes.paymentIntents.create(payment({ application_fee_amount: 100 }), on(shop));
      expect(direct).toMatchObject({ application: "ca_account_shoes" });
      const destination = payment({ application_fee_amount: 200, transfer_data: { destination: shop } });
      const { id } = chargeOf(await shoes.paymentIntents.create(destination));
      const { data: fees } = await shoes.applicationFees.list();
      expect(fees).toMatchObject([
        { account: shop, amount: 200, application: "ca_account_shoes", originating_transaction: id },
        { account: shop, amount: 100, application: "ca_account_shoes" },
      ]);
      expect(await balanceOf(shoes, null)).toBe(100 + 200 - 320);
      const { data } = await shoes.balanceTransactions.list({}, on(shop));
      const payers = data.flatMap(({ fee_details }) => fee_details).filter(({ type }) => type === "application_fee");
      expect(payers.map(({ application }) => application)).toEqual(["ca_account_shoes", "ca_account_shoes"]);
      const { data: received } = await shoes.charges.list({}, on(shop));
      expect(received.map(({ application }) => application)).toEqual(["ca_account_shoes", "ca_account_shoes"]);
      expect([await movements(stripe, null), (await stripe.applicationFees.list()).data]).toEqual([[], []]);
    });
  });
});

describe("an account of another platform", () => {
  it("gets no transfer and no part of a payment, as if it were unknown", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const destination = await connectedAccount({ sandbox, stripe: platform(sandbox, "shoes") });
      await stripe.paymentIntents.create(available);
      const unknown = { statusCode: 400, code: "resource_missing", message: `No such destination: '${destination}'` };
      for (const [call, param] of [
        [stripe.transfers.create({ amount: 1, currency: "usd", destination }), "destination"],
        [stripe.paymentIntents.create(payment({ transfer_data: { destination } })), "transfer_data[destination]"],
      ] as const) {
        expect(await errorOf(call)).toMatchObject({ ...unknown, param });
      }
      const merchant = await errorOf(stripe.paymentIntents.create(payment({ on_behalf_of: destination })));
      expect(merchant).toMatchObject({ code: "resource_missing", param: "on_behalf_of" });
    });
  });
});

describe("an account that has left", () => {
  it("gets no transfer, no part of a payment and no fee back", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const destination = await connectedAccount({ sandbox, stripe });
      await stripe.paymentIntents.create(available);
      const { id } = chargeOf(await stripe.paymentIntents.create(payment()));
      await stripe.paymentIntents.create(payment({ application_fee_amount: 500 }), on(destination));
      await control(sandbox, "POST", "/deauthorize", { account: destination });
      const order = { amount: 1, currency: "usd", destination };
      for (const call of [
        stripe.transfers.create(order),
        stripe.transfers.create({ ...order, source_transaction: id }),
        stripe.paymentIntents.create(payment({ transfer_data: { destination } })),
      ]) {
        expect(await errorOf(call)).toMatchObject({ code: "resource_missing", statusCode: 400 });
      }
      const [fee] = (await stripe.applicationFees.list()).data;
      expect(await errorOf(stripe.applicationFees.createRefund(idOf(fee)))).toMatchObject({ statusCode: 400 });
      expect(await stripe.applicationFees.retrieve(idOf(fee))).toMatchObject({ amount: 500, amount_refunded: 0 });
      expect(await movements(stripe, null)).not.toContain("transfer -1");
    });
  });

  it("before a debit settled leaves its part to the platform, and owes no fee for a payment of its own", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const debit = debitPayment("pm_usBankAccount_processing");
      const divided = { ...debit, application_fee_amount: 99, transfer_data: { destination: shop } };
      const own = await stripe.paymentIntents.create({ ...debit, application_fee_amount: 99 }, on(shop));
      const ours = await stripe.paymentIntents.create(divided);
      await control(sandbox, "POST", "/deauthorize", { account: shop });
      for (const { id } of [own, ours]) await control(sandbox, "POST", "/settle", { id, outcome: "succeeded" });
      await until("the money", async () => ((await balanceOf(stripe, null)) > 0 ? true : undefined));
      expect(await movements(stripe, null)).toEqual(["payment 1099 - 62"]);
      expect((await stripe.applicationFees.list()).data).toEqual([]);
      expect(await errorOf(clientOf(sandbox, { stripeAccount: shop }).balance.retrieve())).toMatchObject({
        code: "account_invalid",
      });
    });
  });

  it("still gives back what was transferred to it", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const split = { application_fee_amount: 1_000, transfer_data: { destination: shop } };
      const { id } = await stripe.paymentIntents.create(payment(split));
      await control(sandbox, "POST", "/deauthorize", { account: shop });
      const whole = { reverse_transfer: true, refund_application_fee: true };
      const refund = await stripe.refunds.create({ payment_intent: id, ...whole });
      expect(refund).toMatchObject({ status: "succeeded", transfer_reversal: expect.stringMatching(/^trr_/) });
      expect(await balanceOf(stripe, null)).toBe(-320);
    });
  });
});
