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
  /** Your own name of what is paid, such as an order: charged at most once, whatever the idempotency keys. */
  readonly reference?: string | undefined;
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
  /** Keep the payment method for the customer's later payments; needs `customerId`. */
  readonly savePaymentMethod?: "off_session" | "on_session" | undefined;
  /** The customer is not there: charges a payment method that was saved before; needs `customerId`. */
  readonly offSession?: boolean | undefined;
  /** Pay by bank transfer, with a PaymentMethod of the type `customer_balance`; `country` is for euros only. */
  readonly bankTransfer?: { readonly country?: "DE" | "FR" | "IE" | "NL" | undefined } | undefined;
  readonly mandate?: MandateAcceptance | undefined;
  /** The customer is present: the call may answer `requires_action`, and the customer comes back here. */
  readonly returnUrl?: string | undefined;
  /** How long the payment may stay pending. */
  readonly timeoutSeconds?: number | undefined;
  /** Test keys only: take Stripe's first answer as "processing". */
  readonly delayedStatus?: boolean | undefined;
};

/** Body of `awaitPayment`. */
export type AwaitPaymentRequest = GetPaymentRequest & { readonly timeoutSeconds?: number | undefined };

/** Body of `getPayment`: the PaymentIntent by its id, or by the reference that it was paid under. */
export type GetPaymentRequest =
  | { readonly paymentIntentId: string; readonly reference?: undefined }
  | { readonly reference: string; readonly paymentIntentId?: undefined };

/** Body of `capturePayment`. */
export type CapturePaymentRequest = {
  readonly paymentIntentId: string;
  /** In minor units; all that is held unless given. What is left over is released. */
  readonly amount?: number | undefined;
  /** `false` keeps the rest capturable, where the card allows several captures; `true` unless given. */
  readonly final?: boolean | undefined;
  readonly timeoutSeconds?: number | undefined;
};

/** Body of `cancelPayment`. */
export type CancelPaymentRequest = {
  readonly paymentIntentId: string;
  /** `requested_by_customer` unless given. */
  readonly reason?: "duplicate" | "fraudulent" | "requested_by_customer" | "abandoned" | undefined;
  /** If it has succeeded meanwhile: give the money back, and answer with the refund's outcome. */
  readonly refundIfSucceeded?: boolean | undefined;
  readonly timeoutSeconds?: number | undefined;
};

/** Body of `refundPayment`. */
export type RefundPaymentRequest = {
  readonly paymentIntentId: string;
  /** In minor units; all that is left unless given. */
  readonly amount?: number | undefined;
  readonly reason?: "duplicate" | "fraudulent" | "requested_by_customer" | undefined;
  readonly metadata?: Record<string, string> | undefined;
  /** Connect: take the money back from the connected account, too. */
  readonly reverseTransfer?: boolean | undefined;
  /** Connect: give the platform's fee back, too. */
  readonly refundApplicationFee?: boolean | undefined;
  /** How long the refund may stay pending before the call stops waiting for it. */
  readonly timeoutSeconds?: number | undefined;
};

/**
 * What the customer has to do: `redirectUrl` is the page for it, if Stripe hosts one. The kinds that a merchant may show
 * by itself have their details. https://docs.stripe.com/api/payment_intents/object#payment_intent_object-next_action
 */
export type NextAction =
  | { readonly type: "redirect_to_url"; readonly redirectUrl: string | null }
  | {
      readonly type: "boleto_display_details";
      readonly redirectUrl: string | null;
      readonly number: string | null;
      readonly pdfUrl: string | null;
      /** ISO 8601, as every moment here. */
      readonly expiresAt: string | null;
    }
  | {
      readonly type: "oxxo_display_details";
      readonly redirectUrl: string | null;
      readonly number: string | null;
      readonly expiresAt: string | null;
    }
  | {
      readonly type: "display_bank_transfer_instructions";
      readonly redirectUrl: string | null;
      /** In minor units of `currency`: what is still to be transferred. */
      readonly amountRemaining: number | null;
      readonly currency: string | null;
      readonly reference: string | null;
      readonly transferType: string;
      /** Where the money goes; the customer picks one. The page lists what this version doesn't know, too. */
      readonly accounts: readonly BankAccount[];
    }
  | { readonly type: OtherActionType; readonly redirectUrl: string | null }
  /** A kind that Stripe added later: a state a person can see. */
  | { readonly type: "unknown"; readonly redirectUrl: null; readonly stripeType: string | null };

