/** The public contract of the calls about refunds, as zod schemas. */
import { z } from "zod";
import {
  addressFields,
  amountSchema,
  metadataSchema,
  paymentIntentIdSchema,
  shortText,
  timeoutSecondsSchema,
} from "../api/fields.ts";

/** Body of `refundPayment`. */
export const refundPaymentRequestSchema = z.strictObject({
  paymentIntentId: paymentIntentIdSchema,
  amount: amountSchema.optional().describe("In minor units; all that is left unless given."),
  reason: z.enum(["duplicate", "fraudulent", "requested_by_customer"]).optional(),
  metadata: metadataSchema.optional(),
  reverseTransfer: z.boolean().optional().describe("Connect: take the money back from the connected account, too."),
  refundApplicationFee: z.boolean().optional().describe("Connect: give the platform's fee back, too."),
  timeoutSeconds: timeoutSecondsSchema.optional(),
  ...addressFields,
});

export type RefundPaymentRequest = z.output<typeof refundPaymentRequestSchema>;

/** Body of `awaitRefund`. */
export const awaitRefundRequestSchema = z.strictObject({
  refundId: shortText(255).regex(/^(?:re|pyr)_[A-Za-z0-9_]+$/, "a refund's id begins with re_ or pyr_"),
  timeoutSeconds: timeoutSecondsSchema.optional(),
  ...addressFields,
});

export type AwaitRefundRequest = z.output<typeof awaitRefundRequestSchema>;
