import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import {
  cardPayment,
  clientOf,
  connectedAccount,
  control,
  debitPayment,
  errorOf,
  eventTypes,
  untilStatus,
  withSandbox,
} from "../surroundings.ts";

describe("PaymentIntents", () => {
  it("are created, confirmed, updated and cancelled by steps", async () => {
    await withSandbox(async ({ stripe }) => {
      const bare = await stripe.paymentIntents.create({ amount: 500, currency: "EUR" });
      expect(bare).toMatchObject({ status: "requires_payment_method", currency: "eur" });
      expect(await errorOf(stripe.paymentIntents.confirm(bare.id))).toMatchObject({
        code: "payment_intent_unexpected_state",
      });
      const changed = await stripe.paymentIntents.update(bare.id, {
        amount: 600,
        description: "two pairs",
        payment_method: "pm_card_visa",
        metadata: { a: "1", b: "2" },
      });
      expect(changed).toMatchObject({ status: "requires_confirmation", amount: 600, description: "two pairs" });
      const merged = await stripe.paymentIntents.update(bare.id, { metadata: { a: "", c: "3" } });
      expect(merged.metadata).toEqual({ b: "2", c: "3" });
      const numbered = await stripe.paymentIntents.create({
        amount: 500,
        currency: "eur",
        metadata: { 0: "a", 7: "b" },
      });
      expect(numbered.metadata).toEqual({ 0: "a", 7: "b" });
      const wide = { wide: "\u{1F600}".repeat(500) };
      expect((await stripe.paymentIntents.create({ amount: 500, currency: "eur", metadata: wide })).metadata).toEqual(
        wide,
      );
      const canceled = await stripe.paymentIntents.cancel(bare.id, { cancellation_reason: "abandoned" });
      expect(canceled).toMatchObject({ status: "canceled", cancellation_reason: "abandoned" });
      const again = errorOf(stripe.paymentIntents.cancel(bare.id));
      expect(await again).toMatchObject({ code: "payment_intent_unexpected_state", payment_intent: { id: bare.id } });
    });
  });

  it("show the shipping, the options and the details of the amount that they were told, also after an update", async () => {
    await withSandbox(async ({ stripe }) => {
      const address = { line1: "1 Main St", city: "Springfield", country: "US" };
      const { id, ...created } = await stripe.paymentIntents.create({
        amount: 500,
        currency: "usd",
        shipping: { name: "Ada", address },
        payment_method_options: { card: { request_three_d_secure: "any" } },
        amount_details: { tax: { total_tax_amount: 40 } },
      });
      expect(created).toMatchObject({
        amount_details: { tip: {}, tax: { total_tax_amount: 40 } },
        payment_method_options: {
          card: { installments: null, request_three_d_secure: "any" },
          us_bank_account: { verification_method: "automatic" },
        },
        shipping: { name: "Ada", phone: null, address: { ...address, line2: null } },
      });
      const updated = await stripe.paymentIntents.update(id, {
        shipping: { name: "Grace", address },
        payment_method_options: { us_bank_account: { verification_method: "instant" } },
        amount_details: { discount_amount: 10 },
      });
      expect(updated).toMatchObject({
        amount_details: { discount_amount: 10, tax: { total_tax_amount: 40 } },
        payment_method_options: {
          card: { request_three_d_secure: "any" },
          us_bank_account: { verification_method: "instant" },
        },
        shipping: { name: "Grace" },
      });
      expect((await stripe.paymentIntents.update(id, { shipping: "" })).shipping).toBeNull();
      const misspelt = { shipping: { nam: "Ada" } } as unknown as Stripe.PaymentIntentUpdateParams;
      expect(await errorOf(stripe.paymentIntents.update(id, misspelt))).toMatchObject({ param: "shipping[nam]" });
    });
  });

  it("are listed newest first, by pages and by time", async () => {
    await withSandbox(async ({ stripe }) => {
      const ids: string[] = [];
      for (let i = 0; i < 5; i++)
        ids.unshift((await stripe.paymentIntents.create({ amount: 100 + i, currency: "usd" })).id);
      const first = await stripe.paymentIntents.list({ limit: 2 });
      expect(first).toMatchObject({ object: "list", has_more: true, url: "/v1/payment_intents" });
      expect(first.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
      expect(
        (await stripe.paymentIntents.list({ limit: 2 }).autoPagingToArray({ limit: 10 })).map(({ id }) => id),
      ).toEqual(ids);
      const before = await stripe.paymentIntents.list({ limit: 2, ending_before: ids[4] ?? "" });
      expect(before.data.map(({ id }) => id)).toEqual(ids.slice(2, 4));
      expect((await stripe.paymentIntents.list({ created: { gte: 4_000_000_000 } })).data).toEqual([]);
      expect(await errorOf(stripe.paymentIntents.list({ limit: 101 }))).toMatchObject({ param: "limit" });
      const [newest = "", oldest = ""] = [ids[0], ids[4]];
      const both = { starting_after: newest, ending_before: oldest };
      expect(await errorOf(stripe.paymentIntents.list(both))).toMatchObject({ code: "parameters_exclusive" });
      expect(await errorOf(stripe.charges.list({ starting_after: newest }))).toMatchObject({
        statusCode: 400,
        code: "resource_missing",
        param: "starting_after",
        message: `No such charge: '${newest}'`,
      });
    });
  });

  it("are found by metadata and status", async () => {
    await withSandbox(async ({ stripe }) => {
      const metadata = { order: "it's 1", region: "eu" };
      const { id } = await stripe.paymentIntents.create({ ...cardPayment(), metadata });
      await stripe.paymentIntents.create({ ...cardPayment(), metadata: { order: "2" } });
      const search = async (query: string) =>
        (await stripe.paymentIntents.search({ query })).data.map((found) => found.id);
      expect(
        await search("metadata['order']:'it\\'s 1' AND metadata[\"region\"]:\"eu\" AND status:'succeeded'"),
      ).toEqual([id]);
      expect(await search("metadata['order']:'it\\'s 1' AND status:'canceled'")).toEqual([]);
      await stripe.paymentIntents.update(id, { metadata: { region: "us" } });
      expect(await search("metadata['region']:'eu'")).toEqual([]);
      expect(await errorOf(stripe.paymentIntents.search({ query: "amount>5" }))).toMatchObject({
        statusCode: 400,
        param: "query",
      });
    });
  });

  it("stay hidden from search until some time after their last change", async () => {
    await withSandbox(
      async ({ stripe }) => {
        await stripe.paymentIntents.create({ ...cardPayment(), metadata: { order: "3" } });
        const search = async () => (await stripe.paymentIntents.search({ query: "metadata['order']:'3'" })).data.length;
        expect(await search()).toBe(0);
        await expect.poll(search).toBe(1);
      },
      { searchLagMs: 200 },
    );
  });

  it("belong to the account that the Stripe-Account header names", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const account = await connectedAccount({ sandbox, stripe });
      const connected = clientOf(sandbox, { stripeAccount: account });
      const { id } = await connected.paymentIntents.create(cardPayment());
      expect(await errorOf(stripe.paymentIntents.retrieve(id))).toMatchObject({
        statusCode: 404,
        code: "resource_missing",
      });
      expect((await connected.events.list()).data[0]?.account).toBe(account);
      expect((await stripe.events.list()).data).toEqual([]);
      expect((await connected.accounts.retrieveCurrent()).id).toBe(account);
      expect((await stripe.accounts.retrieveCurrent()).id).toMatch(/^acct_/);
      const made = await stripe.accounts.create({ type: "standard", country: "DE", email: "shop@example.com" });
      const itself = clientOf(sandbox, { stripeAccount: made.id });
      expect(await itself.accounts.retrieveCurrent()).toMatchObject({ country: "DE", email: "shop@example.com" });
    });
  });
});

