import type { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import {
  connectedAccount,
  control,
  debitPayment,
  errorOf,
  untilStatus,
  withReceiver,
  withSandbox,
  until,
  secret,
} from "../../surroundings.ts";
import { balanceOf, chargeOf, eventsOf, idOf, movements, on, payment, transferOf } from "./marketplace.ts";

describe("a destination charge", () => {
  it("with a fee gives all of it to the destination, which pays the fee", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const split = { application_fee_amount: 1_230, transfer_data: { destination: shop }, on_behalf_of: shop };
      const paid = await stripe.paymentIntents.create(payment(split));
      const charge = chargeOf(paid);
      expect(paid).toMatchObject({ ...split, transfer_group: `group_${paid.id}`, status: "succeeded" });
      expect(charge).toMatchObject({
        application_fee: expect.stringMatching(/^fee_/),
        application_fee_amount: 1_230,
        on_behalf_of: shop,
        transfer: expect.stringMatching(/^tr_/),
        transfer_data: { amount: null, destination: shop },
        transfer_group: `group_${paid.id}`,
      });
      const transfer = await stripe.transfers.retrieve(idOf(charge.transfer), { expand: ["destination_payment"] });
      expect(transfer).toMatchObject({
        amount: 10_000,
        amount_reversed: 0,
        currency: "usd",
        destination: shop,
        destination_payment: { object: "charge", amount: 10_000, source_transfer: transfer.id },
        reversed: false,
        source_transaction: charge.id,
        transfer_group: `group_${paid.id}`,
      });
      const paymentId = idOf(transfer.destination_payment);
      expect(paymentId).toMatch(/^py_/);
      expect(await stripe.charges.retrieve(paymentId, {}, on(shop))).toMatchObject({
        amount_captured: 10_000,
        application_fee: charge.application_fee,
        application_fee_amount: 1_230,
        payment_intent: null,
        payment_method_details: { type: "stripe_account" },
        status: "succeeded",
      });
      expect(await stripe.applicationFees.retrieve(idOf(charge.application_fee))).toMatchObject({
        account: shop,
        amount: 1_230,
        charge: paymentId,
        fee_source: { charge: paymentId, type: "charge" },
        originating_transaction: charge.id,
        refunded: false,
      });
      expect(await movements(stripe, null)).toEqual(["charge 10000 - 320", "transfer -10000", "application_fee 1230"]);
      expect(await movements(stripe, shop)).toEqual(["payment 10000 - 1230"]);
      expect([await balanceOf(stripe, null), await balanceOf(stripe, shop)]).toEqual([910, 8_770]);
    });
  });

  it("with an amount gives that to the destination, and describes the transfer and the payment", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const transfer_data = {
        amount: 8_000,
        destination: shop,
        description: "For the seller",
        metadata: { seller: "7" },
        payment_data: { description: "From the platform", metadata: { order: "1" } },
      };
      const paid = await stripe.paymentIntents.create(payment({ transfer_data, transfer_group: "order 1" }));
      const transfer = await transferOf(stripe, paid.id);
      expect(transfer).toMatchObject({
        amount: 8_000,
        description: "For the seller",
        metadata: { seller: "7" },
        transfer_group: "order 1",
      });
      expect(await stripe.charges.retrieve(idOf(transfer.destination_payment), {}, on(shop))).toMatchObject({
        application_fee: null,
        description: "From the platform",
        metadata: { order: "1" },
      });
      expect([await balanceOf(stripe, null), await balanceOf(stripe, shop)]).toEqual([1_680, 8_000]);
    });
  });

  it("is divided at its capture, in the parts of the capture, and never in more than was captured", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const held = payment({ capture_method: "manual", transfer_data: { destination: shop } });
      const withFee = await stripe.paymentIntents.create({ ...held, application_fee_amount: 3_000 });
      expect(chargeOf(withFee)).toMatchObject({ transfer_group: `group_${withFee.id}`, application_fee: null });
      expect(chargeOf(withFee).transfer).toBeUndefined();
      expect(await balanceOf(stripe, shop)).toBe(0);
      await stripe.paymentIntents.capture(withFee.id, { amount_to_capture: 2_000 });
      expect(await transferOf(stripe, withFee.id)).toMatchObject({ amount: 2_000 });
      expect(await balanceOf(stripe, shop)).toBe(0);
      const other = await stripe.paymentIntents.create(held);
      await stripe.paymentIntents.capture(other.id, { amount_to_capture: 5_000, application_fee_amount: 700 });
      expect(await balanceOf(stripe, shop)).toBe(4_300);
      const third = await stripe.paymentIntents.create(held);
      await stripe.paymentIntents.capture(third.id, { transfer_data: { amount: 6_000 } });
      expect(await transferOf(stripe, third.id)).toMatchObject({ amount: 6_000 });
      const error = await errorOf(
        stripe.paymentIntents.capture(
          (await stripe.paymentIntents.create(payment({ ...held, payment_method: "pm_card_visa" }))).id,
          { application_fee_amount: 1, transfer_data: { amount: 1 } },
        ),
      );
      expect(error).toMatchObject({ statusCode: 400, code: "parameters_exclusive" });
    });
  });

  it("by a bank debit is divided when that settles, and not at all when it fails", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const split = { application_fee_amount: 99, transfer_data: { destination: shop } };
      const paid = await stripe.paymentIntents.create({ ...debitPayment(), ...split });
      expect(await eventsOf(stripe, null)).not.toContain("transfer.created");
      await untilStatus(stripe, paid.id, "succeeded");
      expect(await transferOf(stripe, paid.id)).toMatchObject({ amount: 1_099 });
      expect(await balanceOf(stripe, shop)).toBe(1_000);
      const refused = await stripe.paymentIntents.create({
        ...debitPayment("pm_usBankAccount_debitNotAuthorized"),
        ...split,
      });
      await untilStatus(stripe, refused.id, "requires_payment_method");
      expect((await stripe.transfers.list()).data).toHaveLength(1);
      expect(await balanceOf(stripe, shop)).toBe(1_000);
    });
  });

  it("shows its transfer a moment later where the capture is asynchronous", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const asynchronous = payment({ capture_method: "automatic_async", transfer_data: { destination: shop } });
      const paid = await stripe.paymentIntents.create(asynchronous);
      expect(chargeOf(paid)).toMatchObject({ balance_transaction: null });
      expect(chargeOf(paid).transfer).toBeUndefined();
      await transferOf(stripe, paid.id);
      const [updated] = (await stripe.events.list({ type: "charge.updated" })).data;
      expect(updated?.data.object).toMatchObject({ transfer: expect.stringMatching(/^tr_/) });
    });
  });

  it("tells the platform of the transfer and the fee, and Connect endpoints of the payment", async () => {
    await withReceiver(async (receiver) => {
      await withSandbox(
        async ({ stripe, sandbox }) => {
          const shop = await connectedAccount({ sandbox, stripe });
          const split = { application_fee_amount: 1, transfer_data: { destination: shop } };
          await stripe.paymentIntents.create(payment(split));
          expect(await eventsOf(stripe, null)).toEqual([
            "transfer.created",
            "application_fee.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "payment_intent.created",
          ]);
          const ofMoney = (await eventsOf(stripe, shop)).filter((type) => !/^(account|capability)\./.test(type));
          expect(ofMoney).toEqual(["payment.created"]);
          const event = await until("the event", () =>
            receiver.received
              .map((one) => one.event)
              .find(({ type }: { readonly type: string }) => type === "payment.created"),
          );
          expect(event).toMatchObject({ account: shop, data: { object: { amount: 10_000 } } });
        },
        { webhook: { url: receiver.url, secret, connect: true } },
      );
    });
  });

  it("leaves a dispute to the platform", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const paid = await stripe.paymentIntents.create(payment({ transfer_data: { destination: shop } }));
      await control(sandbox, "POST", "/dispute", { id: paid.id });
      expect(await balanceOf(stripe, shop)).toBe(10_000);
      expect(await balanceOf(stripe, null)).toBe(-320 - 10_000 - 1_500);
      const transfer = await transferOf(stripe, paid.id);
      const { status } = await control(sandbox, "POST", "/dispute", { id: idOf(transfer.destination_payment) });
      expect(status).toBe(409);
    });
  });
});

