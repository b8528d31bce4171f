/**
 * What the merchant's own system is told about its payments. A notification is one fact, told at least once: its `id` is the
 * same whenever it is told again. The file imports nothing, so that it compiles with any receiver's settings. Amounts are in
 * the currency's minor unit; `metadata` is the PaymentIntent's, as the merchant wrote it.
 */

export type PaymentEventType =
  /** The money was taken. Also when an authorization was captured. */
  | "payment.succeeded"
  /** The money is held on the card, to be captured. */
  | "payment.authorized"
  /** Card or bank said no, at once or later (`failure`). */
  | "payment.declined"
  /** The PaymentIntent was cancelled: in Stripe, at its deadline, with its call (`cancellationReason`). */
  | "payment.canceled"
  /** It was given up while Stripe could not cancel it yet: treat as not paid. What becomes of it is told later. */
  | "payment.abandoned"
  /** It succeeded after it was given up, and is being refunded: treat as not paid. */
  | "payment.taken_back"
  /** Stripe reports a status that this version doesn't know (`status`): a person has to look. */
  | "payment.needs_review";

export type RefundEventType =
  | "refund.succeeded"
  /** The money is back with the merchant: also of a refund that had succeeded, up to 30 days later (`failureReason`). */
  | "refund.failed"
  | "refund.canceled"
  /** Stripe reports a status that this version doesn't know (`status`): a person has to look. */
  | "refund.needs_review";

export type DisputeEventType =
  /** The cardholder's bank asks; no money has moved. */
  | "payment.inquiry_opened"
  | "payment.inquiry_closed"
  /** The money was withdrawn; answer by `respondBy`. */
  | "payment.disputed"
  /** It is under review, in an appeal, or in a state that this version doesn't know (`status`). */
  | "payment.dispute_updated"
  | "payment.dispute_won"
  | "payment.dispute_lost"
  /** It was resolved before it became a dispute, by giving the money back. */
  | "payment.dispute_prevented"
  /** The bank took a debit back; that is final. */
  | "payment.returned";

type Envelope<Type extends string, Data> = {
  /** The same at every delivery of this fact, and the `webhook-id`: remember it, and do nothing the second time. */
  readonly id: string;
  readonly type: Type;
  readonly version: 1;
  /** When the fact was noticed (ISO 8601, UTC). */
  readonly createdAt: string;
  readonly paymentIntentId: string;
  readonly data: Data & { readonly metadata: Readonly<Record<string, string>> };
};

export type PaymentEventData = {
  /** Stripe's status of the PaymentIntent. */
  readonly status: string;
  readonly amount: number;
  readonly amountReceived: number;
  readonly currency: string;
  readonly chargeId: string | null;
  /** Why it was declined; null unless it was. */
  readonly failure: {
    readonly stripeCode: string | null;
    readonly declineCode: string | null;
    readonly message: string;
  } | null;
  /** Stripe's `cancellation_reason`; `abandoned` where this service cancelled. */
  readonly cancellationReason: string | null;
};

export type RefundEventData = {
  readonly refundId: string;
  /** Stripe's status of the refund. */
  readonly status: string;
  readonly amount: number;
  readonly currency: string;
  readonly reason: string | null;
  readonly failureReason: string | null;
};

export type DisputeEventData = {
  readonly disputeId: string;
  /** Stripe's status of the dispute. */
  readonly status: string;
  readonly amount: number;
  readonly currency: string;
  readonly reason: string;
  /** Until when evidence can be submitted (ISO 8601, UTC); null where there is nothing to answer. */
  readonly respondBy: string | null;
};

export type FraudWarningData = {
  readonly warningId: string;
  readonly fraudType: string;
  /** Whether a refund now still prevents a dispute. */
  readonly actionable: boolean;
  readonly chargeId: string | null;
  readonly amount: number;
  readonly currency: string;
};

/** The body of every notification. */
export type PaymentNotification =
  | Envelope<PaymentEventType, PaymentEventData>
  | Envelope<RefundEventType, RefundEventData>
  | Envelope<DisputeEventType, DisputeEventData>
  /** The card's bank reports fraud; a dispute may follow. */
  | Envelope<"payment.fraud_warning", FraudWarningData>;
