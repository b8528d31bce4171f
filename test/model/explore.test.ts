/** What the model itself says, without the real thing: how many outcomes are legal, and which. */
import { describe, expect, it } from "vitest";
import type { Action, Move } from "./actions.ts";
import { outcomes } from "./explore.ts";
import { emptyWorld, type World } from "./world.ts";

const debit = { do: "pay", kind: "debit", isHurried: false, byReference: false } as const;

function after(worlds: readonly World[], ...actions: readonly Action[]): readonly World[] {
  const made = worlds[0]?.calls.length ?? 0;
  const moves = actions.map((action, index): Move => ({ ...action, id: `c${made + index + 1}`, target: "c1" }));
  return outcomes(worlds, moves);
}

function paid(isPrompt: boolean, pay: Action = debit): readonly World[] {
  return after([emptyWorld({ isPrompt, polls: false })], pay);
}

/** How a call can have ended, each once. */
function endings(worlds: readonly World[], id: string): readonly string[] {
  const all = worlds.map(({ calls, payments }) => {
    const answer = calls.find((call) => call.id === id)?.answer;
    return `${answer?.code} ${answer?.word} ${answer?.compensation ?? "-"}, ${payments[0]?.status}`;
  });
  return [...new Set(all)].toSorted();
}

describe("the model", () => {
  it("has one outcome where nothing happens at once", () => {
    expect(endings(after(paid(true), { do: "settle", outcome: "succeeded" }), "c1")).toEqual([
      "200 succeeded -, succeeded",
    ]);
  });

  it("lets nobody know what no webhook told", () => {
    const settled = after(paid(false), { do: "settle", outcome: "succeeded" });
    expect(endings(settled, "c1")).toEqual(["undefined undefined -, succeeded"]);
    expect(endings(after(settled, { do: "deliver the news", how: "twice" }), "c1")).toEqual([
      "200 succeeded -, succeeded",
    ]);
  });

  it("allows either order of a success and an operator's cancellation, and gives back what came too late", () => {
    const both = after(paid(true), { do: "settle", outcome: "succeeded" }, { do: "cancel a call", which: 0 });
    expect(endings(both, "c1")).toEqual(["200 succeeded -, succeeded", "409 canceled watching, succeeded"]);
    for (const { calls, payments } of both) {
      const isTakenBack = calls[0]?.answer?.code === 409;
      expect(payments[0]?.refunds.map(({ amount }) => amount)).toEqual(isTakenBack ? [4000] : []);
    }
  });

  it("refunds once what two callers want back at once", () => {
    const card = { do: "pay", kind: "card", isHurried: false, byReference: false } as const;
    const refund = { do: "refund", share: "all", isHurried: false } as const;
    const refunded = after(paid(true, card), refund, refund);
    for (const { payments } of refunded) expect(payments[0]?.refunds).toHaveLength(1);
    expect(endings(refunded, "c2")).toEqual(["200 succeeded -, succeeded"]);
  });
});
