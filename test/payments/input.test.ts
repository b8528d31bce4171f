/** The service at its border: bodies that it passes on to Stripe as they are, and bodies that it refuses. */
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { calls } from "../../src/api/calls.ts";
import { card, newOrder, openScene, type Scene } from "../scene/scene.ts";

let scene: Scene;
beforeAll(async () => {
  scene = await openScene(1000);
});
afterAll(async () => {
  await scene.close();
});

/** Posts a body as it is, byte for byte, with the headers as they are. */
async function post(
  handler: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = { "idempotency-key": crypto.randomUUID() },
  service = "payments",
): Promise<{ status: number; text: string }> {
  const options = { method: "POST", headers: { "content-type": "application/json", ...headers } };
  return await new Promise((resolve, reject) => {
    const sent = request(`${scene.ingress}/${service}/${handler}`, options, (response) => {
      void text(response).then((answer) => resolve({ status: response.statusCode ?? 0, text: answer }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const charge = (more: string) => `{"paymentMethodId":"pm_card_visa","amount":109${more}}`;
const order = () => card(newOrder());

const bytes = (...parts: readonly (string | Uint8Array)[]) => Buffer.concat(parts.map((part) => Buffer.from(part)));

describe("an empty idempotency key", () => {
  it.each(["", "   ", "\t", " \t "])("is refused, and charges nobody: %j", async (key) => {
    for (const body of [order(), order()]) {
      const { status, text: answer } = await post("processPayment", JSON.stringify(body), { "idempotency-key": key });
      expect(status).toBe(400);
      expect(JSON.parse(answer)).toMatchObject({ code: 400, metadata: { reason: "invalid_request" } });
      expect(await scene.paymentsOf(body.metadata.orderId)).toEqual([]);
    }
  });

  it("is refused by every call", async () => {
    for (const { service, handler, input } of calls) {
      const body = sampleOf(handler);
      expect([handler, input.safeParse(body).success]).toEqual([handler, true]);
      const empty = { "idempotency-key": "" };
      const { status, text: answer } = await post(handler, JSON.stringify(body), empty, service);
      expect([handler, status]).toEqual([handler, 400]);
      expect(answer).toContain("idempotency-key");
    }
  });

  it("is told from a missing one, and from any other", async () => {
    for (const headers of [{}, { "idempotency-key": "0" }, { "idempotency-key": " a b " }] as const) {
      expect(await post("processPayment", JSON.stringify(order()), headers)).toMatchObject({ status: 200 });
    }
  });
});

describe("a body", () => {
  it.each<[string, Buffer, string]>([
    ["a byte that is no UTF-8", bytes('{"description":"', Uint8Array.of(0xff), '"}'), "UTF-8"],
    ["half of a character in UTF-8", bytes('{"metadata":{"a":"', Uint8Array.of(0xe2, 0x82), '"}}'), "UTF-8"],
    ["an overlong character", bytes('{"description":"', Uint8Array.of(0xc0, 0x80), '"}'), "UTF-8"],
    ["half a surrogate pair in UTF-8", bytes('{"description":"', Uint8Array.of(0xed, 0xa0, 0x80), '"}'), "UTF-8"],
    ["half a surrogate pair in JSON", bytes(charge(',"description":"\\ud800"')), "/description"],
    ["the metadata key __proto__", bytes(charge(',"metadata":{"__proto__":"x"}')), "/__proto__"],
    [
      "the metadata key __proto__, written otherwise",
      bytes(charge(',"metadata":{"\\u005f_proto__":"x"}')),
      "/__proto__",
    ],
    ["the field __proto__", bytes(charge(',"__proto__":{"amount":1}')), "/__proto__"],
    ["a field twice", bytes(charge(',"amount":1')), "(at /amount) is there twice"],
    [
      "a metadata key twice",
      bytes(charge(',"metadata":{"a":"1","b":"2","\\u0061":"3"}')),
      "(at /metadata/a) is there twice",
    ],
    ["10,000 levels", bytes(charge(`,"metadata":${"[".repeat(10_000)}${"]".repeat(10_000)}`)), "levels"],
    ["200,000 levels of objects", bytes(`${'{"":'.repeat(200_000)}1${"}".repeat(200_000)}`), "levels"],
    ["levels that don't end", bytes("[".repeat(1_000_000)), "levels"],
    ["no JSON", bytes("amount=109"), "JSON"],
    ["nothing", bytes(""), "Empty body"],
    ["half of itself", bytes('{"amount":'), "JSON"],
  ])("with %s is refused, and nothing is charged", async (_what, body, why) => {
    const before = await scene.requests("POST", "/v1/payment_intents");
    const { status, text: answer } = await post("processPayment", body);
    expect(status).toBe(400);
    expect(answer).toContain(why);
    expect(answer.length).toBeLessThan(2000);
    expect(await scene.requests("POST", "/v1/payment_intents")).toEqual(before);
  });

  it("is passed on as it is, whatever its names and characters are", async () => {
    const metadata = {
      constructor: "a",
      toString: '{"amount":1,"amount":2}',
      prototype: "[[[[]]]]",
      "naïve 😀": "__proto__",
      'a"b': "\\",
    };
    const body = { ...order(), description: "Grüße, 世界 😀", metadata };
    const { status, text: answer } = await post("processPayment", JSON.stringify(body));
    expect(status).toBe(200);
    const { paymentIntentId } = JSON.parse(answer) as { paymentIntentId: string };
    const payment = await scene.stripe.paymentIntents.retrieve(paymentIntentId);
    expect(payment).toMatchObject({ description: body.description, metadata });
  });

  it("with many errors is refused with the first ten, in a message under 2 KB", async () => {
    const wrong = Object.fromEntries(Array.from({ length: 60_000 }, (_, n) => [`key${n}`, n]));
    const { status, text: answer } = await post("processPayment", JSON.stringify({ ...order(), metadata: wrong }));
    expect(status).toBe(400);
    expect(answer.length).toBeLessThan(2000);
    const named = [...answer.matchAll(/\(at ([^)]*)\)/g)].map(([, path]) => path);
    expect(named).toEqual(Array.from({ length: 10 }, (_, n) => `/metadata/key${n}`));
  });

  it.each<[string, object]>([
    ["a long name", { ["n".repeat(900_000)]: 1 }],
    ["many names that nobody knows", Object.fromEntries(Array.from({ length: 60_000 }, (_, n) => [`key${n}`, n]))],
    ["a long metadata key", { metadata: { ["k".repeat(900_000)]: "x" } }],
    [
      "long metadata keys of four bytes each",
      { metadata: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`${"😀".repeat(5000)}${n}`, 1])) },
    ],
    [
      "control characters",
      { metadata: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`${"\u0001".repeat(3000)}${n}`, 1])) },
    ],
    ["a long currency", { currency: "c".repeat(900_000) }],
    ["a long suffix", { statementDescriptorSuffix: "s".repeat(900_000) }],
    [
      "more fields than are read, all of them right",
      { metadata: Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`key${n}`, "x"])) },
    ],
    ["a long list", { metadata: Array.from({ length: 100_000 }, () => 1) }],
  ])("with %s is refused in a message under 2 KB", async (_what, more) => {
    const { status, text: answer } = await post("processPayment", JSON.stringify({ ...order(), ...more }));
    expect(status).toBe(400);
    expect(Buffer.byteLength(answer)).toBeLessThan(2048);
  });

  it("of more than a megabyte is refused by the engine, before it is sent", async () => {
    const headers = { "content-type": "application/json", "content-length": "1048577", expect: "100-continue" };
    const sent = request(`${scene.ingress}/payments/processPayment`, { method: "POST", headers });
    const status = await new Promise((resolve, reject) => {
      sent.on("response", (response) => resolve(response.statusCode));
      sent.on("error", reject);
      sent.flushHeaders();
    });
    sent.destroy();
    expect(status).toBe(413);
  });

  it("is still described by the engine's OpenAPI", async () => {
    const described = await (await fetch(`${scene.admin}/services/payments/openapi`)).text();
    for (const field of ["statementDescriptorSuffix", "refundIfSucceeded", "setupIntentId", "uncategorizedText"]) {
      expect(described).toContain(`"${field}":`);
    }
  });
});

