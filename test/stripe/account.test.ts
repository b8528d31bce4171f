import { describe, expect, it } from "vitest";
import { checkAccount, clockAheadOf, clockWarning } from "../../src/stripe/account.ts";
import { createStripeClient } from "../../src/stripe/client.ts";
import { cannedStripe, refusals, type CannedAnswer } from "../merchants/cannedStripe.ts";

function error(status: number): CannedAnswer {
  return { status, body: { error: { type: "api_error", message: "sk_test_quoted" } } };
}

describe("checkAccount", () => {
  it.each<[string, CannedAnswer, object]>([
    [
      "the account of a key that works",
      { body: { id: "acct_1", object: "account" } },
      { kind: "ok", accountId: "acct_1" },
    ],
    [
      "a proxy's JSON in Stripe's name",
      { body: { message: "hello" } },
      { kind: "unavailable", message: "Stripe answered without an account." },
    ],
    ["an outage", error(500), { kind: "unavailable", message: "Stripe failed (500)." }],
    [
      "a refusal that says nothing of the key",
      refusals.refused,
      { kind: "unavailable", message: "Stripe answered: refused." },
    ],
  ])("tells %s", async (_what, answer, expected) => {
    const { url, sent } = await cannedStripe(answer);
    expect(await checkAccount({ secretKey: "sk_test_canned", apiBase: url })).toMatchObject(expected);
    expect(sent.map(({ line }) => line)).toEqual(["GET /v1/account"]);
  });

  // A restricted key need not read its own account to make payments.
  it("takes a key that may not read its account for one whose account is not known", async () => {
    const { url } = await cannedStripe(error(403));
    const check = await checkAccount({ secretKey: "rk_test_canned", apiBase: url });
    expect(check).toMatchObject({ kind: "unavailable", message: expect.stringContaining("may not read") as string });
  });

  it("tells a key that is rejected, where it was asked, and nothing of the key", async () => {
    const { url } = await cannedStripe(error(401));
    const check = await checkAccount({ secretKey: "sk_test_canned", apiBase: url });
    expect(check).toMatchObject({
      kind: "rejected",
      message: expect.stringContaining("rejects the API key") as string,
    });
    expect(check).toMatchObject({
      message: expect.stringContaining(`It was asked at ${url} (STRIPE_API_BASE)`) as string,
    });
    expect(JSON.stringify(check)).not.toContain("sk_test");
  });
});

describe("the clock", () => {
  const date = "Fri, 27 Nov 2026 12:00:00 GMT";
  const dateMs = Date.parse(date);
  it.each([
    ["as Stripe's, which names whole seconds", date, 500, 0],
    ["ahead", date, 90_500.4, 90_000],
    ["behind", date, -59_500, -60_000],
    ["unknown without a date", undefined, 0, null],
    ["unknown where the date is none", "yesterday", 0, null],
  ])("is %s", (_what, header, aheadOfHeaderMs, aheadMs) => {
    expect(clockAheadOf(header, dateMs + aheadOfHeaderMs)).toBe(aheadMs);
  });

  it("is read off the answer about the account", async () => {
    const { url } = await cannedStripe({ body: { id: "acct_1", object: "account" } });
    const check = await checkAccount({ secretKey: "sk_test_canned", apiBase: url });
    // The canned answer comes from this machine.
    expect(check).toMatchObject({ clockAheadMs: expect.toSatisfy((ms: number) => Math.abs(ms) < 5000) as number });
  });

  it.each([null, 0, 60_000, -60_000])("is nothing to warn of when it is %s ms ahead", (aheadMs) => {
    expect(clockWarning(aheadMs)).toBeNull();
  });

  it.each([
    [60_001, "1 minute ahead of", "late"],
    [3_600_000, "60 minutes ahead of", "late"],
    [-120_000, "2 minutes behind", "early"],
  ])("is to be set when it is %s ms ahead", (aheadMs, words, consequence) => {
    const warning = clockWarning(aheadMs);
    expect(warning).toContain(`${words} Stripe's`);
    expect(warning).toContain(`come that much too ${consequence} where`);
  });
});

describe("createStripeClient", () => {
  it.each([
    ["http://127.0.0.1:12111", "http", "127.0.0.1", "12111"],
    ["http://127.0.0.1", "http", "127.0.0.1", "80"],
    ["https://stripe.example", "https", "stripe.example", "443"],
    ["https://stripe.example:8443", "https", "stripe.example", "8443"],
  ])("talks to %s", (apiBase, protocol, host, port) => {
    const client = createStripeClient({ secretKey: "sk_test_canned", apiBase });
    expect(client.getApiField("protocol")).toBe(protocol);
    expect(client.getApiField("host")).toBe(host);
    expect(client.getApiField("port")).toBe(port);
  });

  it("talks to Stripe itself where nothing else is named, and leaves retries and most of the time to the engine", () => {
    const client = createStripeClient({ secretKey: "sk_test_canned", apiBase: undefined });
    expect(client.getApiField("host")).toBe("api.stripe.com");
    expect(client.getApiField("maxNetworkRetries")).toBe(0);
    expect(client.getApiField("timeout")).toBe(40_000);
  });
});
