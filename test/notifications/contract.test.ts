import { describe, expect, it } from "vitest";
import { paymentNotificationSchema, type PaymentNotification } from "../../src/notifications/contract.ts";

const failed: PaymentNotification = {
  id: "re_1-refund_failed",
  type: "refund.failed",
  version: 1,
  createdAt: "2026-11-21T10:02:11.000Z",
  paymentIntentId: "pi_1",
  data: {
    refundId: "re_1",
    status: "failed",
    amount: 9,
    currency: "usd",
    reason: null,
    failureReason: "lost_or_stolen_card",
    metadata: { orderId: "4004" },
  },
};

describe("paymentNotificationSchema", () => {
  it("takes a notification and gives it back", () => {
    expect(paymentNotificationSchema.parse(failed)).toEqual(failed);
  });

  it("passes over fields that a later version adds", () => {
    const later = { ...failed, since: "2027", data: { ...failed.data, speed: 1 } };
    expect(paymentNotificationSchema.parse(later)).toEqual(failed);
  });

  it.each<[string, object]>([
    ["an unknown type", { type: "refund.lost" }],
    ["another version", { version: 2 }],
    ["the data of another type", { type: "payment.succeeded" }],
    ["a time that is none", { createdAt: "yesterday" }],
  ])("refuses %s", (_what, change) => {
    expect(paymentNotificationSchema.safeParse({ ...failed, ...change }).success).toBe(false);
  });
});
