/** What the gateway gives of what Stripe has. */
import { describe, expect, it } from "vitest";
import { createStripeGateway } from "../../src/merchants/gateway.ts";
import { cannedStripe, refusals } from "./cannedStripe.ts";
import { ask, list, since, stripeObject } from "./gatewayCalls.ts";

/** What a list shows beside what the invocation made. */
const found = (object: string) => [
  stripeObject(object, "ours"),
  stripeObject(object, "too_old", { created: 3599 }),
  stripeObject(object, "theirs", { metadata: { restate_invocation_id: "inv_2" } }),
  stripeObject(object, "nobodys", { metadata: {} }),
];

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

const paid = (more: object = {}) =>
  stripeObject("payment_intent", "pi_1", {
    latest_charge: null,
    last_payment_error: null,
    next_action: null,
    canceled_at: null,
    cancellation_reason: null,
    metadata: { restate_invocation_id: "inv_1", restate_installation: "in_1", orderId: "4004" },
    ...more,
  });

describe("the gateway looks for what an invocation made", () => {
  it("by search, and passes over what is older or another's", async () => {
    const search = { body: { object: "search_result", has_more: false, data: found("payment_intent") } };
    const { result, sent } = await ask("searchPayments", search);
    expect(result).toEqual(["ours"]);
    expect(sent).toHaveLength(1);
  });

  it("by the account's list where search is refused", async () => {
    expect((await ask("searchPayments", refusals.refused)).result).toBeNull();
    const { result, sent } = await ask("listPayments", list(...found("payment_intent")));
    expect(result).toEqual({ found: ["ours"], next: null });
    expect(sent[0]).toMatchObject({ line: "GET /v1/payment_intents", parameters: since });
  });

  it("page by page, newest first, two of the same second by their ids", async () => {
    const data = [
      stripeObject("payment_intent", "old", { created: 4000 }),
      stripeObject("payment_intent", "a new", { created: 5000 }),
      stripeObject("payment_intent", "new", { created: 5000 }),
    ];
    const page = { object: "list", data, has_more: true };
    expect((await ask("listPayments", { body: page })).result).toEqual({ found: ["new", "a new", "old"], next: "new" });
    expect((await ask("listPayments", { body: { ...page, data: [] } })).result).toEqual({ found: [], next: null });
  });

  it("by the customer's set-ups, and the account's where the customer is not known", async () => {
    const setups = [stripeObject("setup_intent", "ours"), stripeObject("setup_intent", "nobodys", { metadata: null })];
    const known = await ask("listSetups", list(...setups));
    expect(known.result).toEqual({ found: ["ours"], next: null });
    expect((await ask("listSetups", refusals.missing)).result).toBe(null);
    const { result, sent } = await ask("listAllSetups", list(...setups));
    expect(result).toEqual({ found: ["ours"], next: null });
    expect(sent[0]).toMatchObject({ line: "GET /v1/setup_intents", parameters: since });
  });

  it("by the customers with the email", async () => {
    const customer = stripeObject("customer", "cus_1");
    const another = stripeObject("customer", "cus_2", { metadata: {} });
    expect((await ask("listCustomers", list(another, customer))).result).toEqual({ found: ["cus_1"], next: null });
  });
});

