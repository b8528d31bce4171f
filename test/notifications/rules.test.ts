import { describe, expect, it } from "vitest";
import {
  dueNotifications,
  isOutcomeTold,
  type Memory,
  type Seen,
  type SeenDispute,
  type SeenPayment,
  type SeenRefund,
  type SeenWarning,
} from "../../src/notifications/rules/dueNotifications.ts";
import type { PaymentSnapshot, PaymentStatus } from "../../src/payments/rules/payment.ts";
import type { PaymentNotification } from "../../src/notifications/contract.ts";
import type { RefundStatus } from "../../src/refunds/rules.ts";
import { samplePayment } from "../payments/rules/samplePayment.ts";

const dayMs = 86_400_000;
const nowMs = 1_000 * dayMs;
const at = { nowMs, now: "1972-09-27T00:00:00.000Z", rememberedMs: 180 * dayMs };

function memory(more: Partial<Memory> = {}): Memory {
  return { begunAtMs: nowMs, changedAtMs: nowMs, abandoned: false, told: [], ...more };
}

function paid(
  status: PaymentStatus,
  snapshot: Partial<PaymentSnapshot> = {},
  more: Partial<SeenPayment> = {},
): SeenPayment {
  return {
    payment: samplePayment(status, snapshot),
    isOurs: true,
    isBankDebit: false,
    metadata: { orderId: "4004" },
    cancellationReason: null,
    datedAtMs: nowMs,
    ...more,
  };
}

function refund(status: RefundStatus, more: Partial<SeenRefund> = {}): SeenRefund {
  return {
    refundId: "re_1",
    status,
    stripeStatus: status,
    amount: 9,
    currency: "usd",
    reason: null,
    failureReason: null,
    createdAtMs: nowMs,
    ...more,
  };
}

function dispute(status: string, more: Partial<SeenDispute> = {}): SeenDispute {
  return {
    disputeId: "du_1",
    status,
    amount: 109,
    currency: "usd",
    reason: "fraudulent",
    respondBy: null,
    createdAtMs: nowMs,
    ...more,
  };
}

const warning: SeenWarning = {
  warningId: "issfr_1",
  fraudType: "misc",
  isActionable: true,
  chargeId: "ch_1",
  createdAtMs: nowMs,
};

function seen(payment: SeenPayment, more: Partial<Omit<Seen, "payment">> = {}): Seen {
  return { payment, refunds: [], disputes: [], warnings: [], ...more };
}

function typesOf(notifications: readonly PaymentNotification[]): readonly string[] {
  return notifications.map(({ type }) => type);
}

/** A story told in looks: what each look tells. */
function tell(looks: readonly Seen[], from: Memory = memory()): readonly (readonly string[])[] {
  let latest = from;
  return looks.map((look) => {
    const told = dueNotifications(latest, look, at);
    latest = told.memory;
    return typesOf(told.due);
  });
}

function typesTold(payment: SeenPayment, abandoned = false): readonly string[] {
  return typesOf(dueNotifications(memory({ abandoned }), seen(payment), at).due);
}