describe("a customer of before 2014", () => {
  it.each(["user-4711", "info@shop.example", "50% off & more"])(
    "is asked of Stripe by name: %s",
    async (customerId) => {
      const paid = await scene.call("processPayment", { ...order(), customerId });
      expect(paid).toMatchObject({
        status: 400,
        body: { metadata: { stripeCode: "resource_missing", param: "customer" } },
      });
      expect(paid.body.message).toContain(customerId);
      expect(await scene.call("getCustomer", { customerId })).toMatchObject({
        status: 404,
        body: { metadata: { reason: "not_found" } },
      });
      expect(await scene.requests("GET", `/v1/customers/${encodeURIComponent(customerId)}`)).toHaveLength(1);
    },
  );
});

describe("an amount", () => {
  it("of more than eight digits is held, captured in part and refunded in part", async () => {
    const held = await scene.call("processPayment", {
      ...card(newOrder()),
      amount: 250_000_000,
      currency: "idr",
      captureMethod: "manual",
    });
    expect(held).toMatchObject({ status: 200, body: { status: "requires_capture", amount: 250_000_000 } });
    const { paymentIntentId } = held.body;
    const captured = await scene.call("capturePayment", { paymentIntentId, amount: 200_000_000 });
    expect(captured).toMatchObject({ status: 200, body: { status: "succeeded", amountReceived: 200_000_000 } });
    const refunded = await scene.call("refundPayment", { paymentIntentId, amount: 150_000_000 });
    expect(refunded).toMatchObject({ status: 200, body: { status: "succeeded", amount: 150_000_000 } });
  });

  it("is judged by Stripe where its limits depend on the payment method or on the account", async () => {
    const { id: paymentMethodId } = await scene.stripe.paymentMethods.create({ type: "ideal" });
    const cent = { paymentMethodId, amount: 1, currency: "eur", returnUrl: "https://shop.example", timeoutSeconds: 60 };
    expect(await scene.call("processPayment", cent)).toMatchObject({
      status: 200,
      body: { status: "requires_action", amount: 1 },
    });
    for (const [change, stripeCode] of [
      [{ amount: 1 }, "amount_too_small"],
      [
        { amount: 100_000_000, paymentMethodId: "pm_usBankAccount_success", mandate: { type: "offline" } },
        "amount_too_large",
      ],
    ] as const) {
      const refused = await scene.call("processPayment", { ...card(newOrder()), ...change });
      expect(refused).toMatchObject({ status: 400, body: { metadata: { reason: "invalid_request", stripeCode } } });
    }
  });
});

