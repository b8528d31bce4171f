import { describe, expect, it } from "vitest";
import {
  amountLeftToRefund,
  isGivenBack,
  judgeRefund,
  decisiveRefund,
  refundObstacle,
  refundsOfCall,
  type RefundSnapshot,
  type RefundStatus,
} from "../../src/refunds/rules.ts";
import { samplePayment } from "../payments/rules/samplePayment.ts";

const refund = (status: RefundStatus, amount: number, more: Partial<RefundSnapshot> = {}): RefundSnapshot => ({
  refundId: "re_1",
  paymentIntentId: "pi_1",
  status,
  stripeStatus: status,
  amount,
  currency: "usd",
  failureReason: null,
  invocationId: null,
  createdAtMs: 0,
  ...more,
});

describe("refundObstacle", () => {
  const paid = { amountReceived: 1000 };

  it.each([
    ["all of it", "usd", undefined],
    ["a part of it", "usd", 999],
    ["as much as was received", "usd", 1000],
    ["whole yen", "jpy", 7],
    ["whole krónur", "isk", 300],
  ])("lets a paid payment be refunded by %s", (_what, currency, amount) => {
    expect(refundObstacle(samplePayment("succeeded", { ...paid, currency }), amount)).toBeNull();
  });

  it.each([
    ["more than was received", "usd", 1001, "at most 1000"],
    ["a fraction of a króna", "isk", 150, "multiple of 100"],
    ["the third decimal of a dinar", "kwd", 15, "multiple of 10"],
  ])("refuses %s", (_what, currency, amount, message) => {
    const obstacle = refundObstacle(samplePayment("succeeded", { ...paid, currency }), amount);
    expect(obstacle).toMatchObject({ kind: "invalid", message: expect.stringContaining(message) as string });
  });

  it.each([
    ["requires_capture", "conflict", "cancelPayment releases it"],
    ["processing", "conflict", "awaitPayment"],
    ["requires_payment_method", "conflict", "not been paid"],
    ["requires_confirmation", "conflict", "not been paid"],
    ["requires_action", "conflict", "not been paid"],
    ["canceled", "conflict", "cancelled"],
    ["unrecognized", "needs_review", "doesn't know"],
  ] as const)("of a payment that is %s is a %s", (status, kind, message) => {
    const obstacle = refundObstacle(samplePayment(status), undefined);
    expect(obstacle).toMatchObject({ kind, message: expect.stringContaining(message) as string });
  });
});

describe("the refund of a call", () => {
  const newest = refund("succeeded", 1, { refundId: "re_3", createdAtMs: 7000 });
  const failed = refund("failed", 1, { createdAtMs: 9000 });
  const ours = refund("pending", 1, { refundId: "re_2", invocationId: "inv_1", createdAtMs: 5000 });

  it.each([
    ["was made by it", [refund("pending", 1), ours], 4000, ["re_2"]],
    ["was made in the moment that the call began", [ours], 5000, ["re_2"]],
    ["is older than the call: the key came again after its retention", [ours], 6000, []],
    ["was made by somebody else", [refund("pending", 1, { invocationId: "inv_2" })], 0, []],
    ["does not exist", [], 0, []],
  ])("is found by its invocation when it %s", (_what, refunds, sinceMs, found) => {
    expect(refundsOfCall(refunds, "inv_1", sinceMs).map(({ refundId }) => refundId)).toEqual(found);
  });

  it.each([
    ["the newest that holds", [refund("succeeded", 1), newest, failed], "re_3"],
    ["an older one that may fail yet", [newest, ours, failed], "re_2"],
    ["none that failed", [failed], undefined],
  ])("that decides whether a payment is given back is %s", (_what, refunds, decisive) => {
    expect(decisiveRefund(refunds)?.refundId).toBe(decisive);
  });
});

describe("amountLeftToRefund", () => {
  it.each([
    ["no refund", [], 1000],
    ["an operator's partial refund", [refund("succeeded", 300)], 700],
    ["one under way", [refund("pending", 1000)], 0],
    ["one that waits for the customer", [refund("requires_action", 1000)], 0],
    ["one in a state that we don't know", [refund("unrecognized", 400)], 600],
    ["one that failed", [refund("failed", 1000)], 1000],
    ["one that was cancelled", [refund("canceled", 1000)], 1000],
    ["several", [refund("succeeded", 300), refund("failed", 700), refund("pending", 200)], 500],
    ["more than was paid", [refund("succeeded", 1200)], 0],
  ])("after %s", (_what, refunds, left) => {
    expect(amountLeftToRefund(1000, refunds)).toBe(left);
  });
});

describe("a refund", () => {
  it.each([
    ["pending", "pending"],
    ["requires_action", "pending"],
    ["unrecognized", "needs_review"],
    ["succeeded", "succeeded"],
    ["failed", "failed"],
    ["canceled", "failed"],
  ] as const)("that is %s is judged as %s", (status, kind) => {
    expect(judgeRefund(refund(status, 1)).kind).toBe(kind);
  });
});

const sums = (amountCaptured: number, amountRefunded: number) => ({ amountCaptured, amountRefunded });

describe("isGivenBack", () => {
  it.each([
    ["nothing was given back", sums(1000, 0), [], 0, false],
    ["a part was", sums(1000, 300), [refund("succeeded", 300)], 0, false],
    ["all was", sums(1000, 1000), [refund("succeeded", 1000)], 0, true],
    [
      "all was, in parts, one of them anew",
      sums(1000, 1000),
      [refund("failed", 700), refund("succeeded", 300)],
      0,
      true,
    ],
    ["all is on its way", sums(1000, 1000), [refund("pending", 1000)], 0, false],
    ["a refund waits for the customer", sums(1000, 1000), [refund("requires_action", 1000)], 0, false],
    ["a refund is in a state that we don't know", sums(1000, 1000), [refund("unrecognized", 1000)], 0, false],
    ["a released rest is listed as a refund", sums(300, 0), [refund("succeeded", 700)], 0, false],
    ["the bank took all back", sums(1000, 0), [], 1000, true],
    ["the bank took the rest back", sums(1000, 300), [refund("succeeded", 300)], 700, true],
  ])("when %s", (_what, payment, refunds, lostMinor, expected) => {
    expect(isGivenBack(payment, refunds, lostMinor)).toBe(expected);
  });
});
