/** The public contract of the calls about disputes, as zod schemas. */
import { z } from "zod";
import {
  evidenceFields,
  evidenceLength,
  maximumEvidenceText,
  maximumEvidenceTogether,
  type EvidenceField,
} from "./rules/evidence.ts";
import { addressFields, shortText, text, timeoutSecondsSchema } from "../api/fields.ts";

const disputeFields = {
  disputeId: shortText(255).regex(/^(?:du|dp)_[A-Za-z0-9_]+$/, "a dispute's id begins with du_ or dp_"),
  awaitOutcome: z.boolean().default(false).describe("Wait, durably, until the dispute is closed."),
  timeoutSeconds: timeoutSecondsSchema.optional().describe("How long to wait, in seconds. Overrides PAYMENT_TIMEOUT."),
  ...addressFields,
};

/** Body of `getDispute`. */
export const getDisputeRequestSchema = z.strictObject(disputeFields);

export type GetDisputeRequest = z.input<typeof getDisputeRequestSchema>;

/** Body of `acceptDispute`. */
export const acceptDisputeRequestSchema = z.strictObject(disputeFields);

export type AcceptDisputeRequest = z.input<typeof acceptDisputeRequestSchema>;

/** Spaces alone would be sent to the bank for good, and trimmed to nothing. */
const evidenceTextSchema = text(maximumEvidenceText).regex(/\S/, "says nothing but spaces").optional();
const evidenceSchema = z
  .strictObject(
    Object.fromEntries(Object.keys(evidenceFields).map((name) => [name, evidenceTextSchema])) as Record<
      EvidenceField,
      typeof evidenceTextSchema
    >,
  )
  .refine((evidence) => evidenceLength(evidence) <= maximumEvidenceTogether, {
    error: `at most ${maximumEvidenceTogether} characters together`,
  })
  .describe("Stripe's evidence fields that take text, in camel case.");

/** Stripe's evidence fields that take text. https://docs.stripe.com/api/disputes/update */
export type DisputeEvidence = z.input<typeof evidenceSchema>;

/** Body of `submitDisputeEvidence`. */
export const submitDisputeEvidenceRequestSchema = z
  .strictObject({
    ...disputeFields,
    evidence: evidenceSchema,
    submit: z
      .boolean()
      .default(false)
      .describe("Send the evidence, and what was staged before, to the bank: once, for good. Otherwise it is staged."),
  })
  .refine(({ evidence, submit }) => submit || Object.values(evidence).some((one) => one !== undefined), {
    path: ["evidence"],
    error: "says nothing: give a field, or submit what was staged before",
  });

export type SubmitDisputeEvidenceRequest = z.input<typeof submitDisputeEvidenceRequestSchema>;

/** Answer of every call about a dispute. */
export const disputeStateSchema = z.object({
  disputeId: z.string(),
  status: z.string().describe("Stripe's status, e.g. needs_response, under_review, won or lost."),
  reason: z.string().describe("Why the customer disputes the payment, e.g. fraudulent."),
  amount: z.int().describe("In minor units."),
  currency: z.string(),
  chargeId: z.string(),
  paymentIntentId: z.string().nullable(),
  isChargeRefundable: z.boolean().describe("Whether a refund would still settle it: an inquiry."),
  hasEvidence: z.boolean().describe("Whether evidence is staged or was submitted."),
  submissionCount: z.int().describe("How often evidence went to the bank."),
  respondBy: z.string().nullable().describe("ISO 8601: when the time to answer ends."),
});

export type DisputeState = z.output<typeof disputeStateSchema>;