describe("an account whose capability to get transfers", () => {
  it.each<[string, Stripe.AccountCreateParams, string]>([
    ["was never requested", {}, "left"],
    ["is inactive because nobody onboarded it", { capabilities: { transfers: { requested: true } } }, "left"],
    ["is inactive because it owes a document", {}, "more_due"],
    ["is inactive because Stripe rejected it", {}, "rejected"],
    ["is pending", {}, "pending"],
  ])("%s gets none", async (_, params, outcome) => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const destination = await connectedAccount({ stripe, sandbox }, params, outcome);
      await stripe.paymentIntents.create(payment({ payment_method: "pm_card_bypassPending" }));
      const message =
        "Your destination account needs to have at least one of the following capabilities enabled: transfers, crypto_transfers, legacy_payments";
      const refused = { code: "insufficient_capabilities_for_transfer", message, statusCode: 400 };
      const charge = await errorOf(stripe.paymentIntents.create(payment({ transfer_data: { destination } })));
      expect(charge).toMatchObject({ ...refused, param: "transfer_data[destination]" });
      const transfer = await errorOf(stripe.transfers.create({ amount: 1, currency: "usd", destination }));
      expect(transfer).toMatchObject({ ...refused, param: "destination" });
    });
  });

  it("is active gets them", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const capabilities = { transfers: { requested: true } };
      const destination = await connectedAccount({ stripe, sandbox }, { type: "custom", capabilities });
      await stripe.paymentIntents.create(payment({ payment_method: "pm_card_bypassPending" }));
      await stripe.paymentIntents.create(payment({ transfer_data: { destination } }));
      await stripe.transfers.create({ amount: 1, currency: "usd", destination });
      expect(await balanceOf(stripe, destination)).toBe(10_001);
    });
  });
});

