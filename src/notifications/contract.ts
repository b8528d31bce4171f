/**
 * The merchant's own system is told about its payments. A notification is one fact, told at least once: its `id` is the same
 * whenever it is told again. These zod schemas are for receivers that check what they get, and the types come from them.
 * Amounts are in the currency's minor unit; `metadata` is the PaymentIntent's, as the merchant wrote it.
 */
import { z } from "zod";
import { attemptFailureSchema } from "../api/failures.ts";

const paymentEventTypes = z.enum([
  /** The money was taken. Also when an authorization was captured. */
  "payment.succeeded",
  /** The money is held on the card, to be captured. */
  "payment.authorized",
  /** Card or bank said no, at once or later (`failure`). */
  "payment.declined",
  /** The PaymentIntent was cancelled: in Stripe, at its deadline, with its call (`cancellationReason`). */
  "payment.canceled",
  /** It was given up while Stripe could not cancel it yet: treat as not paid. What becomes of it is told later. */
  "payment.abandoned",
  /** It succeeded after it was given up, and is being refunded: treat as not paid. */
  "payment.taken_back",
  /** Stripe reports a status that this version doesn't know (`status`): a person has to look. */
  "payment.needs_review",
]);

export type PaymentEventType = z.output<typeof paymentEventTypes>;

const refundEventTypes = z.enum([
  "refund.succeeded",
  /** The money is back with the merchant: also of a refund that had succeeded, up to 30 days later (`failureReason`). */
  "refund.failed",
  "refund.canceled",
  /** Stripe reports a status that this version doesn't know (`status`): a person has to look. */
  "refund.needs_review",
]);

export type RefundEventType = z.output<typeof refundEventTypes>;

const disputeEventTypes = z.enum([
  /** The cardholder's bank asks; no money has moved. */
  "payment.inquiry_opened",
  "payment.inquiry_closed",
  /** The money was withdrawn; answer by `respondBy`. */
  "payment.disputed",
  /** It is under review, in an appeal, or in a state that this version doesn't know (`status`). */
  "payment.dispute_updated",
  "payment.dispute_won",
  "payment.dispute_lost",
  /** It was resolved before it became a dispute, by giving the money back. */
  "payment.dispute_prevented",
  /** The bank took a debit back; that is final. */
  "payment.returned",
]);

export type DisputeEventType = z.output<typeof disputeEventTypes>;

const money = { amount: z.int().describe("In the currency's minor unit."), currency: z.string() };

const paymentEventData = z.object({
  status: z.string().describe("Stripe's status of the PaymentIntent."),
  ...money,
  amountReceived: z.int(),
  chargeId: z.string().nullable(),
  failure: attemptFailureSchema.nullable().describe("Why it was declined; null unless it was."),
  cancellationReason: z
    .string()
    .nullable()
    .describe("Stripe's cancellation_reason; abandoned where this service cancelled."),
});

export type PaymentEventData = z.output<typeof paymentEventData>;

const refundEventData = z.object({
  refundId: z.string(),
  status: z.string().describe("Stripe's status of the refund."),
  ...money,
  reason: z.string().nullable(),
  failureReason: z.string().nullable(),
});

export type RefundEventData = z.output<typeof refundEventData>;

const disputeEventData = z.object({
  disputeId: z.string(),
  status: z.string().describe("Stripe's status of the dispute."),
  ...money,
  reason: z.string(),
  respondBy: z.iso
    .datetime()
    .nullable()
    .describe("Until when evidence can be submitted; null where there is nothing to answer."),
});

export type DisputeEventData = z.output<typeof disputeEventData>;

const fraudWarningData = z.object({
  warningId: z.string(),
  fraudType: z.string(),
  actionable: z.boolean().describe("Whether a refund now still prevents a dispute."),
  chargeId: z.string().nullable(),
  ...money,
});

export type FraudWarningData = z.output<typeof fraudWarningData>;

function notification<Type extends z.ZodType<string>, Data extends z.ZodRawShape>(type: Type, data: z.ZodObject<Data>) {
  return z.object({
    id: z.string().describe("The same at every delivery of this fact: do nothing the second time."),
    type,
    version: z.literal(1),
    createdAt: z.iso.datetime().describe("When the fact was noticed."),
    paymentIntentId: z.string(),
    merchant: z.string().exactOptional().describe("Of MERCHANTS_FILE; left out for the environment's merchant."),
    stripeAccount: z
      .string()
      .exactOptional()
      .describe("The connected account that the payment is on; left out for the merchant's own."),
    data: z.object({ ...data.shape, metadata: z.record(z.string(), z.string()).describe("The PaymentIntent's own.") }),
  });
}

/** Body of every notification. Unknown fields are dropped: a later version may add some. */
export const paymentNotificationSchema = z.discriminatedUnion("type", [
  notification(paymentEventTypes, paymentEventData),
  notification(refundEventTypes, refundEventData),
  notification(disputeEventTypes, disputeEventData),
  /** The card's bank reports fraud; a dispute may follow. */
  notification(z.literal("payment.fraud_warning"), fraudWarningData),
]);

export type PaymentNotification = z.output<typeof paymentNotificationSchema>;