/** Stripe's other kinds. */
export type OtherActionType =
  | "alipay_handle_redirect"
  | "blik_authorize"
  | "card_await_notification"
  | "cashapp_handle_redirect_or_display_qr_code"
  | "klarna_display_qr_code"
  | "konbini_display_details"
  | "multibanco_display_details"
  | "paynow_display_qr_code"
  | "pix_display_qr_code"
  | "promptpay_display_qr_code"
  | "swish_handle_redirect_or_display_qr_code"
  | "upi_handle_redirect_or_display_qr_code"
  | "use_stripe_sdk"
  | "verify_with_microdeposits"
  | "wechat_pay_display_qr_code"
  | "wechat_pay_redirect_to_android_app"
  | "wechat_pay_redirect_to_ios_app";

/** An account that a bank transfer goes to, in the terms of its country. */
export type BankAccount =
  | {
      readonly type: "aba";
      readonly accountHolderName: string;
      readonly accountNumber: string;
      readonly accountType: string;
      readonly bankName: string;
      readonly routingNumber: string;
    }
  | {
      readonly type: "iban";
      readonly accountHolderName: string;
      readonly bic: string;
      readonly country: string;
      readonly iban: string;
    }
  | {
      readonly type: "sort_code";
      readonly accountHolderName: string;
      readonly accountNumber: string;
      readonly sortCode: string;
    }
  | {
      readonly type: "spei";
      readonly accountHolderName: string;
      readonly bankCode: string;
      readonly bankName: string;
      readonly clabe: string;
    }
  | {
      readonly type: "swift";
      readonly accountHolderName: string;
      readonly accountNumber: string;
      readonly bankName: string;
      readonly swiftCode: string;
    }
  | {
      readonly type: "zengin";
      readonly accountHolderName: string | null;
      readonly accountNumber: string | null;
      readonly accountType: string | null;
      readonly bankCode: string | null;
      readonly bankName: string | null;
      readonly branchCode: string | null;
      readonly branchName: string | null;
    };

type PaymentFields = {
  readonly paymentIntentId: string;
  readonly amount: number;
  readonly amountReceived: number;
  readonly currency: string;
  /** null while there is no charge. */
  readonly chargeId: string | null;
};

/** What brought an outcome: Stripe's answer to the call's own request, a webhook, or a read that no webhook asked for. */
export type SettledBy = "response" | "webhook" | "poll";

/** Until when an authorization can be captured (ISO 8601); null where Stripe doesn't say. */
type CaptureDeadline = { readonly captureBefore: string | null };

/** Answer of `processPayment`, `awaitPayment` and `capturePayment`. */
export type PaymentOutcome = PaymentFields & { readonly settledBy: SettledBy } & (
    | { readonly status: "succeeded" }
    | ({ readonly status: "requires_capture" } & CaptureDeadline)
    | { readonly status: "requires_action"; readonly nextAction: NextAction }
  );

/** Body of `awaitRefund`. */
export type AwaitRefundRequest = { readonly refundId: string; readonly timeoutSeconds?: number | undefined };

/** Answer of `refundPayment` and `awaitRefund`: the money is on its way to the customer. */
export type RefundOutcome = {
  readonly refundId: string;
  readonly paymentIntentId: string;
  readonly status: "succeeded";
  readonly amount: number;
  readonly currency: string;
  readonly settledBy: SettledBy;
};

/** Answer of `cancelPayment`: cancelled, or, with `refundIfSucceeded`, refunded. */
export type CancelOutcome =
  | (PaymentFields & { readonly status: "canceled"; readonly settledBy: SettledBy })
  | RefundOutcome;

/** Answer of `getPayment`: the state at Stripe now, in Stripe's words. */
export type PaymentState = PaymentFields &
  CaptureDeadline & {
    readonly status: string;
    readonly nextAction: NextAction | null;
    /** Why the last attempt failed, if it did. */
    readonly failure: {
      readonly stripeCode: string | null;
      readonly declineCode: string | null;
      readonly message: string;
    } | null;
  };

/** Body of `setupPaymentMethod`. */
export type SetupPaymentMethodRequest = {
  readonly customerId: string;
  readonly paymentMethodId: string;
  /** The customer is present: the call may answer `requires_action`, and the customer comes back here. */
  readonly returnUrl?: string | undefined;
  /** Bank accounts need one. */
  readonly mandate?: MandateAcceptance | undefined;
  readonly metadata?: Record<string, string> | undefined;
  /** How long the set-up may stay pending. */
  readonly timeoutSeconds?: number | undefined;
};

