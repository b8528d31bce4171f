import type { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { passesLuhn } from "../../../../src/sandbox/objects/methods/cards.ts";
import { testNumbersOf } from "../../../../src/sandbox/objects/methods/scenarios.ts";
import { cardPayment, control, errorOf, withSandbox } from "../../surroundings.ts";

const card = { number: "4242424242424242", exp_month: 3, exp_year: 2040, cvc: "123" };

async function make(stripe: Stripe, change: object): Promise<Stripe.PaymentMethod> {
  return await stripe.paymentMethods.create({ type: "card", card: { ...card, ...change } });
}

describe("a card's number", () => {
  it.each([
    ["4242424242424242", "visa", "credit", "US"],
    ["4000056655665556", "visa", "debit", "US"],
    ["5555555555554444", "mastercard", "credit", "US"],
    ["2223003122003222", "mastercard", "credit", "US"],
    ["5200828282828210", "mastercard", "debit", "US"],
    ["5105105105105100", "mastercard", "prepaid", "US"],
    ["6011111111111117", "discover", "credit", "US"],
    ["3056930009020004", "diners", "credit", "US"],
    ["36227206271667", "diners", "credit", "US"],
    ["3566002020360505", "jcb", "credit", "JP"],
    ["6200000000000005", "unionpay", "credit", "CN"],
    ["6205500000000000004", "unionpay", "credit", "CN"],
    ["4000008260000000", "visa", "credit", "GB"],
    ["4000002760003184", "visa", "credit", "DE"],
    ["4000002500003155", "visa", "credit", "FR"],
    ["4000003800000446", "visa", "credit", "IT"],
  ])("%s is one of %s, %s, from %s", async (number, brand, funding, country) => {
    await withSandbox(async ({ stripe }) => {
      const shown = { brand, funding, country, last4: number.slice(-4) };
      expect((await make(stripe, { number })).card).toMatchObject({ ...shown, display_brand: brand });
    });
  });

  it("has a checksum, also every one of the test cards", () => {
    const numbers = testNumbersOf("card").map(({ number }) => number);
    expect(numbers.filter((number) => !passesLuhn(number))).toEqual([]);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it.each(["diners", "discover", "jcb", "unionpay", "mastercard_debit", "mastercard_prepaid"])(
    "needn't be known: pm_card_%s pays",
    async (name) => {
      await withSandbox(async ({ stripe }) => {
        const { status, latest_charge } = await stripe.paymentIntents.create({
          ...cardPayment(`pm_card_${name}`),
          expand: ["latest_charge"],
        });
        expect(status).toBe("succeeded");
        expect(latest_charge).toMatchObject({ payment_method_details: { card: { brand: name.split("_")[0] } } });
      });
    },
  );
});

describe("a card's expiry and security code", () => {
  it.each([
    [
      { exp_month: 3, exp_year: 2040 },
      { exp_month: 3, exp_year: 2040 },
    ],
    [
      { exp_month: 11, exp_year: 41 },
      { exp_month: 11, exp_year: 2041 },
    ],
    [{ cvc: undefined }, { checks: { cvc_check: null } }],
    [
      { number: "378282246310005", cvc: "1234" },
      { brand: "amex", checks: { cvc_check: "pass" } },
    ],
  ])("given as %j show as %j, on the charge too", async (change, shown) => {
    await withSandbox(async ({ stripe }) => {
      const method = await make(stripe, change);
      expect(method.card).toMatchObject(shown);
      const payment = await stripe.paymentIntents.create({ ...cardPayment(method.id), expand: ["latest_charge"] });
      expect(payment.latest_charge).toMatchObject({ payment_method_details: { card: shown } });
    });
  });

  it.each([
    [{ exp_month: 13 }, "invalid_expiry_month", "exp_month"],
    [{ exp_month: 0 }, "invalid_expiry_month", "exp_month"],
    [{ exp_year: 2020 }, "invalid_expiry_year", "exp_year"],
    [{ exp_year: 20 }, "invalid_expiry_year", "exp_year"],
    [{ exp_year: 2199 }, "invalid_expiry_year", "exp_year"],
    [{ cvc: "12" }, "invalid_cvc", "cvc"],
    [{ cvc: "1234" }, "invalid_cvc", "cvc"],
    [{ cvc: "abc" }, "invalid_cvc", "cvc"],
    [{ number: "378282246310005", cvc: "123" }, "invalid_cvc", "cvc"],
  ])("%j are refused as %s", async (change, code, param) => {
    await withSandbox(async ({ stripe }) => {
      expect(await errorOf(make(stripe, change))).toMatchObject({
        statusCode: 402,
        rawType: "card_error",
        code,
        param,
      });
    });
  });

  it("holds until the month ends", async () => {
    await withSandbox(async ({ stripe, sandbox }) => {
      await control(sandbox, "POST", "/clock", { to: Date.UTC(2040, 2, 31, 23, 59) });
      expect((await make(stripe, {})).card).toMatchObject({ exp_month: 3, exp_year: 2040 });
      await control(sandbox, "POST", "/clock", { to: Date.UTC(2040, 3, 1) });
      expect(await errorOf(make(stripe, {}))).toMatchObject({ code: "invalid_expiry_month" });
    });
  });
});
