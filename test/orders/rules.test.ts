import { describe, expect, it } from "vitest";
import {
  type AttemptEnd,
  type Holding,
  holdingOf,
  isKnownToBeOver,
  isSameEnd,
  judgeFailure,
  nextReferenceStep,
  type ReferenceRecord,
} from "../../src/orders/rules.ts";
import type { PaymentStatus } from "../../src/payments/rules/payment.ts";
import { samplePayment } from "../payments/rules/samplePayment.ts";

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
    ["was handed to its customer", record({ kind: "answered", isFinal: false }), "reread", "check"],
    ["was declined", failed("declined"), "repeat", "start"],
    ["was declined, and is not closed", failed("declined", false), "repeat", "check"],
    ["was cancelled", failed("canceled"), "repeat", "start"],
    ["was given up and is being watched", failed("timed_out", false), "repeat", "check"],
    ["was given up and is cancelled", failed("timed_out"), "repeat", "start"],
    ["was refused", failed("invalid_request"), "repeat", "start"],
    ["ended unclear", failed("needs_review"), "repeat", "check"],
    ["failed as nobody foresaw", failed("unknown"), "repeat", "check"],
  ])("of a payment that %s", (_what, known, forTheSame, forOtherMeans) => {
    expect(nextReferenceStep(known, same).kind).toBe(forTheSame);
    expect(nextReferenceStep(known, otherMeans).kind).toBe(forOtherMeans);
    expect(nextReferenceStep(known, otherPurchase).kind).toBe("conflict");
  });

  it.each<[string, ReferenceRecord, string]>([
    ["is under way", record(null), "join"],
    ["has succeeded", record({ kind: "answered", isFinal: true }), "repeat"],
    ["was declined", failed("declined"), "start"],
    ["was declined, and is not closed", failed("declined", false), "check"],
  ])("of a payment that %s, when the same means are to be tried again", (_what, known, step) => {
    expect(nextReferenceStep(known, same, { triesAgain: true }).kind).toBe(step);
    expect(nextReferenceStep(known, otherPurchase, { triesAgain: true }).kind).toBe("conflict");
  });

  it.each([
    ["was told that it is over", failed("timed_out", false), true],
    ["was told nothing certain", failed("needs_review"), false],
    ["has sent the customer away", record({ kind: "answered", isFinal: false }), false],
  ])("lets an open attempt be cancelled whose caller %s: %s", (_who, known, isOver) => {
    expect(nextReferenceStep(known, otherMeans)).toEqual({ kind: "check", isOver });
  });

  it("looks at an attempt that was killed before it begins one by other means", () => {
    expect(nextReferenceStep(record(null), otherMeans, { isAlone: true })).toEqual({ kind: "check", isOver: false });
    expect(nextReferenceStep(record(null), same, { isAlone: true }).kind).toBe("join");
  });
});

describe("holdingOf", () => {
  it.each<[PaymentStatus, Holding]>([
    ["canceled", "none"],
    ["requires_payment_method", "none"],
    ["succeeded", "money"],
    ["requires_confirmation", "open"],
    ["requires_action", "open"],
    ["requires_capture", "open"],
    ["processing", "unsettled"],
    ["unrecognized", "unsettled"],
  ])("says of %s: %s", (status, holding) => {
    expect(holdingOf(samplePayment(status))).toBe(holding);
  });

  it("knows nothing of a success while its call is about to give it up", () => {
    expect(holdingOf(samplePayment("succeeded", { isBeingAbandoned: true }))).toBe("unsettled");
    expect(holdingOf(samplePayment("succeeded", { isAbandoned: true }))).toBe("money");
  });
});

const answered = (isFinal: boolean): AttemptEnd => ({ kind: "answered", isFinal });
const failedEnd = (reason: string, closed: boolean): AttemptEnd => ({ kind: "failed", reason, closed });

describe("an end", () => {
  const ends = [
    answered(true),
    answered(false),
    failedEnd("declined", true),
    failedEnd("declined", false),
    failedEnd("canceled", true),
  ];

  it("is the same as itself only", () => {
    for (const [index, end] of ends.entries()) {
      expect(ends.map((other) => isSameEnd(other, end))).toEqual(ends.map((_other, at) => at === index));
      expect(isSameEnd(null, end)).toBe(false);
    }
  });

  it("is known to be over if it is final or closed", () => {
    expect([...ends, null].map((end) => isKnownToBeOver(record(end)))).toEqual([true, false, true, false, true, false]);
  });
});

describe("a conflict under a reference", () => {
  it.each<[string, ReferenceRecord, typeof same, string]>([
    ["something else was bought", record(null), otherPurchase, "amount, currency, customer or description"],
    ["the first attempt is under way", record(null), otherMeans, "is under way"],
    ["it was answered", record({ kind: "answered", isFinal: true }), otherMeans, "answered already"],
  ])("says that %s", (_what, known, fingerprint, message) => {
    expect(nextReferenceStep(known, fingerprint)).toMatchObject({
      message: expect.stringContaining(message) as string,
    });
  });
});

describe("judgeFailure", () => {
  it.each([
    ["the deadline came before anything was made", "timed_out", null, "none", "nothing_made"],
    ["the call was cancelled before anything was made", "canceled", null, undefined, "nothing_made"],
    ["it was given up while nobody knew what Stripe had made", "timed_out", null, "watching", false],
    ["it was cancelled while nobody knew what Stripe had made", "canceled", null, "watching", false],
    ["Stripe refused a parameter before anything was made", "invalid_request", null, undefined, "nothing_made"],
    ["a wait ended, not the payment", "timed_out", "pi_1", "none", "goes_on"],
    ["a wait was cancelled, not the payment", "canceled", "pi_1", "none", "goes_on"],
    ["the bank said no at once", "declined", "pi_1", undefined, true],
    ["the bank said no before there was a PaymentIntent", "declined", null, undefined, true],
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
