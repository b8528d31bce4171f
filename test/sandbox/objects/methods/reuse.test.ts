import type { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { cardPayment, debitPayment, errorOf, eventTypes, withSandbox } from "../../surroundings.ts";

const account = { account_holder_type: "individual", routing_number: "110000000" } as const;
const online = { type: "online", online: { ip_address: "203.0.113.7", user_agent: "Mozilla" } } as const;

const noRedirects = { enabled: true, allow_redirects: "never" } as const;

async function makeCard(stripe: Stripe, token = "tok_visa"): Promise<string> {
  return (await stripe.paymentMethods.create({ type: "card", card: { token } })).id;
}

async function makeAccount(stripe: Stripe): Promise<string> {
  const us_bank_account = { ...account, account_number: "000123456789" };
  return (await stripe.paymentMethods.create({ type: "us_bank_account", us_bank_account })).id;
}

describe("a PaymentMethod that belongs to no customer", () => {
  it.each([
    ["paid", makeCard, (id: string) => cardPayment(id)],
    ["is held for a capture", makeCard, (id: string) => ({ ...cardPayment(id), capture_method: "manual" as const })],
    ["is processing", makeAccount, (id: string) => debitPayment(id)],
  ])("is used up once it %s", async (_, make, paymentWith) => {
    await withSandbox(async ({ stripe }) => {
      const id = await make(stripe);
      await stripe.paymentIntents.create(paymentWith(id));
      const message = expect.stringContaining("was previously used with a PaymentIntent without Customer attachment");
      expect(await errorOf(stripe.paymentIntents.create(paymentWith(id)))).toMatchObject({ statusCode: 400, message });
      const customer = await stripe.customers.create();
      expect(await errorOf(stripe.paymentMethods.attach(id, { customer: customer.id }))).toMatchObject({ message });
    });
  });

  it("can be tried again after a decline, or after its PaymentIntent was made without confirming it", async () => {
    await withSandbox(async ({ stripe }) => {
      const declined = await makeCard(stripe, "tok_chargeCustomerFail");
      for (const _ of [1, 2]) {
        expect(await errorOf(stripe.paymentIntents.create(cardPayment(declined)))).toMatchObject({ statusCode: 402 });
      }
      const good = await makeCard(stripe);
      await stripe.paymentIntents.create({ amount: 500, currency: "usd", payment_method: good });
      expect((await stripe.paymentIntents.create(cardPayment(good))).status).toBe("succeeded");
    });
  });

  it("is the customer's from then on where it was set up for more payments", async () => {
    await withSandbox(async ({ stripe }) => {
      const customer = (await stripe.customers.create()).id;
      const method = await makeCard(stripe);
      const payment = { ...cardPayment(method), customer };
      await stripe.paymentIntents.create({ ...payment, setup_future_usage: "off_session" });
      expect((await stripe.paymentMethods.retrieve(method)).customer).toBe(customer);
      expect(await eventTypes(stripe)).toContain("payment_method.attached");
      expect((await stripe.paymentIntents.create(payment)).status).toBe("succeeded");
    });
  });

  it("because it was detached can't be used again", async () => {
    await withSandbox(async ({ stripe }) => {
      const customer = (await stripe.customers.create()).id;
      const { id } = await stripe.paymentMethods.attach("pm_card_visa", { customer });
      expect((await stripe.paymentIntents.create({ ...cardPayment(id), customer })).status).toBe("succeeded");
      expect((await stripe.paymentMethods.detach(id)).customer).toBeNull();
      expect(await eventTypes(stripe)).toContain("payment_method.detached");
      expect((await errorOf(stripe.paymentIntents.create(cardPayment(id)))).message).toContain("was detached");
      expect(await errorOf(stripe.paymentMethods.detach(id))).toMatchObject({ statusCode: 400 });
    });
  });
});

describe("a mandate", () => {
  it("is made of what the customer accepted, and shown by the charge", async () => {
    await withSandbox(async ({ stripe }) => {
      const payment = await stripe.paymentIntents.create({
        ...debitPayment("pm_sepaDebit_success_de"),
        mandate_data: { customer_acceptance: online },
        expand: ["latest_charge"],
      });
      const { payment_method_details: details } = payment.latest_charge as Stripe.Charge;
      expect(await stripe.mandates.retrieve(details?.sepa_debit?.mandate ?? "")).toMatchObject({
        object: "mandate",
        customer_acceptance: { ...online, accepted_at: payment.created },
        payment_method: payment.payment_method,
        payment_method_details: { type: "sepa_debit", sepa_debit: { reference: expect.any(String) } },
        single_use: { amount: 1099, currency: "eur" },
        status: "active",
        type: "single_use",
      });
    });
  });

  it.each([
    [{ customer_acceptance: { type: "online" } }, "mandate_data[customer_acceptance][online][ip_address]"],
    [
      { customer_acceptance: { type: "online", online: { ip_address: "203.0.113.7" } } },
      "mandate_data[customer_acceptance][online][user_agent]",
    ],
  ] as [Stripe.PaymentIntentCreateParams.MandateData, string][])("accepted as %j is refused", async (data, param) => {
    await withSandbox(async ({ stripe }) => {
      const payment = { ...debitPayment(), mandate_data: data };
      expect(await errorOf(stripe.paymentIntents.create(payment))).toMatchObject({ code: "parameter_missing", param });
    });
  });

  it("given with a SetupIntent, or by a payment for later ones, serves the payments after it", async () => {
    await withSandbox(async ({ stripe }) => {
      const customer = (await stripe.customers.create()).id;
      const setup = { customer, confirm: true, automatic_payment_methods: noRedirects };
      const method = await makeAccount(stripe);
      expect(await errorOf(stripe.setupIntents.create({ ...setup, payment_method: method }))).toMatchObject({
        param: "mandate_data",
      });
      const { mandate } = await stripe.setupIntents.create({
        ...setup,
        payment_method: method,
        mandate_data: { customer_acceptance: online },
      });
      const { mandate_data: _, ...later } = { ...debitPayment(method), customer, off_session: true };
      const payment = await stripe.paymentIntents.create({ ...later, expand: ["latest_charge"] });
      expect(payment).toMatchObject({
        status: "processing",
        latest_charge: { payment_method_details: { us_bank_account: { mandate } } },
      });
      const named = { ...later, mandate: typeof mandate === "string" ? mandate : "" };
      expect((await stripe.paymentIntents.create(named)).status).toBe("processing");
      const other = { ...later, payment_method: "pm_usBankAccount_success", mandate: named.mandate };
      expect(await errorOf(stripe.paymentIntents.create(other))).toMatchObject({ param: "mandate" });
    });
  });

  it("that doesn't exist, or isn't given at all, refuses the payment", async () => {
    await withSandbox(async ({ stripe }) => {
      const { mandate_data: _, ...payment } = debitPayment();
      expect(await errorOf(stripe.paymentIntents.create(payment))).toMatchObject({ param: "mandate_data" });
      for (const params of [payment, cardPayment()]) {
        expect(await errorOf(stripe.paymentIntents.create({ ...params, mandate: "mandate_x" }))).toMatchObject({
          statusCode: 400,
          code: "resource_missing",
          param: "mandate",
        });
      }
      expect(await errorOf(stripe.mandates.retrieve("mandate_x"))).toMatchObject({ statusCode: 404 });
    });
  });
});
