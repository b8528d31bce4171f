/** Every test payment method goes wherever it can; what the sandbox sends on the way is checked when it closes. */
import { Stripe } from "stripe";
import { expect, it } from "vitest";
import { PAYMENT_METHOD_TYPES } from "../../../src/sandbox/objects/methods/paymentMethodTypes.ts";
import { SCENARIOS } from "../../../src/sandbox/objects/methods/scenarios.ts";
import { control, eventTypes, withSandbox } from "../surroundings.ts";

/** A refusal is an answer as good as any here. */
async function attempt<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return undefined;
    throw error;
  }
}

const mandate = { customer_acceptance: { type: "online", online: { ip_address: "::1", user_agent: "test" } } } as const;
const address = { line1: "Rua 1", city: "São Paulo", state: "SP", postal_code: "01000-000", country: "BR" };

it.each(SCENARIOS.map(({ name, type }) => [name, type] as const))("%s", async (name, type) => {
  await withSandbox(async ({ sandbox, stripe }) => {
    const { currencies } = PAYMENT_METHOD_TYPES[type];
    const currency = currencies === "any" ? "usd" : (currencies[0] ?? "usd");
    const customer = await stripe.customers.create({ name: "Ada", address, shipping: { name: "Ada", address } });
    // Of a voucher, the email says what becomes of it.
    const email = `${name.replace(/^(boleto|oxxo)_/, "")}@example.com`;
    const boleto = type === "boleto" ? { boleto: { tax_id: "000.000.000-00" } } : {};
    const made = { type, billing_details: { name: "Ada", email, address }, ...boleto } as const;
    const method = name.startsWith("pm_") ? name : (await stripe.paymentMethods.create(made)).id;
    const own = (await attempt(stripe.paymentMethods.attach(method, { customer: customer.id })))?.id ?? method;
    const confirming = { confirm: true, mandate_data: mandate, return_url: "https://example.com/back" };
    const expand = ["latest_charge", "payment_method", "customer"];

    for (const capture_method of ["automatic", "manual"] as const) {
      for (const outcome of ["failed", "succeeded"] as const) {
        const payment = { amount: 5000, currency, customer: customer.id, payment_method: own, capture_method };
        const options = { allowed_payment_method_types: [type], shipping: { name: "Ada", address } };
        await attempt(stripe.paymentIntents.create({ ...payment, ...options, ...confirming, expand }));
        const [id = ""] = (await stripe.paymentIntents.list({ limit: 1 })).data.map((one) => one.id);
        await control(sandbox, "POST", "/authorize", { id, outcome });
        await control(sandbox, "POST", "/settle", { id });
        await attempt(stripe.testHelpers.customers.fundCashBalance(customer.id, { amount: 5000, currency }));
        await attempt(stripe.paymentIntents.capture(id, { amount_to_capture: 4000 }));
        const refund = await attempt(stripe.refunds.create({ payment_intent: id, amount: 100, expand: ["charge"] }));
        if (refund !== undefined) await control(sandbox, "POST", "/settle", { id: refund.id });
        await attempt(stripe.paymentIntents.cancel(id));
        await stripe.paymentIntents.retrieve(id, { expand });
      }
    }

    const setup = { payment_method: own, customer: customer.id, allowed_payment_method_types: [type] };
    const set = await attempt(stripe.setupIntents.create({ ...setup, ...confirming, usage: "off_session" }));
    if (set !== undefined) await control(sandbox, "POST", "/authorize", { id: set.id, outcome: "succeeded" });
    await stripe.setupIntents.list({ expand: ["data.payment_method", "data.customer"] });

    const price_data = { currency, unit_amount: 700, product_data: { name: "Shoes" } };
    const session = await stripe.checkout.sessions.create({
      mode: "payment",
      line_items: [{ price_data, quantity: 2 }],
      expand: ["line_items"],
    });
    await attempt(
      stripe.rawRequest("POST", `/v1/payment_pages/${session.id}/confirm`, {
        payment_method: own,
        expected_amount: 1400,
      }),
    );
    await stripe.checkout.sessions.retrieve(session.id, { expand: ["line_items", "payment_intent.latest_charge"] });

    for (const dispute of (await stripe.disputes.list({ expand: ["data.charge"] })).data) {
      await attempt(stripe.disputes.update(dispute.id, { evidence: { uncategorized_text: "winning_evidence" } }));
      await attempt(stripe.disputes.close(dispute.id));
    }
    await stripe.charges.list({ expand: ["data.payment_intent", "data.customer"] });
    await stripe.customers.retrieveCashBalance(customer.id);
    await stripe.customers.listCashBalanceTransactions(customer.id);
    expect(await eventTypes(stripe)).toContain("payment_intent.created");
  });
});