describe("the gateway reads", () => {
  it.each([
    ["createCustomer", "made", "made"],
    ["readCustomer", "customer", "customer"],
  ] as const)("a customer with %s, and only the merchant's metadata", async (request, kind, field) => {
    const metadata = { a: "b", restate_invocation_id: "inv_1" };
    const customer = { id: "cus_1", object: "customer", email: null, name: "Jenny", metadata };
    expect((await ask(request, { body: customer })).result).toEqual({
      kind,
      [field]: { customerId: "cus_1", email: null, name: "Jenny", metadata: { a: "b" } },
    });
  });

  it("a customer who was deleted as none", async () => {
    const { result } = await ask("readCustomer", { body: { id: "cus_1", object: "customer", deleted: true } });
    expect(result).toEqual({ kind: "missing" });
  });

  it.each([
    ["createPayment", "payment_intent", "made", "paymentIntentId"],
    ["capturePayment", "payment_intent", "made", "paymentIntentId"],
    ["cancelPayment", "payment_intent", "payment", "paymentIntentId"],
    ["hangDoorbell", "payment_intent", "payment", "paymentIntentId"],
    ["readPayment", "payment_intent", "payment", "paymentIntentId"],
    ["createRefund", "refund", "made", "refundId"],
    ["createSetup", "setup_intent", "made", "setupIntentId"],
    ["cancelSetup", "setup_intent", "setup", "setupIntentId"],
    ["hangSetupDoorbell", "setup_intent", "setup", "setupIntentId"],
    ["readSetup", "setup_intent", "setup", "setupIntentId"],
  ] as const)("with %s what Stripe answers", async (request, object, kind, id) => {
    const nothing = { latest_charge: null, last_payment_error: null, last_setup_error: null, next_action: null };
    const { result } = await ask(request, { body: stripeObject(object, "id_1", nothing) });
    expect(result).toMatchObject({ kind, [kind]: { [id]: "id_1" } });
  });

  it.each([
    ["createPayment", "payment_intent", "made", "paymentIntentId"],
    ["createSetup", "setup_intent", "made", "setupIntentId"],
  ] as const)(
    "with %s what a decline carries, also where only the error gives the reason",
    async (request, object, kind, id) => {
      const made = stripeObject(object, "id_1", {
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
      const ofError = {
        stripeCode: "card_declined",
        declineCode: "lost_card",
        adviceCode: "do_not_try_again",
        networkDeclineCode: "41",
        message: "The bank said no.",
      };
      expect((await ask(request, carrying(null))).result).toMatchObject({
        kind,
        [kind]: { [id]: "id_1", failure: ofError },
      });
      const last = { code: "expired_card", decline_code: null, message: "It has expired." };
      expect((await ask(request, carrying(last))).result).toMatchObject({
        [kind]: {
          failure: {
            stripeCode: "expired_card",
            declineCode: null,
            adviceCode: null,
            networkDeclineCode: null,
            message: "It has expired.",
          },
        },
      });
    },
  );

  it.each([
    ["createPayment", "payment_intent"],
    ["createSetup", "setup_intent"],
  ] as const)("with %s that something exists in a state that the answer doesn't show", async (request, object) => {
    const error = { ...refusals.unexpected_state.body.error, [object]: { id: "id_1" } };
    expect((await ask(request, { status: 400, body: { error } })).result).toEqual({ kind: "exists", id: "id_1" });
    const refusal = { ...refusals.refused.body.error, [object]: { id: "id_1" } };
    expect((await ask(request, { status: 400, body: { error: refusal } })).result).toMatchObject({
      kind: "refused",
      id: "id_1",
    });
  });

  it.each([
    ["listRefunds", ["re_1", "re_2"]],
    ["observeRefunds", ["re_1", "re_2"]],
  ] as const)("with %s every refund on a page, and where the next one begins", async (request, ids) => {
    const refunds = ids.map((id) => stripeObject("refund", id, { payment_intent: "pi_1" }));
    const { result } = await ask(request, list(...refunds));
    const { found: seen, next } = result as { found: { refundId: string }[]; next: string | null };
    expect(seen.map(({ refundId }) => refundId)).toEqual(ids);
    expect(next).toBeNull();
    const page = { body: { object: "list", url: "/v1/refunds", has_more: true, data: refunds } };
    expect((await ask(request, page)).result).toMatchObject({ next: "re_2" });
  });
});

describe("the gateway reads a dispute", () => {
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

  it.each([
    ["readDispute", "dispute"],
    ["closeDispute", "made"],
    ["noteOnDispute", "dispute"],
  ] as const)("with %s, as a decision needs it", async (request, kind) => {
    expect((await ask(request, { body: dispute() })).result).toEqual({ kind, [kind]: snapshot });
  });

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
    expect(result).toMatchObject({ kind: "made", made: { holdsEvidence } });
  });

  it("and finds there what Stripe has trimmed", async () => {
    const { url } = await cannedStripe({ body: dispute({ evidence: { customer_name: "Jenny" } }) });
    const stripe = createStripeGateway({ secretKey: "sk_test_canned", apiBase: url });
    expect(await stripe.readDispute("du_1", { customerName: " Jenny\n" })).toMatchObject({
      dispute: { holdsEvidence: true },
    });
  });

  it("in the list of a payment's disputes as the merchant is told of it", async () => {
    const answered = dispute({ id: "du_2", evidence_details: { due_by: null } });
    expect((await ask("observeDisputes", list(dispute(), answered))).result).toHaveProperty("found", [
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
  it("a payment of ours, with the merchant's own metadata", async () => {
    expect((await ask("observePayment", { body: paid() })).result).toEqual({
      payment: expect.objectContaining({ paymentIntentId: "pi_1", status: "processing" }),
      installationId: "in_1",
      merchant: "default",
      isBankDebit: false,
      metadata: { orderId: "4004" },
      cancellationReason: null,
      datedAtMs: 3_600_000,
    });
  });

  it.each<[string, object, object]>([
    [
      "made by somebody else",
      { metadata: { orderId: "4004" } },
      { installationId: null, metadata: { orderId: "4004" } },
    ],
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
    const first = stripeObject("refund", "re_1", {
      ...refund,
      status: "failed",
      reason: "duplicate",
      failure_reason: "unknown",
    });
    const second = stripeObject("refund", "re_2", { ...refund, status: null, reason: null });
    expect((await ask("observeRefunds", list(first, second))).result).toHaveProperty("found", [
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
    expect(result).toHaveProperty("found", [
      { ...seen, warningId: "issfr_1", chargeId: "ch_1" },
      { ...seen, warningId: "issfr_2", chargeId: "ch_2" },
    ]);
  });
});
