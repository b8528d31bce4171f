/** The public contract of the calls about connected accounts, as zod schemas. https://docs.stripe.com/connect */
import { z } from "zod";
import {
  accountIdSchema,
  addressFields,
  amountSchema,
  emailSchema,
  metadataSchema,
  pageUrlSchema,
  settledBySchema,
  shortText,
  timeoutSecondsSchema,
  transferGroupSchema,
} from "../api/fields.ts";

/** These calls act on the merchant's own account, the platform: they name a connected account as what they are about. */
const platformFields = { merchant: addressFields.merchant };

const namedAccount = {
  accountId: accountIdSchema.describe("The connected account."),
  ...platformFields,
};

/** Body of `createAccount`. */
export const createAccountRequestSchema = z.strictObject({
  email: emailSchema.optional(),
  country: shortText(2)
    .regex(/^[A-Z]{2}$/, "a country has two capital letters, as in ISO 3166")
    .optional()
    .describe("Where its owner does business, e.g. DE. That of your own account unless given."),
  dashboard: z
    .enum(["full", "express", "none"])
    .describe(
      "Which dashboard of Stripe's its owner gets. full: they pay Stripe's fees and answer for losses. express and none: you do. none: you also collect what Stripe has to know.",
    ),
  metadata: metadataSchema.optional(),
  ...platformFields,
});

export type CreateAccountRequest = z.output<typeof createAccountRequestSchema>;

/** Body of `getAccount`. */
export const getAccountRequestSchema = z.strictObject(namedAccount);

export type GetAccountRequest = z.output<typeof getAccountRequestSchema>;

/** Body of `createOnboardingLink`. */
export const createOnboardingLinkRequestSchema = z.strictObject({
  ...namedAccount,
  returnUrl: pageUrlSchema.describe("Where Stripe brings the owner back to, whether or not everything is told."),
  refreshUrl: pageUrlSchema.describe("Where Stripe brings a visitor whose link has expired: make a new one there."),
});

export type CreateOnboardingLinkRequest = z.output<typeof createOnboardingLinkRequestSchema>;

/** Body of `awaitOnboarding`. */
export const awaitOnboardingRequestSchema = z.strictObject({
  ...namedAccount,
  timeoutSeconds: timeoutSecondsSchema.optional().describe("How long to wait, in seconds. Overrides PAYMENT_TIMEOUT."),
});

export type AwaitOnboardingRequest = z.output<typeof awaitOnboardingRequestSchema>;

/** Body of `createConnectUrl`. */
export const createConnectUrlRequestSchema = z.strictObject({
  returnUrl: pageUrlSchema.describe(
    "Where the account's owner is brought once the account is connected. `{ACCOUNT_ID}` in it becomes the account's id.",
  ),
  ...platformFields,
});

export type CreateConnectUrlRequest = z.output<typeof createConnectUrlRequestSchema>;

/** Longer than any code or state. */
const oauthSecretSchema = shortText(2048).regex(/^[\x21-\x7e]+$/, "must be what Stripe's redirect brought");

/** Body of `completeConnect`. */
export const completeConnectRequestSchema = z.strictObject({
  code: oauthSecretSchema.describe("Of Stripe's redirect, good for five minutes, and once."),
  state: oauthSecretSchema.describe("Of Stripe's redirect: it says whose account was to be connected."),
  ...platformFields,
});

export type CompleteConnectRequest = z.output<typeof completeConnectRequestSchema>;

/** Body of `disconnectAccount`. */
export const disconnectAccountRequestSchema = z.strictObject(namedAccount);

export type DisconnectAccountRequest = z.output<typeof disconnectAccountRequestSchema>;

