/** Every request of the gateway, and every kind of answer to it: what is given, and what is thrown. */
import { describe, expect, it } from "vitest";
import { createStripeGateway } from "../../src/merchants/gateway.ts";
import {
  cannedStripe,
  failure,
  missing,
  refusals,
  refused,
  reused,
  type CannedAnswer,
  type RefusalKind,
} from "./cannedStripe.ts";
import { names, requests, type Request } from "./gatewayCalls.ts";

/** What a request comes to: its result, or the name and words of what it throws. */
async function outcomeOf(request: Request, ...answers: readonly CannedAnswer[]): Promise<unknown> {
  const { url } = await cannedStripe(...answers);
  const stripe = createStripeGateway({ secretKey: "sk_test_canned", apiBase: url });
  return await requests[request](stripe).then(
    (result: unknown) => result,
    (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : error),
  );
}

/** A read that is refused is no state of the object: the engine tries again. */
function outageWhen(what: string, ...kinds: readonly RefusalKind[]) {
  return Object.fromEntries(
    kinds.map((kind) => [kind, `StripeOutage: Stripe refused to ${what} (${kind}).`]),
  ) as Readonly<Record<RefusalKind, string>>;
}
const every: readonly RefusalKind[] = [
  "declined",
  "missing",
  "refused",
  "unexpected_state",
  "needs_review",
  "saved_failure",
];
const unreadable: readonly RefusalKind[] = ["declined", "unexpected_state", "needs_review", "saved_failure"];

/** A change that was refused: the caller reads again, and the words are for people. */
function wordsOfRefusal(what: string): Readonly<Record<RefusalKind, { kind: "refused"; message: string }>> {
  const words: Readonly<Record<RefusalKind, string>> = {
    declined: failure.message,
    missing: missing.message,
    refused: refused.message,
    unexpected_state: "Not in this state.",
    needs_review: reused,
    saved_failure: `Stripe failed to ${what} and saved the failure under the idempotency key.`,
  };
  return {
    declined: { kind: "refused", message: words.declined },
    missing: { kind: "refused", message: words.missing },
    refused: { kind: "refused", message: words.refused },
    unexpected_state: { kind: "refused", message: words.unexpected_state },
    needs_review: { kind: "refused", message: words.needs_review },
    saved_failure: { kind: "refused", message: words.saved_failure },
  };
}

const unknown = { kind: "unknown" };
const review = (message: string) => ({ kind: "needs_review", message });

const book: Readonly<Record<Request, Readonly<Record<RefusalKind, unknown>>>> = {
  createPayment: {
    declined: { kind: "declined", failure },
    missing: { kind: "refused", refusal: missing, id: null },
    refused: { kind: "refused", refusal: refused, id: null },
    unexpected_state: review("Not in this state."),
    needs_review: review(reused),
    saved_failure: unknown,
  },
  readPayment: {
    ...outageWhen("read the PaymentIntent", ...unreadable),
    missing: { kind: "missing", refusal: missing },
    refused: { kind: "missing", refusal: refused },
  },
  hangDoorbell: wordsOfRefusal("update the PaymentIntent"),
  noteFailure: wordsOfRefusal("update the PaymentIntent"),
  noteAbandonment: wordsOfRefusal("update the PaymentIntent"),
  decideAbandonment: wordsOfRefusal("update the PaymentIntent"),
  withdrawAbandonment: wordsOfRefusal("update the PaymentIntent"),
  cancelPayment: {
    ...wordsOfRefusal("cancel the PaymentIntent"),
    saved_failure: {
      kind: "failed",
      message: "Stripe failed to cancel the PaymentIntent and saved the failure under the idempotency key.",
    },
  },
  capturePayment: {
    declined: { kind: "declined", failure },
    missing: { kind: "refused", refusal: missing, id: "pi_1" },
    refused: { kind: "refused", refusal: refused, id: "pi_1" },
    unexpected_state: { kind: "exists", id: "pi_1" },
    needs_review: review(reused),
    saved_failure: unknown,
  },
  expireSession: outageWhen("list the Checkout Sessions", ...every),
  // Where search is refused, whatever the reason, the list is asked.
  searchPayments: {
    declined: null,
    missing: null,
    refused: null,
    unexpected_state: null,
    needs_review: null,
    saved_failure: null,
  },
  listPayments: outageWhen("list PaymentIntents", ...every),
  listRefunds: outageWhen("list the refunds", ...every),
  createRefund: {
    declined: { kind: "declined", failure },
    missing: { kind: "refused", refusal: missing, id: null },
    refused: { kind: "refused", refusal: refused, id: null },
    unexpected_state: review("Not in this state."),
    needs_review: review(reused),
    saved_failure: unknown,
  },
  hangRefundDoorbell: wordsOfRefusal("update the refund"),
  readRefund: { ...outageWhen("read the refund", ...unreadable), missing: null, refused: null },
  createSetup: {
    declined: { kind: "declined", failure },
    missing: { kind: "refused", refusal: missing, id: null },
    refused: { kind: "refused", refusal: refused, id: null },
    unexpected_state: review("Not in this state."),
    needs_review: review(reused),
    saved_failure: unknown,
  },
  // Where Stripe doesn't list by the customer, whatever the reason, the account's list is asked.
  listSetups: {
    declined: null,
    missing: null,
    refused: null,
    unexpected_state: null,
    needs_review: null,
    saved_failure: null,
  },
  listAllSetups: outageWhen("list SetupIntents", ...every),
  readSetup: {
    ...outageWhen("read the SetupIntent", ...unreadable),
    missing: { kind: "missing", refusal: missing },
    refused: { kind: "missing", refusal: refused },
  },
  hangSetupDoorbell: wordsOfRefusal("update the SetupIntent"),
  noteSetupFailure: wordsOfRefusal("update the SetupIntent"),
  cancelSetup: wordsOfRefusal("cancel the SetupIntent"),
  createCustomer: {
    declined: { kind: "declined", failure },
    missing: { kind: "refused", refusal: missing, id: null },
    refused: { kind: "refused", refusal: refused, id: null },
    unexpected_state: review("Not in this state."),
    needs_review: review(reused),
    saved_failure: unknown,
  },
  listCustomers: outageWhen("list Customers", ...every),
  readCustomer: {
    ...outageWhen("read the Customer", ...unreadable),
    missing: { kind: "missing" },
    refused: { kind: "missing" },
  },
  readDispute: {
    ...outageWhen("read the dispute", ...unreadable),
    missing: { kind: "missing" },
    refused: { kind: "missing" },
  },
  submitEvidence: {
    declined: { kind: "declined", failure },
    missing: { kind: "refused", refusal: missing, id: null },
    refused: { kind: "refused", refusal: refused, id: null },
    unexpected_state: review("Not in this state."),
    needs_review: review(reused),
    saved_failure: unknown,
  },
  closeDispute: {
    declined: { kind: "declined", failure },
    missing: { kind: "refused", refusal: missing, id: null },
    refused: { kind: "refused", refusal: refused, id: null },
    unexpected_state: review("Not in this state."),
    needs_review: review(reused),
    saved_failure: unknown,
  },
  noteOnDispute: wordsOfRefusal("update the dispute"),
  observePayment: { ...outageWhen("read the PaymentIntent", ...unreadable), missing: null, refused: null },
  observeRefunds: outageWhen("list the refunds", ...every),
  observeDisputes: outageWhen("list the disputes", ...every),
  observeWarnings: outageWhen("list the early fraud warnings", ...every),
};

