/** Every request of the gateway as it is on the wire, and what it gives of what Stripe has. */
import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { createStripeGateway } from "../../src/stripe/gateway.ts";
import { cannedStripe, refusals, type CannedAnswer, type Sent } from "./cannedStripe.ts";
import { names, requests, type Request } from "./gatewayCalls.ts";

const latestCharge = { "expand[0]": "latest_charge" };
/** An hour before 7 200 000 ms: Stripe's clock and ours may disagree. */
const since = { "created[gte]": "3600", limit: "100" };
const note = '{"stripeCode":"card_declined","declineCode":"lost_card"}';

const book: Readonly<Record<Request, { line: string; parameters: Sent["parameters"]; isKeyed?: true }>> = {
  createPayment: {
    line: "POST /v1/payment_intents",
    parameters: { amount: "109", currency: "usd", "metadata[orderId]": "4004" },
    isKeyed: true,
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
    parameters: { "metadata[restate_callback_id]": "", "metadata[restate_abandoned_by]": "inv_1", ...latestCharge },
  },
  withdrawAbandonment: {
    line: "POST /v1/payment_intents/pi_1",
    parameters: { "metadata[restate_abandoned_by]": "", ...latestCharge },
  },
  cancelPayment: {
    line: "POST /v1/payment_intents/pi_1/cancel",
    parameters: { cancellation_reason: "requested_by_customer", ...latestCharge },
    isKeyed: true,
  },
  capturePayment: {
    line: "POST /v1/payment_intents/pi_1/capture",
    parameters: { amount_to_capture: "9", ...latestCharge },
    isKeyed: true,
  },
  expireSession: { line: "GET /v1/checkout/sessions", parameters: { payment_intent: "pi_1", limit: "1" } },
  findPayments: {
    line: "GET /v1/payment_intents/search",
    parameters: { query: 'metadata["restate_invocation_id"]:"inv_1"', limit: "10" },
  },
  listRefunds: { line: "GET /v1/refunds", parameters: { payment_intent: "pi_1", limit: "100" } },
  createRefund: { line: "POST /v1/refunds", parameters: { payment_intent: "pi_1", amount: "9" }, isKeyed: true },
  hangRefundDoorbell: {
    line: "POST /v1/refunds/re_1",
    parameters: { "metadata[restate_callback_id]": "sign_1x" },
  },
  readRefund: { line: "GET /v1/refunds/re_1", parameters: {} },
  createSetup: {
    line: "POST /v1/setup_intents",
    parameters: { customer: "cus_1", "metadata[orderId]": "4004" },
    isKeyed: true,
  },
  findSetups: { line: "GET /v1/setup_intents", parameters: { customer: "cus_1", ...since } },
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
    isKeyed: true,
  },
  createCustomer: { line: "POST /v1/customers", parameters: { email: "jenny@example.com" }, isKeyed: true },
  findCustomers: { line: "GET /v1/customers", parameters: { email: "jenny@example.com", ...since } },
  readCustomer: { line: "GET /v1/customers/cus_1", parameters: {} },
  readDispute: { line: "GET /v1/disputes/du_1", parameters: {} },
  submitEvidence: {
    line: "POST /v1/disputes/du_1",
    parameters: { "evidence[customer_name]": "Jenny", submit: "true" },
    isKeyed: true,
  },
  closeDispute: { line: "POST /v1/disputes/du_1/close", parameters: {}, isKeyed: true },
  noteOnDispute: {
    line: "POST /v1/disputes/du_1",
    parameters: { "metadata[restate_accepted_by]": "inv_1", submit: "false" },
  },
  observePayment: { line: "GET /v1/payment_intents/pi_1", parameters: latestCharge },
  observeRefunds: { line: "GET /v1/refunds", parameters: { payment_intent: "pi_1", limit: "100" } },
  observeDisputes: { line: "GET /v1/disputes", parameters: { payment_intent: "pi_1", limit: "100" } },
  observeWarnings: { line: "GET /v1/radar/early_fraud_warnings", parameters: { payment_intent: "pi_1", limit: "100" } },
};

