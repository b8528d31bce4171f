import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { isLowBalance, meaningOf, type ErrorMeaning } from "../../src/stripe/errorMeaning.ts";

type RawError = ConstructorParameters<typeof Stripe.errors.StripeError>[0];

/** An error as the stripe package makes it of an HTTP answer. */
function stripeError(raw: RawError): unknown {
  return Stripe.errors.StripeError.generate({ message: "Stripe's words.", ...raw });
}

const table: readonly [string, RawError, ErrorMeaning["kind"]][] = [
  ["a declined card", { type: "card_error", statusCode: 402, code: "card_declined" }, "declined"],
  ["a 402 of another type", { type: "invalid_request_error", statusCode: 402 }, "declined"],
  ["a wrong parameter", { type: "invalid_request_error", statusCode: 400, code: "parameter_unknown" }, "refused"],
  ["a missing object", { type: "invalid_request_error", statusCode: 404, code: "resource_missing" }, "missing"],
  [
    "a state that does not allow it",
    { type: "invalid_request_error", statusCode: 400, code: "payment_intent_unexpected_state" },
    "unexpected_state",
  ],
  ["a reused idempotency key", { type: "idempotency_error", statusCode: 400 }, "needs_review"],
  ["a key in use", { type: "idempotency_error", statusCode: 409, code: "idempotency_key_in_use" }, "retry"],
  ["a rejected API key", { type: "invalid_request_error", statusCode: 401 }, "operator"],
  ["a missing permission", { type: "invalid_request_error", statusCode: 403 }, "operator"],
  [
    "an account that is not connected",
    { type: "invalid_request_error", statusCode: 403, code: "account_invalid" },
    "account_gone",
  ],
  ["a rate limit", { type: "invalid_request_error", statusCode: 429 }, "retry"],
  ["a lock timeout", { type: "invalid_request_error", statusCode: 429, code: "lock_timeout" }, "retry"],
  ["a rate limit as 400", { type: "invalid_request_error", statusCode: 400, code: "rate_limit" }, "retry"],
  ["a failed dependency", { type: "api_error", statusCode: 424 }, "retry"],
  ["a server error", { type: "api_error", statusCode: 500 }, "retry"],
  ["a bad gateway", { type: "api_error", statusCode: 502 }, "retry"],
  [
    "a server error that Stripe replays",
    { type: "api_error", statusCode: 500, headers: { "idempotent-replayed": "true" } },
    "saved_failure",
  ],
  ["an error with a status that is none", { type: "api_error", statusCode: 302 }, "needs_review"],
];

describe("a refusal", () => {
  it.each([
    ["balance_insufficient", true],
    ["insufficient_funds", true],
    ["charge_already_refunded", false],
    ["parameter_unknown", false],
    [null, false],
  ])("with the code %s is about a low balance: %s", (stripeCode, isLow) => {
    expect(isLowBalance({ stripeCode, param: null, message: "Stripe's words." })).toBe(isLow);
  });
});

