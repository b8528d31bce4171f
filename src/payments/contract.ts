/** The public contract of the calls about payments, as zod schemas: they check bodies, and types and OpenAPI come from them. */
import { z } from "zod";
import { attemptFailureSchema } from "../api/failures.ts";
import {
  accountIdSchema,
  addressFields,
  amountOrNothingSchema,
  amountSchema,
  customerIdSchema,
  emailSchema,
  mandateSchema,
  metadataSchema,
  paymentIntentIdSchema,
  paymentMethodIdSchema,
  returnUrlSchema,
  settledBySchema,
  shortText,
  text,
  timeoutSecondsSchema,
  transferGroupSchema,
} from "../api/fields.ts";
import { nextActionSchema } from "../api/nextAction.ts";
import { refundOutcomeSchema } from "../api/refundOutcome.ts";
import { maximumAmountMinor, moneyProblem } from "../money/money.ts";
import { euroTransferCountries } from "./rules/bankTransfer.ts";
import { presenceProblems } from "./rules/paymentRequest.ts";
import { sharingProblems } from "./rules/sharing.ts";

const maximumReferenceLength = 255;

/**
 * What people take for the same name is the same: without the space around it, and with composed letters (Unicode's form NFC).
 * A text that is far too long is left as it is, to be refused: to normalize one can take time that grows with its square.
 */
function nameOf(reference: string): string {
  return reference.length > 8 * maximumReferenceLength ? reference : reference.trim().normalize("NFC");
}

/** Kept in the engine for ever, and shown to operators. */
const referenceSchema = z
  .string()
  .overwrite(nameOf)
  .min(1)
  .max(maximumReferenceLength)
  .refine((value) => value.isWellFormed(), "must be well-formed Unicode")
  .regex(/^[^\p{Cc}]*$/u, "has control characters");

/** The values of fields that a caller may leave out: written out or left out, the request is the same. */
export const paymentDefaults = {
  currency: "usd",
  captureMethod: "automatic",
  requestMulticapture: false,
  offSession: false,
  delayedStatus: false,
} as const;