/** A body that the call takes. */
function sampleOf(handler: string): object {
  const paymentIntentId = "pi_1";
  const accountId = "acct_1";
  const samples: Readonly<Record<string, object>> = {
    processPayment: order(),
    awaitRefund: { refundId: "re_1" },
    setupPaymentMethod: { customerId: "cus_1", paymentMethodId: "pm_card_visa" },
    awaitSetup: { setupIntentId: "seti_1" },
    createCustomer: { email: "jenny@example.com" },
    getCustomer: { customerId: "cus_1" },
    getDispute: { disputeId: "du_1" },
    submitDisputeEvidence: { disputeId: "du_1", evidence: { productDescription: "A book." } },
    acceptDispute: { disputeId: "du_1" },
    createAccount: { dashboard: "full" },
    getAccount: { accountId },
    createOnboardingLink: { accountId, returnUrl: "https://shop.example/", refreshUrl: "https://shop.example/" },
    awaitOnboarding: { accountId },
    createConnectUrl: { returnUrl: "https://shop.example/" },
    completeConnect: { code: "ac_1", state: "1" },
    disconnectAccount: { accountId },
    createTransfer: { accountId, amount: 109, currency: "usd" },
    reverseTransfer: { transferId: "tr_1" },
  };
  return samples[handler] ?? { paymentIntentId };
}
