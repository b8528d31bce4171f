import { describe, expect, it } from "vitest";
import type { EdgeFailure } from "../../src/edge/failures.ts";
import {
  edgeMerchantsOf,
  merchantOfCall,
  namedMerchant,
  refuseUnconfigured,
  withMerchant,
  type EdgeMerchant,
} from "../../src/edge/merchants.ts";

const acme: EdgeMerchant = { id: "acme", mode: "test", webhookSecrets: ["whsec_acme"] };
const live: EdgeMerchant = { id: "live", mode: "live", webhookSecrets: ["whsec_live"] };
const own = { mode: "test", webhookSecrets: ["whsec_own"] } as const;

describe("the merchants", () => {
  it("are those of the file as it is now, and the default one, which nothing in the file replaces", () => {
    let file: readonly EdgeMerchant[] = [acme];
    const merchants = edgeMerchantsOf(own, () => file);
    expect(merchants.all().map(({ id }) => id)).toEqual(["default", "acme"]);
    file = [live, { id: "default", mode: "live", webhookSecrets: ["whsec_of_nobody"] }];
    expect(merchants.all()).toEqual([{ id: "default", ...own }, live]);
    expect(merchants.find("acme")).toBeUndefined();
    expect(merchants.find("default")).toEqual({ id: "default", ...own });
  });

  it("are the default one alone without a file, and none has a name of JavaScript's", () => {
    const merchants = edgeMerchantsOf(own);
    expect(merchants.all()).toHaveLength(1);
    for (const id of ["acme", "", "__proto__", "constructor", "toString"]) expect(merchants.find(id)).toBeUndefined();
  });
});

describe("the merchant of a call", () => {
  const merchants = edgeMerchantsOf(own, () => [acme, live]);
  const found = (actingFor: string | null, asked: string | undefined) => {
    try {
      return { merchant: merchantOfCall(merchants, actingFor, asked) };
    } catch (error) {
      const { reason, message } = error as EdgeFailure;
      return { reason, message };
    }
  };
  const cases: readonly (readonly [string | null, string | undefined, string | { readonly reason: string }])[] = [
    ["default", undefined, "default"],
    ["default", "default", "default"],
    ["default", "acme", { reason: "forbidden" }],
    ["acme", undefined, "acme"],
    ["acme", "acme", "acme"],
    ["acme", "default", { reason: "forbidden" }],
    ["acme", "live", { reason: "forbidden" }],
    ["acme", "nobody", { reason: "forbidden" }],
    ["live", "live", "live"],
    // The developer of this machine.
    [null, undefined, "default"],
    [null, "default", "default"],
    [null, "acme", "acme"],
    [null, "live", { reason: "forbidden" }],
    [null, "nobody", { reason: "invalid_request" }],
  ];

  it.each(cases)("for a key of %s, and a body that names %s, is %o", (actingFor, asked, expected) => {
    expect(found(actingFor, asked)).toMatchObject(typeof expected === "string" ? { merchant: expected } : expected);
  });

  it("tells nobody which other merchants there are", () => {
    expect(found("acme", "live")).toEqual(found("acme", "nobody"));
  });

  it("has to be configured", () => {
    expect(() => refuseUnconfigured(merchants, "acme")).not.toThrow();
    expect(() => refuseUnconfigured(merchants, "gone")).toThrow(expect.objectContaining({ reason: "forbidden" }));
  });
});

const given = (value: unknown) => ({ value, body: Buffer.from(JSON.stringify(value) ?? "") });

describe("the request that goes on", () => {
  it.each([
    ["default", { amount: 1 }],
    ["acme", { amount: 1, merchant: "acme" }],
    ["acme", { merchant: "acme" }],
  ])("of %s stays as it came, byte for byte: %o", (merchant, value) => {
    const request = given(value);
    expect(withMerchant(merchant, request)).toBe(request);
  });

  it.each([
    ["default", { merchant: "default", amount: 1 }, { amount: 1 }],
    ["acme", { amount: 1, stripeAccount: "acct_1" }, { amount: 1, stripeAccount: "acct_1", merchant: "acme" }],
    ["acme", undefined, { merchant: "acme" }],
    ["acme", { text: "a\u2028b \ud83d\ude00 \u0000" }, { text: "a\u2028b \ud83d\ude00 \u0000", merchant: "acme" }],
  ])("of %s, %o, becomes %o", (merchant, value, expected) => {
    const request = withMerchant(merchant, given(value));
    expect([request.value, JSON.parse(String(request.body))]).toEqual([expected, expected]);
    // Once more changes nothing.
    expect(withMerchant(merchant, { ...request, body: Buffer.from(request.body) }).value).toEqual(expected);
  });

  it.each([[undefined], [null], ["acme"], [{}], [{ merchant: 1 }], [[]], [{ metadata: { merchant: "acme" } }]])(
    "%o names no merchant",
    (value) => expect(namedMerchant(value)).toBeUndefined(),
  );
});