describe("meaningOf", () => {
  it.each(table)("takes %s for what it is", (_what, raw, kind) => {
    expect(meaningOf(stripeError(raw)).kind).toBe(kind);
  });

  it("takes an HTML page instead of JSON for an outage", () => {
    const error = new Stripe.errors.StripeAPIError({ message: "Invalid JSON received from the Stripe API" });
    expect(meaningOf(error).kind).toBe("retry");
  });

  it("takes a cut connection for an outage", () => {
    expect(meaningOf(new Stripe.errors.StripeConnectionError({ message: "ECONNRESET" })).kind).toBe("retry");
  });

  const refusal = { stripeCode: "c", param: "p", message: "Stripe's words." };
  const intents = { payment_intent: { id: "pi_1" }, setup_intent: { id: "seti_1" } } as unknown as RawError;
  it.each<[string, RawError, ErrorMeaning]>([
    [
      "a refusal with what was made all the same",
      { ...intents, type: "invalid_request_error", statusCode: 400, code: "c", param: "p" },
      { kind: "refused", refusal, paymentIntentId: "pi_1", setupIntentId: "seti_1" },
    ],
    [
      "a refusal without codes",
      { type: "invalid_request_error", statusCode: 499 },
      {
        kind: "refused",
        refusal: { stripeCode: null, param: null, message: "Stripe's words." },
        paymentIntentId: null,
        setupIntentId: null,
      },
    ],
    [
      "an object that is missing",
      { type: "invalid_request_error", statusCode: 404, code: "c", param: "p" },
      { kind: "missing", refusal, paymentIntentId: null, setupIntentId: null },
    ],
    [
      "a SetupIntent's state",
      { ...intents, type: "invalid_request_error", statusCode: 400, code: "setup_intent_unexpected_state" },
      { kind: "unexpected_state", message: "Stripe's words.", paymentIntentId: "pi_1", setupIntentId: "seti_1" },
    ],
    [
      "a decline with the objects that it carries",
      { ...intents, type: "card_error", statusCode: 402, code: "c", advice_code: "a", network_decline_code: "05" },
      {
        kind: "declined",
        failure: {
          stripeCode: "c",
          declineCode: null,
          adviceCode: "a",
          networkDeclineCode: "05",
          message: "Stripe's words.",
        },
        paymentIntent: { id: "pi_1" },
        setupIntent: { id: "seti_1" },
      } as unknown as ErrorMeaning,
    ],
    [
      "a decline without codes",
      { type: "card_error", statusCode: 402 },
      {
        kind: "declined",
        failure: {
          stripeCode: null,
          declineCode: null,
          adviceCode: null,
          networkDeclineCode: null,
          message: "Stripe's words.",
        },
        paymentIntent: undefined,
        setupIntent: undefined,
      },
    ],
    [
      "a lock timeout",
      { type: "invalid_request_error", statusCode: 429, code: "lock_timeout" },
      { kind: "retry", message: "Stripe asks to try again later (429 lock_timeout)." },
    ],
    [
      "a lock timeout as 400",
      { type: "invalid_request_error", statusCode: 400, code: "lock_timeout" },
      { kind: "retry", message: "Stripe asks to try again later (400 lock_timeout)." },
    ],
    [
      "a conflict",
      { type: "idempotency_error", statusCode: 409 },
      { kind: "retry", message: "Stripe asks to try again later (409)." },
    ],
    [
      "a failed dependency that Stripe replays",
      { type: "api_error", statusCode: 424, headers: { "idempotent-replayed": "true" } },
      { kind: "saved_failure" },
    ],
    [
      "a failure that is new",
      { type: "api_error", statusCode: 500, headers: { "idempotent-replayed": "false" } },
      { kind: "retry", message: "Stripe failed (500)." },
    ],
    [
      "a status that is none",
      { type: "api_error", statusCode: 302 },
      { kind: "needs_review", message: "Stripe answered with an error and the status 302." },
    ],
    [
      "a rejected key",
      { type: "invalid_request_error", statusCode: 401 },
      { kind: "operator", problem: "rejected", message: "Stripe rejects the API key (401)." },
    ],
  ])("says of %s all that is needed", (_what, raw, meaning) => {
    expect(meaningOf(stripeError(raw))).toEqual(meaning);
  });

  it("names a connection's failure by its type", () => {
    const error = new Stripe.errors.StripeConnectionError({ message: "ECONNRESET" });
    expect(meaningOf(error)).toEqual({
      kind: "retry",
      message: "Stripe could not be reached (StripeConnectionError).",
    });
  });

  it.each([
    [
      "Having the 'rak_charge_read', 'rak_payment_intent_read' permissions",
      "names rak_charge_read, rak_payment_intent_read.",
    ],
    [`Enabling "Prices Read" ('plan_read') permissions on this key`, "names plan_read."],
    ["Having more permissions", "request log names it."],
  ])("names the permission that is missing, and not the key: %s", (words, end) => {
    const message = `The provided key 'rk_live_***j4va7j' does not have the required permissions for this endpoint on account 'acct_1'. ${words} would allow this request to continue.`;
    const meaning = meaningOf(stripeError({ type: "invalid_request_error", statusCode: 403, message }));
    expect(meaning).toMatchObject({ kind: "operator", problem: "forbidden", message: expect.stringContaining(end) });
    expect(JSON.stringify(meaning)).not.toContain("j4va7j");
  });

  it.each([
    [
      "The provided key 'sk_test_***j4va7j' does not have access to account 'acct_1Left' (or that account does not exist). Application access may have been revoked.",
      "The account acct_1Left is not connected to yours",
    ],
    ["No such account, sk_test_***j4va7j", "The account that the request names is not connected to yours"],
  ])("names the account that is not connected, and not the key: %s", (message, told) => {
    const raw = { type: "invalid_request_error", statusCode: 403, code: "account_invalid", message } as const;
    const meaning = meaningOf(stripeError(raw));
    expect(meaning).toMatchObject({
      kind: "account_gone",
      refusal: { stripeCode: "account_invalid", param: "stripeAccount", message: expect.stringContaining(told) },
    });
    expect(JSON.stringify(meaning)).not.toContain("j4va7j");
  });

  it.each<[string, string | undefined, string | null]>([
    ["capability_not_active", undefined, "stripeAccount"],
    ["transfers_not_allowed", undefined, "stripeAccount"],
    ["capability_not_active", "destination", "destination"],
    ["parameter_missing", undefined, null],
  ])("says of %s with the parameter %s that it is about %s", (code, param, named) => {
    const raw = { type: "invalid_request_error", statusCode: 400, code, param } as RawError;
    expect(meaningOf(stripeError(raw))).toMatchObject({ kind: "refused", refusal: { param: named } });
  });

  it("keeps the decline's codes", () => {
    const raw = { type: "card_error", statusCode: 402, code: "card_declined", decline_code: "lost_card" } as const;
    expect(meaningOf(stripeError(raw))).toMatchObject({
      kind: "declined",
      failure: {
        stripeCode: "card_declined",
        declineCode: "lost_card",
        adviceCode: null,
        networkDeclineCode: null,
        message: "Stripe's words.",
      },
    });
  });

  it("never repeats Stripe's words about a key, which quote it in part", () => {
    const raw = { type: "invalid_request_error", statusCode: 401, message: "Invalid API Key: sk_test_1234" } as const;
    expect(JSON.stringify(meaningOf(stripeError(raw)))).not.toContain("sk_test");
  });

  it("throws on what is no error of Stripe's", () => {
    expect(() => meaningOf(new TypeError("a bug"))).toThrow("a bug");
  });
});
