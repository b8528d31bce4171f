/** What a caller asks for when it charges a customer. The zod schema in `services/contract.ts` parses bodies into it. */
import { bankTransferType } from "./bankTransfer.ts";

/** The customer's acceptance of a mandate, which bank debits need. https://docs.stripe.com/payments/sepa-debit#mandate */
export type MandateAcceptance =
  | { readonly type: "offline" }
  | { readonly type: "online"; readonly ipAddress: string; readonly userAgent: string };

export type PaymentRequest = {
  /** The merchant's own name of what is paid: charged at most once, for ever. */
  readonly reference?: string | undefined;
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
  /** Keep the payment method for the customer's later payments: in their absence too, or only while they are there. */
  readonly savePaymentMethod?: "off_session" | "on_session" | undefined;
  /** The customer is not there: a payment method that was saved before is charged. */
  readonly offSession?: boolean | undefined;
  /** The customer pays by bank transfer. A transfer in euros goes to an account in `country`. */
  readonly bankTransfer?: { readonly country?: string | undefined } | undefined;
  /** The customer is present and comes back here after an action at the bank. */
  readonly returnUrl?: string | undefined;
  readonly timeoutSeconds?: number | undefined;
  readonly delayedStatus: boolean;
};

/** The fields that say who is there and what is kept, as far as they are given at all. */
type Presence = {
  readonly currency: string;
  readonly customerId: boolean;
  readonly returnUrl: boolean;
  readonly savePaymentMethod: boolean;
  readonly offSession: boolean;
  readonly bankTransfer: { readonly country: boolean } | null;
};

type Problem = { readonly field: string; readonly message: string };

/** What of a request contradicts itself: a sentence per field, none where it is sound. */
export function presenceProblems(request: Presence): readonly Problem[] {
  const { customerId, returnUrl, savePaymentMethod, offSession, bankTransfer, currency } = request;
  const problems: (Problem | false)[] = [
    !customerId &&
      (savePaymentMethod || offSession || bankTransfer !== null) && {
        field: "customerId",
        message: "is needed by savePaymentMethod, offSession and bankTransfer",
      },
    offSession &&
      (returnUrl || savePaymentMethod) && {
        field: "offSession",
        message: "excludes returnUrl and savePaymentMethod: the customer is not there",
      },
    bankTransfer !== null &&
      !returnUrl && { field: "returnUrl", message: "is needed by bankTransfer: the customer has to act" },
    bankTransfer !== null &&
      savePaymentMethod && { field: "savePaymentMethod", message: "a bank transfer can't be saved" },
    bankTransfer !== null &&
      bankTransferType(currency) === null && {
        field: "bankTransfer",
        message: `Stripe has no bank transfers in ${currency}`,
      },
    bankTransfer !== null &&
      bankTransfer.country !== (currency === "eur") && {
        field: "bankTransfer.country",
        message: "is needed for euros, and for no other currency",
      },
  ];
  return problems.filter((problem) => problem !== false);
}
