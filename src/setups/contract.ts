/** The public contract of the calls about saved payment methods, as zod schemas. */
import { z } from "zod";
import {
  addressFields,
  customerIdSchema,
  intentIdSchema,
  mandateSchema,
  metadataSchema,
  paymentMethodIdSchema,
  returnUrlSchema,
  settledBySchema,
  timeoutSecondsSchema,
} from "../api/fields.ts";
import { nextActionSchema } from "../api/nextAction.ts";

/** Body of `setupPaymentMethod`. */
export const setupPaymentMethodRequestSchema = z.strictObject({
  customerId: customerIdSchema.describe("The Stripe Customer whose payment method it becomes."),
  paymentMethodId: paymentMethodIdSchema.describe("The Stripe PaymentMethod to save."),
  returnUrl: returnUrlSchema
    .optional()
    .describe("The customer is present: the call may answer requires_action, and the customer comes back here."),
  mandate: mandateSchema
    .optional()
    .describe("The customer's acceptance of later bank debits. Stripe refuses to save a bank account without one."),
  metadata: metadataSchema.optional(),
  timeoutSeconds: timeoutSecondsSchema
    .optional()
    .describe("How long the set-up may stay pending, in seconds. Overrides PAYMENT_TIMEOUT."),
  ...addressFields,
});

export type SetupPaymentMethodRequest = z.output<typeof setupPaymentMethodRequestSchema>;

/** Body of `awaitSetup`. */
export const awaitSetupRequestSchema = z.strictObject({
  setupIntentId: intentIdSchema("seti", "SetupIntent"),
  timeoutSeconds: timeoutSecondsSchema.optional().describe("How long to wait, in seconds. Overrides PAYMENT_TIMEOUT."),
  ...addressFields,
});

export type AwaitSetupRequest = z.output<typeof awaitSetupRequestSchema>;

const setupFields = {
  setupIntentId: z.string(),
  paymentMethodId: z.string().describe("The saved PaymentMethod: charge it with offSession."),
  customerId: z.string().nullable().describe("null for a SetupIntent that was made elsewhere, for nobody."),
  mandateId: z.string().exactOptional().describe("What the customer agreed to. Cards have none."),
  settledBy: settledBySchema,
};

/** Answer of `setupPaymentMethod` and `awaitSetup`. */
export const setupOutcomeSchema = z.discriminatedUnion("status", [
  z.object({ ...setupFields, status: z.literal("succeeded") }),
  z.object({ ...setupFields, status: z.literal("requires_action"), nextAction: nextActionSchema }),
]);

export type SetupOutcome = z.output<typeof setupOutcomeSchema>;
