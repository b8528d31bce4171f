/**
 * What the customer has to do before a payment or a set-up goes on: visit a page of their bank, pay a voucher, transfer
 * money. Each kind that a merchant shows by itself has its details; `redirectUrl` is the page that does it, if there is one.
 *
 * https://docs.stripe.com/api/payment_intents/object#payment_intent_object-next_action
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

/** Stripe's other kinds, which have a page or work through Stripe.js. */
export type OtherActionType = (typeof otherActionTypes)[number];

export const otherActionTypes = [
  "alipay_handle_redirect",
  "blik_authorize",
  "card_await_notification",
  "cashapp_handle_redirect_or_display_qr_code",
  "klarna_display_qr_code",
  "konbini_display_details",
  "multibanco_display_details",
  "paynow_display_qr_code",
  "pix_display_qr_code",
  "promptpay_display_qr_code",
  "swish_handle_redirect_or_display_qr_code",
  "upi_handle_redirect_or_display_qr_code",
  "use_stripe_sdk",
  "verify_with_microdeposits",
  "wechat_pay_display_qr_code",
  "wechat_pay_redirect_to_android_app",
  "wechat_pay_redirect_to_ios_app",
] as const;

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