/** Body of `processPayment`. Unknown fields are refused: a misspelt `captureMethod` must not charge at once. */
export const paymentRequestSchema = z
  .strictObject({
    reference: referenceSchema
      .optional()
      .describe(
        "Your own name of what is paid, such as an order: charged at most once, whatever the idempotency keys.",
      ),
    paymentMethodId: paymentMethodIdSchema.describe("The Stripe PaymentMethod to charge, e.g. pm_card_visa."),
    amount: amountSchema.describe("In the currency's minor unit (cents): an integer."),
    currency: shortText(16)
      .toLowerCase()
      .refine((currency) => moneyProblem(maximumAmountMinor, currency)?.field !== "currency", {
        error: (issue) => moneyProblem(maximumAmountMinor, String(issue.input))?.message,
      })
      .default(paymentDefaults.currency)
      .describe("A three-letter ISO code that Stripe charges in."),
    customerId: customerIdSchema.optional(),
    description: text(1000).optional(),
    receiptEmail: emailSchema.optional(),
    statementDescriptorSuffix: text(22)
      .regex(/^[^<>\\'"*]*$/, "must have none of < > \\ ' \" *")
      .regex(/[A-Za-z]/, "needs a letter")
      .optional()
      .describe("What the customer's card statement shows after the merchant's own prefix."),
    metadata: metadataSchema.optional(),
    captureMethod: z.enum(["automatic", "manual"]).default(paymentDefaults.captureMethod),
    requestMulticapture: z
      .boolean()
      .optional()
      .describe("Asks Stripe to let the authorization be captured several times, where card and account allow it."),
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
    transfer: z
      .strictObject({
        destination: accountIdSchema.describe("The connected account that gets the money."),
        amount: amountSchema.optional().describe("In minor units; all that is charged unless given."),
      })
      .optional()
      .describe("Connect: pass the money on to a connected account, less applicationFeeAmount (a destination charge)."),
    applicationFeeAmount: amountSchema
      .optional()
      .describe(
        "Connect: what the platform keeps of a destination charge, or takes of a direct charge, in minor units.",
      ),
    onBehalfOf: accountIdSchema.optional().describe("Connect: the connected account that is the merchant of record."),
    transferGroup: transferGroupSchema
      .optional()
      .describe("Connect: what the payment and its transfers have in common, such as an order."),
    timeoutSeconds: timeoutSecondsSchema.optional(),
    delayedStatus: z
      .boolean()
      .default(paymentDefaults.delayedStatus)
      .describe("Test keys only: take the first answer as processing, to see the wait."),
    ...addressFields,
  })
  .refine((request) => amountProblem(request) === null, {
    path: ["amount"],
    error: (issue) => amountProblem(issue.input) ?? undefined,
    // Also when another field is wrong, so that one answer lists everything.
    when: () => true,
  })
  .superRefine(
    (request, context) => {
      for (const { field, message } of [
        ...presenceProblems(presenceOf(request)),
        ...sharingProblems(sharingOf(request)),
      ]) {
        context.addIssue({ code: "custom", path: field.split("."), message });
      }
    },
    { when: () => true },
  );

/** Body of `processPayment`, as callers write it. */
export type ProcessPaymentRequest = z.input<typeof paymentRequestSchema>;

/** Body of `processPayment` with its defaults, as the handlers get it. */
export type PaymentRequest = z.output<typeof paymentRequestSchema>;

/**
 * The checks across fields look at a request also where one of its fields is wrong. They read it by hand: a schema made for
 * each request took about a tenth of the CPU time that a payment costs the service.
 */
function amountProblem(request: unknown): string | null {
  const { amount, currency = paymentDefaults.currency } = fieldsOf(request);
  if (typeof amount !== "number" || !Number.isSafeInteger(amount) || amount < 1) return null;
  if (typeof currency !== "string") return null;
  const problem = moneyProblem(amount, currency.toLowerCase());
  return problem?.field === "amount" ? problem.message : null;
}

function presenceOf(request: unknown) {
  const given = fieldsOf(request);
  const { currency, bankTransfer } = given;
  return {
    currency: typeof currency === "string" ? currency.toLowerCase() : paymentDefaults.currency,
    customerId: given["customerId"] !== undefined,
    returnUrl: given["returnUrl"] !== undefined,
    captureMethod: given["captureMethod"] === "manual" ? ("manual" as const) : paymentDefaults.captureMethod,
    requestMulticapture: given["requestMulticapture"] === true,
    savePaymentMethod: given["savePaymentMethod"] !== undefined,
    offSession: given["offSession"] === true,
    bankTransfer: isPlainObject(bankTransfer) ? { country: bankTransfer["country"] !== undefined } : null,
  };
}

function sharingOf(request: unknown) {
  const { amount, currency, stripeAccount, transfer, applicationFeeAmount } = fieldsOf(request);
  return {
    amount: amountIn(amount),
    currency: typeof currency === "string" ? currency.toLowerCase() : paymentDefaults.currency,
    isDirect: stripeAccount !== undefined,
    transfer: isPlainObject(transfer) ? { amount: amountIn(transfer["amount"]) } : null,
    applicationFeeAmount: amountIn(applicationFeeAmount),
  };
}

/** Null for what is no amount: its own schema says so. */
function amountIn(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : null;
}

function fieldsOf(request: unknown): Readonly<Record<string, unknown>> {
  return isPlainObject(request) ? request : {};
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const paymentFields = {
  paymentIntentId: z.string(),
  amount: z.int(),
  amountReceived: z.int(),
  currency: z.string(),
  chargeId: z.string().nullable().describe("null while there is no charge."),
};

const captureBeforeSchema = z
  .string()
  .nullable()
  .describe("Until when an authorization can be captured (ISO 8601), where Stripe says.");

/** Answer of `processPayment`, `awaitPayment` and `capturePayment`: the final outcome, or what the customer has to do for it. */
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
]);

export type PaymentOutcome = z.output<typeof paymentOutcomeSchema>;

