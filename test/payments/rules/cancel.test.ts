import { describe, expect, it } from "vitest";
import { nextCancelStep } from "../../../src/payments/rules/cancel.ts";
import { samplePayment } from "./samplePayment.ts";

describe("nextCancelStep", () => {
  it.each([
    ["requires_payment_method", "cancel", "cancel"],
    ["requires_confirmation", "cancel", "cancel"],
    ["requires_action", "cancel", "cancel"],
    ["requires_capture", "cancel", "cancel"],
    ["processing", "cancel", "cancel"],
    ["canceled", "canceled", "canceled"],
    ["succeeded", "conflict", "refund"],
    ["unrecognized", "needs_review", "needs_review"],
  ] as const)("of a payment that is %s is %s, and with refundIfSucceeded %s", (status, plain, refunding) => {
    expect(nextCancelStep(samplePayment(status), false).kind).toBe(plain);
    expect(nextCancelStep(samplePayment(status), true).kind).toBe(refunding);
  });

  it("names a status that it does not know", () => {
    expect(nextCancelStep(samplePayment("unrecognized", { stripeStatus: "teleported" }), true)).toMatchObject({
      message: expect.stringContaining('"teleported"') as string,
    });
  });

  it("does not cancel what is captured in part", () => {
    const part = samplePayment("requires_capture", { amount: 1000, amountReceived: 700 });
    const conflict = { kind: "conflict", message: expect.stringContaining("700 of 1000") as string };
    expect(nextCancelStep(part, false)).toMatchObject(conflict);
    expect(nextCancelStep(part, true)).toMatchObject(conflict);
  });

  it("names the call that gives the money back", () => {
    expect(nextCancelStep(samplePayment("succeeded"), false)).toMatchObject({
      message: expect.stringContaining("refundPayment") as string,
    });
  });
});