describe("parameters", () => {
  it.each([
    ["an unknown one", { amout: 5 }, { code: "parameter_unknown", param: "amout" }],
    ["no integer", { amount: 10.5 }, { code: "parameter_invalid_integer", param: "amount" }],
    ["too small an amount", { amount: 49 }, { code: "amount_too_small", param: "amount" }],
    ["too large an amount", { amount: 1_000_000_000_000 }, { code: "amount_too_large", param: "amount" }],
    ["a fraction of an Icelandic króna", { amount: 10_050, currency: "isk" }, { param: "amount" }],
    ["a fraction of a Ugandan shilling", { amount: 1_000_001, currency: "ugx" }, { param: "amount" }],
    ["a thousandth of a Kuwaiti dinar", { amount: 1005, currency: "kwd" }, { param: "amount" }],
    ["an unknown currency", { currency: "xxx" }, { param: "currency" }],
    ["an empty one", { customer: "" }, { code: "parameter_invalid_empty", param: "customer" }],
    ["a missing customer", { customer: "cus_x" }, { code: "resource_missing", param: "customer" }],
    ["a missing payment method", { payment_method: "pm_x" }, { code: "resource_missing", param: "payment_method" }],
    ["an unknown capture method", { capture_method: "later" }, { param: "capture_method" }],
    ["a nested unknown one", { mandate_data: { acceptance: "yes" } }, { param: "mandate_data[acceptance]" }],
    ["a long metadata key", { metadata: { ["k".repeat(41)]: "v" } }, { param: "metadata" }],
    ["a long metadata value", { metadata: { k: "v".repeat(501) } }, { param: "metadata[k]" }],
    [
      "too much metadata",
      { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, "v"])) },
      { param: "metadata" },
    ],
    ["a statement descriptor with a card", { statement_descriptor: "SHOP" }, { param: "statement_descriptor" }],
    ["an impossible expansion", { expand: ["amount"] }, { param: "expand" }],
  ] as [string, object, object][])("are refused when they hold %s", async (_, change, expected) => {
    await withSandbox(async ({ stripe }) => {
      const error = await errorOf(stripe.paymentIntents.create({ ...cardPayment(), ...change }));
      expect(error).toMatchObject({ statusCode: 400, rawType: "invalid_request_error", ...expected });
      expect((await stripe.paymentIntents.list()).data).toEqual([]);
    });
  });

  it("that change the currency are held against its smallest amount", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create({ amount: 100, currency: "usd" });
      expect(await errorOf(stripe.paymentIntents.update(id, { currency: "sek" }))).toMatchObject({
        code: "amount_too_small",
      });
      expect(await errorOf(stripe.paymentIntents.update(id, { currency: "isk", amount: 150 }))).toMatchObject({
        code: "invalid_charge_amount",
      });
      expect(await stripe.paymentIntents.update(id, { currency: "eur" })).toMatchObject({ currency: "eur" });
    });
  });

  it.each([
    ["in a POST's address too", "?metadata[a]=1&currency=usd", "amount=500", "application/x-www-form-urlencoded", 200],
    ["only in a form", "", '{"amount":500,"currency":"usd"}', "application/json", 400],
  ])("are read %s", async (_, query, body, type, status) => {
    await withSandbox(async ({ sandbox }) => {
      const response = await fetch(`${sandbox.url}/v1/payment_intents${query}`, {
        method: "POST",
        headers: { authorization: "Bearer sk_test_x", "content-type": type },
        body,
      });
      expect(response.status).toBe(status);
      const shown = {
        200: { metadata: { a: "1" } },
        400: { error: { message: expect.stringContaining("urlencoded") } },
      };
      expect(await response.json()).toMatchObject(shown[status === 200 ? 200 : 400]);
    });
  });

  it("of more than two megabytes are refused with a request id", async () => {
    await withSandbox(async ({ sandbox }) => {
      const response = await fetch(`${sandbox.url}/v1/payment_intents`, {
        method: "POST",
        headers: { authorization: "Bearer sk_test_x" },
        body: "x".repeat(2 * 1024 * 1024 + 1),
      });
      expect(response.status).toBe(413);
      expect(response.headers.get("request-id")).toMatch(/^req_/);
    });
  });

  it("payment_method_types ends with the version that removed it", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const create = async (headers: Record<string, string>) =>
        await fetch(`${sandbox.url}/v1/payment_intents`, {
          method: "POST",
          headers: { authorization: `Basic ${btoa("sk_test_x:")}`, ...headers },
          body: "amount=100&currency=usd&payment_method_types[]=card&confirm=true&payment_method=pm_card_visa",
        });
      const old = await create({});
      expect(old.status).toBe(200);
      expect(await old.json()).toMatchObject({ status: "succeeded", payment_method_types: ["card"] });
      const refused = await create({ "stripe-version": "2026-09-30.endive" });
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ error: { code: "payment_method_types_no_longer_supported" } });
      expect((await stripe.paymentIntents.create(cardPayment())).payment_method_types).toContain("card");
    });
  });

  it("a missing object answers 404 and an unknown address says so", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      expect(await errorOf(stripe.paymentIntents.retrieve("pi_x"))).toMatchObject({
        statusCode: 404,
        code: "resource_missing",
        message: "No such payment_intent: 'pi_x'",
      });
      const unknown = await fetch(`${sandbox.url}/v1/nothing`, { headers: { authorization: "Bearer sk_test_x" } });
      expect(unknown.status).toBe(404);
      expect(unknown.headers.get("x-sandbox")).toBe("restate-stripe-payments sandbox, not Stripe");
    });
  });

  it.each([
    [undefined, "You did not provide an API key"],
    ["Bearer nonsense", "Invalid API Key"],
    ["Bearer sk_live_secret", "live key"],
    ["Bearer rk_live_secret", "live key"],
  ])("a request authorized by %s is refused without repeating the key", async (authorization, message) => {
    await withSandbox(async ({ sandbox }) => {
      const response = await fetch(`${sandbox.url}/v1/account`, {
        headers: authorization === undefined ? {} : { authorization },
      });
      expect(response.status).toBe(401);
      const body = await response.text();
      expect(body).toContain(message);
      expect(body).not.toContain('secret"');
      expect(body).not.toContain("live_secret");
    });
  });
});

