/** The notifications as zod schemas, for receivers that check what they get and for the handler that delivers them. */
import { z } from "zod";
import type { PaymentNotification } from "./rules/paymentNotification.ts";

const paymentEventTypes = z.enum([
  "payment.succeeded",
  "payment.authorized",
  "payment.declined",
  "payment.canceled",
  "payment.abandoned",
  "payment.taken_back",
  "payment.needs_review",
]);
const refundEventTypes = z.enum(["refund.succeeded", "refund.failed", "refund.canceled", "refund.needs_review"]);
const disputeEventTypes = z.enum([
  "payment.inquiry_opened",
  "payment.inquiry_closed",
  "payment.disputed",
  "payment.dispute_updated",
  "payment.dispute_won",
  "payment.dispute_lost",
  "payment.dispute_prevented",
  "payment.returned",
]);

function notification<Type extends z.ZodType<string>, Data extends z.ZodRawShape>(type: Type, data: Data) {
  return z.object({
    id: z.string().describe("The same at every delivery of this fact: do nothing the second time."),
    type,
    version: z.literal(1),
    createdAt: z.iso.datetime().describe("When the fact was noticed."),
    paymentIntentId: z.string(),
    data: z.object({ ...data, metadata: z.record(z.string(), z.string()).describe("The PaymentIntent's own.") }),
  });
}

const money = { amount: z.int().describe("In the currency's minor unit."), currency: z.string() };

/** Body of every notification. Unknown fields are dropped: a later version may add some. */
export const paymentNotificationSchema = z.discriminatedUnion("type", [
  notification(paymentEventTypes, {
    status: z.string(),
    ...money,
    amountReceived: z.int(),
    chargeId: z.string().nullable(),
    failure: z
      .object({ stripeCode: z.string().nullable(), declineCode: z.string().nullable(), message: z.string() })
      .nullable(),
    cancellationReason: z.string().nullable(),
  }),
  notification(refundEventTypes, {
    refundId: z.string(),
    status: z.string(),
    ...money,
    reason: z.string().nullable(),
    failureReason: z.string().nullable(),
  }),
  notification(disputeEventTypes, {
    disputeId: z.string(),
    status: z.string(),
    ...money,
    reason: z.string(),
    respondBy: z.iso.datetime().nullable(),
  }),
  notification(z.literal("payment.fraud_warning"), {
    warningId: z.string(),
    fraudType: z.string(),
    actionable: z.boolean(),
    chargeId: z.string().nullable(),
    ...money,
  }),
]) satisfies z.ZodType<PaymentNotification>;
