import { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { meaningOf, type ErrorMeaning } from "../../src/stripe/errorMeaning.ts";

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

  it("keeps the decline's codes", () => {
    const raw = { type: "card_error", statusCode: 402, code: "card_declined", decline_code: "lost_card" } as const;
    expect(meaningOf(stripeError(raw))).toMatchObject({
      kind: "declined",
      failure: { stripeCode: "card_declined", declineCode: "lost_card", message: "Stripe's words." },
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
