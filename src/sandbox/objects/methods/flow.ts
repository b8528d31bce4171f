import type { Stripe } from "stripe";

/** The types of payment method that the sandbox knows, and how a payment by each goes. */
export type PaymentMethodType =
  | "card"
  | "us_bank_account"
  | "sepa_debit"
  | "klarna"
  | "ideal"
  | "bancontact"
  | "eps"
  | "p24"
  | "sofort"
  | "customer_balance"
  | "boleto"
  | "oxxo";

/** How a payment goes, from the confirmation to the money. */
export type Flow =
  | { readonly kind: "immediate" }
  /** Needs the customer's mandate, and settles days later; the field holds the account's number. */
  | { readonly kind: "debit"; readonly numberField: string }
  /** The customer goes to another page; `settlesLater` says that the money doesn't come with them. */
  | { readonly kind: "redirect"; readonly settlesLater: boolean }
  /** The customer sends the money, in any number of parts. */
  | { readonly kind: "bank_transfer" }
  | VoucherFlow;

/**
 * The customer gets a number to pay at a counter. It expires at 23:59 local time, `expires_after_days` after the day it was
 * made; no country here has summer time. https://docs.stripe.com/payments/boleto, https://docs.stripe.com/payments/oxxo
 */
export type VoucherFlow = {
  readonly kind: "voucher";
  readonly days: { readonly minimum: number; readonly maximum: number };
  readonly hoursFromUtc: number;
  readonly digits: number;
  /** The customer's details that must be known when the payment is confirmed. */
  readonly billing: readonly (readonly string[])[];
  readonly instruct: (voucher: Voucher) => Stripe.PaymentIntent.NextAction;
};

type Voucher = { readonly number: string; readonly hosted_voucher_url: string; readonly expiresAt: number };
