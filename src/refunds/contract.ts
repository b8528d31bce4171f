/** The public contract of what follows a payment: capture, cancellation, refund. */
import { z } from "zod";
import { maximumAmountMinor } from "../money/money.ts";
import {
  metadataSchema,
  paymentFields,
  paymentIntentIdSchema,
  settledBySchema,
  timeoutSecondsSchema,
} from "../payments/contract.ts";
import type {
  AwaitRefundRequest,
  CancelOutcome,
  CancelPaymentRequest,
  CapturePaymentRequest,
  RefundOutcome,
  RefundPaymentRequest,
} from "../api/paymentApi.ts";

const amountSchema = z.int().min(1).max(maximumAmountMinor).optional();

/** Body of `capturePayment`. */
export const capturePaymentRequestSchema = z.strictObject({
  paymentIntentId: paymentIntentIdSchema,
  amount: amountSchema.describe("In minor units; all that is held unless given. The rest is released."),
  final: z
    .boolean()
    .optional()
    .describe("false keeps the rest capturable, where the card allows several captures. true unless given."),
  timeoutSeconds: timeoutSecondsSchema.optional(),
}) satisfies z.ZodType<CapturePaymentRequest>;

/** Body of `cancelPayment`. */
export const cancelPaymentRequestSchema = z.strictObject({
  paymentIntentId: paymentIntentIdSchema,
  reason: z.enum(["duplicate", "fraudulent", "requested_by_customer", "abandoned"]).optional(),
  refundIfSucceeded: z
    .boolean()
    .optional()
    .describe("If it has succeeded meanwhile: give the money back, and answer with the refund's outcome."),
  timeoutSeconds: timeoutSecondsSchema.optional(),
}) satisfies z.ZodType<CancelPaymentRequest>;

/** Body of `refundPayment`. */
export const refundPaymentRequestSchema = z.strictObject({
  paymentIntentId: paymentIntentIdSchema,
  amount: amountSchema.describe("In minor units; all that is left unless given."),
  reason: z.enum(["duplicate", "fraudulent", "requested_by_customer"]).optional(),
  metadata: metadataSchema.optional(),
  reverseTransfer: z.boolean().optional().describe("Connect: take the money back from the connected account, too."),
  refundApplicationFee: z.boolean().optional().describe("Connect: give the platform's fee back, too."),
  timeoutSeconds: timeoutSecondsSchema.optional(),
}) satisfies z.ZodType<RefundPaymentRequest>;

/** Body of `awaitRefund`. */
export const awaitRefundRequestSchema = z.strictObject({
  refundId: z
    .string()
    .max(255)
    .regex(/^(?:re|pyr)_[A-Za-z0-9_]+$/, "a refund's id begins with re_ or pyr_"),
  timeoutSeconds: timeoutSecondsSchema.optional(),
}) satisfies z.ZodType<AwaitRefundRequest>;

/** Answer of `refundPayment` and `awaitRefund`. */
export const refundOutcomeSchema = z.object({
  refundId: z.string(),
  paymentIntentId: z.string(),
  status: z.literal("succeeded"),
  amount: z.int(),
  currency: z.string(),
  settledBy: settledBySchema,
}) satisfies z.ZodType<RefundOutcome>;

/** Answer of `cancelPayment`. */
export const cancelOutcomeSchema = z.discriminatedUnion("status", [
  z.object({ ...paymentFields, status: z.literal("canceled"), settledBy: settledBySchema }),
  refundOutcomeSchema,
]) satisfies z.ZodType<CancelOutcome>;
