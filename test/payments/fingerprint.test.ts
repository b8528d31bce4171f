import { describe, expect, it } from "vitest";
import { z } from "zod";
import { fingerprintOf } from "../../src/payments/fingerprint.ts";
import { paymentDefaults, paymentRequestSchema } from "../../src/payments/contract.ts";

const card = { paymentMethodId: "pm_card_visa", amount: 109, metadata: { orderId: "4004", shop: "north" } };
const fingerprint = (body: object) => fingerprintOf(paymentRequestSchema.parse(body));
const purchase = (body: object) => fingerprint(body).purchase;
const means = (body: object) => fingerprint(body).means;

describe("the fingerprint of a request", () => {
  it.each<[string, object]>([
    ["the currency is written out", { currency: "usd" }],
    ["the currency is in upper case", { currency: "USD" }],
    ["the way to capture is written out", { captureMethod: "automatic" }],
    ["that nothing is delayed is written out", { delayedStatus: false }],
    ["that the customer may be there is written out", { offSession: false }],
    ["every default is written out", paymentDefaults],
    ["another deadline is asked for", { timeoutSeconds: 60 }],
    ["a delay is asked for", { delayedStatus: true }],
    ["it has another reference", { reference: "order-1" }],
    ["its fields come in another order", { metadata: { shop: "north", orderId: "4004" }, amount: 109 }],
    ["a field is there and undefined", { description: undefined, returnUrl: undefined }],
  ])("is the same where %s", (_what, more) => {
    expect(fingerprint({ ...card, ...more })).toEqual(fingerprint(card));
  });

  it("is the same for a currency in any case", () => {
    expect(fingerprint({ ...card, currency: "EUR" })).toEqual(fingerprint({ ...card, currency: "eur" }));
  });

  it.each<[string, object]>([
    ["amount", { amount: 110 }],
    ["currency", { currency: "eur" }],
    ["customer", { customerId: "cus_1" }],
    ["description", { description: "Order" }],
    ["receipt's address", { receiptEmail: "a@b.example" }],
    ["text on the statement", { statementDescriptorSuffix: "ORDER" }],
    ["metadata", { metadata: { orderId: "4005", shop: "north" } }],
    ["way to capture", { captureMethod: "manual" }],
    ["destination", { transfer: { destination: "acct_1" } }],
    ["merchant of record", { onBehalfOf: "acct_1" }],
    ["transfer group", { transferGroup: "order-1" }],
  ])("tells another %s from the purchase, and leaves the means as they are", (_what, more) => {
    expect(purchase({ ...card, ...more })).not.toBe(purchase(card));
    expect(means({ ...card, ...more })).toBe(means(card));
  });

  const present = { ...card, customerId: "cus_1", returnUrl: "https://shop.example" };
  it.each<[string, object, object]>([
    ["payment method", card, { ...card, paymentMethodId: "pm_card_mastercard" }],
    ["mandate", card, { ...card, mandate: { type: "offline" } }],
    ["return URL", card, { ...card, returnUrl: "https://shop.example" }],
    ["presence", { ...card, customerId: "cus_1" }, { ...card, customerId: "cus_1", offSession: true }],
    ["way to save", present, { ...present, savePaymentMethod: "on_session" }],
    ["bank transfer", present, { ...present, bankTransfer: {} }],
  ])("tells another %s from the means, and leaves the purchase as it is", (_what, before, after) => {
    expect(means(after)).not.toBe(means(before));
    expect(purchase(after)).toBe(purchase(before));
  });

  /** Kept in the engine for as long as a reference is remembered: a version that changes them forgets what was paid. */
  it("stays what it was in earlier versions", () => {
    expect(fingerprint(card)).toEqual({
      purchase: "YFa1Sv21fdBvMjn0ER51bXXboxUl4AWaDXtbdbNP4a8",
      means: "Z44XRPoQGh3sr4o4yHQFvXP4SfJHW2tx9PGMncSVMw8",
    });
  });
});

describe("a version that adds to the request", () => {
  it("changes no fingerprint by an optional field", () => {
    const later = paymentRequestSchema.safeExtend({ channel: z.enum(["web", "shop"]).optional() });
    expect(fingerprintOf(later.parse(card))).toEqual(fingerprint(card));
    expect(fingerprintOf(later.parse({ ...card, channel: undefined }))).toEqual(fingerprint(card));
    expect(fingerprintOf(later.parse({ ...card, channel: "shop" })).purchase).not.toBe(purchase(card));
  });

  it("changes no fingerprint by a default, written out or left out", () => {
    const later = paymentRequestSchema.safeExtend({ channel: z.enum(["web", "shop"]).default("web") });
    const defaults = { ...paymentDefaults, channel: "web" };
    expect(fingerprintOf(later.parse(card), defaults)).toEqual(fingerprint(card));
    expect(fingerprintOf(later.parse({ ...card, channel: "web" }), defaults)).toEqual(fingerprint(card));
    expect(fingerprintOf(later.parse({ ...card, channel: "shop" }), defaults).purchase).not.toBe(purchase(card));
  });
});

describe("paymentDefaults", () => {
  it("have every default of the schema", () => {
    expect({ ...card, ...paymentDefaults }).toMatchObject(paymentRequestSchema.parse(card));
  });

  it("are no objects, which would have to be compared field by field, and stand at the top of the request only", () => {
    for (const value of Object.values(paymentDefaults)) expect(value).not.toBeTypeOf("object");
    const { properties = {} } = z.toJSONSchema(paymentRequestSchema, { io: "input" });
    const nested = Object.values(properties).map((property) => ({ ...Object(property), default: undefined }) as object);
    expect(JSON.stringify(nested)).not.toContain('"default"');
  });
});