describe("the money of a payment", () => {
  const refusals: readonly [string, Partial<Stripe.PaymentIntentCreateParams>, object][] = [
    [
      "has no fee on the platform itself",
      { application_fee_amount: 5 },
      { code: "parameter_missing", param: "application_fee_amount" },
    ],
    [
      "goes to no unknown account",
      { transfer_data: { destination: "acct_1Nobody" } },
      { code: "resource_missing", param: "transfer_data[destination]", message: "No such destination: 'acct_1Nobody'" },
    ],
    [
      "is of no unknown merchant",
      { on_behalf_of: "acct_1Nobody" },
      { code: "resource_missing", param: "on_behalf_of", message: "No such on_behalf_of: 'acct_1Nobody'" },
    ],
    [
      "is divided by a fee or an amount",
      { application_fee_amount: 5, transfer_data: { destination: "shop", amount: 5 } },
      { code: "parameters_exclusive" },
    ],
    [
      "has no fee above it",
      { application_fee_amount: 10_001, transfer_data: { destination: "shop" } },
      { param: "application_fee_amount" },
    ],
    [
      "goes to nobody in a larger amount",
      { transfer_data: { destination: "shop", amount: 10_001 } },
      { param: "transfer_data[amount]" },
    ],
    [
      "goes to nobody in no amount",
      { transfer_data: { destination: "shop", amount: 0 } },
      { param: "transfer_data[amount]" },
    ],
    [
      "has no fee below nothing",
      { application_fee_amount: -1, transfer_data: { destination: "shop" } },
      { param: "application_fee_amount" },
    ],
  ];

  it.each(refusals)("%s", async (_, split, error) => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const named = JSON.parse(JSON.stringify(split).replace(`"shop"`, JSON.stringify(shop))) as typeof split;
      expect(await errorOf(stripe.paymentIntents.create(payment(named)))).toMatchObject({ statusCode: 400, ...error });
      expect((await stripe.paymentIntents.list()).data).toEqual([]);
    });
  });

  it("is divided anew by an update, until it is tried", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const { confirm: _, ...open } = payment({ application_fee_amount: 500, transfer_data: { destination: shop } });
      const { id } = await stripe.paymentIntents.create(open);
      const none = await stripe.paymentIntents.update(id, { application_fee_amount: "" });
      expect(none.application_fee_amount).toBeNull();
      const smaller = errorOf(stripe.paymentIntents.update(id, { amount: 900, transfer_data: { amount: 901 } }));
      expect(await smaller).toMatchObject({ param: "transfer_data[amount]" });
      await stripe.paymentIntents.update(id, { transfer_data: { amount: 901 }, transfer_group: "order 1" });
      expect(await errorOf(stripe.paymentIntents.update(id, { transfer_group: "order 2" }))).toMatchObject({
        param: "transfer_group",
      });
      await stripe.paymentIntents.confirm(id);
      expect(await transferOf(stripe, id)).toMatchObject({ amount: 901, transfer_group: "order 1" });
      const late = await errorOf(stripe.paymentIntents.update(id, { transfer_data: { amount: 5 } }));
      expect(late).toMatchObject({ code: "payment_intent_unexpected_state" });
    });
  });

  it("is changed in what doesn't concern a destination that has left", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const { id } = await stripe.paymentIntents.create(payment({ transfer_data: { destination: shop } }));
      await stripe.accounts.del(shop);
      expect(await stripe.paymentIntents.update(id, { metadata: { a: "b" } })).toMatchObject({ metadata: { a: "b" } });
    });
  });

  it("of several captures is divided at the last one, which alone may say how", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const several = { card: { request_multicapture: "if_available" } } as const;
      const split = { application_fee_amount: 500, transfer_data: { destination: shop } };
      const held = payment({ capture_method: "manual", payment_method_options: several, ...split });
      const { id } = await stripe.paymentIntents.create(held);
      const part = { amount_to_capture: 2_000, final_capture: false };
      const early = await errorOf(stripe.paymentIntents.capture(id, { ...part, application_fee_amount: 1 }));
      expect(early).toMatchObject({ param: "application_fee_amount" });
      await stripe.paymentIntents.capture(id, part);
      expect(await errorOf(stripe.refunds.create({ payment_intent: id, reverse_transfer: true }))).toMatchObject({
        param: "reverse_transfer",
      });
      expect(await balanceOf(stripe, shop)).toBe(0);
      await stripe.paymentIntents.capture(id, { amount_to_capture: 3_000 });
      expect(await transferOf(stripe, id)).toMatchObject({ amount: 5_000 });
      expect(await balanceOf(stripe, shop)).toBe(4_500);
    });
  });

  it("is divided as Checkout and Payment Links say", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const product = await stripe.products.create({ name: "Book" });
      const price = await stripe.prices.create({ currency: "usd", unit_amount: 1_500, product: product.id });
      const line_items = [{ price: price.id, quantity: 2 }];
      const split = { application_fee_amount: 100, transfer_data: { destination: shop } };
      const order = { mode: "payment", line_items, success_url: "https://example.com" } as const;
      const session = await stripe.checkout.sessions.create({ ...order, payment_intent_data: split });
      await stripe.rawRequest("POST", `/v1/payment_pages/${session.id}/confirm`, { payment_method: "pm_card_visa" });
      const { payment_intent: id } = await stripe.checkout.sessions.retrieve(session.id);
      expect(await transferOf(stripe, idOf(id))).toMatchObject({ amount: 3_000, destination: shop });
      expect(await balanceOf(stripe, shop)).toBe(2_900);
      const link = await stripe.paymentLinks.create({ line_items, ...split });
      expect(link).toMatchObject({ application_fee_amount: 100, transfer_data: { amount: null, destination: shop } });
      const nobody = { transfer_data: { destination: "acct_1Nobody" } };
      const refused = { code: "resource_missing", statusCode: 400 };
      expect(await errorOf(stripe.paymentLinks.create({ line_items, ...nobody }))).toMatchObject(refused);
      const sessionForNobody = stripe.checkout.sessions.create({ ...order, payment_intent_data: nobody });
      expect(await errorOf(sessionForNobody)).toMatchObject(refused);
    });
  });

  it("stays with the platform when the destination has left before it came", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const shop = await connectedAccount({ sandbox, stripe });
      const held = payment({ capture_method: "manual", transfer_data: { destination: shop } });
      const { id } = await stripe.paymentIntents.create(held);
      await stripe.accounts.del(shop);
      expect(await errorOf(stripe.paymentIntents.capture(id))).toMatchObject({ code: "resource_missing" });
      const { status } = await stripe.paymentIntents.cancel(id);
      expect(status).toBe("canceled");
    });
  });
});
