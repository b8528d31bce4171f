/**
 * Fields that the requests and answers of several calls have in common, as zod schemas. A noun's `contract.ts` puts them
 * together. Money is in minor units.
 */
import { z } from "zod";
import { maximumAmountMinor } from "../money/money.ts";

/** Metadata keys with this prefix are ours: callers may not send them, and don't get to see them. */
export const ownMetadataPrefix = "restate_";

const maximumTimeoutSeconds = 7_776_000;

/** We keep ten of Stripe's fifty keys for the doorbells. https://docs.stripe.com/api/metadata */
const maximumMetadataKeys = 40;

/** Text that can be sent: half a surrogate pair is legal JSON, but has no UTF-8. */
export function text(maximumLength: number) {
  return z
    .string()
    .min(1)
    .max(maximumLength)
    .refine((value) => value.isWellFormed(), "must be well-formed Unicode");
}

export const amountSchema = z.int().min(1).max(maximumAmountMinor);

/** An amount where nothing is something that can be asked for. */
export const amountOrNothingSchema = z.int().min(0).max(maximumAmountMinor);

export const metadataSchema = z
  .record(
    text(40)
      .regex(/^[^\x5b\x5d]*$/, "Stripe allows no square brackets in a metadata key")
      .refine((key) => !key.startsWith(ownMetadataPrefix), `keys that begin with ${ownMetadataPrefix} are reserved`),
    z
      .string()
      .max(500)
      .refine((value) => value.isWellFormed(), "must be well-formed Unicode"),
    // Of a key, zod says only that it is invalid.
    {
      error: (issue) =>
        issue.code === "invalid_key" ? issue.issues.map(({ message }) => message).join("; ") : undefined,
    },
  )
  .refine(
    (metadata) => Object.keys(metadata).length <= maximumMetadataKeys,
    `at most ${maximumMetadataKeys} keys are allowed`,
  );

/** The customer's acceptance of a mandate, which bank debits need. https://docs.stripe.com/payments/sepa-debit#mandate */
export const mandateSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("offline") }),
  z.strictObject({
    type: z.literal("online"),
    ipAddress: z.union([z.ipv4(), z.ipv6()]).describe("The customer's IP address when the mandate was accepted."),
    userAgent: text(1000).describe("The customer's browser when the mandate was accepted."),
  }),
]);

export type MandateAcceptance = z.output<typeof mandateSchema>;

export const timeoutSecondsSchema = z
  .int()
  .min(1)
  .max(maximumTimeoutSeconds)
  .describe("How long the payment may stay pending, in seconds. Overrides PAYMENT_TIMEOUT.");

/** The id of an object of Stripe's that has a client secret beside it. */
export function intentIdSchema(prefix: string, noun: string) {
  return z
    .string()
    .max(255)
    .regex(new RegExp(`^${prefix}_[A-Za-z0-9_]+$`), `a ${noun}'s id begins with ${prefix}_`)
    .refine((id) => !id.includes("_secret_"), "this is a client secret, not an id; keep it secret");
}

export const paymentIntentIdSchema = intentIdSchema("pi", "PaymentIntent");

export const paymentMethodIdSchema = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9_]+$/, "not the id of a Stripe PaymentMethod");

export const customerIdSchema = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9_]+$/, "not the id of a Stripe Customer");

export const emailSchema = z.email().max(512);

export const returnUrlSchema = z
  .url({ protocol: /^https?$/ })
  .max(2048)
  .refine(isPlainUrl, "must be well-formed, without spaces and without a user name or password");

/** A password in a URL would be kept in the journal, and Stripe would show it to the customer's browser. */
function isPlainUrl(url: string): boolean {
  if (!url.isWellFormed() || /\s/.test(url)) return false;
  const parsed = URL.parse(url);
  // A text that is no URL at all is reported as such already.
  return parsed === null || (parsed.username === "" && parsed.password === "");
}

export const settledBySchema = z
  .enum(["response", "webhook", "poll"])
  .describe("What brought the outcome: Stripe's first answer, a webhook, or a read that no webhook asked for.");

export type SettledBy = z.output<typeof settledBySchema>;
