import { describe, expect, it } from "vitest";
import {
  awaitPaymentRequestSchema,
  getPaymentRequestSchema,
  paymentRequestSchema,
} from "../../src/payments/contract.ts";
import { wrongFields } from "../api/wrongFields.ts";

const card = { paymentMethodId: "pm_card_visa", amount: 109 };

describe("paymentRequestSchema", () => {
  it("fills in the defaults", () => {
    expect(paymentRequestSchema.parse(card)).toEqual({
      ...card,
      currency: "usd",
      captureMethod: "automatic",
      delayedStatus: false,
    });
  });

  it("says what is wrong with a metadata key", () => {
    const { error } = paymentRequestSchema.safeParse({ ...card, metadata: { restate_callback_id: "x" } });
    expect(error?.issues).toMatchObject([{ message: "keys that begin with restate_ are reserved" }]);
  });

  it("takes a currency in any case and gives it in lower case", () => {
    expect(paymentRequestSchema.parse({ ...card, currency: "EUR" }).currency).toBe("eur");
  });

  it.each<[string, object]>([
    [
      "everything at once",
      {
        currency: "eur",
        customerId: "cus_1",
        description: "Order",
        receiptEmail: "a@b.example",
        statementDescriptorSuffix: "ORDER 4004",
        metadata: { orderId: "4004" },
        captureMethod: "manual",
        mandate: { type: "online", ipAddress: "2001:db8::1", userAgent: "Browser" },
        returnUrl: "https://shop.example/back?order=1",
        timeoutSeconds: 3600,
        delayedStatus: true,
      },
    ],
    ["a payment method to be saved", { customerId: "cus_1", savePaymentMethod: "on_session" }],
    ["a saved payment method", { customerId: "cus_1", offSession: true }],
    ["a customer who is there after all", { offSession: false, returnUrl: "https://shop.example" }],
    [
      "a bank transfer in euros",
      { customerId: "cus_1", currency: "EUR", bankTransfer: { country: "DE" }, returnUrl: "https://shop.example" },
    ],
    ["an offline mandate", { mandate: { type: "offline" } }],
    ["forty metadata keys", { metadata: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`key${i}`, "x"])) }],
    ["the longest wait", { timeoutSeconds: 7_776_000 }],
    ["the largest amount", { amount: 999_999_999_999 }],
    ["a large amount of rupiah", { amount: 150_000_000, currency: "idr" }],
    ["a large amount of yen", { amount: 150_000_000, currency: "JPY" }],
    ["less than Stripe's minimum in one currency: that of the settlement decides", { amount: 45 }],
    ["one cent, by iDEAL", { amount: 1, currency: "eur", returnUrl: "https://shop.example" }],
    ["a return URL on a laptop", { returnUrl: "http://localhost:3000/back" }],
    ...[
      "myshop://stripe-redirect",
      "com.shop.app:/back?order=1",
      "MyShop://back",
      "HTTPS://shop.example",
      "http://[::1]:3000/back#done",
      "javascripts://back",
    ].map((returnUrl): [string, object] => [`the return URL ${returnUrl}`, { returnUrl }]),
    ...["user-4711", "info@shop.example", "Müller & Söhne", "a.b", "4711", "x".repeat(255)].map(
      (customerId): [string, object] => [`the customer ${customerId}`, { customerId }],
    ),
    ...[
      "sales/eu@shop.example",
      "rock&roll@shop.example",
      "user@shop.xn--p1ai",
      "jörg@müller.example",
      '"very odd"@shop.example',
      "a..b@shop.example",
      "user@[192.0.2.1]",
    ].map((receiptEmail): [string, object] => [`the mail address ${receiptEmail}`, { receiptEmail }]),
  ])("takes %s", (_what, more) => {
    expect(wrongFields(paymentRequestSchema, { ...card, ...more })).toEqual([]);
  });

  it.each<[string, unknown, string[]]>([
    ["nothing", undefined, ["(invalid_type)"]],
    ["an empty body", {}, ["paymentMethodId", "amount"]],
    ["a list", [], ["(invalid_type)"]],
    ["a fraction", { ...card, amount: 1.09 }, ["amount"]],
    ["an amount as text", { ...card, amount: "109" }, ["amount"]],
    ["nothing to pay", { ...card, amount: 0 }, ["amount"]],
    ["a negative amount", { ...card, amount: -109 }, ["amount"]],
    ["more than Stripe takes", { ...card, amount: 1_000_000_000_000 }, ["amount"]],
    ["a fraction that the currency lacks", { ...card, amount: 1234, currency: "kwd" }, ["amount"]],
    ["an unknown currency", { ...card, currency: "zzz" }, ["currency"]],
    ["an empty currency", { ...card, currency: "" }, ["currency"]],
    ["an empty payment method", { ...card, paymentMethodId: "" }, ["paymentMethodId"]],
    ["a payment method with a path", { ...card, paymentMethodId: "../pm" }, ["paymentMethodId"]],
    ["a misspelt field", { ...card, capturemethod: "manual" }, ["(unrecognized_keys)"]],
    ["an unknown capture method", { ...card, captureMethod: "later" }, ["captureMethod"]],
    ["a return URL that runs code", { ...card, returnUrl: "javascript:alert(1)" }, ["returnUrl"]],
    ["a return URL without a host", { ...card, returnUrl: "/back" }, ["returnUrl"]],
    [
      "an online mandate without evidence",
      { ...card, mandate: { type: "online" } },
      ["mandate.ipAddress", "mandate.userAgent"],
    ],
    [
      "an IP address that is none",
      { ...card, mandate: { type: "online", ipAddress: "999.1.1.1", userAgent: "x" } },
      ["mandate.ipAddress"],
    ],
    ["a mandate of another kind", { ...card, mandate: { type: "verbal" } }, ["mandate.type"]],
    ["metadata that is ours", { ...card, metadata: { restate_callback_id: "x" } }, ["metadata.restate_callback_id"]],
    ["a metadata key in brackets", { ...card, metadata: { "a[b]": "x" } }, ["metadata.a[b]"]],
    ["a metadata key too long", { ...card, metadata: { ["k".repeat(41)]: "x" } }, [`metadata.${"k".repeat(41)}`]],
    ["a metadata value too long", { ...card, metadata: { key: "v".repeat(501) } }, ["metadata.key"]],
    ["a metadata value that is a number", { ...card, metadata: { key: 1 } }, ["metadata.key"]],
    [
      "too many metadata keys",
      { ...card, metadata: Object.fromEntries(Array.from({ length: 41 }, (_, i) => [`key${i}`, "x"])) },
      ["metadata"],
    ],
    ["a method to be saved for nobody", { ...card, savePaymentMethod: "off_session" }, ["customerId"]],
    ["a way to save that is none", { ...card, customerId: "cus_1", savePaymentMethod: "yes" }, ["savePaymentMethod"]],
    [
      "a customer who is there and not",
      { ...card, customerId: "cus_1", offSession: true, returnUrl: "https://a.example" },
      ["offSession"],
    ],
    [
      "contradictions beside other mistakes",
      { ...card, amount: 1, currency: "isk", offSession: true, savePaymentMethod: "off_session" },
      ["amount", "customerId", "offSession"],
    ],
    [
      "a bank transfer to a country without accounts",
      {
        ...card,
        customerId: "cus_1",
        currency: "eur",
        bankTransfer: { country: "XX" },
        returnUrl: "https://a.example",
      },
      ["bankTransfer.country"],
    ],
    ["half a second", { ...card, timeoutSeconds: 0.5 }, ["timeoutSeconds"]],
    ["no time at all", { ...card, timeoutSeconds: 0 }, ["timeoutSeconds"]],
    ["too much time", { ...card, timeoutSeconds: 7_776_001 }, ["timeoutSeconds"]],
    ["half a character in the description", { ...card, description: "\ud800" }, ["description"]],
    [
      "half a character in the statement",
      { ...card, statementDescriptorSuffix: "a\udfff" },
      ["statementDescriptorSuffix"],
    ],
    ["half a character in metadata", { ...card, metadata: { key: "\ud800" } }, ["metadata.key"]],
    ["half a character in a metadata key", { ...card, metadata: { "\ud800": "x" } }, ["metadata.\ud800"]],
    [
      "half a character in a mandate",
      { ...card, mandate: { type: "online", ipAddress: "192.0.2.1", userAgent: "\ud800" } },
      ["mandate.userAgent"],
    ],
    ["half a character in the return URL", { ...card, returnUrl: "https://a.example/\ud800" }, ["returnUrl"]],
    ...[
      "JavaScript:alert(1)",
      "javascript://shop.example/%0aalert(1)",
      " javascript://x",
      "java\tscript://x",
      "java\nscript://x",
      "\u0001javascript://x",
      "data://text/html,x",
      "data:text/html,x",
      "VBScript://x",
      "vbscript:x",
      "file:///etc/passwd",
      "FILE:/etc/passwd",
      "blob:https://shop.example/1",
      "view-source://x",
      "https:shop.example",
      "https:///back",
      "//shop.example",
      "myshop",
      "mailto:a@shop.example",
      "https://shop.example\\@a.example",
      "myshop://me:word@back",
      "https://shop.example/\u0000",
      `https://shop.example/${"x".repeat(2048)}`,
    ].map((returnUrl): [string, unknown, string[]] => [
      `the return URL ${JSON.stringify(returnUrl.slice(0, 40))}`,
      { ...card, returnUrl },
      ["returnUrl"],
    ]),
    ...["", " ", ".", "..", "a/b", "a\\b", "a?b", "a#b", "a\nb", "a\u0000", "../pm", "x".repeat(256), "\ud800"].map(
      (customerId): [string, unknown, string[]] => [
        `the customer ${JSON.stringify(customerId.slice(0, 40))}`,
        { ...card, customerId },
        ["customerId"],
      ],
    ),
    ...["", "@", "a@", "@b", "a@b@c", "a b@c.example", "a@b c", "a\n@b.example", `${"x".repeat(512)}@b.example`].map(
      (receiptEmail): [string, unknown, string[]] => [
        `the mail address ${JSON.stringify(receiptEmail.slice(0, 40))}`,
        { ...card, receiptEmail },
        ["receiptEmail"],
      ],
    ),
    [
      "a metadata key that JavaScript keeps for itself",
      { ...card, metadata: JSON.parse('{"__proto__":"x"}') },
      ["metadata.__proto__"],
    ],
    ["a return URL with a password", { ...card, returnUrl: "https://me:word@a.example/" }, ["returnUrl"]],
    ["a return URL with a space", { ...card, returnUrl: "https://a.example/a b" }, ["returnUrl"]],
    ["a mail address that is none", { ...card, receiptEmail: "nobody" }, ["receiptEmail"]],
    [
      "a statement suffix too long",
      { ...card, statementDescriptorSuffix: "x".repeat(23) },
      ["statementDescriptorSuffix"],
    ],
    [
      "a statement suffix with an asterisk",
      { ...card, statementDescriptorSuffix: "ORDER*1" },
      ["statementDescriptorSuffix"],
    ],
    [
      "several mistakes at once, all listed",
      { amount: 11, currency: "kwd", delayedStatus: "yes", timeoutSeconds: "soon" },
      ["paymentMethodId", "timeoutSeconds", "delayedStatus", "amount"],
    ],
  ])("refuses %s and says where", (_what, body, fields) => {
    expect(wrongFields(paymentRequestSchema, body)).toEqual(fields);
  });

  it("says why, in words for the caller", () => {
    const issues = paymentRequestSchema.safeParse({ ...card, amount: 10, currency: "zzz" }).error?.issues;
    expect(issues?.map((issue) => issue.message)).toEqual(['"zzz" is not a currency that Stripe charges in']);
  });
});

