import type { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { control, errorOf, eventTypes, untilStatus, withSandbox } from "../../surroundings.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const address = { line1: "Rua 1", city: "São Paulo", state: "SP", postal_code: "01227-200", country: "BR" };

const VOUCHERS = {
  boleto: { currency: "brl", boleto: { tax_id: "000.000.000-00" } },
  oxxo: { currency: "mxn", oxxo: {} },
} as const;
type Voucher = keyof typeof VOUCHERS;
const types = ["boleto", "oxxo"] as const;

function voucherPayment(type: Voucher, email = "jo@example.com", billing: object = {}) {
  const { currency, ...own } = VOUCHERS[type];
  return {
    amount: 5000,
    currency,
    confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    payment_method_data: { type, ...own, billing_details: { name: "Jo Doe", email, address, ...billing } },
  } satisfies Stripe.PaymentIntentCreateParams;
}

describe("a voucher", () => {
  it.each(types)("of %s is shown to the customer, who pays it a while later", async (type) => {
    await withSandbox(async ({ stripe, sandbox }) => {
      const payment = await stripe.paymentIntents.create(voucherPayment(type));
      const details = `${type}_display_details`;
      expect(payment).toMatchObject({
        status: "requires_action",
        latest_charge: null,
        payment_method_options: { [type]: { expires_after_days: 3 } },
        next_action: {
          type: details,
          [details]: {
            hosted_voucher_url: `${sandbox.url}/_sandbox/voucher/${payment.id}`,
            number: expect.stringMatching(/^\d{32,47}$/),
          },
        },
      });
      const paid = await untilStatus(stripe, payment.id, "succeeded");
      const charged = { boleto: { tax_id: "000.000.000-00" }, oxxo: { number: expect.stringMatching(/^\d{32}$/) } };
      expect(paid).toMatchObject({
        amount_received: 5000,
        next_action: null,
        latest_charge: { id: expect.stringMatching(/^py_/), payment_method_details: { type, [type]: charged[type] } },
      });
      expect((await eventTypes(stripe)).slice(0, 4)).toEqual([
        "payment_intent.requires_action",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
      ]);
    });
  });

  it.each(types)("of %s shows where the payment is made and until when", async (type) => {
    await withSandbox(
      async ({ stripe, sandbox }) => {
        // 02:00 in London is still the day before in São Paulo and Mexico City.
        await control(sandbox, "POST", "/clock", { to: Date.UTC(2031, 4, 6, 2) });
        const { next_action: action } = await stripe.paymentIntents.create(voucherPayment(type));
        const lastSecond = { boleto: Date.UTC(2031, 4, 9, 2, 59, 59), oxxo: Date.UTC(2031, 4, 9, 5, 59, 59) }[type];
        const expiresAt = action?.boleto_display_details?.expires_at ?? action?.oxxo_display_details?.expires_after;
        expect(expiresAt).toBe(lastSecond / 1000);
      },
      { settlementDelayMs: dayMs },
    );
  });

  it.each(
    types.flatMap(
      (type) =>
        [
          [type, "succeed_immediately", "succeeded", 1],
          [type, "a+succeed_immediately", "succeeded", 1],
          [type, "jo", "succeeded", 4],
          [type, "expire_immediately", "requires_payment_method", 1],
          [type, "expire_with_delay", "requires_payment_method", 4],
        ] as const,
    ),
  )("of %s for %s@example.com is %s after %i times the settlement delay", async (type, name, status, times) => {
    await withSandbox(
      async ({ stripe, sandbox }) => {
        await control(sandbox, "POST", "/clock", { mode: "virtual" });
        const { id } = await stripe.paymentIntents.create(voucherPayment(type, `${name}@example.com`));
        await control(sandbox, "POST", "/clock", { advanceMs: times * hourMs - 1 });
        expect((await stripe.paymentIntents.retrieve(id)).status).toBe("requires_action");
        await control(sandbox, "POST", "/clock", { advanceMs: 1 });
        expect((await stripe.paymentIntents.retrieve(id)).status).toBe(status);
      },
      { settlementDelayMs: hourMs },
    );
  });

  it.each(types)("of %s that nobody fills expires with its last day", async (type) => {
    await withSandbox(async ({ stripe, sandbox }) => {
      await control(sandbox, "POST", "/clock", { mode: "virtual" });
      const { id, next_action: action } = await stripe.paymentIntents.create({
        ...voucherPayment(type, "fill_never@example.com"),
        payment_method_options: { [type]: { expires_after_days: 7 } },
      });
      const at = action?.boleto_display_details?.expires_at ?? action?.oxxo_display_details?.expires_after ?? 0;
      await control(sandbox, "POST", "/clock", { to: (at - 1) * 1000 });
      expect((await stripe.paymentIntents.retrieve(id)).status).toBe("requires_action");
      await control(sandbox, "POST", "/clock", { to: (at + 1) * 1000 });
      expect(await stripe.paymentIntents.retrieve(id)).toMatchObject({
        status: "requires_payment_method",
        latest_charge: null,
        payment_method: null,
        last_payment_error: { code: "payment_intent_payment_attempt_expired", payment_method: { type } },
      });
      expect((await eventTypes(stripe)).at(-1)).toBe("payment_intent.payment_failed");
    });
  });

  it.each([
    ["succeeded", "succeeded"],
    ["failed", "requires_payment_method"],
  ])("that the control API settles as %s leaves its payment %s", async (outcome, status) => {
    await withSandbox(
      async ({ stripe, sandbox }) => {
        const { id } = await stripe.paymentIntents.create(voucherPayment("boleto", "fill_never@example.com"));
        expect(await control(sandbox, "POST", "/authorize", { id, outcome })).toMatchObject({ status: 409 });
        expect(await control(sandbox, "POST", "/settle", { id, outcome })).toMatchObject({ body: { status } });
        expect(await control(sandbox, "POST", "/settle", { id, outcome })).toMatchObject({ status: 409 });
      },
      { settlementDelayMs: dayMs },
    );
  });

  it("is void once its payment is confirmed with another method, or cancelled", async () => {
    await withSandbox(
      async ({ stripe, sandbox }) => {
        await control(sandbox, "POST", "/clock", { mode: "virtual" });
        const first = await stripe.paymentIntents.create(voucherPayment("oxxo"));
        const { payment_method_data: again } = voucherPayment("oxxo", "fill_never@example.com");
        await stripe.paymentIntents.confirm(first.id, { payment_method_data: again });
        const second = await stripe.paymentIntents.create(voucherPayment("oxxo"));
        await stripe.paymentIntents.cancel(second.id);
        const third = await stripe.paymentIntents.create(voucherPayment("oxxo"));
        await stripe.paymentIntents.update(third.id, { payment_method_data: again });
        await stripe.paymentIntents.confirm(third.id);
        await control(sandbox, "POST", "/clock", { advanceMs: 4 * hourMs });
        expect((await stripe.paymentIntents.retrieve(first.id)).status).toBe("requires_action");
        expect((await stripe.paymentIntents.retrieve(second.id)).status).toBe("canceled");
        expect((await stripe.paymentIntents.retrieve(third.id)).status).toBe("requires_action");
      },
      { settlementDelayMs: hourMs },
    );
  });

  it.each([
    ["boleto", { billing_details: { name: "Jo" } }, "billing_details[email]"],
    ["boleto", { billing_details: { name: "Jo", email: "jo@example.com" } }, "billing_details[address][line1]"],
    ["boleto", { boleto: {} }, "payment_method_data[boleto][tax_id]"],
    ["boleto", { boleto: { tax_id: "12" } }, "payment_method_data[boleto][tax_id]"],
    ["oxxo", { billing_details: { email: "jo@example.com" } }, "billing_details[name]"],
  ] as [Voucher, object, string][])("of %s is refused with only %j of its data", async (type, change, param) => {
    await withSandbox(async ({ stripe }) => {
      const payment = voucherPayment(type);
      const payment_method_data = { ...payment.payment_method_data, ...change };
      expect(await errorOf(stripe.paymentIntents.create({ ...payment, payment_method_data }))).toMatchObject({
        statusCode: 400,
        param,
      });
    });
  });

  it.each([
    ["boleto", 61],
    ["boleto", -1],
    ["oxxo", 0],
    ["oxxo", 8],
  ] as const)("of %s can't last %i days", async (type, days) => {
    await withSandbox(async ({ stripe }) => {
      const options = { payment_method_options: { [type]: { expires_after_days: days } } };
      expect(await errorOf(stripe.paymentIntents.create({ ...voucherPayment(type), ...options }))).toMatchObject({
        param: `payment_method_options[${type}][expires_after_days]`,
      });
    });
  });

  it("completes its Checkout Session unpaid, and pays it later", async () => {
    await withSandbox(async ({ sandbox, stripe }) => {
      await control(sandbox, "POST", "/clock", { mode: "virtual" });
      const session = await stripe.checkout.sessions.create({
        mode: "payment",
        line_items: [
          { price_data: { currency: "mxn", unit_amount: 5000, product_data: { name: "Book" } }, quantity: 1 },
        ],
        payment_method_options: { oxxo: { expires_after_days: 2 } },
        success_url: "https://shop.example",
      });
      const { payment_method_data: data } = voucherPayment("oxxo", "succeed_immediately@example.com");
      const method = await stripe.paymentMethods.create(data);
      await stripe.rawRequest("POST", `/v1/payment_pages/${session.id}/confirm`, { payment_method: method.id });
      const completed = await stripe.checkout.sessions.retrieve(session.id, { expand: ["payment_intent"] });
      expect(completed).toMatchObject({
        status: "complete",
        payment_status: "unpaid",
        payment_method_options: { oxxo: { expires_after_days: 2 } },
        payment_intent: { payment_method_options: { oxxo: { expires_after_days: 2 } } },
      });
      await control(sandbox, "POST", "/clock", { advanceMs: 20 });
      await expect.poll(async () => (await stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe("paid");
      expect(await eventTypes(stripe)).toContain("checkout.session.async_payment_succeeded");
    });
  });

  it("is set up for later without one, as nothing is to be paid yet", async () => {
    await withSandbox(async ({ stripe }) => {
      const customer = (await stripe.customers.create()).id;
      const { payment_method_data } = voucherPayment("boleto");
      const setup = await stripe.setupIntents.create({
        customer,
        confirm: true,
        payment_method_data,
        return_url: "https://shop.example",
      });
      expect(setup).toMatchObject({ status: "succeeded", next_action: null });
      expect((await stripe.paymentMethods.retrieve(setup.payment_method as string)).customer).toBe(customer);
    });
  });
});
