import { describe, expect, it } from "vitest";
import { nextCaptureStep, totalAfterCapture } from "../../../src/payments/rules/capture.ts";
import { samplePayment } from "./samplePayment.ts";

const held = { amount: 1000, amountCapturable: 1000 };

describe("nextCaptureStep", () => {
  it.each([
    ["all that is held", "usd", undefined],
    ["a part of it", "usd", 400],
    ["as much as is held", "usd", 1000],
    ["whole yen", "jpy", 401],
  ])("captures %s", (_what, currency, amount) => {
    const payment = samplePayment("requires_capture", { ...held, currency });
    expect(nextCaptureStep(payment, { amount, final: true })).toEqual({ kind: "capture" });
  });

  it.each([
    ["more than is held", "usd", 1001, "at most 1000"],
    ["a fraction of a króna", "isk", 150, "multiple of 100"],
  ])("refuses %s", (_what, currency, amount, message) => {
    const step = nextCaptureStep(samplePayment("requires_capture", { ...held, currency }), { amount, final: true });
    expect(step).toMatchObject({ kind: "invalid", message: expect.stringContaining(message) as string });
  });

  it.each([
    ["with the same fee", { applicationFeeAmount: 10 }, "captured"],
    ["with another fee", { applicationFeeAmount: 11 }, "conflict"],
    ["with the same transfer", { transferAmount: 90 }, "captured"],
    ["with another transfer", { transferAmount: 91 }, "conflict"],
    ["without a word on how it is shared", {}, "captured"],
  ])("of a payment that is captured %s is %s", (_what, wish, kind) => {
    const shares = { amountReceived: 109, applicationFeeAmount: 10, transfer: { amount: 90 } };
    expect(nextCaptureStep(samplePayment("succeeded", shares), { ...wish, final: true }).kind).toBe(kind);
  });

  it("releases the rest of several captures with nothing, and does not begin with nothing", () => {
    const wish = { amount: 0, final: true };
    const part = samplePayment("requires_capture", { amount: 1000, amountReceived: 700, amountCapturable: 300 });
    expect(nextCaptureStep(part, wish)).toEqual({ kind: "capture" });
    expect(nextCaptureStep(samplePayment("succeeded", { amount: 1000, amountReceived: 700 }), wish).kind).toBe(
      "captured",
    );
    expect(nextCaptureStep(samplePayment("requires_capture", held), wish)).toMatchObject({
      kind: "invalid",
      message: expect.stringContaining("cancelPayment") as string,
    });
  });

  it.each([
    ["requires_capture", "released"],
    ["succeeded", "refunded"],
  ] as const)("of a payment that is %s and was given up says that it is %s", (status, fate) => {
    const payment = samplePayment(status, { ...held, amountReceived: 1000, isAbandoned: true });
    expect(nextCaptureStep(payment, { final: true })).toMatchObject({
      kind: "taken_back",
      message: expect.stringContaining(fate) as string,
    });
  });

  it.each([
    [400, undefined, "conflict"],
    [400, 400, "captured"],
    [400, 1000, "conflict"],
    [1000, undefined, "captured"],
    [1200, undefined, "captured"],
  ])("of a payment of 1000 that is captured with %s and asked for %s is %s", (amountReceived, amount, kind) => {
    const payment = samplePayment("succeeded", { amount: 1000, amountReceived });
    expect(nextCaptureStep(payment, { amount, final: true }).kind).toBe(kind);
  });

  it.each([
    ["the last of several captures", 600, 1000, "captured"],
    ["the rest after several captures", undefined, 1000, "captured"],
    ["one that somebody else has made final before", 600, 400, "conflict"],
  ])("knows %s by what was received before it", (_what, amount, amountReceived, kind) => {
    const before = samplePayment("requires_capture", { amount: 1000, amountReceived: 400, amountCapturable: 600 });
    const after = samplePayment("succeeded", { amount: 1000, amountReceived });
    const totalMinor = totalAfterCapture(before, amount);
    expect(nextCaptureStep(after, { amount, final: true, totalMinor }).kind).toBe(kind);
  });

  it.each([
    ["automatic", "The authorization expired"],
    ["expired", "The authorization expired"],
    ["requested_by_customer", "cancelled (requested_by_customer)"],
    [null, "was cancelled."],
  ])("of one that was cancelled (%s) says so", (cancellationReason, message) => {
    const step = nextCaptureStep(samplePayment("canceled", { cancellationReason }), { final: true });
    expect(step).toMatchObject({ kind: "canceled", message: expect.stringContaining(message) as string });
  });

  it.each([
    ["requires_capture", "wait"],
    ["succeeded", "wait"],
    ["processing", "wait"],
    ["requires_payment_method", "conflict"],
    ["canceled", "canceled"],
  ] as const)("of one that is %s while its caller is about to give it up is a %s", (status, kind) => {
    const payment = samplePayment(status, { ...held, amountReceived: 1000, isBeingAbandoned: true });
    expect(nextCaptureStep(payment, { final: true }).kind).toBe(kind);
  });

  it("says how much was captured where that is not what was asked for", () => {
    const payment = samplePayment("succeeded", { amount: 1000, amountReceived: 400 });
    expect(nextCaptureStep(payment, { final: true })).toMatchObject({
      message: expect.stringContaining("400 of 1000") as string,
    });
  });

  it("waits for one that is processing", () => {
    expect(nextCaptureStep(samplePayment("processing"), { final: true })).toEqual({ kind: "wait" });
  });

  it.each([
    ["requires_payment_method", "conflict"],
    ["requires_confirmation", "conflict"],
    ["requires_action", "conflict"],
    ["unrecognized", "needs_review"],
  ] as const)("of a payment that is %s is a %s that names the status", (status, kind) => {
    expect(nextCaptureStep(samplePayment(status), { final: true })).toMatchObject({
      kind,
      message: expect.stringContaining(status) as string,
    });
  });
});
