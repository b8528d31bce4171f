/**
 * The types of the service `payments` for TypeScript callers. The file imports nothing, so that it compiles with any
 * caller's settings; `contract.ts` makes the compiler hold the schemas against it. Money is in minor units.
 */

/** The customer's acceptance of a mandate, which bank debits need. https://docs.stripe.com/payments/sepa-debit#mandate */
export type MandateAcceptance =
  | { readonly type: "offline" }
  | { readonly type: "online"; readonly ipAddress: string; readonly userAgent: string };

/** Body of `processPayment`. */
export type ProcessPaymentRequest = {
  readonly paymentMethodId: string;
  /** In the currency's minor unit (cents). */
  readonly amount: number;
  /** Three letters, `usd` unless given. */
  readonly currency?: string | undefined;
  readonly customerId?: string | undefined;
  readonly description?: string | undefined;
  readonly receiptEmail?: string | undefined;
  readonly statementDescriptorSuffix?: string | undefined;
  readonly metadata?: Record<string, string> | undefined;
  /** `automatic` unless given. */
  readonly captureMethod?: "automatic" | "manual" | undefined;
  readonly mandate?: MandateAcceptance | undefined;
  /** The customer is present: the call may answer `requires_action`, and the customer comes back here. */
  readonly returnUrl?: string | undefined;
  /** How long the payment may stay pending. */
  readonly timeoutSeconds?: number | undefined;
  /** Test keys only: take Stripe's first answer as "processing". */
  readonly delayedStatus?: boolean | undefined;
};

/** Body of `awaitPayment`. */
export type AwaitPaymentRequest = {
  readonly paymentIntentId: string;
  readonly timeoutSeconds?: number | undefined;
};

/** Body of `getPayment`. */
export type GetPaymentRequest = { readonly paymentIntentId: string };

/** What the customer has to do; the URL is where, if Stripe hosts a page for it. */
export type NextAction = { readonly type: string; readonly redirectUrl: string | null };

type PaymentFields = {
  readonly paymentIntentId: string;
  readonly amount: number;
  readonly amountReceived: number;
  readonly currency: string;
  /** null while there is no charge. */
  readonly chargeId: string | null;
};

/** Answer of `processPayment` and `awaitPayment`. */
export type PaymentOutcome = PaymentFields & {
  /** What brought the outcome: Stripe's first answer, a webhook, or a read that no webhook asked for. */
  readonly settledBy: "response" | "webhook" | "poll";
} & (
    | { readonly status: "succeeded" | "requires_capture" }
    | { readonly status: "requires_action"; readonly nextAction: NextAction }
  );

/** Answer of `getPayment`: the state at Stripe now, in Stripe's words. */
export type PaymentState = PaymentFields & {
  readonly status: string;
  readonly nextAction: NextAction | null;
  /** Why the last attempt failed, if it did. */
  readonly failure: {
    readonly stripeCode: string | null;
    readonly declineCode: string | null;
    readonly message: string;
  } | null;
};

/** `metadata.reason` of a failed call. */
export type FailureReason =
  | "invalid_request"
  | "declined"
  | "not_found"
  | "canceled"
  | "conflict"
  | "timed_out"
  | "needs_review";

/** `metadata.compensation` of a call that ended without success: what became of the PaymentIntent. */
export type Compensation =
  /** It was cancelled and can't succeed any more. */
  | "canceled"
  /** It can't be cancelled yet: a private handler watches it and refunds it if it succeeds after all. */
  | "watching"
  /** It was left as it is. */
  | "none";

/** The JSON body of a failed call, as Restate's ingress gives it. A body that the schema refuses has no `metadata`. */
export type PaymentFailureBody = {
  readonly code: number;
  readonly message: string;
  readonly metadata?: {
    readonly reason: FailureReason;
    readonly paymentIntentId?: string;
    readonly stripeCode?: string;
    readonly declineCode?: string;
    readonly param?: string;
    readonly compensation?: Compensation;
  };
};
