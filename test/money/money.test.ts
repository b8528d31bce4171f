import { describe, expect, it } from "vitest";
import { moneyProblem } from "../../src/money/money.ts";

describe("moneyProblem", () => {
  it.each([
    ["usd", 50, null],
    ["usd", 49, "amount"],
    ["gbp", 30, null],
    ["gbp", 29, "amount"],
    ["jpy", 50, null],
    ["jpy", 49, "amount"],
    ["huf", 17_500, null],
    ["huf", 17_499, "amount"],
    ["huf", 17_501, null],
    ["twd", 101, null],
    ["isk", 500, null],
    ["isk", 550, "amount"],
    ["ugx", 100_000, null],
    ["ugx", 100_050, "amount"],
    ["kwd", 1230, null],
    ["kwd", 1234, "amount"],
    ["bhd", 5, "amount"],
    ["xof", 1, null],
    ["zzz", 1000, "currency"],
    ["USD", 1000, "currency"],
    ["", 1000, "currency"],
  ])("judges %s %i", (currency, amountMinor, field) => {
    expect(moneyProblem(amountMinor, currency)?.field ?? null).toBe(field);
  });

  it("names the currency that it does not know", () => {
    expect(moneyProblem(1000, "zzz")?.message).toContain('"zzz"');
  });

  it("names the minimum, so that the caller can mend the request", () => {
    expect(moneyProblem(10, "eur")?.message).toBe(
      "must be at least 50 in eur (Stripe's minimum charge, in minor units)",
    );
  });
});