async function ask<Name extends Request>(request: Name, ...answers: readonly CannedAnswer[]) {
  const { url, sent } = await cannedStripe(...answers);
  const stripe = createStripeGateway({ secretKey: "sk_test_canned", apiBase: url });
  const result = await (requests[request](stripe) as ReturnType<(typeof requests)[Name]>).catch(
    (error: unknown) => error,
  );
  return { result, sent };
}

describe("the gateway sends", () => {
  it.each(names)("%s once, with what Stripe needs and its key", async (request) => {
    // The answer says nothing of use here; where that is an outage, nobody repeats the request but the engine.
    const { sent } = await ask(request, { status: 500, body: { error: { type: "api_error", message: "Down." } } });
    const { line, parameters, isKeyed = false } = book[request];
    expect(sent.map((each) => [each.line, each.parameters])).toEqual([[line, parameters]]);
    if (isKeyed) expect(sent[0]?.idempotencyKey).toBe("key-1");
  });

  it("Stripe's own version of the API and the name of this service, and no telemetry", async () => {
    const { url, sent } = await cannedStripe({ body: { object: "refund" } });
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

const list = (...data: readonly object[]) => ({ body: { object: "list", url: "/v1/x", has_more: false, data } });
const intent = (object: string, id: string, more: object = {}) => ({
  id,
  object,
  created: 3600,
  status: "processing",
  metadata: { restate_invocation_id: "inv_1" },
  ...more,
});

describe("the gateway looks for what an invocation made", () => {
  const found = (object: string) => [
    intent(object, "ours"),
    intent(object, "too_old", { created: 3599 }),
    intent(object, "theirs", { metadata: { restate_invocation_id: "inv_2" } }),
    intent(object, "nobodys", { metadata: {} }),
  ];

  it("by search, and passes over what is older or another's", async () => {
    const search = { body: { object: "search_result", has_more: false, data: found("payment_intent") } };
    expect((await ask("findPayments", search)).result).toEqual(["ours"]);
  });

  it("by the account's list where search is refused", async () => {
    const { result, sent } = await ask("findPayments", refusals.refused, list(...found("payment_intent")));
    expect(result).toEqual(["ours"]);
    expect(sent[1]).toMatchObject({ line: "GET /v1/payment_intents", parameters: since });
  });

  it("by the customer's set-ups, and the account's where the customer is not known", async () => {
    const setups = [intent("setup_intent", "ours"), intent("setup_intent", "nobodys", { metadata: null })];
    expect((await ask("findSetups", list(...setups))).result).toEqual(["ours"]);
    const { result, sent } = await ask("findSetups", refusals.missing, list(...setups));
    expect(result).toEqual(["ours"]);
    expect(sent[1]).toMatchObject({ line: "GET /v1/setup_intents", parameters: since });
  });

  it("by the customers with the email, and shows only the merchant's metadata", async () => {
    const metadata = { restate_invocation_id: "inv_1", tier: "gold" };
    const customer = { id: "cus_1", object: "customer", email: "jenny@example.com", name: null, metadata };
    const another = { ...customer, id: "cus_2", metadata: {} };
    expect((await ask("findCustomers", list(another, customer))).result).toEqual([
      { customerId: "cus_1", email: "jenny@example.com", name: null, metadata: { tier: "gold" } },
    ]);
  });
});

describe("the gateway reads", () => {
  it.each(["createCustomer", "readCustomer"] as const)("a customer with %s", async (request) => {
    const customer = { id: "cus_1", object: "customer", email: null, name: "Jenny", metadata: { a: "b" } };
    expect((await ask(request, { body: customer })).result).toEqual({
      kind: "customer",
      customer: { customerId: "cus_1", email: null, name: "Jenny", metadata: { a: "b" } },
    });
  });

  it("a customer who was deleted as none", async () => {
    const { result } = await ask("readCustomer", { body: { id: "cus_1", object: "customer", deleted: true } });
    expect(result).toEqual({ kind: "missing" });
  });

  it.each([
    ["createPayment", "payment_intent", "payment", "paymentIntentId"],
    ["capturePayment", "payment_intent", "payment", "paymentIntentId"],
    ["cancelPayment", "payment_intent", "payment", "paymentIntentId"],
    ["hangDoorbell", "payment_intent", "payment", "paymentIntentId"],
    ["readPayment", "payment_intent", "payment", "paymentIntentId"],
    ["createRefund", "refund", "refund", "refundId"],
    ["createSetup", "setup_intent", "setup", "setupIntentId"],
    ["cancelSetup", "setup_intent", "setup", "setupIntentId"],
    ["hangSetupDoorbell", "setup_intent", "setup", "setupIntentId"],
    ["readSetup", "setup_intent", "setup", "setupIntentId"],
  ] as const)("with %s what Stripe answers", async (request, object, kind, id) => {
    const nothing = { latest_charge: null, last_payment_error: null, last_setup_error: null, next_action: null };
    const { result } = await ask(request, { body: intent(object, "id_1", nothing) });
    expect(result).toMatchObject({ kind, [kind]: { [id]: "id_1" } });
  });

  it.each([
    ["createPayment", "payment_intent", "payment", "paymentIntentId"],
    ["createSetup", "setup_intent", "setup", "setupIntentId"],
  ] as const)(
    "with %s what a decline carries, also where only the error gives the reason",
    async (request, object, kind, id) => {
      const made = intent(object, "id_1", {
        status: "requires_payment_method",
        latest_charge: null,
        next_action: null,
      });
      const carrying = (last: object | null) => ({
        status: 402,
        body: {
          error: {
            ...refusals.declined.body.error,
            [object]: { ...made, last_payment_error: last, last_setup_error: last },
          },
        },
      });
      const ofError = { stripeCode: "card_declined", declineCode: "lost_card", message: "The bank said no." };
      expect((await ask(request, carrying(null))).result).toMatchObject({
        kind,
        [kind]: { [id]: "id_1", failure: ofError },
      });
      const last = { code: "expired_card", decline_code: null, message: "It has expired." };
      expect((await ask(request, carrying(last))).result).toMatchObject({
        [kind]: { failure: { stripeCode: "expired_card", declineCode: null, message: "It has expired." } },
      });
    },
  );

  it.each([
    ["createPayment", "payment_intent", "paymentIntentId"],
    ["createSetup", "setup_intent", "setupIntentId"],
  ] as const)("with %s that something exists in a state that the answer doesn't show", async (request, object, id) => {
    const error = { ...refusals.unexpected_state.body.error, [object]: { id: "id_1" } };
    expect((await ask(request, { status: 400, body: { error } })).result).toEqual({ kind: "exists", [id]: "id_1" });
    const refusal = { ...refusals.refused.body.error, [object]: { id: "id_1" } };
    expect((await ask(request, { status: 400, body: { error: refusal } })).result).toMatchObject({
      kind: "refused",
      [id]: "id_1",
    });
  });

  it.each([
    ["listRefunds", ["re_1", "re_2"]],
    ["observeRefunds", ["re_1", "re_2"]],
  ] as const)("with %s every refund", async (request, ids) => {
    const refunds = ids.map((id) => intent("refund", id, { payment_intent: "pi_1" }));
    const { result } = await ask(request, list(...refunds));
    expect((result as { refundId: string }[]).map(({ refundId }) => refundId)).toEqual(ids);
  });
});

describe("the gateway reads a dispute", () => {
  const dispute = (more: object = {}) => ({
    id: "du_1",
    object: "dispute",
    status: "needs_response",
    reason: "fraudulent",
    amount: 109,
    currency: "usd",
    charge: "ch_1",
    payment_intent: "pi_1",
    is_charge_refundable: true,
    created: 3600,
    metadata: {},
    evidence: { customer_name: null },
    evidence_details: { due_by: 3600, has_evidence: false, submission_count: 2 },
    ...more,
  });
  const snapshot = {
    disputeId: "du_1",
    status: "needs_response",
    stripeStatus: "needs_response",
    reason: "fraudulent",
    amount: 109,
    currency: "usd",
    chargeId: "ch_1",
    paymentIntentId: "pi_1",
    isChargeRefundable: true,
    hasEvidence: false,
    submissionCount: 2,
    respondBy: "1970-01-01T01:00:00.000Z",
    acceptanceNoted: false,
    holdsEvidence: true,
  };

  it.each(["readDispute", "closeDispute", "noteOnDispute"] as const)(
    "with %s, as a decision needs it",
    async (request) => {
      expect((await ask(request, { body: dispute() })).result).toEqual({ kind: "dispute", dispute: snapshot });
    },
  );

  it.each<[string, object, object]>([
    [
      "in a status that we don't know",
      { status: "teleported" },
      { status: "unrecognized", stripeStatus: "teleported" },
    ],
    ["without a PaymentIntent", { charge: null, payment_intent: null }, { chargeId: "", paymentIntentId: null }],
    [
      "that can't be answered",
      { evidence_details: { due_by: null, has_evidence: true, submission_count: 0 } },
      { respondBy: null, hasEvidence: true, submissionCount: 0 },
    ],
    ["that we accept", { metadata: { restate_accepted_by: "inv_1" } }, { acceptanceNoted: true }],
  ])("%s", async (_what, more, expected) => {
    const { result } = await ask("readDispute", { body: dispute(more) });
    expect(result).toMatchObject({ dispute: expected });
  });

  it.each<[string, object, boolean]>([
    ["the same", { customer_name: "Jenny", uncategorized_text: "more" }, true],
    ["the same but for space around it", { customer_name: " Jenny\n" }, true],
    ["another text", { customer_name: "John" }, false],
    ["none", { customer_name: null }, false],
    ["a file instead", { customer_name: { id: "file_1" } }, false],
  ])("and compares what it was sent as evidence with what is there: %s", async (_what, evidence, holdsEvidence) => {
    const { result } = await ask("submitEvidence", { body: dispute({ evidence }) });
    expect(result).toMatchObject({ kind: "dispute", dispute: { holdsEvidence } });
  });

  it("in the list of a payment's disputes as the merchant is told of it", async () => {
    const answered = dispute({ id: "du_2", evidence_details: { due_by: null } });
    expect((await ask("observeDisputes", list(dispute(), answered))).result).toEqual([
      {
        disputeId: "du_1",
        status: "needs_response",
        amount: 109,
        currency: "usd",
        reason: "fraudulent",
        respondBy: "1970-01-01T01:00:00.000Z",
        createdAtMs: 3_600_000,
      },
      expect.objectContaining({ disputeId: "du_2", respondBy: null }),
    ]);
  });
});

describe("the gateway reads for the merchant", () => {
  const paid = (more: object = {}) =>
    intent("payment_intent", "pi_1", {
      latest_charge: null,
      last_payment_error: null,
      next_action: null,
      canceled_at: null,
      cancellation_reason: null,
      metadata: { restate_invocation_id: "inv_1", orderId: "4004" },
      ...more,
    });

  it("a payment of ours, with the merchant's own metadata", async () => {
    expect((await ask("observePayment", { body: paid() })).result).toEqual({
      payment: expect.objectContaining({ paymentIntentId: "pi_1", status: "processing" }),
      isOurs: true,
      isBankDebit: false,
      metadata: { orderId: "4004" },
      cancellationReason: null,
      datedAtMs: 3_600_000,
    });
  });

  it.each<[string, object, object]>([
    ["made by somebody else", { metadata: { orderId: "4004" } }, { isOurs: false, metadata: { orderId: "4004" } }],
    ["charged later", { latest_charge: { id: "ch_1", created: 3601 } }, { datedAtMs: 3_601_000, isBankDebit: false }],
    ["charged, and not read further", { latest_charge: "ch_1" }, { datedAtMs: 3_600_000, isBankDebit: false }],
    [
      "cancelled later",
      { canceled_at: 3602, cancellation_reason: "abandoned", latest_charge: { id: "ch_1", created: 3601 } },
      { datedAtMs: 3_602_000, cancellationReason: "abandoned" },
    ],
    [
      "paid by card",
      { latest_charge: { id: "ch_1", payment_method_details: { type: "card" } } },
      { isBankDebit: false },
    ],
    ...["acss_debit", "au_becs_debit", "bacs_debit", "nz_bank_account", "sepa_debit", "us_bank_account"].map(
      (type): [string, object, object] => [
        `debited by ${type}`,
        { latest_charge: { id: "ch_1", payment_method_details: { type } } },
        { isBankDebit: true },
      ],
    ),
  ])("a payment that was %s", async (_what, more, expected) => {
    expect((await ask("observePayment", { body: paid(more) })).result).toMatchObject(expected);
  });

  it("refunds, in Stripe's words", async () => {
    const refund = { amount: 9, currency: "usd", payment_intent: "pi_1", metadata: {} };
    const first = intent("refund", "re_1", {
      ...refund,
      status: "failed",
      reason: "duplicate",
      failure_reason: "unknown",
    });
    const second = intent("refund", "re_2", { ...refund, status: null, reason: null });
    expect((await ask("observeRefunds", list(first, second))).result).toEqual([
      {
        refundId: "re_1",
        status: "failed",
        stripeStatus: "failed",
        amount: 9,
        currency: "usd",
        reason: "duplicate",
        failureReason: "unknown",
        createdAtMs: 3_600_000,
      },
      expect.objectContaining({ refundId: "re_2", status: "unrecognized", stripeStatus: "unrecognized" }),
    ]);
  });

  it("warnings, whether or not their charge is read as well", async () => {
    const warning = { object: "radar.early_fraud_warning", fraud_type: "misc", actionable: true, created: 3600 };
    const seen = { fraudType: "misc", isActionable: true, createdAtMs: 3_600_000 };
    const { result } = await ask(
      "observeWarnings",
      list({ ...warning, id: "issfr_1", charge: "ch_1" }, { ...warning, id: "issfr_2", charge: { id: "ch_2" } }),
    );
    expect(result).toEqual([
      { ...seen, warningId: "issfr_1", chargeId: "ch_1" },
      { ...seen, warningId: "issfr_2", chargeId: "ch_2" },
    ]);
  });
});

describe("the gateway expires the Checkout Session of a payment", () => {
  const session = (status: string) => ({ id: "cs_1", object: "checkout.session", status });
  it.each<[string, readonly CannedAnswer[], string, number]>([
    ["that has none", [list()], "none", 1],
    ["that is complete", [list(session("complete"))], "complete", 1],
    ["that has expired already", [list(session("expired"))], "none", 1],
    ["that is open", [list(session("open")), { body: session("expired") }], "expired", 2],
    ["that was completed meanwhile", [list(session("open")), { body: session("complete") }], "none", 2],
    ["that Stripe doesn't expire any more", [list(session("open")), refusals.refused], "none", 2],
  ])("%s", async (_what, answers, expected, requestCount) => {
    const { result, sent } = await ask("expireSession", ...answers);
    expect(result).toBe(expected);
    expect(sent).toHaveLength(requestCount);
    if (requestCount === 2) {
      expect(sent[1]).toMatchObject({ line: "POST /v1/checkout/sessions/cs_1/expire", idempotencyKey: "key-1" });
    }
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
