/** Every request of the gateway as it is on the wire. */
import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { createStripeGateway } from "../../src/merchants/gateway.ts";
import { cannedStripe, refusals, type CannedAnswer, type Sent } from "./cannedStripe.ts";
import { ask, list, names, requests, since, type Request } from "./gatewayCalls.ts";

const latestCharge = { "expand[0]": "latest_charge" };
const note =
  '{"stripeCode":"card_declined","declineCode":"lost_card","adviceCode":"do_not_try_again","networkDeclineCode":"41"}';

const book: Readonly<Record<Request, Partial<Sent>>> = {
  createPayment: {
    line: "POST /v1/payment_intents",
    parameters: { amount: "109", currency: "usd", "metadata[orderId]": "4004" },
    idempotencyKey: "key-1",
  },
  readPayment: { line: "GET /v1/payment_intents/pi_1", parameters: latestCharge },
  hangDoorbell: {
    line: "POST /v1/payment_intents/pi_1",
    parameters: { "metadata[restate_callback_id]": "sign_1x", ...latestCharge },
  },
  noteFailure: {
    line: "POST /v1/payment_intents/pi_1",
    parameters: { "metadata[restate_callback_id]": "", "metadata[restate_failure]": note, ...latestCharge },
  },
  noteAbandonment: {
    line: "POST /v1/payment_intents/pi_1",
    parameters: {
      "metadata[restate_callback_id]": "",
      "metadata[restate_abandoned_by]": "inv_1 (undecided)",
      ...latestCharge,
    },
  },
  decideAbandonment: {
    line: "POST /v1/payment_intents/pi_1",
    parameters: { "metadata[restate_abandoned_by]": "inv_1", ...latestCharge },
  },
  withdrawAbandonment: {
    line: "POST /v1/payment_intents/pi_1",
    parameters: { "metadata[restate_abandoned_by]": "", ...latestCharge },
  },
  cancelPayment: {
    line: "POST /v1/payment_intents/pi_1/cancel",
    parameters: { cancellation_reason: "requested_by_customer", ...latestCharge },
    idempotencyKey: "key-1",
  },
  capturePayment: {
    line: "POST /v1/payment_intents/pi_1/capture",
    parameters: { amount_to_capture: "9", ...latestCharge },
    idempotencyKey: "key-1",
  },
  expireSession: { line: "GET /v1/checkout/sessions", parameters: { payment_intent: "pi_1", limit: "1" } },
  searchPayments: {
    line: "GET /v1/payment_intents/search",
    parameters: { query: 'metadata["restate_invocation_id"]:"inv_1"', limit: "10" },
  },
  listPayments: {
    line: "GET /v1/payment_intents",
    parameters: { "created[gte]": "3600", limit: "100", starting_after: "pi_9" },
  },
  listRefunds: { line: "GET /v1/refunds", parameters: { payment_intent: "pi_1", limit: "100" } },
  createRefund: {
    line: "POST /v1/refunds",
    parameters: { payment_intent: "pi_1", amount: "9" },
    idempotencyKey: "key-1",
  },
  hangRefundDoorbell: {
    line: "POST /v1/refunds/re_1",
    parameters: { "metadata[restate_callback_id]": "sign_1x" },
  },
  readRefund: { line: "GET /v1/refunds/re_1", parameters: {} },
  createSetup: {
    line: "POST /v1/setup_intents",
    parameters: { customer: "cus_1", "metadata[orderId]": "4004" },
    idempotencyKey: "key-1",
  },
  listSetups: { line: "GET /v1/setup_intents", parameters: { customer: "cus_1", ...since } },
  listAllSetups: { line: "GET /v1/setup_intents", parameters: since },
  readSetup: { line: "GET /v1/setup_intents/seti_1", parameters: {} },
  hangSetupDoorbell: {
    line: "POST /v1/setup_intents/seti_1",
    parameters: { "metadata[restate_callback_id]": "sign_1x" },
  },
  noteSetupFailure: {
    line: "POST /v1/setup_intents/seti_1",
    parameters: { "metadata[restate_callback_id]": "", "metadata[restate_failure]": note },
  },
  cancelSetup: {
    line: "POST /v1/setup_intents/seti_1/cancel",
    parameters: { cancellation_reason: "abandoned" },
    idempotencyKey: "key-1",
  },
  createCustomer: { line: "POST /v1/customers", parameters: { email: "jenny@example.com" }, idempotencyKey: "key-1" },
  listCustomers: { line: "GET /v1/customers", parameters: { email: "jenny@example.com", ...since } },
  readCustomer: { line: "GET /v1/customers/cus_1", parameters: {} },
  readDispute: { line: "GET /v1/disputes/du_1", parameters: {} },
  submitEvidence: {
    line: "POST /v1/disputes/du_1",
    parameters: { "evidence[customer_name]": "Jenny", submit: "true" },
    idempotencyKey: "key-1",
  },
  closeDispute: { line: "POST /v1/disputes/du_1/close", parameters: {}, idempotencyKey: "key-1" },
  noteOnDispute: {
    line: "POST /v1/disputes/du_1",
    parameters: { "metadata[restate_accepted_by]": "inv_1", submit: "false" },
  },
  observePayment: { line: "GET /v1/payment_intents/pi_1", parameters: latestCharge },
  observeRefunds: { line: "GET /v1/refunds", parameters: { payment_intent: "pi_1", limit: "100" } },
  observeDisputes: { line: "GET /v1/disputes", parameters: { payment_intent: "pi_1", limit: "100" } },
  observeWarnings: { line: "GET /v1/radar/early_fraud_warnings", parameters: { payment_intent: "pi_1", limit: "100" } },
};

