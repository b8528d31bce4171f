/** Checkout, Payment Links, disputes, SetupIntents and bank transfers, through the real client. */
import type { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import type { Sandbox } from "../../../src/sandbox/sandbox.ts";
import { cardPayment, control, errorOf, eventTypes, type Surroundings, until, withSandbox } from "../surroundings.ts";

const order = {
  mode: "payment",
  line_items: [{ price_data: { currency: "eur", unit_amount: 1500, product_data: { name: "Book" } }, quantity: 2 }],
  success_url: "https://example.com/done?session={CHECKOUT_SESSION_ID}",
  metadata: { on: "session" },
  payment_intent_data: { metadata: { on: "payment" } },
} satisfies Stripe.Checkout.SessionCreateParams;

/** What the page does when its button is pressed. */
async function press(sandbox: Sandbox, session: string, paymentMethod: string, amount = 3000) {
  const response = await fetch(`${sandbox.url}/v1/payment_pages/${session}/confirm`, {
    method: "POST",
    headers: { authorization: "Bearer sk_test_of_the_page" },
    body: new URLSearchParams({ payment_method: paymentMethod, expected_amount: String(amount) }),
  });
  return { status: response.status, body: await response.json() };
}

describe("a Checkout Session", () => {
  it("makes its PaymentIntent when it is confirmed, with the payment's own metadata", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const session = await stripe.checkout.sessions.create(order);
      expect(session).toMatchObject({
        status: "open",
        payment_status: "unpaid",
        payment_intent: null,
        amount_total: 3000,
      });
      expect((await stripe.paymentIntents.list()).data).toEqual([]);
      expect(await press(sandbox, session.id, "pm_card_visa")).toMatchObject({ status: 200 });
      const after = await stripe.checkout.sessions.retrieve(session.id, { expand: ["payment_intent", "line_items"] });
      expect(after).toMatchObject({
        status: "complete",
        payment_status: "paid",
        metadata: { on: "session" },
        payment_intent: { status: "succeeded", amount: 3000, metadata: { on: "payment" } },
        line_items: { data: [{ quantity: 2, amount_total: 3000, description: "Book" }] },
      });
      expect(await stripe.checkout.sessions.listLineItems(session.id)).toMatchObject({ data: [{ quantity: 2 }] });
      expect(await eventTypes(stripe)).toContain("checkout.session.completed");
    });
  });

  it.each([
    ["pm_sepaDebit_success_de", "checkout.session.async_payment_succeeded", "paid"],
    ["pm_sepaDebit_failed_de", "checkout.session.async_payment_failed", "unpaid"],
  ] as const)("paid with %s completes unpaid and ends with %s", async (method, type, paymentStatus) => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const { id } = await stripe.checkout.sessions.create(order);
      expect((await press(sandbox, id, method)).body).toMatchObject({ status: "complete", payment_status: "unpaid" });
      await until(type, async () => (await stripe.events.list({ type })).data[0]);
      expect((await stripe.checkout.sessions.retrieve(id)).payment_status).toBe(paymentStatus);
    });
  });

  it("stays open after a decline, and takes another card for the same PaymentIntent", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const { id } = await stripe.checkout.sessions.create(order);
      expect((await press(sandbox, id, "pm_card_visa_chargeDeclined")).status).toBe(402);
      expect(await stripe.checkout.sessions.retrieve(id)).toMatchObject({ status: "open", payment_intent: null });
      await press(sandbox, id, "pm_card_visa");
      expect((await stripe.checkout.sessions.retrieve(id)).status).toBe("complete");
      expect((await stripe.paymentIntents.list()).data).toMatchObject([{ status: "succeeded" }]);
    });
  });

  it("completes when the customer has authenticated", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const { id } = await stripe.checkout.sessions.create(order);
      expect((await press(sandbox, id, "pm_card_threeDSecure2Required")).body).toMatchObject({ status: "open" });
      const [waiting] = (await stripe.paymentIntents.list()).data;
      await control(sandbox, "POST", "/authorize", { id: waiting?.id, outcome: "succeeded" });
      expect(await stripe.checkout.sessions.retrieve(id)).toMatchObject({ status: "complete", payment_status: "paid" });
    });
  });

  it("expires only while it is open, and is then closed to payment", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const { id } = await stripe.checkout.sessions.create(order);
      expect((await press(sandbox, id, "pm_card_visa", 1)).body).toMatchObject({
        error: { code: "checkout_amount_mismatch" },
      });
      expect(await stripe.checkout.sessions.expire(id)).toMatchObject({ status: "expired", url: null });
      expect(await errorOf(stripe.checkout.sessions.expire(id))).toMatchObject({ statusCode: 400 });
      expect((await press(sandbox, id, "pm_card_visa")).status).toBe(400);
    });
  });
});

