import { describe, expect, it } from "vitest";
import type { Standpoint } from "../../src/payments/rules/payment.ts";
import {
  judgeAwaitedSetup,
  judgeSetup,
  nextSetupWatchStep,
  type SetupJudgement,
  type SetupSnapshot,
  type SetupStatus,
} from "../../src/setups/rules.ts";

const failure = {
  stripeCode: "card_declined",
  declineCode: "generic_decline",
  adviceCode: null,
  networkDeclineCode: null,
  message: "No.",
};

function setup(status: SetupStatus, more: Partial<SetupSnapshot> = {}): SetupSnapshot {
  return {
    setupIntentId: "seti_1",
    isMadeByCall: true,
    status,
    stripeStatus: status,
    customerId: "cus_1",
    paymentMethodId: "pm_1",
    mandateId: null,
    failure: null,
    closedAfterFailure: false,
    nextAction: null,
    ...more,
  };
}

const creator: Standpoint = { attempted: true, customer: "decline" };
const creatorWithCustomer: Standpoint = { attempted: true, customer: "answer" };
const observer: Standpoint = { attempted: false, customer: "wait" };
const observerOfAnAttempt: Standpoint = { attempted: true, customer: "wait" };
const everybody = [creator, creatorWithCustomer, observer, observerOfAnAttempt];

describe("judgeSetup", () => {
  // status, then what it means to: the creator, the creator with a customer, an observer, an observer of an attempt
  const table: readonly [SetupStatus, ...SetupJudgement["kind"][]][] = [
    ["succeeded", "succeeded", "succeeded", "succeeded", "succeeded"],
    ["processing", "pending", "pending", "pending", "pending"],
    ["requires_action", "declined", "requires_action", "pending", "pending"],
    ["requires_payment_method", "declined", "declined", "pending", "declined"],
    ["requires_confirmation", "needs_review", "needs_review", "pending", "pending"],
    ["canceled", "canceled", "canceled", "canceled", "canceled"],
    ["unrecognized", "needs_review", "needs_review", "needs_review", "needs_review"],
  ];
  it.each(table)("judges %s by where one stands", (status, ...expected) => {
    expect(everybody.map((standpoint) => judgeSetup(setup(status), standpoint).kind)).toEqual(expected);
  });

  it.each(everybody)("takes a failed attempt as declined, with Stripe's reason, from %o", (standpoint) => {
    const declined = { kind: "declined", failure };
    expect(judgeSetup(setup("requires_payment_method", { failure }), standpoint)).toEqual(declined);
    expect(judgeSetup(setup("canceled", { failure, closedAfterFailure: true }), standpoint)).toEqual(declined);
  });

  it("tells a decline from a cancellation also when nobody knows the reason any more", () => {
    expect(judgeSetup(setup("canceled", { closedAfterFailure: true }), observer).kind).toBe("declined");
    expect(judgeSetup(setup("canceled", { failure }), observer)).toEqual({ kind: "canceled" });
  });

  it("says why nobody could agree who is not there, and that Stripe gave no reason where it gave none", () => {
    expect(judgeSetup(setup("requires_action"), creator)).toEqual({
      kind: "declined",
      failure: {
        stripeCode: "authentication_required",
        declineCode: null,
        adviceCode: null,
        networkDeclineCode: null,
        message: expect.stringContaining("no returnUrl") as string,
      },
    });
    expect(judgeSetup(setup("requires_payment_method"), creator)).toEqual({
      kind: "declined",
      failure: {
        stripeCode: null,
        declineCode: null,
        adviceCode: null,
        networkDeclineCode: null,
        message: expect.stringContaining("no longer says why") as string,
      },
    });
  });

  it("asks for a person where a confirmation that was sent is asked for", () => {
    expect(judgeSetup(setup("requires_confirmation"), creator)).toMatchObject({
      message: expect.stringContaining("already sent") as string,
    });
  });

  it("names the payment method, or asks for a person where Stripe doesn't", () => {
    expect(judgeSetup(setup("succeeded"), creator)).toEqual({ kind: "succeeded", paymentMethodId: "pm_1" });
    const nameless = { paymentMethodId: null };
    const review = {
      kind: "needs_review",
      message: expect.stringContaining("doesn't name the payment method") as string,
    };
    expect(judgeSetup(setup("succeeded", nameless), creator)).toEqual(review);
    expect(judgeSetup(setup("requires_action", nameless), creatorWithCustomer)).toEqual(review);
  });

  it("names a status that it does not know", () => {
    expect(judgeSetup(setup("unrecognized", { stripeStatus: "teleported" }), creator)).toMatchObject({
      kind: "needs_review",
      message: expect.stringContaining('"teleported"'),
    });
  });
});

describe("judgeAwaitedSetup", () => {
  it.each<[string, Partial<SetupSnapshot>, SetupJudgement["kind"], SetupJudgement["kind"]]>([
    ["requires_payment_method", {}, "declined", "pending"],
    ["requires_payment_method", { failure }, "declined", "pending"],
    ["requires_action", {}, "pending", "pending"],
    ["succeeded", {}, "succeeded", "succeeded"],
    ["canceled", { failure }, "canceled", "canceled"],
  ])("of %s, %j, is %s to who waits for one of ours, and %s for somebody else's", (status, more, ours, theirs) => {
    const kinds = [true, false].map(
      (isMadeByCall) => judgeAwaitedSetup(setup(status as SetupStatus, { ...more, isMadeByCall })).kind,
    );
    expect(kinds).toEqual([ours, theirs]);
  });
});

describe("nextSetupWatchStep", () => {
  it.each([
    ["succeeded", "done", "done"],
    ["canceled", "done", "done"],
    ["requires_action", "wait", "cancel"],
    ["requires_confirmation", "wait", "cancel"],
    ["requires_payment_method", "cancel", "cancel"],
    ["processing", "wait", "wait"],
    ["unrecognized", "wait", "wait"],
  ] as const)("of %s is %s, and after the customer's time %s", (status, before, after) => {
    expect([false, true].map((isOver) => nextSetupWatchStep(setup(status), isOver))).toEqual([before, after]);
  });
});
