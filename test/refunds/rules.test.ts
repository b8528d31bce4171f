import { describe, expect, it } from "vitest";
import {
  amountLeftToRefund,
  isGivenBack,
  judgeRefund,
  decisiveRefund,
  refundObstacle,
  refundsOfCall,
  refundsOfCaptured,
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
  installationId: null,
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

  it("lets a part that was captured be refunded before the last capture", () => {
    const part = samplePayment("requires_capture", { amount: 1000, amountReceived: 700 });
    expect(refundObstacle(part, 200)).toBeNull();
    expect(refundObstacle(part, undefined)).toBeNull();
    expect(refundObstacle(part, 701)).toMatchObject({ kind: "invalid" });
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
  const maker = { invocationId: "inv_1", installationId: "in_1" };
  const newest = refund("succeeded", 1, { refundId: "re_3", createdAtMs: 7000 });
  const failed = refund("failed", 1, { createdAtMs: 9000 });
  const ours = refund("pending", 1, { refundId: "re_2", ...maker, createdAtMs: 5000 });

  it.each([
    ["was made by it", [refund("pending", 1), ours], 4000, ["re_2"]],
    ["was made in the moment that the call began", [ours], 5000, ["re_2"]],
    ["is older than the call: the key came again after its retention", [ours], 6000, []],
    ["was made by somebody else", [refund("pending", 1, { ...maker, invocationId: "inv_2" })], 0, []],
    [
      "was made by a call of that id of another installation",
      [refund("pending", 1, { ...maker, installationId: "in_2" })],
      0,
      [],
    ],
    ["was made by a version that wrote no installation", [{ ...ours, installationId: null }], 4000, ["re_2"]],
    ["does not exist", [], 0, []],
  ])("is found by its invocation when it %s", (_what, refunds, sinceMs, found) => {
    expect(refundsOfCall(refunds, maker, sinceMs).map(({ refundId }) => refundId)).toEqual(found);
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
    [1000, 0, 1000],
    [600, 200, 400],
    [600, 600, 0],
    [600, 700, 0],
  ])("of %s captured and %s given back is %s", (amountCaptured, amountRefunded, left) => {
    expect(amountLeftToRefund(samplePayment("succeeded", { amountCaptured, amountRefunded }))).toBe(left);
  });
});

describe("the refunds of captured money", () => {
  const release = refund("succeeded", 400, { refundId: "re_release", createdAtMs: 1 });
  const later = refund("succeeded", 400, { refundId: "re_later", createdAtMs: 2 });
  const failed = refund("failed", 400, { refundId: "re_failed", createdAtMs: 0 });
  const part = refund("pending", 100, { refundId: "re_part", createdAtMs: 3 });
  const captured = { amount: 1000, amountCaptured: 600 };

  it.each([
    ["without the rest that an older program released", "succeeded", [release], 0, []],
    ["without the older of two of that amount", "succeeded", [later, release, failed], 400, ["re_later", "re_failed"]],
    ["whatever else was given back", "succeeded", [part, release], 100, ["re_part"]],
    ["all that the charge counts", "succeeded", [later, part], 500, ["re_later", "re_part"]],
    ["all while the rest is still held", "requires_capture", [release], 0, ["re_release"]],
    ["all where none has the amount of the rest", "succeeded", [refund("succeeded", 500)], 0, ["re_1"]],
  ] as const)("are %s", (_what, status, refunds, amountRefunded, kept) => {
    const payment = samplePayment(status, { ...captured, amountRefunded });
    expect(refundsOfCaptured(refunds, payment).map(({ refundId }) => refundId)).toEqual(kept);
  });

  it("are all of a payment that was captured whole", () => {
    const whole = samplePayment("succeeded", { amount: 1000, amountCaptured: 1000 });
    expect(refundsOfCaptured([refund("succeeded", 1000)], whole)).toHaveLength(1);
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