describe("refunds", () => {
  it("of a card succeed at once, in parts, and no further than the charge", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create(cardPayment());
      const part = await stripe.refunds.create({
        payment_intent: id,
        amount: 99,
        metadata: { why: "scratch" },
        expand: ["charge"],
      });
      expect(part).toMatchObject({ status: "succeeded", amount: 99, charge: { amount_refunded: 99, refunded: false } });
      expect(await eventTypes(stripe)).toEqual(
        expect.arrayContaining(["refund.created", "charge.refunded", "refund.updated"]),
      );
      expect(await errorOf(stripe.refunds.create({ payment_intent: id, amount: 5000 }))).toMatchObject({
        param: "amount",
      });
      const other = await stripe.paymentIntents.create(cardPayment());
      const foreign = typeof other.latest_charge === "string" ? other.latest_charge : "";
      const mixed = { payment_intent: id, charge: foreign };
      expect(await errorOf(stripe.refunds.create(mixed))).toMatchObject({ statusCode: 400, param: "charge" });
      const rest = await stripe.refunds.create({ payment_intent: id });
      expect(rest.amount).toBe(1000);
      expect(await errorOf(stripe.refunds.create({ payment_intent: id }))).toMatchObject({
        code: "charge_already_refunded",
      });
      const listed = await stripe.refunds.list({ payment_intent: id });
      expect(listed.data.map((refund) => refund.id)).toEqual([rest.id, part.id]);
      const updated = await stripe.refunds.update(part.id, { metadata: { why: "" } });
      expect(updated.metadata).toEqual({});
      expect(await stripe.refunds.retrieve(part.id)).toMatchObject({ id: part.id });
      const charges = await stripe.charges.list({ payment_intent: id });
      expect(charges.data).toMatchObject([{ refunded: true, amount_refunded: 1099 }]);
    });
  });

  it("of a payment that took no money are refused", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create({ amount: 100, currency: "usd" });
      expect(await errorOf(stripe.refunds.create({ payment_intent: id }))).toMatchObject({
        statusCode: 400,
        message: expect.stringContaining("does not have a successful charge"),
      });
      expect(await errorOf(stripe.refunds.create({}))).toMatchObject({ code: "parameter_missing" });
    });
  });

  it("of a bank debit are pending until they settle", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const { id } = await stripe.paymentIntents.create(debitPayment());
      await untilStatus(stripe, id, "succeeded");
      const refund = await stripe.refunds.create({ payment_intent: id, amount: 100 });
      expect(refund).toMatchObject({ status: "pending", pending_reason: "processing" });
      await expect.poll(async () => (await stripe.refunds.retrieve(refund.id)).status).toBe("succeeded");
      expect(await eventTypes(stripe)).toContain("refund.updated");
      expect(await control(sandbox, "POST", "/settle", { id: refund.id })).toMatchObject({ status: 409 });
    });
  });

  it.each([
    ["pm_card_pendingRefund", "pending", "succeeded", "refund.updated"],
    ["pm_card_refundFail", "succeeded", "failed", "refund.failed"],
  ])("with %s are %s first and %s later", async (method, first, last, event) => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create(cardPayment(method));
      const refund = await stripe.refunds.create({ payment_intent: id });
      expect(refund.status).toBe(first);
      await expect.poll(async () => (await stripe.refunds.retrieve(refund.id)).status).toBe(last);
      expect(await eventTypes(stripe)).toContain(event);
      const [charge] = (await stripe.charges.list({ payment_intent: id })).data;
      expect(charge?.amount_refunded).toBe(last === "failed" ? 0 : 1099);
    });
  });
});