describe("the gateway sends", () => {
  it.each(names)("%s once, with what Stripe needs and its key", async (request) => {
    // The answer says nothing of use here; where that is an outage, nobody repeats the request but the engine.
    const { sent } = await ask(request, { status: 500, body: { error: { type: "api_error", message: "Down." } } });
    expect(sent).toEqual([expect.objectContaining(book[request])]);
  });

  it("Stripe's own version of the API and the name of this service, and no telemetry", async () => {
    const { url, sent } = await cannedStripe({ headers: { "request-id": "req_1" }, body: { object: "refund" } });
    const stripe = createStripeGateway({ secretKey: "sk_test_canned", apiBase: url });
    await stripe.readRefund("re_1");
    await stripe.readRefund("re_1");
    const headers: Sent["headers"] = sent[1]?.headers ?? {};
    expect(headers["stripe-version"]).toBe(Stripe.API_VERSION);
    expect(headers["authorization"]).toBe("Bearer sk_test_canned");
    expect(headers["user-agent"]).toContain("restate-stripe-payments/0.1.0");
    expect(Object.keys(headers)).not.toContain("x-stripe-client-telemetry");
  });

  it("the reason of a cancellation that nobody asked for as one that was abandoned", async () => {
    const { url, sent } = await cannedStripe(refusals.refused);
    await createStripeGateway({ secretKey: "sk_test_canned", apiBase: url }).cancelPayment("pi_1", "key-1");
    expect(sent[0]?.parameters).toMatchObject({ cancellation_reason: "abandoned" });
  });
});

const session = (status: string) => ({ id: "cs_1", object: "checkout.session", status });

describe("the gateway expires the Checkout Session of a payment", () => {
  it.each<[string, readonly CannedAnswer[], string, boolean]>([
    ["that has none", [list()], "none", false],
    ["that is complete", [list(session("complete"))], "complete", false],
    ["that has expired already", [list(session("expired"))], "none", false],
    ["that is open", [list(session("open")), { body: session("expired") }], "expired", true],
    ["that was completed meanwhile", [list(session("open")), { body: session("complete") }], "none", true],
    ["that Stripe doesn't expire any more", [list(session("open")), refusals.refused], "none", true],
  ])("%s", async (_what, answers, expected, isAsked) => {
    const { result, sent } = await ask("expireSession", ...answers);
    expect(result).toBe(expected);
    const expiries = sent.slice(1).map(({ line, idempotencyKey }) => [line, idempotencyKey]);
    expect(expiries).toEqual(isAsked ? [["POST /v1/checkout/sessions/cs_1/expire", "key-1"]] : []);
  });

  it("and takes a foreign answer for an outage", async () => {
    const { result } = await ask("expireSession", list(session("open")), { body: { message: "hello" } });
    expect(result).toMatchObject({ name: "StripeOutage" });
  });
});

describe("what Stripe may have forgotten the key of", () => {
  const keyed = ["createPayment", "capturePayment", "createRefund", "createSetup", "createCustomer"] as const;
  it.each([...keyed, "submitEvidence", "closeDispute"] as const)("is never sent by %s", async (request) => {
    const { url, sent } = await cannedStripe(refusals.refused);
    const stripe = createStripeGateway({ secretKey: "sk_test_canned", apiBase: url });
    const aged = {
      ...stripe,
      fixRequest: <Parameters>(parameters: Parameters, idempotencyKey: string) => ({
        ...stripe.fixRequest(parameters, idempotencyKey),
        fixedAtMs: Date.now() - 23 * 3_600_000,
      }),
    };
    expect(await requests[request](aged)).toEqual({ kind: "unknown" });
    expect(sent).toEqual([]);
  });
});
