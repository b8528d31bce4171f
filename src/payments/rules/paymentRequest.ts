/** Whether a request to charge a customer contradicts itself. */
import { bankTransferType } from "./bankTransfer.ts";

/** The fields that say who is there and what is kept, as far as they are given at all. */
type Presence = {
  readonly currency: string;
  readonly customerId: boolean;
  readonly returnUrl: boolean;
  readonly captureMethod: "automatic" | "manual";
  readonly requestMulticapture: boolean;
  readonly savePaymentMethod: boolean;
  readonly offSession: boolean;
  readonly bankTransfer: { readonly country: boolean } | null;
};

type Problem = { readonly field: string; readonly message: string };

/** What of a request contradicts itself: a sentence per field, none where it is sound. */
export function presenceProblems(request: Presence): readonly Problem[] {
  const { customerId, returnUrl, captureMethod, requestMulticapture } = request;
  const { savePaymentMethod, offSession, bankTransfer, currency } = request;
  const problems: (Problem | false)[] = [
    requestMulticapture &&
      captureMethod !== "manual" && {
        field: "requestMulticapture",
        message: 'needs "captureMethod": "manual": an automatic capture takes all at once',
      },
    requestMulticapture &&
      bankTransfer !== null && { field: "requestMulticapture", message: "is for cards, not for bank transfers" },
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