it("A Payment Link keeps its items and is switched off by an update", async () => {
  await withSandbox(async ({ stripe }) => {
    const product = await stripe.products.create({ name: "Book" });
    const price = await stripe.prices.create({ currency: "usd", unit_amount: 1500, product: product.id });
    const link = await stripe.paymentLinks.create({
      line_items: [{ price: price.id, quantity: 3 }],
      after_completion: { type: "redirect", redirect: { url: "https://example.com" } },
      restrictions: { completed_sessions: { limit: 1 } },
    });
    expect(await stripe.paymentLinks.listLineItems(link.id)).toMatchObject({ data: [{ amount_total: 4500 }] });
    expect(await stripe.paymentLinks.update(link.id, { active: false, inactive_message: "Gone" })).toMatchObject({
      active: false,
      inactive_message: "Gone",
      restrictions: { completed_sessions: { limit: 1 } },
    });
  });
});

async function disputed({ stripe }: Surroundings, method: string): Promise<string> {
  const { id } = await stripe.paymentIntents.create(cardPayment(method));
  const [dispute] = (await stripe.disputes.list({ payment_intent: id })).data;
  return dispute?.id ?? "";
}

describe("a dispute", () => {
  it.each([
    ["pm_card_createDispute", "winning_evidence", "won", "charge.dispute.funds_reinstated"],
    ["pm_card_createDispute", "losing_evidence", "lost", "charge.dispute.closed"],
    ["pm_card_createDispute", "something else", "under_review", "charge.dispute.updated"],
    ["pm_card_createDisputeInquiry", "winning_evidence", "warning_closed", "charge.dispute.closed"],
    ["pm_card_createDisputeInquiry", "escalate_inquiry_evidence", "needs_response", "charge.dispute.funds_withdrawn"],
  ])("of %s with %s is %s", async (method, uncategorized_text, status, type) => {
    await withSandbox(async (surroundings) => {
      const { stripe } = surroundings;
      const id = await disputed(surroundings, method);
      expect(await stripe.disputes.update(id, { evidence: { uncategorized_text } })).toMatchObject({ status });
      expect(await eventTypes(stripe)).toContain(type);
    });
  });

  it("that is closed is lost", async () => {
    await withSandbox(async (surroundings) => {
      const id = await disputed(surroundings, "pm_card_createDisputeProductNotReceived");
      const closed = await surroundings.stripe.disputes.close(id);
      expect(closed).toMatchObject({ status: "lost", reason: "product_not_received" });
    });
  });
});