describe("an answer of Stripe's that is a refusal", () => {
  it.each(names)("to %s", async (request) => {
    for (const kind of every) {
      expect({ [kind]: await outcomeOf(request, refusals[kind]) }).toEqual({ [kind]: book[request][kind] });
    }
  });
});

describe("what is no answer", () => {
  const failing = { status: 503, body: { error: { type: "api_error", message: "Down." } } };
  const foreign = { body: { message: "hello" } };
  const noPermission = {
    status: 403,
    body: { error: { type: "invalid_request_error", message: "rk_test_… may not." } },
  };

  it.each(names)("to %s is thrown, as an outage or for the operator", async (request) => {
    expect(await outcomeOf(request, failing)).toBe("StripeOutage: Stripe failed (503).");
    expect(await outcomeOf(request, noPermission)).toBe(
      "StripeAccessError: The API key lacks a permission that this call needs (403): Stripe's request log names it.",
    );
  });

  // The stripe package itself fails on a list without data, and that is thrown as it is.
  const single: readonly (readonly [Request, string])[] = [
    ["createPayment", "payment_intent"],
    ["readPayment", "payment_intent"],
    ["hangDoorbell", "payment_intent"],
    ["cancelPayment", "payment_intent"],
    ["capturePayment", "payment_intent"],
    ["expireSession", "list"],
    ["searchPayments", "search_result"],
    ["listPayments", "list"],
    ["createRefund", "refund"],
    ["hangRefundDoorbell", "refund"],
    ["readRefund", "refund"],
    ["createSetup", "setup_intent"],
    ["readSetup", "setup_intent"],
    ["hangSetupDoorbell", "setup_intent"],
    ["cancelSetup", "setup_intent"],
    ["createCustomer", "customer"],
    ["readCustomer", "customer"],
    ["readDispute", "dispute"],
    ["submitEvidence", "dispute"],
    ["closeDispute", "dispute"],
    ["noteOnDispute", "dispute"],
    ["observePayment", "payment_intent"],
  ];
  it.each(single)("to %s is an outage if it is no %s", async (request, kind) => {
    expect(await outcomeOf(request, foreign)).toBe(
      `StripeOutage: What answered in Stripe's name did not answer with a ${kind}.`,
    );
  });

  const listed: readonly (readonly [Request, string])[] = [
    ["listRefunds", "refund"],
    ["observeRefunds", "refund"],
    ["observeDisputes", "dispute"],
    ["observeWarnings", "radar.early_fraud_warning"],
  ];
  it.each(listed)("to %s is an outage if it lists what is no %s", async (request, kind) => {
    const list = { body: { object: "list", has_more: false, data: [{ id: "x", object: "charge" }] } };
    expect(await outcomeOf(request, list)).toBe(
      `StripeOutage: What answered in Stripe's name did not answer with a ${kind}.`,
    );
  });
});
