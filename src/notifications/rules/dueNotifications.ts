/**
 * What is due to be told to the merchant: the difference between what Stripe shows now and what was told already. So it
 * does not matter what made us look: a doubled, late, reordered or forged webhook finds nothing new.
 *
 * A *memory* is what was told about one payment. It is forgotten a while after its last change, so whatever is older than
 * its beginning by that while counts as told.
 */
import { judgePayment, type PaymentSnapshot } from "../../payments/rules/payment.ts";
import type {
  DisputeEventType,
  PaymentEventData,
  PaymentEventType,
  PaymentNotification,
  RefundEventType,
} from "../contract.ts";
import { refundsOfCaptured, type RefundStatus } from "../../refunds/rules.ts";

export type SeenPayment = {
  readonly payment: PaymentSnapshot;
  /** Whether a call of this installation made it. */
  readonly isOurs: boolean;
  /** Whether it was paid by debiting a bank account. */
  readonly isBankDebit: boolean;
  /** The merchant's own entries. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly cancellationReason: string | null;
  /** The latest time that Stripe gives for it: of its creation, its latest charge or its cancellation. */
  readonly datedAtMs: number;
};

export type SeenRefund = {
  readonly refundId: string;
  readonly status: RefundStatus;
  readonly stripeStatus: string;
  readonly amount: number;
  readonly currency: string;
  readonly reason: string | null;
  readonly failureReason: string | null;
  readonly createdAtMs: number;
};

export type SeenDispute = {
  readonly disputeId: string;
  /** In Stripe's words. */
  readonly status: string;
  readonly amount: number;
  readonly currency: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly respondBy: string | null;
  readonly createdAtMs: number;
};

export type SeenWarning = {
  readonly warningId: string;
  readonly fraudType: string;
  readonly isActionable: boolean;
  readonly chargeId: string | null;
  readonly createdAtMs: number;
};

/** What was read; what a look had no reason to read is an empty list. */
export type Seen = {
  readonly payment: SeenPayment;
  readonly refunds: readonly SeenRefund[];
  readonly disputes: readonly SeenDispute[];
  readonly warnings: readonly SeenWarning[];
};

export type Memory = {
  readonly begunAtMs: number;
  readonly changedAtMs: number;
  /** The merchant was told that the payment is over while it was still pending: a success is taken back. */
  readonly abandoned: boolean;
  /** The ids of the notifications that were told, in order. */
  readonly told: readonly string[];
};

/** A part of a payment's story that Stripe keeps a list of. */
export type LaterChange = "refunds" | "disputes" | "warnings";

/** Tells whether Stripe can show nothing new about the payment itself any more; its refunds and disputes aside. */
export function isOutcomeTold(memory: Memory, paymentIntentId: string): boolean {
  const final: readonly PaymentEventType[] = [
    memory.abandoned ? "payment.taken_back" : "payment.succeeded",
    "payment.canceled",
  ];
  return final.some((type) => memory.told.includes(notificationId(paymentIntentId, type)));
}

/**
 * The notifications that are due, oldest fact first, and the memory once they are handed over.
 * @param at.now the time `at.nowMs` in ISO 8601
 * @param at.rememberedMs for how long a memory is kept after its last change
 */
export function dueNotifications(
  memory: Memory,
  seen: Seen,
  at: { readonly nowMs: number; readonly now: string; readonly rememberedMs: number },
): { readonly due: readonly PaymentNotification[]; readonly memory: Memory } {
  const { paymentIntentId } = seen.payment.payment;
  const horizonMs = memory.begunAtMs - at.rememberedMs;
  const due = factsOf(seen, memory)
    .filter(({ notice, datedAtMs }) => datedAtMs >= horizonMs && !memory.told.includes(notice.id))
    .map(({ notice }): PaymentNotification => ({ ...notice, version: 1, createdAt: at.now, paymentIntentId }));
  if (due.length === 0) return { due, memory };
  return { due, memory: { ...memory, changedAtMs: at.nowMs, told: [...memory.told, ...due.map(({ id }) => id)] } };
}

type WithoutEnvelope<Notification> = Notification extends unknown
  ? Omit<Notification, "version" | "createdAt" | "paymentIntentId">
  : never;

/** A fact to be told, and the latest time that Stripe gives for it: it can't have been told before. */
type Fact = { readonly notice: WithoutEnvelope<PaymentNotification>; readonly datedAtMs: number };

/** Everything that could be told about what was seen, in the order in which it is told. */
function factsOf(seen: Seen, { abandoned, told }: Memory): readonly Fact[] {
  const { payment: paid } = seen;
  const later = [
    ...seen.warnings.map((warning) => warningFact(paid, warning)),
    ...seen.disputes.flatMap((dispute) => disputeFacts(paid, dispute, told)),
    ...refundsOfCaptured(seen.refunds, paid.payment).flatMap((refund) => refundFacts(paid, refund)),
  ];
  // Stripe lists the newest first. The facts of one dispute have one age, and stay in their order.
  later.sort((first, second) => first.datedAtMs - second.datedAtMs);
  return [...paymentFacts(paid, abandoned || paid.payment.isAbandoned), ...later];
}

