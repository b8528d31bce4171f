/** The public contract of the service `payments` as zod schemas, which check bodies and describe them in OpenAPI. */
import { z } from "zod";
import { maximumAmountMinor, moneyProblem } from "../money/money.ts";
import { ownMetadataPrefix } from "../stripe/metadata.ts";
import { euroTransferCountries } from "./rules/bankTransfer.ts";
import { presenceProblems, type PaymentRequest } from "./rules/paymentRequest.ts";
import { nextActionSchema } from "../api/nextAction.ts";
import type {
  AwaitPaymentRequest,
  GetPaymentRequest,
  PaymentOutcome,
  PaymentState,
  ProcessPaymentRequest,
} from "../api/paymentApi.ts";

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

export const mandateSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("offline") }),
  z.strictObject({
    type: z.literal("online"),
    ipAddress: z.union([z.ipv4(), z.ipv6()]).describe("The customer's IP address when the mandate was accepted."),
    userAgent: text(1000).describe("The customer's browser when the mandate was accepted."),
  }),
]);

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

/** Kept in the engine for ever, and shown to operators. */
const referenceSchema = text(255).regex(/^[^\p{Cc}]*$/u, "has control characters");

/** Body of `processPayment`. Unknown fields are refused: a misspelt `captureMethod` must not charge at once. */
export const paymentRequestSchema = z
  .strictObject({
    reference: referenceSchema
      .optional()
      .describe(
        "Your own name of what is paid, such as an order: charged at most once, whatever the idempotency keys.",
      ),
    paymentMethodId: paymentMethodIdSchema.describe("The Stripe PaymentMethod to charge, e.g. pm_card_visa."),
    amount: z.int().min(1).max(maximumAmountMinor).describe("In the currency's minor unit (cents): an integer."),
    currency: z
      .string()
      .toLowerCase()
      .refine((currency) => moneyProblem(maximumAmountMinor, currency)?.field !== "currency", {
        error: (issue) => moneyProblem(maximumAmountMinor, String(issue.input))?.message,
      })
      .default("usd")
      .describe("A three-letter ISO code that Stripe charges in."),
    customerId: customerIdSchema.optional(),
    description: text(1000).optional(),
    receiptEmail: emailSchema.optional(),
    statementDescriptorSuffix: text(22)
      .regex(/^[^<>\\'"*]*[A-Za-z][^<>\\'"*]*$/, "needs a letter and none of < > \\ ' \" *")
      .optional()
      .describe("What the customer's card statement shows after the merchant's own prefix."),
    metadata: metadataSchema.optional(),
    captureMethod: z.enum(["automatic", "manual"]).default("automatic"),
    savePaymentMethod: z
      .enum(["off_session", "on_session"])
      .optional()
      .describe("Keep the payment method for the customer's later payments: in their absence too, or only on session."),
    offSession: z
      .boolean()
      .optional()
      .describe("The customer is not there: charges a payment method that was saved before."),
    bankTransfer: z
      .strictObject({
        country: z.enum(euroTransferCountries).optional().describe("Where a transfer in euros goes to."),
      })
      .optional()
      .describe("The customer pays by bank transfer, with a PaymentMethod of the type customer_balance."),
    mandate: mandateSchema
      .optional()
      .describe("The customer's acceptance of a bank debit. Stripe refuses bank debits without one."),
    returnUrl: returnUrlSchema
      .optional()
      .describe("The customer is present: the call may answer requires_action, and the customer comes back here."),
    timeoutSeconds: timeoutSecondsSchema.optional(),
    delayedStatus: z
      .boolean()
      .default(false)
      .describe("Test keys only: take the first answer as processing, to see the wait."),
  })
  .refine((request) => amountProblem(request) === null, {
    path: ["amount"],
    error: (issue) => amountProblem(issue.input) ?? undefined,
    // Also when another field is wrong, so that one answer lists everything.
    when: () => true,
  })
  .superRefine(
    (request, context) => {
      for (const { field, message } of presenceProblems(presenceOf(request))) {
        context.addIssue({ code: "custom", path: field.split("."), message });
      }
    },
    { when: () => true },
  ) satisfies z.ZodType<PaymentRequest, ProcessPaymentRequest>;

/** A password in a URL would be kept in the journal, and Stripe would show it to the customer's browser. */
function isPlainUrl(url: string): boolean {
  if (!url.isWellFormed() || /\s/.test(url)) return false;
  const parsed = URL.parse(url);
  // One that is no URL at all is reported as such already.
  return parsed === null || (parsed.username === "" && parsed.password === "");
}

/**
 * The checks across fields look at a request also where one of its fields is wrong. They read it by hand: a schema made for
 * each request took about a tenth of the CPU time that a payment costs the service.
 */
function amountProblem(request: unknown): string | null {
  const { amount, currency = "usd" } = fieldsOf(request);
  if (typeof amount !== "number" || !Number.isSafeInteger(amount) || amount < 1) return null;
  if (typeof currency !== "string") return null;
  const problem = moneyProblem(amount, currency.toLowerCase());
  return problem?.field === "amount" ? problem.message : null;
}

function presenceOf(request: unknown) {
  const given = fieldsOf(request);
  const { currency, bankTransfer } = given;
  return {
    currency: typeof currency === "string" ? currency.toLowerCase() : "usd",
    customerId: given["customerId"] !== undefined,
    returnUrl: given["returnUrl"] !== undefined,
    savePaymentMethod: given["savePaymentMethod"] !== undefined,
    offSession: given["offSession"] === true,
    bankTransfer: isPlainObject(bankTransfer) ? { country: bankTransfer["country"] !== undefined } : null,
  };
}

function fieldsOf(request: unknown): Readonly<Record<string, unknown>> {
  return isPlainObject(request) ? request : {};
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const paymentFields = {
  paymentIntentId: z.string(),
  amount: z.int(),
  amountReceived: z.int(),
  currency: z.string(),
  chargeId: z.string().nullable().describe("null while there is no charge."),
};

export const settledBySchema = z
  .enum(["response", "webhook", "poll"])
  .describe("What brought the outcome: Stripe's first answer, a webhook, or a read that no webhook asked for.");

const captureBeforeSchema = z
  .string()
  .nullable()
  .describe("Until when an authorization can be captured (ISO 8601), where Stripe says.");

/** Answer of `processPayment` and `awaitPayment`: the final outcome, or what the customer has to do for it. */
export const paymentOutcomeSchema = z.discriminatedUnion("status", [
  z.object({ ...paymentFields, status: z.literal("succeeded"), settledBy: settledBySchema }),
  z.object({
    ...paymentFields,
    status: z.literal("requires_capture"),
    settledBy: settledBySchema,
    captureBefore: captureBeforeSchema,
  }),
  z.object({
    ...paymentFields,
    status: z.literal("requires_action"),
    settledBy: settledBySchema,
    nextAction: nextActionSchema,
  }),
]) satisfies z.ZodType<PaymentOutcome>;

/** What callers send by the one name or the other has both fields here, of which one is undefined. */
type Named<Request extends GetPaymentRequest> = { readonly [Field in keyof Request]?: string | number | undefined };

/** Names a payment by the one or the other. */
const namedPayment = { paymentIntentId: paymentIntentIdSchema.optional(), reference: referenceSchema.optional() };

function namesOnePayment(request: { readonly paymentIntentId?: unknown; readonly reference?: unknown }): boolean {
  return (request.paymentIntentId === undefined) !== (request.reference === undefined);
}

const oneName = { path: ["paymentIntentId"], error: "give either paymentIntentId or reference" };

/** Body of `awaitPayment`. */
export const awaitPaymentRequestSchema = z
  .strictObject({ ...namedPayment, timeoutSeconds: timeoutSecondsSchema.optional() })
  .refine(namesOnePayment, oneName) satisfies z.ZodType<Named<AwaitPaymentRequest>>;

/** Body of `getPayment`. */
export const getPaymentRequestSchema = z
  .strictObject(namedPayment)
  .refine(namesOnePayment, oneName) satisfies z.ZodType<Named<GetPaymentRequest>>;

/** Answer of `getPayment`: the state at Stripe now. */
export const paymentStateSchema = z.object({
  ...paymentFields,
  status: z.string().describe("Stripe's status of the PaymentIntent, e.g. processing or requires_payment_method."),
  captureBefore: captureBeforeSchema,
  nextAction: nextActionSchema.nullable(),
  failure: z
    .object({ stripeCode: z.string().nullable(), declineCode: z.string().nullable(), message: z.string() })
    .nullable()
    .describe("Why the last attempt failed, if it did."),
}) satisfies z.ZodType<PaymentState>;

/** Answer of `processWebhook`. */
export const webhookReceiptSchema = z.object({ received: z.literal(true) });