describe("a dispute's evidence", () => {
  it("is staged until an update submits it, even one that says nothing of it", async () => {
    await withSandbox(async (surroundings) => {
      const { stripe } = surroundings;
      const id = await disputed(surroundings, "pm_card_createDispute");
      const evidence = { uncategorized_text: "losing_evidence" };
      expect(await stripe.disputes.update(id, { evidence, submit: false })).toMatchObject({
        status: "needs_response",
        evidence,
        evidence_details: { has_evidence: true, submission_count: 0 },
      });
      expect(await stripe.disputes.update(id, { metadata: { a: "b" }, submit: false })).toMatchObject({
        status: "needs_response",
      });
      expect(await stripe.disputes.update(id, { metadata: { a: "c" } })).toMatchObject({
        status: "lost",
        evidence_details: { submission_count: 1 },
      });
    });
  });

  it("is reviewed until the bank decides", async () => {
    await withSandbox(async (surroundings) => {
      const { sandbox, stripe } = surroundings;
      const id = await disputed(surroundings, "pm_card_createDispute");
      await stripe.disputes.update(id, { evidence: { uncategorized_text: "the parcel arrived" } });
      expect(await control(sandbox, "POST", "/settle", { id, outcome: "succeeded" })).toMatchObject({
        status: 200,
        body: { status: "won" },
      });
      expect(await control(sandbox, "POST", "/settle", { id, outcome: "failed" })).toMatchObject({ status: 409 });
    });
  });
});

describe("an early fraud warning", () => {
  it("comes with the payment of the card that stands for one, and is found by its PaymentIntent", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id, latest_charge: charge } = await stripe.paymentIntents.create(
        cardPayment("pm_card_createIssuerFraudRecord"),
      );
      const { data } = await stripe.radar.earlyFraudWarnings.list({ payment_intent: id });
      expect(data).toMatchObject([{ id: expect.stringMatching(/^issfr_/), charge, payment_intent: id }]);
      expect(await stripe.radar.earlyFraudWarnings.retrieve(data[0]?.id ?? "")).toMatchObject({ actionable: true });
      expect(await eventTypes(stripe)).toContain("radar.early_fraud_warning.created");
      await stripe.paymentIntents.create(cardPayment());
      expect((await stripe.radar.earlyFraudWarnings.list()).data).toHaveLength(1);
    });
  });
});

it("A deleted customer is answered as deleted, and is no customer to anybody else", async () => {
  await withSandbox(async ({ stripe }) => {
    const { id } = await stripe.customers.create({ email: "a@b.example" });
    expect(await stripe.customers.del(id)).toEqual({ id, object: "customer", deleted: true });
    expect(await stripe.customers.retrieve(id)).toEqual({ id, object: "customer", deleted: true });
    expect((await stripe.customers.list()).data).toEqual([]);
    const payment = { amount: 100, currency: "usd", customer: id };
    expect(await errorOf(stripe.paymentIntents.create(payment))).toMatchObject({ code: "resource_missing" });
  });
});

describe("a SetupIntent", () => {
  const allowed: Stripe.SetupIntentCreateParams = { allowed_payment_method_types: ["card"], confirm: true };

  it("attaches what it sets up to its customer", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id } = await stripe.customers.create();
      const done = await stripe.setupIntents.create({ ...allowed, customer: id, payment_method: "pm_card_visa" });
      expect(done.status).toBe("succeeded");
      expect((await stripe.paymentMethods.list({ customer: id })).data).toMatchObject([{ id: done.payment_method }]);
    });
  });

  it("waits for its customer, who may fail", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const { id, status } = await stripe.setupIntents.create({
        ...allowed,
        payment_method: "pm_card_authenticationRequired",
      });
      expect(status).toBe("requires_action");
      await control(sandbox, "POST", "/authorize", { id, outcome: "failed" });
      const failed = await stripe.setupIntents.retrieve(id);
      expect(failed).toMatchObject({ status: "requires_payment_method", payment_method: null });
      const error = await errorOf(stripe.setupIntents.confirm(id, { payment_method: "pm_card_visa_chargeDeclined" }));
      expect(error).toMatchObject({ statusCode: 402, code: "card_declined" });
      expect(await stripe.setupIntents.cancel(id)).toMatchObject({ status: "canceled" });
      expect(await errorOf(stripe.setupIntents.confirm(id))).toMatchObject({ code: "setup_intent_unexpected_state" });
    });
  });
});