describe("dueNotifications", () => {
  const succeeded = paid("succeeded", { amountReceived: 109, chargeId: "ch_1" });
  const failure = {
    stripeCode: "card_declined",
    declineCode: "lost_card",
    adviceCode: null,
    networkDeclineCode: null,
    message: "Your card was declined.",
  };

  it("gives the whole body, with the merchant's metadata", () => {
    expect(dueNotifications(memory(), seen(succeeded), at).due).toEqual([
      {
        id: "pi_1-payment_succeeded",
        type: "payment.succeeded",
        version: 1,
        createdAt: at.now,
        paymentIntentId: "pi_1",
        data: {
          status: "succeeded",
          amount: 109,
          amountReceived: 109,
          currency: "usd",
          chargeId: "ch_1",
          failure: null,
          cancellationReason: null,
          metadata: { orderId: "4004" },
        },
      },
    ]);
  });

  // status, then what is told of a payment of ours, of one made elsewhere, of one that was given up while pending
  const byStatus: readonly [PaymentStatus, string | null, string | null, string | null][] = [
    ["succeeded", "payment.succeeded", "payment.succeeded", "payment.taken_back"],
    ["requires_capture", "payment.authorized", "payment.authorized", "payment.abandoned"],
    ["requires_action", null, null, "payment.abandoned"],
    ["requires_confirmation", null, null, "payment.abandoned"],
    ["requires_payment_method", "payment.declined", null, "payment.declined"],
    ["processing", null, null, "payment.abandoned"],
    ["canceled", "payment.canceled", "payment.canceled", "payment.canceled"],
    ["unrecognized", "payment.needs_review", "payment.needs_review", "payment.needs_review"],
  ];
  it.each(byStatus)("for %s tells %s of ours, %s of another's, %s of one given up", (status, ours, others, givenUp) => {
    expect(typesTold(paid(status))).toEqual(ours === null ? [] : [ours]);
    expect(typesTold(paid(status, {}, { isOurs: false }))).toEqual(others === null ? [] : [others]);
    expect(typesTold(paid(status), true)).toEqual(givenUp === null ? [] : [givenUp]);
    expect(typesTold(paid(status, { isAbandoned: true }))).toEqual(givenUp === null ? [] : [givenUp]);
  });

  it.each(byStatus)(
    "for %s tells no success of a payment whose caller is about to give it up, until that is decided",
    (status, ours, _others, givenUp) => {
      const undecided = paid(status, { isBeingAbandoned: true });
      const mayStillBeTaken = status === "succeeded" || status === "requires_capture";
      expect(typesTold(undecided)).toEqual(ours === null || mayStillBeTaken ? [] : [ours]);
      expect(typesTold(undecided, true)).toEqual(givenUp === null ? [] : [givenUp]);
    },
  );

  it("tells the reason of a decline, also when the PaymentIntent was closed since", () => {
    const open = dueNotifications(memory(), seen(paid("requires_payment_method", { failure })), at);
    expect(open.due).toMatchObject([{ type: "payment.declined", data: { failure } }]);
    const closed = seen(paid("canceled", { failure, closedAfterFailure: true }));
    expect(dueNotifications(memory(), closed, at).due).toMatchObject([{ type: "payment.declined", data: { failure } }]);
    expect(dueNotifications(open.memory, closed, at).due).toEqual([]);
  });

  const refunds: readonly [RefundStatus, readonly string[]][] = [
    ["pending", []],
    ["requires_action", []],
    ["succeeded", ["refund.succeeded"]],
    ["failed", ["refund.failed"]],
    ["canceled", ["refund.canceled"]],
    ["unrecognized", ["refund.needs_review"]],
  ];
  it("tells nothing of the released rest that an older program's capture lists as a refund", () => {
    const captured = paid("succeeded", { amountReceived: 100, chargeId: "ch_1" });
    expect(tell([seen(captured, { refunds: [refund("succeeded")] })])).toEqual([["payment.succeeded"]]);
    const refunded = paid("succeeded", { amountReceived: 100, amountRefunded: 50, chargeId: "ch_1" });
    const both = [refund("succeeded", { refundId: "re_2", amount: 50 }), refund("succeeded")];
    expect(tell([seen(refunded, { refunds: both })])).toEqual([["payment.succeeded", "refund.succeeded"]]);
  });

  it.each(refunds)("of a refund that is %s tells %j", (status, types) => {
    const look = seen(succeeded, { refunds: [refund(status)] });
    expect(tell([seen(succeeded), look])).toEqual([["payment.succeeded"], types]);
  });

  // status, then what is told of a card's dispute, and of a bank debit's
  const disputes: readonly [string, readonly string[], readonly string[] | null][] = [
    ["warning_needs_response", ["payment.inquiry_opened"], null],
    ["warning_under_review", ["payment.inquiry_opened"], null],
    ["warning_closed", ["payment.inquiry_opened", "payment.inquiry_closed"], null],
    ["needs_response", ["payment.disputed"], null],
    ["under_review", ["payment.disputed", "payment.dispute_updated"], null],
    ["appeal_needs_response", ["payment.disputed", "payment.dispute_updated"], null],
    ["appeal_under_review", ["payment.disputed", "payment.dispute_updated"], null],
    ["won", ["payment.disputed", "payment.dispute_won"], null],
    ["lost", ["payment.disputed", "payment.dispute_lost"], ["payment.returned"]],
    ["prevented", ["payment.dispute_prevented"], null],
    ["a.status-of tomorrow", ["payment.dispute_updated"], null],
  ];
  it.each(disputes)("of a dispute that is %s tells %j", (status, ofCard, ofDebit) => {
    const look = (isBankDebit: boolean) => seen({ ...succeeded, isBankDebit }, { disputes: [dispute(status)] });
    expect(tell([look(false)])).toEqual([["payment.succeeded", ...ofCard]]);
    expect(tell([look(true)])).toEqual([["payment.succeeded", ...(ofDebit ?? ofCard)]]);
  });

  it("makes ids that are no more than letters, digits, _ and -", () => {
    const look = seen(succeeded, { disputes: [dispute("a.status-of tomorrow")], warnings: [warning] });
    const { due } = dueNotifications(memory(), look, at);
    expect(due.map(({ id }) => id)).toEqual([
      "pi_1-payment_succeeded",
      "issfr_1-payment_fraud_warning",
      "du_1-payment_dispute_updated-astatusoftomorrow",
    ]);
  });

  it("tells every fact once, however often it is seen, and in the order in which it happened", () => {
    const looks = [
      seen(paid("processing")),
      seen(paid("requires_capture")),
      seen(succeeded),
      seen(succeeded),
      seen(succeeded, { warnings: [warning] }),
      seen(succeeded, { disputes: [dispute("warning_needs_response")] }),
      seen(succeeded, { disputes: [dispute("needs_response")] }),
      seen(succeeded, { disputes: [dispute("under_review")], refunds: [refund("succeeded")] }),
      seen(succeeded, { disputes: [dispute("lost")], refunds: [refund("failed")], warnings: [warning] }),
      seen(succeeded, { disputes: [dispute("appeal_under_review")] }),
      seen(succeeded, { disputes: [dispute("won")] }),
    ];
    expect(tell(looks)).toEqual([
      [],
      ["payment.authorized"],
      ["payment.succeeded"],
      [],
      ["payment.fraud_warning"],
      ["payment.inquiry_opened"],
      ["payment.disputed"],
      ["payment.dispute_updated", "refund.succeeded"],
      ["payment.dispute_lost", "refund.failed"],
      ["payment.dispute_updated"],
      ["payment.dispute_won"],
    ]);
    expect(tell(looks.flatMap((look) => [look, look])).flat()).toEqual(tell(looks).flat());
  });

  it.each(["won", "lost"])("tells how an appeal ended, also if the dispute had ended as %s before", (verdict) => {
    const looks = ["needs_response", verdict, "appeal_needs_response", "appeal_under_review", verdict, verdict];
    const told = looks.map((status) => seen(succeeded, { disputes: [dispute(status)] }));
    expect(tell(told)).toEqual([
      ["payment.succeeded", "payment.disputed"],
      [`payment.dispute_${verdict}`],
      ["payment.dispute_updated"],
      ["payment.dispute_updated"],
      [`payment.dispute_${verdict}`],
      [],
    ]);
  });

  it("tells what happened meanwhile from the oldest to the newest, the payment first", () => {
    const look = seen(succeeded, {
      refunds: [
        refund("succeeded", { refundId: "re_2", createdAtMs: nowMs + 4 }),
        refund("succeeded", { createdAtMs: nowMs + 1 }),
      ],
      disputes: [dispute("won", { createdAtMs: nowMs + 3 })],
      warnings: [{ ...warning, createdAtMs: nowMs + 2 }],
    });
    expect(dueNotifications(memory(), look, at).due.map(({ id }) => id)).toEqual([
      "pi_1-payment_succeeded",
      "re_1-refund_succeeded",
      "issfr_1-payment_fraud_warning",
      "du_1-payment_disputed",
      "du_1-payment_dispute_won",
      "re_2-refund_succeeded",
    ]);
  });

  it.each(["appeal_needs_response", "appeal_under_review"])(
    "gives the verdict after a dispute that was only seen as %s an id of its own",
    (appeal) => {
      const looks = ["lost", appeal, "lost"].map((status) => seen(succeeded, { disputes: [dispute(status)] }));
      let latest = memory();
      const ids = looks.flatMap((look) => {
        const told = dueNotifications(latest, look, at);
        latest = told.memory;
        return told.due.map(({ id }) => id);
      });
      expect(ids.slice(-2)).toEqual([`du_1-payment_dispute_updated-${appeal}`, "du_1-payment_dispute_lost-appeal"]);
    },
  );

  it("tells of a debit that was returned, appealed and returned again", () => {
    const debit = { ...succeeded, isBankDebit: true };
    const looks = ["lost", "appeal_under_review", "lost"].map((status) => seen(debit, { disputes: [dispute(status)] }));
    expect(tell(looks).map((types) => types.at(-1))).toEqual([
      "payment.returned",
      "payment.dispute_updated",
      "payment.returned",
    ]);
  });

  it("gives the whole body of what came later, with the payment's own metadata", () => {
    const later = {
      refunds: [refund("failed", { reason: "requested_by_customer", failureReason: "lost_or_stolen_card" })],
      disputes: [dispute("needs_response", { respondBy: "1972-10-04T00:00:00.000Z" })],
      warnings: [warning],
    };
    const { due } = dueNotifications(memory(), seen(succeeded, later), at);
    const metadata = { orderId: "4004" };
    expect(Object.fromEntries(due.map(({ type, data }) => [type, data]))).toMatchObject({
      "payment.fraud_warning": {
        warningId: "issfr_1",
        fraudType: "misc",
        actionable: true,
        chargeId: "ch_1",
        amount: 109,
        currency: "usd",
        metadata,
      },
      "payment.disputed": {
        disputeId: "du_1",
        status: "needs_response",
        amount: 109,
        currency: "usd",
        reason: "fraudulent",
        respondBy: "1972-10-04T00:00:00.000Z",
        metadata,
      },
      "refund.failed": {
        refundId: "re_1",
        status: "failed",
        amount: 9,
        currency: "usd",
        reason: "requested_by_customer",
        failureReason: "lost_or_stolen_card",
        metadata,
      },
    });
  });

  it("tells what is exactly as old as a forgotten memory could be", () => {
    const oldest = paid("succeeded", {}, { datedAtMs: nowMs - 180 * dayMs });
    expect(typesOf(dueNotifications(memory(), seen(oldest), at).due)).toEqual(["payment.succeeded"]);
  });

  it("says that a payment is taken back, also if its success was told before it was given up", () => {
    const first = dueNotifications(memory(), seen(succeeded), at);
    expect(isOutcomeTold(first.memory, "pi_1")).toBe(true);
    const abandoned = { ...first.memory, abandoned: true };
    expect(isOutcomeTold(abandoned, "pi_1")).toBe(false);
    const second = dueNotifications(abandoned, seen(succeeded), at);
    expect(typesOf(second.due)).toEqual(["payment.taken_back"]);
    expect(isOutcomeTold(second.memory, "pi_1")).toBe(true);
  });

  it("takes what is older than a forgotten memory as told, whenever it is seen", () => {
    const old = paid("succeeded", {}, { datedAtMs: nowMs - 181 * dayMs });
    const first = dueNotifications(memory(), seen(old, { disputes: [dispute("needs_response")] }), at);
    expect(typesOf(first.due)).toEqual(["payment.disputed"]);
    const oldRefund = refund("succeeded", { createdAtMs: nowMs - 181 * dayMs });
    const later = { ...at, nowMs: nowMs + 100 * dayMs };
    const second = dueNotifications(first.memory, seen(old, { refunds: [oldRefund] }), later);
    expect(second.due).toEqual([]);
    expect(second.memory).toBe(first.memory);
  });
});

describe("isOutcomeTold", () => {
  it.each<[PaymentStatus, boolean]>([
    ["succeeded", true],
    ["canceled", true],
    ["requires_capture", false],
    ["requires_payment_method", false],
    ["unrecognized", false],
    ["processing", false],
  ])("of a payment that was told as %s is %s", (status, told) => {
    expect(isOutcomeTold(dueNotifications(memory(), seen(paid(status)), at).memory, "pi_1")).toBe(told);
  });
});
