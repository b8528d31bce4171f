/** What is kept of Stripe's objects, and what is made of the parts that Stripe leaves out. */
import type { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import { snapshotOfRefund } from "../../../src/refunds/stripe.ts";
import { snapshotOfSetup } from "../../../src/setups/stripe/snapshot.ts";
import { failureNote, failureNoteOf, idOf } from "../../../src/stripe/snapshot.ts";
import { snapshotOfPayment } from "../../../src/payments/stripe/snapshot.ts";

const noReason = "The payment attempt failed.";

function payment(more: object = {}) {
  return snapshotOfPayment({
    id: "pi_1",
    object: "payment_intent",
    status: "processing",
    amount: 109,
    amount_received: 9,
    amount_capturable: 100,
    currency: "usd",
    latest_charge: null,
    cancellation_reason: null,
    last_payment_error: null,
    metadata: {},
    next_action: null,
    ...more,
  } as unknown as Stripe.PaymentIntent);
}

function refund(more: object = {}) {
  return snapshotOfRefund({
    id: "re_1",
    object: "refund",
    amount: 9,
    currency: "usd",
    created: 3600,
    status: "pending",
    payment_intent: "pi_1",
    metadata: {},
    ...more,
  } as unknown as Stripe.Refund);
}

function setup(more: object = {}) {
  return snapshotOfSetup({
    id: "seti_1",
    object: "setup_intent",
    status: "processing",
    customer: "cus_1",
    payment_method: "pm_1",
    mandate: null,
    last_setup_error: null,
    metadata: {},
    next_action: null,
    ...more,
  } as unknown as Stripe.SetupIntent);
}

describe("a payment", () => {
  it("is kept with what a decision needs", () => {
    expect(payment()).toEqual({
      paymentIntentId: "pi_1",
      isMadeByCall: false,
      status: "processing",
      stripeStatus: "processing",
      amount: 109,
      amountReceived: 9,
      amountCaptured: 9,
      amountRefunded: 0,
      amountCapturable: 100,
      currency: "usd",
      chargeId: null,
      captureBefore: null,
      cancellationReason: null,
      failure: null,
      closedAfterFailure: false,
      isAbandoned: false,
      isBeingAbandoned: false,
      nextAction: null,
    });
  });

  it("has the sums of its charge, where the charge is there", () => {
    const latest_charge = { id: "ch_1", amount_captured: 7, amount_refunded: 2 };
    expect(payment({ latest_charge })).toMatchObject({ amountCaptured: 7, amountRefunded: 2 });
    expect(payment({ latest_charge: "ch_1" })).toMatchObject({ amountCaptured: 9, amountRefunded: 0 });
  });

  it.each([
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "succeeded",
    "canceled",
  ])("has the status %s", (status) => {
    expect(payment({ status })).toMatchObject({ status, stripeStatus: status });
  });

  it("in a status that we don't know keeps Stripe's word for it", () => {
    expect(payment({ status: "teleported" })).toMatchObject({ status: "unrecognized", stripeStatus: "teleported" });
  });

  it.each([
    ["not read", "ch_1", "ch_1", null],
    ["no card's", { id: "ch_2", status: "pending" }, "ch_2", null],
    ["of another method", { id: "ch_3", payment_method_details: { type: "klarna" } }, "ch_3", null],
    ["of a card that is not held", { id: "ch_4", payment_method_details: { card: {} } }, "ch_4", null],
    [
      "of a card that is held",
      { id: "ch_5", payment_method_details: { card: { capture_before: 3600 } } },
      "ch_5",
      "1970-01-01T01:00:00.000Z",
    ],
  ])("whose charge is %s", (_what, charge, chargeId, captureBefore) => {
    expect(payment({ latest_charge: charge })).toMatchObject({ chargeId, captureBefore, failure: null });
  });

  const lost = {
    code: "card_declined",
    decline_code: "lost_card",
    advice_code: "do_not_try_again",
    network_decline_code: "41",
    message: "No.",
  };
  const failedCharge = { id: "ch_1", status: "failed", failure_code: "expired_card", failure_message: "It expired." };
  const expired = { reason: "expired", advice_code: "confirm_card_data", network_decline_code: "54" };
  const note = {
    restate_failure: failureNoteOf({
      stripeCode: "do_not",
      declineCode: null,
      adviceCode: null,
      networkDeclineCode: null,
      message: "",
    }),
  };
  it.each<[string, object, object | null]>([
    [
      "its error, before all others",
      { last_payment_error: lost, latest_charge: failedCharge, metadata: note },
      {
        stripeCode: "card_declined",
        declineCode: "lost_card",
        adviceCode: "do_not_try_again",
        networkDeclineCode: "41",
        message: "No.",
      },
    ],
    [
      "an error without codes",
      { last_payment_error: {} },
      { stripeCode: null, declineCode: null, adviceCode: null, networkDeclineCode: null, message: noReason },
    ],
    [
      "its failed charge, before our note",
      { latest_charge: { ...failedCharge, outcome: expired }, metadata: note },
      {
        stripeCode: "expired_card",
        declineCode: "expired",
        adviceCode: "confirm_card_data",
        networkDeclineCode: "54",
        message: "It expired.",
      },
    ],
    [
      "a failed charge without words",
      { latest_charge: { ...failedCharge, failure_message: null, outcome: { seller_message: "Ask the bank." } } },
      {
        stripeCode: "expired_card",
        declineCode: null,
        adviceCode: null,
        networkDeclineCode: null,
        message: "Ask the bank.",
      },
    ],
    [
      "a failed charge that says nothing",
      { latest_charge: { id: "ch_1", status: "failed", failure_code: null, failure_message: null, outcome: null } },
      { stripeCode: null, declineCode: null, adviceCode: null, networkDeclineCode: null, message: noReason },
    ],
    ["a charge that did not fail", { latest_charge: { ...failedCharge, status: "succeeded" } }, null],
    [
      "our note",
      { metadata: note },
      {
        stripeCode: "do_not",
        declineCode: null,
        adviceCode: null,
        networkDeclineCode: null,
        message: "The attempt failed, and it was closed.",
      },
    ],
    [
      "our note, where the charge is not read",
      { metadata: note, latest_charge: "ch_1" },
      {
        stripeCode: "do_not",
        declineCode: null,
        adviceCode: null,
        networkDeclineCode: null,
        message: "The attempt failed, and it was closed.",
      },
    ],
    ["nothing", {}, null],
  ])("takes the reason of its failure from %s", (_what, more, failure) => {
    expect(payment(more).failure).toEqual(failure);
  });

  it("knows by our notes that we closed it, or gave it up", () => {
    expect(payment({ metadata: note })).toMatchObject({ closedAfterFailure: true, isAbandoned: false });
    expect(payment({ metadata: { restate_abandoned_by: "inv_1" } })).toMatchObject({
      closedAfterFailure: false,
      isAbandoned: true,
      isBeingAbandoned: false,
    });
    expect(payment({ metadata: { restate_abandoned_by: "inv_1 (undecided)" } })).toMatchObject({
      isAbandoned: false,
      isBeingAbandoned: true,
    });
  });

  it.each([undefined, "", "null", "{", "[]", '{"stripeCode":1,"declineCode":null}', '{"stripeCode":null}'])(
    "learns nothing from the damaged note %j",
    (text) => {
      expect(failureNote(text)).toBeNull();
    },
  );
});

describe("a refund", () => {
  it("is kept with what a decision needs", () => {
    expect(refund()).toEqual({
      refundId: "re_1",
      paymentIntentId: "pi_1",
      status: "pending",
      stripeStatus: "pending",
      amount: 9,
      currency: "usd",
      failureReason: null,
      invocationId: null,
      installationId: null,
      createdAtMs: 3_600_000,
    });
  });

  it.each(["pending", "requires_action", "succeeded", "failed", "canceled"])("has the status %s", (status) => {
    expect(refund({ status }).status).toBe(status);
  });

  it.each(["teleported", null])("in a status that we don't know (%s) is a state of its own", (status) => {
    expect(refund({ status }).status).toBe("unrecognized");
  });

  it("tells whose it is, who made it and why it failed", () => {
    const more = { failure_reason: "lost_or_stolen_card", metadata: { restate_invocation_id: "inv_1" } };
    expect(refund({ ...more, payment_intent: { id: "pi_2" } })).toMatchObject({
      paymentIntentId: "pi_2",
      invocationId: "inv_1",
      installationId: null,
      failureReason: "lost_or_stolen_card",
    });
    expect(refund({ payment_intent: null, metadata: null })).toMatchObject({
      paymentIntentId: null,
      invocationId: null,
      installationId: null,
    });
  });
});

describe("a set-up", () => {
  it("is kept with what a decision needs", () => {
    expect(setup()).toEqual({
      setupIntentId: "seti_1",
      isMadeByCall: false,
      status: "processing",
      stripeStatus: "processing",
      customerId: "cus_1",
      paymentMethodId: "pm_1",
      mandateId: null,
      failure: null,
      closedAfterFailure: false,
      nextAction: null,
    });
  });

  it.each([
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "succeeded",
    "canceled",
  ])("has the status %s", (status) => {
    expect(setup({ status })).toMatchObject({ status, stripeStatus: status });
  });

  it("in a status that we don't know keeps Stripe's word for it", () => {
    expect(setup({ status: "teleported" })).toMatchObject({ status: "unrecognized", stripeStatus: "teleported" });
  });

  it("takes the reason of its failure from its error, or from our note", () => {
    const note = {
      restate_failure: failureNoteOf({
        stripeCode: "do_not",
        declineCode: "lost_card",
        adviceCode: null,
        networkDeclineCode: null,
        message: "",
      }),
    };
    const error = { code: "expired_card", decline_code: "expired", message: "It expired." };
    expect(setup({ last_setup_error: error, metadata: note }).failure).toEqual({
      stripeCode: "expired_card",
      declineCode: "expired",
      adviceCode: null,
      networkDeclineCode: null,
      message: "It expired.",
    });
    expect(setup({ last_setup_error: {} }).failure).toEqual({
      stripeCode: null,
      declineCode: null,
      adviceCode: null,
      networkDeclineCode: null,
      message: "The payment method was not saved.",
    });
    expect(setup({ metadata: note })).toMatchObject({
      closedAfterFailure: true,
      failure: { stripeCode: "do_not", declineCode: "lost_card" },
    });
    expect(setup({ metadata: null })).toMatchObject({ closedAfterFailure: false, failure: null });
  });

  it.each([
    ["pm_1", "pm_1"],
    [{ id: "pm_1" }, "pm_1"],
    [null, null],
  ])("names by its id what Stripe gives as %j", (reference, id) => {
    expect(idOf(reference)).toBe(id);
  });
});