function paymentFacts(paid: SeenPayment, abandoned: boolean): readonly Fact[] {
  const { metadata, cancellationReason, datedAtMs } = paid;
  // A call that was told so has decided, whatever the note on the PaymentIntent says yet.
  const payment = abandoned ? { ...paid.payment, isAbandoned: true, isBeingAbandoned: false } : paid.payment;
  const { paymentIntentId, stripeStatus, amount, amountReceived, currency, chargeId } = payment;
  const judgement = judgePayment(payment, { attempted: paid.isOurs, customer: "wait" });
  const tell = (type: PaymentEventType, failure: PaymentEventData["failure"] = null): readonly Fact[] => {
    const id = notificationId(paymentIntentId, type);
    const sums = { amount, amountReceived, currency, chargeId };
    const data = { status: stripeStatus, ...sums, failure, cancellationReason, metadata };
    return [{ notice: { id, type, data }, datedAtMs }];
  };
  switch (judgement.kind) {
    case "pending":
    case "requires_action":
      return abandoned ? tell("payment.abandoned") : [];
    case "requires_capture":
      return tell("payment.authorized");
    case "succeeded":
      return tell("payment.succeeded");
    case "taken_back":
      return tell("payment.taken_back");
    case "declined":
      return tell("payment.declined", judgement.failure);
    case "canceled":
      return tell("payment.canceled");
    case "needs_review":
      return tell("payment.needs_review");
  }
}

function refundFacts(paid: SeenPayment, refund: SeenRefund): readonly Fact[] {
  const type = refundEventTypes[refund.status];
  if (type === null) return [];
  const { refundId, stripeStatus: status, amount, currency, reason, failureReason, createdAtMs } = refund;
  const data = { refundId, status, amount, currency, reason, failureReason, metadata: paid.metadata };
  return [{ notice: { id: notificationId(refundId, type), type, data }, datedAtMs: createdAtMs }];
}

/** Null: it is still under way. https://docs.stripe.com/api/refunds/object#refund_object-status */
const refundEventTypes: Readonly<Record<RefundStatus, RefundEventType | null>> = {
  pending: null,
  requires_action: null,
  unrecognized: "refund.needs_review",
  succeeded: "refund.succeeded",
  failed: "refund.failed",
  canceled: "refund.canceled",
};

function disputeFacts(paid: SeenPayment, dispute: SeenDispute, told: readonly string[]): readonly Fact[] {
  const { disputeId, status, amount, currency, reason, respondBy, createdAtMs } = dispute;
  const data = { disputeId, status, amount, currency, reason, respondBy, metadata: paid.metadata };
  const isAppealed = appealStatuses.some((appeal) => told.includes(updateId(disputeId, appeal)));
  return disputeEventTypes(status, paid.isBankDebit).map((type) => {
    const id = type === "payment.dispute_updated" ? updateId(disputeId, status) : notificationId(disputeId, type);
    // An appeal ends in a verdict of its own, and that may be the same as the one before.
    const isSecondVerdict = isAppealed && verdicts.includes(type);
    return { notice: { id: isSecondVerdict ? `${id}-appeal` : id, type, data }, datedAtMs: createdAtMs };
  });
}

const appealStatuses: readonly string[] = ["appeal_needs_response", "appeal_under_review"];
const verdicts: readonly DisputeEventType[] = ["payment.dispute_won", "payment.dispute_lost", "payment.returned"];

function updateId(disputeId: string, status: string): string {
  return `${notificationId(disputeId, "payment.dispute_updated")}-${status.replaceAll(/\W/g, "")}`;
}

/**
 * What a dispute's status says, its beginning included: a status in between may never be seen. One that is not known here
 * is told as it is, and says nothing about the money. https://docs.stripe.com/api/disputes/object#dispute_object-status
 */
function disputeEventTypes(status: string, isBankDebit: boolean): readonly DisputeEventType[] {
  switch (status) {
    case "warning_needs_response":
    case "warning_under_review":
      return ["payment.inquiry_opened"];
    case "warning_closed":
      return ["payment.inquiry_opened", "payment.inquiry_closed"];
    case "needs_response":
      return ["payment.disputed"];
    case "won":
      return ["payment.disputed", "payment.dispute_won"];
    case "lost":
      // A bank takes a debit back without asking: the dispute is lost as it is opened.
      return isBankDebit ? ["payment.returned"] : ["payment.disputed", "payment.dispute_lost"];
    case "prevented":
      return ["payment.dispute_prevented"];
    case "under_review":
    case "appeal_needs_response":
    case "appeal_under_review":
      return ["payment.disputed", "payment.dispute_updated"];
    default:
      return ["payment.dispute_updated"];
  }
}

function warningFact(paid: SeenPayment, warning: SeenWarning): Fact {
  const { warningId, fraudType, isActionable: actionable, chargeId, createdAtMs } = warning;
  const { amount, currency } = paid.payment;
  const type = "payment.fraud_warning";
  const data = { warningId, fraudType, actionable, chargeId, amount, currency, metadata: paid.metadata };
  return { notice: { id: notificationId(warningId, type), type, data }, datedAtMs: createdAtMs };
}

/** Dots separate the parts of what is signed, so an id has none. https://www.standardwebhooks.com */
function notificationId(subjectId: string, type: PaymentNotification["type"]): string {
  return `${subjectId}-${type.replaceAll(".", "_")}`;
}
