import { describe, expect, it } from "vitest";
import type { PaymentStatus } from "../../../src/payments/rules/payment.ts";
import { nextWatchStep, type WatchStep } from "../../../src/payments/rules/watch.ts";
import { samplePayment as seen } from "./samplePayment.ts";

describe("nextWatchStep", () => {
  // status, then the step while the customer may act, when that time is over, and once the payment was given up
  const table: readonly [PaymentStatus, WatchStep, WatchStep, WatchStep][] = [
    ["succeeded", "done", "done", "refund"],
    ["requires_capture", "done", "done", "cancel"],
    ["requires_action", "wait", "cancel", "cancel"],
    ["requires_confirmation", "wait", "cancel", "cancel"],
    ["requires_payment_method", "cancel", "cancel", "cancel"],
    ["processing", "wait", "wait", "wait"],
    ["unrecognized", "wait", "wait", "wait"],
    ["canceled", "done", "done", "done"],
  ];
  it.each(table)(
    "for %s: %s for a customer, %s when expired, %s when abandoned",
    (status, forCustomer, expired, abandoned) => {
      expect(nextWatchStep(seen(status), "expired")).toBe(expired);
      expect(nextWatchStep(seen(status), "customer")).toBe(forCustomer);
      expect(nextWatchStep(seen(status), "abandoned")).toBe(abandoned);
    },
  );
});
