/** What a caller asks for when it charges a customer. The zod schema in `services/contract.ts` parses bodies into it. */

/** The customer's acceptance of a mandate, which bank debits need. https://docs.stripe.com/payments/sepa-debit#mandate */
type MandateAcceptance =
  | { readonly type: "offline" }
  | { readonly type: "online"; readonly ipAddress: string; readonly userAgent: string };

export type PaymentRequest = {
  readonly paymentMethodId: string;
  /** In minor units of `currency`. */
  readonly amount: number;
  /** Lower case. */
  readonly currency: string;
  readonly customerId?: string | undefined;
  readonly description?: string | undefined;
  readonly receiptEmail?: string | undefined;
  readonly statementDescriptorSuffix?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly captureMethod: "automatic" | "manual";
  readonly mandate?: MandateAcceptance | undefined;
  /** The customer is present and comes back here after an action at the bank. */
  readonly returnUrl?: string | undefined;
  readonly timeoutSeconds?: number | undefined;
  readonly delayedStatus: boolean;
};