describe("customers and payment methods", () => {
  it("are created, read, changed and joined", async () => {
    await withSandbox(async ({ stripe }) => {
      const customer = await stripe.customers.create({ email: "a@example.com", metadata: { tier: "gold" } });
      expect(await stripe.customers.update(customer.id, { name: "Ada" })).toMatchObject({
        name: "Ada",
        email: "a@example.com",
      });
      const method = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
      expect(await stripe.paymentMethods.retrieve(method.id)).toMatchObject({
        customer: customer.id,
        card: { last4: "4242" },
      });
      const payment = await stripe.paymentIntents.create({
        ...cardPayment(method.id),
        customer: customer.id,
        expand: ["customer", "payment_method"],
      });
      expect(payment).toMatchObject({
        status: "succeeded",
        customer: { name: "Ada" },
        payment_method: { id: method.id },
      });
      expect(
        (await stripe.paymentIntents.list({ customer: customer.id, expand: ["data.latest_charge"] })).data,
      ).toMatchObject([{ latest_charge: { customer: customer.id } }]);
      expect(await errorOf(stripe.paymentIntents.create(cardPayment(method.id)))).toMatchObject({
        param: "payment_method",
      });
      const declining = stripe.paymentMethods.attach("pm_card_visa_chargeDeclined", { customer: customer.id });
      expect(await errorOf(declining)).toMatchObject({ statusCode: 402, code: "card_declined" });
      expect(await eventTypes(stripe)).toEqual(
        expect.arrayContaining(["customer.created", "customer.updated", "payment_method.attached"]),
      );
    });
  });

  it.each([
    ["AT27 1904 3000 0005 5555", "sepa_debit_bank_not_supported"],
    ["AT511904300000066666", "bank_account_unusable"],
    ["AT000000000000000000", "payment_method_invalid_parameter_testmode"],
  ])("can't be made from %s", async (iban, code) => {
    await withSandbox(async ({ stripe }) => {
      const made = stripe.paymentMethods.create({ type: "sepa_debit", sepa_debit: { iban } });
      expect(await errorOf(made)).toMatchObject({ statusCode: 400, code, param: "sepa_debit[iban]" });
    });
  });

  it("are made from tokens, test numbers, accounts and IBANs", async () => {
    await withSandbox(async ({ stripe }) => {
      const number = async (text: string) =>
        await stripe.paymentMethods.create({
          type: "card",
          card: { number: text, exp_month: 12, exp_year: 2040, cvc: "123" },
        });
      expect(await stripe.paymentMethods.create({ type: "card", card: { token: "tok_visa" } })).toMatchObject({
        type: "card",
      });
      expect((await number("4242 4242 4242 4242")).card?.last4).toBe("4242");
      expect(await errorOf(number("4242424242424241"))).toMatchObject({ statusCode: 402, code: "incorrect_number" });
      expect(await errorOf(number("4111111111111111"))).toMatchObject({ code: "card_declined" });
      const bank = await stripe.paymentMethods.create({
        type: "us_bank_account",
        us_bank_account: {
          account_number: "000222222227",
          routing_number: "110000000",
          account_holder_type: "individual",
        },
      });
      const { id } = await stripe.paymentIntents.create(debitPayment(bank.id));
      expect(await untilStatus(stripe, id, "requires_payment_method")).toMatchObject({
        last_payment_error: { code: "insufficient_funds" },
      });
      const sepa = await stripe.paymentMethods.create({
        type: "sepa_debit",
        sepa_debit: { iban: "AT32 1904 3002 3547 3204" },
        billing_details: { name: "Jenny", email: "j@example.com", address: { city: "Wien" } },
      });
      expect(sepa).toMatchObject({
        sepa_debit: { last4: "3204", country: "AT" },
        billing_details: { address: { city: "Wien" } },
      });
    });
  });
});

describe("events", () => {
  it("are listed by type, and read one by one", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.paymentIntents.create(cardPayment(), { idempotencyKey: "event-key" });
      const events = await stripe.events.list({ types: ["payment_intent.succeeded", "payment_intent.created"] });
      expect(events.data.map((event) => event.type)).toEqual(["payment_intent.created", "payment_intent.succeeded"]);
      const [newest] = events.data;
      expect(newest).toMatchObject({ request: { idempotency_key: "event-key" }, livemode: false, pending_webhooks: 0 });
      expect(await stripe.events.retrieve(newest?.id ?? "")).toMatchObject({ data: { object: { id } } });
      expect((await stripe.events.list({ type: "payment_intent.*" })).data).toHaveLength(2);
    });
  });

  it("answer EADDRINUSE when the port is taken", async () => {
    await withSandbox(async ({ sandbox }) => {
      await expect(withSandbox(async () => {}, { port: sandbox.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    });
  });

  it("are typed for the client's own version", () => {
    expect(new Stripe("sk_test_x").getApiField("version")).toBe("2026-10-28.endive");
  });
});
