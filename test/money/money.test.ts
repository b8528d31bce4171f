import { describe, expect, it } from "vitest";
import { moneyProblem } from "../../src/money/money.ts";

describe("moneyProblem", () => {
  it.each([
    ["usd", 1, null],
    ["gbp", 29, null],
    ["dkk", 249, null],
    ["idr", 999_999_999_999, null],
    ["jpy", 150_000_000, null],
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
});