describe("a saved bank account", () => {
  const debit = { payment_method: "pm_usBankAccount_success", confirm: true } as const;
  const mandate_data = { customer_acceptance: { type: "offline" } } as const;
  const automatic_payment_methods = { enabled: true, allow_redirects: "never" } as const;

  it.each([
    ["a SetupIntent", "setup"],
    ["a payment", "payment"],
  ])("that %s accepted a mandate for is debited again without one", async (_what, by) => {
    await withSandbox(async ({ stripe }) => {
      const { id: customer } = await stripe.customers.create();
      const more = { ...debit, automatic_payment_methods, customer };
      const payment = { amount: 4000, currency: "usd", ...more };
      expect(await errorOf(stripe.setupIntents.create(more))).toMatchObject({ param: "mandate_data" });
      if (by === "setup") await stripe.setupIntents.create({ ...more, mandate_data });
      else await stripe.paymentIntents.create({ ...payment, mandate_data, setup_future_usage: "off_session" });
      const [saved] = (await stripe.paymentMethods.list({ customer })).data;
      const again = { ...payment, payment_method: saved?.id ?? "", off_session: true };
      expect((await stripe.paymentIntents.create(again)).status).toBe("processing");
    });
  });

  it("needs a mandate when it was only attached", async () => {
    await withSandbox(async ({ stripe }) => {
      const { id: customer } = await stripe.customers.create();
      const { id } = await stripe.paymentMethods.attach("pm_usBankAccount_success", { customer });
      const payment = { ...debit, automatic_payment_methods, customer, payment_method: id, amount: 4000 };
      expect(await errorOf(stripe.paymentIntents.create({ ...payment, currency: "usd" }))).toMatchObject({
        param: "mandate_data",
      });
    });
  });

  it("may be looked at by the bank first, and keeps what is said of it meanwhile", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      const setup = {
        ...debit,
        payment_method: "pm_usBankAccount_processing",
        automatic_payment_methods,
        mandate_data,
      };
      const { id, status } = await stripe.setupIntents.create(setup);
      expect(status).toBe("processing");
      expect(await stripe.setupIntents.update(id, { metadata: { a: "b" } })).toMatchObject({ status: "processing" });
      expect(await errorOf(stripe.setupIntents.cancel(id))).toMatchObject({ code: "setup_intent_unexpected_state" });
      await control(sandbox, "POST", "/settle", { id, outcome: "failed" });
      expect(await stripe.setupIntents.update(id, { metadata: { a: "c" } })).toMatchObject({
        status: "requires_payment_method",
        last_setup_error: { code: "setup_attempt_failed" },
      });
    });
  });
});

it("Bank transfers pay what waits for them, in parts, and stay in the cash balance when nothing does", async () => {
  await withSandbox(async ({ stripe }) => {
    const { id: customer } = await stripe.customers.create();
    const payment: Stripe.PaymentIntentCreateParams = {
      amount: 20_000,
      currency: "jpy",
      confirm: true,
      customer,
      payment_method_data: { type: "customer_balance" },
      allowed_payment_method_types: ["customer_balance"],
      return_url: "https://example.com",
    };
    const waiting = await stripe.paymentIntents.create(payment);
    expect(waiting.status).toBe("requires_action");
    const fund = async (amount: number) =>
      await stripe.testHelpers.customers.fundCashBalance(customer, { amount, currency: "jpy" });
    expect(await fund(5000)).toMatchObject({ type: "funded", ending_balance: 5000 });
    expect(await stripe.customers.retrieveCashBalance(customer)).toMatchObject({ available: { jpy: 0 } });
    expect(await eventTypes(stripe)).not.toContain("cash_balance.funds_available");
    await fund(40_000);
    expect(await stripe.paymentIntents.retrieve(waiting.id)).toMatchObject({
      status: "succeeded",
      amount_received: 20_000,
    });
    expect(await stripe.customers.retrieveCashBalance(customer)).toMatchObject({ available: { jpy: 25_000 } });
    const [left] = (await stripe.events.list({ type: "cash_balance.funds_available" })).data;
    expect(left?.data.object).toMatchObject({ object: "cash_balance", customer, available: { jpy: 25_000 } });
    expect(await stripe.paymentIntents.create(payment)).toMatchObject({ status: "succeeded" });
  });
});
