import { describe, expect, it } from "vitest";
import { type AttemptEnd, judgeFailure, nextReferenceStep, type ReferenceRecord } from "../../src/orders/rules.ts";

const same = { purchase: "p", means: "m" };
const otherMeans = { purchase: "p", means: "n" };
const otherPurchase = { purchase: "q", means: "m" };
const record = (end: AttemptEnd | null): ReferenceRecord => ({
  fingerprint: same,
  invocationId: "inv_1",
  begunAtMs: 0,
  paymentIntentId: "pi_1",
  end,
});
const failed = (reason: string, closed = true) => record({ kind: "failed", reason, closed });

describe("nextReferenceStep", () => {
  it("starts what nobody asked for before", () => {
    expect(nextReferenceStep(null, same)).toEqual({ kind: "start" });
  });

  it.each<[string, ReferenceRecord, string, string]>([
    ["is under way", record(null), "join", "conflict"],
    ["has succeeded", record({ kind: "answered", isFinal: true }), "repeat", "conflict"],
    ["was handed to its customer", record({ kind: "answered", isFinal: false }), "reread", "conflict"],
    ["was declined", failed("declined"), "repeat", "start"],
    ["was cancelled", failed("canceled"), "repeat", "start"],
    ["was given up and is being watched", failed("timed_out", false), "repeat", "check"],
    ["was given up and is cancelled", failed("timed_out"), "repeat", "start"],
    ["was refused", failed("invalid_request"), "repeat", "start"],
    ["ended unclear", failed("needs_review"), "repeat", "conflict"],
    ["failed as nobody foresaw", failed("unknown"), "repeat", "conflict"],
  ])("of a payment that %s", (_what, known, forTheSame, forOtherMeans) => {
    expect(nextReferenceStep(known, same).kind).toBe(forTheSame);
    expect(nextReferenceStep(known, otherMeans).kind).toBe(forOtherMeans);
    expect(nextReferenceStep(known, otherPurchase).kind).toBe("conflict");
  });
});

describe("a conflict under a reference", () => {
  it.each<[string, ReferenceRecord, typeof same, string]>([
    ["something else was bought", record(null), otherPurchase, "amount, currency, customer or description"],
    ["the first attempt is under way", record(null), otherMeans, "is under way"],
    ["it was answered", record({ kind: "answered", isFinal: true }), otherMeans, "answered already"],
    ["the last attempt is unclear", failed("needs_review"), otherMeans, "have a person look"],
  ])("says that %s", (_what, known, fingerprint, message) => {
    expect(nextReferenceStep(known, fingerprint)).toMatchObject({
      message: expect.stringContaining(message) as string,
    });
  });
});

describe("judgeFailure", () => {
  it.each([
    ["Stripe refused a parameter before anything was made", "invalid_request", null, undefined, "nothing_made"],
    ["a wait ended, not the payment", "timed_out", "pi_1", "none", "goes_on"],
    ["a wait was cancelled, not the payment", "canceled", "pi_1", "none", "goes_on"],
    ["the bank said no at once", "declined", "pi_1", undefined, true],
    ["the bank said no before there was a PaymentIntent", "declined", null, undefined, true],
    ["the call was cancelled before there was a PaymentIntent", "canceled", null, undefined, true],
    ["the bank said no later, and it is cancelled", "declined", "pi_1", "canceled", true],
    ["the bank said no, and Stripe doesn't let go of it", "declined", "pi_1", "watching", false],
    ["it was given up and is cancelled", "timed_out", "pi_1", "canceled", true],
    ["it was given up and is being watched", "timed_out", "pi_1", "watching", false],
    ["somebody cancelled it, as a later read shows", "canceled", "pi_1", undefined, false],
    ["Stripe refused a parameter of a PaymentIntent that exists", "invalid_request", "pi_1", undefined, false],
    ["it is unclear", "needs_review", "pi_1", undefined, false],
  ])("when %s", (_what, reason, paymentIntentId, compensation, expected) => {
    expect(judgeFailure({ reason, paymentIntentId, compensation })).toEqual(
      typeof expected === "string"
        ? { kind: expected }
        : { kind: "ended", end: { kind: "failed", reason, closed: expected } },
    );
  });
});