/** Body of `awaitSetup`. */
export type AwaitSetupRequest = {
  readonly setupIntentId: string;
  readonly timeoutSeconds?: number | undefined;
};

/** Answer of `setupPaymentMethod` and `awaitSetup`. */
export type SetupOutcome = {
  readonly setupIntentId: string;
  /** The saved PaymentMethod: charge it with `offSession`. */
  readonly paymentMethodId: string;
  /** null for a SetupIntent that was made elsewhere, for nobody. */
  readonly customerId: string | null;
  /** What the customer agreed to. Cards have none. */
  readonly mandateId?: string;
  readonly settledBy: "response" | "webhook" | "poll";
} & ({ readonly status: "succeeded" } | { readonly status: "requires_action"; readonly nextAction: NextAction });

/** Body of `createCustomer`. */
export type CreateCustomerRequest = {
  readonly email: string;
  readonly name?: string | undefined;
  readonly metadata?: Record<string, string> | undefined;
};

/** Body of `getCustomer`. */
export type GetCustomerRequest = { readonly customerId: string };

/** Answer of `createCustomer` and `getCustomer`. */
export type CustomerState = {
  readonly customerId: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly metadata: Readonly<Record<string, string>>;
};

/** Body of `getDispute`. */
export type GetDisputeRequest = {
  readonly disputeId: string;
  /** Wait, durably, until the dispute is closed; `false` unless given. */
  readonly awaitOutcome?: boolean | undefined;
  readonly timeoutSeconds?: number | undefined;
};

/** Body of `acceptDispute`. */
export type AcceptDisputeRequest = GetDisputeRequest;

/** Body of `submitDisputeEvidence`. */
export type SubmitDisputeEvidenceRequest = GetDisputeRequest & {
  readonly evidence: DisputeEvidence;
  /** Send the evidence to the bank: once, for good. It is only staged unless this is `true`. */
  readonly submit?: boolean | undefined;
};

/** Stripe's evidence fields that take text. https://docs.stripe.com/api/disputes/update */
export type DisputeEvidence = {
  readonly accessActivityLog?: string | undefined;
  readonly billingAddress?: string | undefined;
  readonly cancellationPolicyDisclosure?: string | undefined;
  readonly cancellationRebuttal?: string | undefined;
  readonly customerEmailAddress?: string | undefined;
  readonly customerName?: string | undefined;
  readonly customerPurchaseIp?: string | undefined;
  readonly duplicateChargeExplanation?: string | undefined;
  readonly duplicateChargeId?: string | undefined;
  readonly productDescription?: string | undefined;
  readonly refundPolicyDisclosure?: string | undefined;
  readonly refundRefusalExplanation?: string | undefined;
  readonly serviceDate?: string | undefined;
  readonly shippingAddress?: string | undefined;
  readonly shippingCarrier?: string | undefined;
  readonly shippingDate?: string | undefined;
  readonly shippingTrackingNumber?: string | undefined;
  readonly uncategorizedText?: string | undefined;
};

/** Answer of every call about a dispute. */
export type DisputeState = {
  readonly disputeId: string;
  /** In Stripe's words: `needs_response`, `under_review`, `won`, `lost`, `warning_closed`, `prevented` … */
  readonly status: string;
  readonly reason: string;
  readonly amount: number;
  readonly currency: string;
  readonly chargeId: string;
  readonly paymentIntentId: string | null;
  /** Whether a refund would still settle it: an inquiry. */
  readonly isChargeRefundable: boolean;
  readonly hasEvidence: boolean;
  /** How often evidence went to the bank. */
  readonly submissionCount: number;
  /** ISO 8601: when the time to answer ends. */
  readonly respondBy: string | null;
};

/** `metadata.reason` of a failed call. */
export type FailureReason =
  | "invalid_request"
  | "declined"
  | "not_found"
  | "canceled"
  | "conflict"
  | "refund_failed"
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
    readonly setupIntentId?: string;
    readonly customerId?: string;
    readonly disputeId?: string;
    readonly stripeCode?: string;
    readonly declineCode?: string;
    readonly param?: string;
    readonly compensation?: Compensation;
    readonly refundId?: string;
    /** Stripe's reason why a refund failed. */
    readonly failureReason?: string;
  };
};
