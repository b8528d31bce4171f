import { describe, expect, it } from "vitest";
import { amountLeftToRefund, isRefundSettled, type RefundStatus } from "../../src/domain/refund.ts";

const refund = (status: RefundStatus, amount: number) => ({ refundId: "re_1", status, amount, failureReason: null });

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

describe("isRefundSettled", () => {
  it.each([
    ["pending", false],
    ["requires_action", false],
    ["unrecognized", false],
    ["succeeded", true],
    ["failed", true],
    ["canceled", true],
  ] as const)("says of %s: %s", (status, settled) => {
    expect(isRefundSettled(refund(status, 1))).toBe(settled);
  });
});
