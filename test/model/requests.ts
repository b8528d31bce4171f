/** The bodies of `processPayment` for each kind of payment. */
import type { Stripe } from "stripe";
import type { Means } from "./world.ts";
import { amountMinor, type Kind } from "./world.ts";

export type PaymentBody = Readonly<Record<string, unknown>>;

const returnUrl = "https://shop.example/back";
const mandate = { type: "offline" };

export async function requestOf(stripe: Stripe, kind: Kind, orderId: string): Promise<PaymentBody> {
  return { amount: amountMinor, metadata: { orderId }, ...(await means(stripe, kind)) };
}

async function means(stripe: Stripe, kind: Kind): Promise<PaymentBody> {
  switch (kind) {
    case "card":
      return { paymentMethodId: "pm_card_visa" };
    case "declined card":
      return { paymentMethodId: "pm_card_visa_chargeDeclined" };
    case "card that asks an absent customer":
      return { paymentMethodId: "pm_card_threeDSecure2Required" };
    case "card that asks the customer":
      return { paymentMethodId: "pm_card_threeDSecure2Required", returnUrl };
    case "held card":
      return { paymentMethodId: "pm_card_visa", captureMethod: "manual" };
    case "held card that asks the customer":
      return { paymentMethodId: "pm_card_threeDSecure2Required", captureMethod: "manual", returnUrl };
    case "card with slow refunds":
      return { paymentMethodId: "pm_card_pendingRefund" };
    case "debit":
      return { paymentMethodId: "pm_usBankAccount_success", mandate };
    case "debit that can be stopped":
      return { paymentMethodId: "pm_usBankAccount_processing", mandate };
    case "redirect with a debit behind it": {
      const sofort = await stripe.paymentMethods.create({ type: "sofort", sofort: { country: "DE" } });
      return { paymentMethodId: sofort.id, currency: "eur", returnUrl };
    }
  }
}

/** The same purchase once more: by the same means or by others; or another purchase. */
export function again(request: PaymentBody, how: Means | "for another amount"): PaymentBody {
  switch (how) {
    case "first":
      return request;
    case "for another amount":
      return { ...request, amount: 77 };
    case "other": {
      const { mandate: _mandate, returnUrl: _returnUrl, ...purchase } = request;
      return { ...purchase, paymentMethodId: "pm_card_mastercard" };
    }
  }
}
