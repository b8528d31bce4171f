/** How a call fails: the body that a caller gets, the reasons in it, and the HTTP status of each. */
import { z } from "zod";

/** `metadata.reason` of a failed call. */
export const failureReasonSchema = z.enum([
  "invalid_request",
  "declined",
  "not_found",
  "timed_out",
  "canceled",
  "conflict",
  "refund_failed",
  "balance_insufficient",
  "rejected",
  "deauthorized",
  "needs_review",
]);

export type FailureReason = z.output<typeof failureReasonSchema>;

/** The HTTP status that a call with this reason ends with. */
export const statusOfReason: Readonly<Record<FailureReason, number>> = {
  invalid_request: 400,
  declined: 402,
  not_found: 404,
  timed_out: 408,
  canceled: 409,
  conflict: 409,
  refund_failed: 409,
  balance_insufficient: 409,
  rejected: 409,
  deauthorized: 409,
  needs_review: 502,
};

/** `metadata.compensation` of a call that ended without success: the fate of its PaymentIntent. */
const compensationSchema = z
  .enum(["canceled", "watching", "none"])
  .describe(
    "canceled: it can't succeed any more. watching: it can't be cancelled yet, and is refunded if it succeeds after all. none: it was left as it is.",
  );

export type Compensation = z.output<typeof compensationSchema>;

const adviceCodeSchema = z
  .string()
  .describe("Stripe's advice after a decline: confirm_card_data, do_not_try_again or try_again_later.");

const networkDeclineCodeSchema = z.string().describe("The card network's own code of a decline, e.g. 51.");

/** The JSON body of a failed call, as Restate's ingress gives it. A body that the schema refuses has no `metadata`. */
export const failureBodySchema = z.object({
  code: z.int().describe("The HTTP status."),
  message: z.string(),
  metadata: z
    .object({
      reason: failureReasonSchema,
      paymentIntentId: z.string().exactOptional(),
      setupIntentId: z.string().exactOptional(),
      customerId: z.string().exactOptional(),
      disputeId: z.string().exactOptional(),
      stripeCode: z.string().exactOptional(),
      declineCode: z.string().exactOptional(),
      adviceCode: adviceCodeSchema.exactOptional(),
      networkDeclineCode: networkDeclineCodeSchema.exactOptional(),
      param: z.string().exactOptional().describe("Stripe's name of the parameter that it refuses."),
      compensation: compensationSchema.exactOptional(),
      refundId: z.string().exactOptional(),
      accountId: z.string().exactOptional(),
      transferId: z.string().exactOptional(),
      failureReason: z
        .string()
        .exactOptional()
        .describe("Stripe's reason why a refund failed, or an account was rejected."),
    })
    .exactOptional(),
});

export type PaymentFailureBody = z.output<typeof failureBodySchema>;

/** Why an attempt to pay failed, in Stripe's codes. A code is null where Stripe gave none. */
export const attemptFailureSchema = z.object({
  stripeCode: z.string().nullable(),
  declineCode: z.string().nullable(),
  adviceCode: adviceCodeSchema.nullable(),
  networkDeclineCode: networkDeclineCodeSchema.nullable(),
  message: z.string(),
});

export type AttemptFailure = z.output<typeof attemptFailureSchema>;
