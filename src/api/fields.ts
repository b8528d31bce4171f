/**
 * Fields that the requests and answers of several calls have in common, as zod schemas. A noun's `contract.ts` puts them
 * together. Money is in minor units.
 */
import { z } from "zod";
import { merchantIdPattern } from "../merchants/rules.ts";
import { maximumAmountMinor } from "../money/money.ts";

/** Metadata keys with this prefix are ours: callers may not send them, and don't get to see them. */
export const ownMetadataPrefix = "restate_";

const maximumTimeoutSeconds = 7_776_000;

/** We keep ten of Stripe's fifty keys for the doorbells. https://docs.stripe.com/api/metadata */
const maximumMetadataKeys = 40;

/** A text whose length is looked at first: no other check of it runs over a megabyte that is refused already. */
export function shortText(maximumLength: number) {
  return z.string().max(maximumLength, { abort: true });
}

/** Text that can be sent: half a surrogate pair is legal JSON, but has no UTF-8. */
export function text(maximumLength: number) {
  return shortText(maximumLength)
    .min(1, { abort: true })
    .refine((value) => value.isWellFormed(), "must be well-formed Unicode");
}

export const accountIdSchema = shortText(255).regex(/^acct_\w+$/, "a Stripe account's id begins with acct_");

/** Whose money a call is about. Every request has these two. */
export const addressFields = {
  merchant: shortText(64)
    .regex(merchantIdPattern, "a merchant's id has lower-case letters, digits, - and _")
    .optional()
    .describe("The merchant of MERCHANTS_FILE; the environment's unless given. At the edge it is the API key's."),
  stripeAccount: accountIdSchema
    .optional()
    .describe("The connected account to act on: the call is a direct charge, or about one."),
};

export const amountSchema = z.int().min(1).max(maximumAmountMinor);

/** An amount where nothing is something that can be asked for. */
export const amountOrNothingSchema = z.int().min(0).max(maximumAmountMinor);

const metadataRecord = z
  .record(
    text(40)
      .regex(/^[^\x5b\x5d]*$/, "Stripe allows no square brackets in a metadata key")
      .refine((key) => !key.startsWith(ownMetadataPrefix), `keys that begin with ${ownMetadataPrefix} are reserved`),
    shortText(500).refine((value) => value.isWellFormed(), "must be well-formed Unicode"),
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

/** The first key too many is enough to refuse metadata: the hundred thousand after it are not looked at. */
export const metadataSchema: z.ZodType<Record<string, string>, Record<string, string>> = z.preprocess(
  (given, context) => {
    if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
    // A record would drop this key without a word.
    if (Object.hasOwn(given, "__proto__")) {
      context.addIssue({ code: "custom", path: ["__proto__"], message: "is no metadata key" });
    }
    return firstOf(given, maximumMetadataKeys + 1);
  },
  metadataRecord,
);

/** The first fields of an object. A loop, because a list of all its fields would be made for nothing. */
function firstOf(given: object, count: number): Readonly<Record<string, unknown>> {
  const first: [string, unknown][] = [];
  for (const key in given) {
    if (first.length === count) break;
    if (Object.hasOwn(given, key)) first.push([key, Reflect.get(given, key)]);
  }
  return Object.fromEntries(first);
}

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
  return shortText(255)
    .regex(new RegExp(`^${prefix}_[A-Za-z0-9_]+$`), `a ${noun}'s id begins with ${prefix}_`)
    .refine((id) => !id.includes("_secret_"), "this is a client secret, not an id; keep it secret");
}

export const paymentIntentIdSchema = intentIdSchema("pi", "PaymentIntent");

/** Charges and transfers of one order have the same. https://docs.stripe.com/connect/separate-charges-and-transfers */
export const transferGroupSchema = text(255).describe(
  "What a charge and its transfers have in common, such as an order.",
);

export const paymentMethodIdSchema = shortText(255).regex(/^[A-Za-z0-9_]+$/, "not the id of a Stripe PaymentMethod");

/**
 * Until 2014 merchants chose the ids of their Customers (`user-4711`, `info@shop.example`), so Stripe decides which there are.
 * An id becomes a part of an address, and must not be able to change it.
 */
export const customerIdSchema = text(255).refine(
  (id) => /^[^/\\?#\p{Cc}]*$/u.test(id) && id.trim() !== "" && id !== "." && !id.includes(".."),
  "not the id of a Stripe Customer",
);

/** Stripe decides which emails it takes; it takes more than most patterns know. */
export const emailSchema = text(512)
  .regex(/^(?:"[^"\p{Cc}]+"|[^\s\p{Cc}@"]+)@[^\s\p{Cc}@"]+$/u, "not an email address")
  .meta({ format: "email" });

/** An address to which a browser or an app brings the customer back: of the web, or with an app's own scheme. */
export const returnUrlSchema = urlSchema(returnUrlProblem);

/** The same for a page that Stripe leads browsers to: of the web only. */
export const pageUrlSchema = urlSchema((url) =>
  /^https?:\/\//i.test(url) ? returnUrlProblem(url) : "must be an http(s) URL",
);

/** @param problemOf the one thing to say of a URL that can't be taken */
function urlSchema(problemOf: (url: string) => string | null) {
  return text(2048)
    .refine((url) => problemOf(url) === null, { error: ({ input }) => problemOf(String(input)) ?? undefined })
    .meta({ format: "uri" });
}

/** Schemes that run code, or show what is no place of a merchant's. */
const forbiddenSchemes: ReadonlySet<string> = new Set(
  "javascript data vbscript file blob filesystem about view-source".split(" "),
);

/** Browsers skip control characters and trim spaces before they read a scheme, so a URL must not have any. */
function returnUrlProblem(url: string): string | null {
  if (/[\s\p{Cc}\\]/u.test(url)) return "must have no spaces, control characters or backslashes";
  const scheme = /^([a-z][a-z0-9+.-]*):\//i.exec(url)?.[1]?.toLowerCase() ?? "";
  const ofTheWeb = scheme === "http" || scheme === "https";
  const parsed = URL.parse(url);
  if (parsed === null || scheme === "" || forbiddenSchemes.has(scheme) || (ofTheWeb && !/^\w+:\/\/[^/]/.test(url))) {
    return "must be an http(s) URL, or one with an app's own scheme such as myshop://";
  }
  // A password in a URL would be kept in the journal, and Stripe would show it to the customer's browser.
  return parsed.username === "" && parsed.password === "" ? null : "must have no user name and no password";
}

export const settledBySchema = z
  .enum(["response", "webhook", "poll"])
  .describe("What brought the outcome: Stripe's first answer, a webhook, or a read that no webhook asked for.");

export type SettledBy = z.output<typeof settledBySchema>;