describe("requests that name a PaymentIntent", () => {
  it.each([
    [{ paymentIntentId: "pi_1" }, true],
    [{ paymentIntentId: "ch_1" }, false],
    [{ paymentIntentId: "pi_1/cancel" }, false],
    [{ paymentIntentId: "pi_1_secret_2" }, false],
    [{ paymentIntentId: "" }, false],
    [{}, false],
    [{ paymentIntentId: "pi_1", more: 1 }, false],
  ])("judge %o", (body, valid) => {
    expect(getPaymentRequestSchema.safeParse(body).success).toBe(valid);
    expect(awaitPaymentRequestSchema.safeParse(body).success).toBe(valid);
  });
});

describe("a reference", () => {
  const schemas = [
    ["processPayment", paymentRequestSchema, { paymentMethodId: "pm_card_visa", amount: 109 }],
    ["awaitPayment", awaitPaymentRequestSchema, {}],
    ["getPayment", getPaymentRequestSchema, {}],
  ] as const;

  it.each(schemas)("of %s counts without the space around it, and composed", (_call, schema, rest) => {
    const parsed = (reference: string) => schema.safeParse({ ...rest, reference }).data?.reference;
    for (const same of ["A-1", "A-1 ", " A-1", "\tA-1\r\n", "\u00a0A-1\u3000"]) expect(parsed(same)).toBe("A-1");
    expect(parsed("Stu\u0308hle 7")).toBe("St\u00fchle 7");
    expect(parsed("\u212b-1")).toBe("\u00c5-1");
    // Case and inner space are the merchant's own.
    expect(["a-1", "A  1"].map(parsed)).toEqual(["a-1", "A  1"]);
    expect(parsed("u\u0308".repeat(255))).toBe("\u00fc".repeat(255));
  });

  it.each(schemas)("of %s is refused where nothing, too much or no text is left", (_call, schema, rest) => {
    for (const reference of ["", " ", "\n\t", "a\nb", "\ud800", "a".repeat(256), "\u0344".repeat(200)]) {
      expect([reference, schema.safeParse({ ...rest, reference }).success]).toEqual([reference, false]);
    }
  });

  it("is refused at once where it is a megabyte", () => {
    const reference = "a\u0301\u0323".repeat(350_000);
    const begunMs = performance.now();
    expect(getPaymentRequestSchema.safeParse({ reference }).success).toBe(false);
    expect(performance.now() - begunMs).toBeLessThan(1000);
  });
});
