import { describe, expect, it } from "vitest";
import type { AccountState } from "../../src/accounts/contract.ts";
import { judgeOnboarding, reversalObstacle } from "../../src/accounts/rules.ts";

const account: AccountState = {
  accountId: "acct_1",
  chargesEnabled: false,
  payoutsEnabled: false,
  detailsSubmitted: false,
  requirementsDue: ["external_account"],
  disabledReason: "requirements.past_due",
};

describe("judgeOnboarding", () => {
  it.each<[string, Partial<AccountState>, string]>([
    ["a new account", {}, "pending"],
    [
      "one that Stripe looks at",
      { detailsSubmitted: true, disabledReason: "requirements.pending_verification" },
      "pending",
    ],
    ["one that is listed", { detailsSubmitted: true, disabledReason: "listed" }, "pending"],
    ["one that is under review", { detailsSubmitted: true, disabledReason: "under_review" }, "pending"],
    ["one that can be charged for", { chargesEnabled: true, disabledReason: null }, "enabled"],
    ["one of which more is due later", { chargesEnabled: true, requirementsDue: ["document"] }, "enabled"],
    ["one that is rejected for fraud", { disabledReason: "rejected.fraud" }, "rejected"],
    [
      "one that is rejected and still charged for",
      { chargesEnabled: true, disabledReason: "rejected.other" },
      "rejected",
    ],
  ])("takes %s for what it is", (_what, more, kind) => {
    expect(judgeOnboarding({ kind: "account", account: { ...account, ...more } }).kind).toBe(kind);
  });

  it("names Stripe's reason, gives the account, and knows one that has left", () => {
    const rejected = { ...account, disabledReason: "rejected.terms_of_service" };
    const enabled = { ...account, chargesEnabled: true, disabledReason: null };
    expect(judgeOnboarding({ kind: "account", account: rejected })).toEqual({
      kind: "rejected",
      reason: "rejected.terms_of_service",
    });
    expect(judgeOnboarding({ kind: "account", account: enabled })).toEqual({ kind: "enabled", account: enabled });
    expect(judgeOnboarding({ kind: "left" })).toEqual({ kind: "left" });
  });
});

describe("reversalObstacle", () => {
  it.each<[string, number, number | undefined, string | null]>([
    ["all of a transfer", 0, undefined, null],
    ["a part", 0, 400, null],
    ["all that is left", 600, 400, null],
    ["whatever is left", 999, undefined, null],
    ["more than is left", 600, 401, "Only 400 of 1000"],
    ["what is reversed", 1000, undefined, "Only 0 of 1000"],
    ["a part of what is reversed", 1000, 1, "Only 0 of 1000"],
  ])("judges a reversal of %s", (_what, amountReversed, asked, told) => {
    const obstacle = reversalObstacle({ amount: 1000, amountReversed }, asked);
    if (told === null) expect(obstacle).toBeNull();
    else expect(obstacle).toEqual({ kind: "conflict", message: expect.stringContaining(told) as string });
  });
});
