/** The good end of a refund, which is an answer of the calls about refunds and of `cancelPayment`. */
import { z } from "zod";
import { settledBySchema } from "./fields.ts";

/** Answer of `refundPayment` and `awaitRefund`: the money is on its way to the customer. */
export const refundOutcomeSchema = z.object({
  refundId: z.string(),
  paymentIntentId: z.string(),
  status: z.literal("succeeded"),
  amount: z.int(),
  currency: z.string(),
  settledBy: settledBySchema,
});

export type RefundOutcome = z.output<typeof refundOutcomeSchema>;