/** Body of `createTransfer`. */
export const createTransferRequestSchema = z.strictObject({
  accountId: accountIdSchema.describe("The connected account that gets the money."),
  amount: amountSchema.describe("In the currency's minor unit (cents): an integer."),
  currency: shortText(3)
    .toLowerCase()
    .regex(/^[a-z]{3}$/, "a currency has three letters")
    .describe("Of your balance, or of the source charge."),
  sourceChargeId: shortText(255)
    .regex(/^(?:ch|py)_[A-Za-z0-9_]+$/, "a charge's id begins with ch_ or py_")
    .optional()
    .describe("The charge whose money it is, also while that is pending. Your available balance unless given."),
  transferGroup: transferGroupSchema
    .optional()
    .describe("What the transfer and other payments have in common, such as an order."),
  metadata: metadataSchema.optional(),
  ...platformFields,
});

export type CreateTransferRequest = z.output<typeof createTransferRequestSchema>;

/** Body of `reverseTransfer`. */
export const reverseTransferRequestSchema = z.strictObject({
  transferId: shortText(255).regex(/^tr_[A-Za-z0-9_]+$/, "a transfer's id begins with tr_"),
  amount: amountSchema.optional().describe("In minor units; all that is left unless given."),
  refundApplicationFee: z.boolean().optional().describe("Give the platform's fee back in the same proportion, too."),
  metadata: metadataSchema.optional(),
  ...platformFields,
});

export type ReverseTransferRequest = z.output<typeof reverseTransferRequestSchema>;

const accountFields = {
  accountId: z.string(),
  chargesEnabled: z.boolean().describe("It can be charged for."),
  payoutsEnabled: z.boolean().describe("Stripe pays its money out."),
  detailsSubmitted: z.boolean().describe("Its owner has gone through the onboarding."),
  requirementsDue: z.array(z.string()).readonly().describe("What Stripe wants to know now, in Stripe's names."),
  disabledReason: z
    .string()
    .nullable()
    .describe("Why Stripe disabled it, e.g. requirements.past_due or rejected.fraud."),
};

/** Answer of `createAccount` and `getAccount`. */
export const accountStateSchema = z.object(accountFields);

export type AccountState = z.output<typeof accountStateSchema>;

/** Answer of `awaitOnboarding`. */
export const onboardedAccountSchema = z.object({ ...accountFields, settledBy: settledBySchema });

export type OnboardedAccount = z.output<typeof onboardedAccountSchema>;

/** Answer of `createOnboardingLink`. */
export const onboardingLinkSchema = z.object({
  url: z
    .string()
    .describe("For the account's owner alone, and once: whoever has it acts as the owner. Keep it secret."),
  expiresAt: z.string().describe("ISO 8601."),
});

export type OnboardingLink = z.output<typeof onboardingLinkSchema>;

/** Answer of `createConnectUrl`. */
export const connectUrlSchema = z.object({
  url: z.string().describe("For the account's owner alone, and once: the page on which they connect their account."),
});

export type ConnectUrl = z.output<typeof connectUrlSchema>;

/** Answer of `completeConnect`. */
export const connectedAccountSchema = z.object({
  ...accountFields,
  returnUrl: z.string().describe("Of `createConnectUrl`: bring the account's owner there."),
});

export type ConnectedAccount = z.output<typeof connectedAccountSchema>;

/** Answer of `disconnectAccount`. */
export const disconnectedAccountSchema = z.object({ accountId: z.string(), status: z.literal("disconnected") });

export type DisconnectedAccount = z.output<typeof disconnectedAccountSchema>;

/** Answer of `createTransfer`. */
export const transferOutcomeSchema = z.object({
  transferId: z.string(),
  accountId: z.string(),
  amount: z.int(),
  amountReversed: z.int().describe("What was taken back of it."),
  currency: z.string(),
  sourceChargeId: z.string().nullable(),
  transferGroup: z.string().nullable(),
});

export type TransferOutcome = z.output<typeof transferOutcomeSchema>;

/** Answer of `reverseTransfer`. */
export const transferReversalSchema = z.object({
  reversalId: z.string(),
  transferId: z.string(),
  amount: z.int(),
  currency: z.string(),
});

export type TransferReversal = z.output<typeof transferReversalSchema>;