/** Names a payment by the one or the other. */
const paymentNames = { paymentIntentId: paymentIntentIdSchema.optional(), reference: referenceSchema.optional() };
const namedPayment = { ...paymentNames, ...addressFields };

function namesOnePayment(request: { readonly paymentIntentId?: unknown; readonly reference?: unknown }): boolean {
  return (request.paymentIntentId === undefined) !== (request.reference === undefined);
}

const oneName = { path: ["paymentIntentId"], error: "give either paymentIntentId or reference" };

/** Body of `awaitPayment`. */
export const awaitPaymentRequestSchema = z
  .strictObject({ ...namedPayment, timeoutSeconds: timeoutSecondsSchema.optional() })
  .refine(namesOnePayment, oneName);

export type AwaitPaymentRequest = ByOneName<z.input<typeof awaitPaymentRequestSchema>>;

/** Body of `getPayment`. */
export const getPaymentRequestSchema = z.strictObject(namedPayment).refine(namesOnePayment, oneName);

export type GetPaymentRequest = ByOneName<z.input<typeof getPaymentRequestSchema>>;

/** The refinement as a type: a request has the one field or the other. */
type ByOneName<Request> = Omit<Request, keyof typeof paymentNames> &
  (
    | { readonly paymentIntentId: string; readonly reference?: undefined }
    | { readonly reference: string; readonly paymentIntentId?: undefined }
  );

/** Answer of `getPayment`: the state at Stripe now. */
export const paymentStateSchema = z.object({
  ...paymentFields,
  status: z.string().describe("Stripe's status of the PaymentIntent, e.g. processing or requires_payment_method."),
  captureBefore: captureBeforeSchema,
  nextAction: nextActionSchema.nullable(),
  failure: attemptFailureSchema.nullable().describe("Why the last attempt failed, if it did."),
});

export type PaymentState = z.output<typeof paymentStateSchema>;

/** Body of `capturePayment`. */
export const capturePaymentRequestSchema = z
  .strictObject({
    paymentIntentId: paymentIntentIdSchema,
    amount: amountOrNothingSchema
      .optional()
      .describe(
        "In minor units; all that is held unless given. The rest is released. After other captures, 0 releases the rest.",
      ),
    final: z
      .boolean()
      .optional()
      .describe("false keeps the rest capturable, where the card allows several captures. true unless given."),
    applicationFeeAmount: amountSchema
      .optional()
      .describe("Connect: the platform's fee in place of the one that the payment was made with, in minor units."),
    transferAmount: amountSchema
      .optional()
      .describe(
        "Connect: what the transfer's destination gets in place of what the payment was made with, in minor units.",
      ),
    timeoutSeconds: timeoutSecondsSchema.optional(),
    ...addressFields,
  })
  .refine(({ amount, final }) => amount !== 0 || final !== false, {
    path: ["amount"],
    error: "must be at least 1, unless the capture is final: 0 then releases the rest",
  });

export type CapturePaymentRequest = z.output<typeof capturePaymentRequestSchema>;

/** Body of `cancelPayment`. */
export const cancelPaymentRequestSchema = z.strictObject({
  paymentIntentId: paymentIntentIdSchema,
  reason: z.enum(["duplicate", "fraudulent", "requested_by_customer", "abandoned"]).optional(),
  refundIfSucceeded: z
    .boolean()
    .optional()
    .describe("If it has succeeded meanwhile: give the money back, and answer with the refund's outcome."),
  timeoutSeconds: timeoutSecondsSchema.optional(),
  ...addressFields,
});

export type CancelPaymentRequest = z.output<typeof cancelPaymentRequestSchema>;

/** Answer of `cancelPayment`: the payment was cancelled, or, with `refundIfSucceeded`, refunded. */
export const cancelOutcomeSchema = z.discriminatedUnion("status", [
  z.object({ ...paymentFields, status: z.literal("canceled"), settledBy: settledBySchema }),
  refundOutcomeSchema,
]);

export type CancelOutcome = z.output<typeof cancelOutcomeSchema>;
