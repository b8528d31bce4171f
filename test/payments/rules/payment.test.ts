import { describe, expect, it } from "vitest";
import {
  judgeAwaitedPayment,
  judgePayment,
  type Judgement,
  type PaymentSnapshot,
  type PaymentStatus,
  type Standpoint,
} from "../../../src/payments/rules/payment.ts";
import { samplePayment as payment } from "./samplePayment.ts";

const failure = {
  stripeCode: "card_declined",
  declineCode: "generic_decline",
  adviceCode: null,
  networkDeclineCode: null,
  message: "No.",
};

const creator: Standpoint = { attempted: true, customer: "decline" };
const creatorWithCustomer: Standpoint = { attempted: true, customer: "answer" };
const observer: Standpoint = { attempted: false, customer: "wait" };
const observerOfAnAttempt: Standpoint = { attempted: true, customer: "wait" };

describe("judgePayment", () => {
  // status, then what it means to: the creator, the creator with a customer, an observer, an observer of an attempt
  const table: readonly [PaymentStatus, ...Judgement["kind"][]][] = [
    ["succeeded", "succeeded", "succeeded", "succeeded", "succeeded"],
    ["requires_capture", "requires_capture", "requires_capture", "requires_capture", "requires_capture"],
    ["processing", "pending", "pending", "pending", "pending"],
    ["requires_action", "declined", "requires_action", "pending", "pending"],
    ["requires_payment_method", "declined", "declined", "pending", "declined"],
    ["requires_confirmation", "needs_review", "needs_review", "pending", "pending"],
    ["canceled", "canceled", "canceled", "canceled", "canceled"],
    ["unrecognized", "needs_review", "needs_review", "needs_review", "needs_review"],
  ];
  it.each(table)("judges %s by where one stands", (status, ...expected) => {
    const seen = [creator, creatorWithCustomer, observer, observerOfAnAttempt].map(
      (standpoint) => judgePayment(payment(status), standpoint).kind,
    );
    expect(seen).toEqual(expected);
  });

  it.each([creator, creatorWithCustomer, observer, observerOfAnAttempt])(
    "takes a failed attempt as declined, with Stripe's reason, from %o",
    (standpoint) => {
      expect(judgePayment(payment("requires_payment_method", { failure }), standpoint)).toEqual({
        kind: "declined",
        failure,
      });
    },
  );

  it.each([creator, creatorWithCustomer, observer, observerOfAnAttempt])(
    "still tells a decline from a cancellation after we closed the PaymentIntent, from %o",
    (standpoint) => {
      const closed = payment("canceled", { failure, closedAfterFailure: true });
      expect(judgePayment(closed, standpoint)).toEqual({ kind: "declined", failure });
    },
  );

  it("takes no success of what was given up for one, and no authorization", () => {
    const kinds = table.map(([status]) => judgePayment(payment(status, { isAbandoned: true }), observer).kind);
    expect(kinds.slice(0, 2)).toEqual(["taken_back", "pending"]);
    expect(kinds.slice(2)).toEqual(table.slice(2).map(([status]) => judgePayment(payment(status), observer).kind));
  });

  it("waits for the decision of the call that is about to give it up", () => {
    const kinds = table.map(([status]) => judgePayment(payment(status, { isBeingAbandoned: true }), observer).kind);
    expect(kinds.slice(0, 2)).toEqual(["pending", "pending"]);
    expect(kinds.slice(2)).toEqual(table.slice(2).map(([status]) => judgePayment(payment(status), observer).kind));
  });

  it("says why nobody could pay who is not there, and that Stripe gave no reason where it gave none", () => {
    expect(judgePayment(payment("requires_action"), creator)).toEqual({
      kind: "declined",
      failure: {
        stripeCode: "authentication_required",
        declineCode: null,
        adviceCode: null,
        networkDeclineCode: null,
        message: expect.stringContaining("no returnUrl") as string,
      },
    });
    const unexplained = {
      kind: "declined",
      failure: {
        stripeCode: null,
        declineCode: null,
        adviceCode: null,
        networkDeclineCode: null,
        message: expect.stringContaining("no longer says why") as string,
      },
    };
    expect(judgePayment(payment("requires_payment_method"), creator)).toEqual(unexplained);
    expect(judgePayment(payment("canceled", { closedAfterFailure: true }), observer)).toEqual(unexplained);
  });

  it("asks for a person where a confirmation that was sent is asked for", () => {
    expect(judgePayment(payment("requires_confirmation"), creator)).toMatchObject({
      message: expect.stringContaining("already sent") as string,
    });
  });

  it("does not take an old failure for the reason of somebody's cancellation", () => {
    expect(judgePayment(payment("canceled", { failure }), observer)).toEqual({ kind: "canceled" });
  });

  it("does not let an earlier failure end a later attempt", () => {
    expect(judgePayment(payment("processing", { failure }), creator)).toEqual({ kind: "pending" });
  });

  it("names a status that it does not know", () => {
    const judgement = judgePayment(payment("unrecognized", { stripeStatus: "teleported" }), creator);
    expect(judgement).toMatchObject({ kind: "needs_review", message: expect.stringContaining('"teleported"') });
  });
});

describe("judgeAwaitedPayment", () => {
  it.each<[PaymentStatus, Partial<PaymentSnapshot>, Judgement["kind"], Judgement["kind"]]>([
    ["requires_payment_method", {}, "declined", "pending"],
    ["requires_payment_method", { failure }, "declined", "pending"],
    ["requires_confirmation", {}, "pending", "pending"],
    ["requires_action", {}, "pending", "pending"],
    ["processing", { failure }, "pending", "pending"],
    ["requires_capture", {}, "requires_capture", "requires_capture"],
    ["succeeded", { failure }, "succeeded", "succeeded"],
    ["canceled", { failure }, "canceled", "canceled"],
    ["unrecognized", {}, "needs_review", "needs_review"],
  ])("of %s, %j, is %s to who waits for one of ours, and %s for somebody else's", (status, more, ours, theirs) => {
    const kinds = [true, false].map(
      (isMadeByCall) => judgeAwaitedPayment(payment(status, { ...more, isMadeByCall })).kind,
    );
    expect(kinds).toEqual([ours, theirs]);
  });
});
