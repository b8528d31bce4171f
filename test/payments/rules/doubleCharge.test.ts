import { describe, expect, it } from "vitest";
import { resolveDoubleCharge } from "../../../src/payments/rules/doubleCharge.ts";
import type { PaymentStatus } from "../../../src/payments/rules/payment.ts";
import { samplePayment } from "./samplePayment.ts";

function payments(statuses: readonly PaymentStatus[]) {
  return statuses.map((status, index) => samplePayment(status, { paymentIntentId: `pi_${index}` }));
}

describe("several PaymentIntents of one call", () => {
  it.each<[readonly PaymentStatus[], string, readonly string[]]>([
    [["succeeded"], "pi_0", []],
    [["succeeded", "succeeded"], "pi_0", ["pi_1"]],
    [["requires_payment_method", "succeeded"], "pi_1", ["pi_0"]],
    [["processing", "requires_capture", "requires_action"], "pi_1", ["pi_0", "pi_2"]],
    [["processing", "processing", "processing"], "pi_0", ["pi_1", "pi_2"]],
    [["unrecognized", "processing"], "pi_1", ["pi_0"]],
    [["requires_action", "unrecognized"], "pi_1", ["pi_0"]],
    [["requires_confirmation", "requires_action"], "pi_1", ["pi_0"]],
    [["requires_payment_method", "requires_confirmation"], "pi_1", ["pi_0"]],
    [["canceled", "requires_payment_method"], "pi_1", []],
    [["canceled", "canceled"], "pi_0", []],
    [["canceled", "succeeded", "canceled", "succeeded"], "pi_1", ["pi_3"]],
  ])("of %j keep %s and take back %j", (statuses, kept, extra) => {
    const resolved = resolveDoubleCharge(payments(statuses));
    expect(resolved.kept.paymentIntentId).toBe(kept);
    expect(resolved.extra.map(({ paymentIntentId }) => paymentIntentId).toSorted()).toEqual(extra);
  });

  it("stays with the one that was kept before, however far one that is being taken back has come", () => {
    const [authorized, debited] = [
      samplePayment("requires_capture", { paymentIntentId: "pi_0" }),
      samplePayment("succeeded", { paymentIntentId: "pi_1", isAbandoned: true }),
    ];
    expect(resolveDoubleCharge([authorized, debited])).toEqual({ kept: authorized, extra: [debited] });
    expect(resolveDoubleCharge([debited, authorized])).toEqual({ kept: authorized, extra: [debited] });
    expect(resolveDoubleCharge([debited, { ...authorized, isAbandoned: true }]).kept).toBe(debited);
  });

  it("needs at least one", () => {
    expect(() => resolveDoubleCharge([])).toThrow(RangeError);
  });
});
