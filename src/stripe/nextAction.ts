/** Reads Stripe's `next_action`, of PaymentIntents and SetupIntents, into what a customer can be shown. */
import type { Stripe } from "stripe";
import type { BankAccount, NextAction, OtherActionType } from "../api/nextAction.ts";
import { momentOf } from "./snapshot.ts";

type StripeAction = Stripe.PaymentIntent.NextAction | Stripe.SetupIntent.NextAction;
type Address = Stripe.PaymentIntent.NextAction.DisplayBankTransferInstructions.FinancialAddress;

/** https://docs.stripe.com/api/payment_intents/object#payment_intent_object-next_action */
export function nextActionOf(action: StripeAction | null): NextAction | null {
  if (action === null) return null;
  const stripe: Stripe.PaymentIntent.NextAction = action;
  const { boleto_display_details: boleto, oxxo_display_details: oxxo } = stripe;
  const transfer = stripe.display_bank_transfer_instructions;
  if (stripe.redirect_to_url) return { type: "redirect_to_url", redirectUrl: stripe.redirect_to_url.url };
  if (boleto) {
    return {
      type: "boleto_display_details",
      redirectUrl: boleto.hosted_voucher_url,
      number: boleto.number,
      pdfUrl: boleto.pdf,
      expiresAt: momentOf(boleto.expires_at),
    };
  }
  if (oxxo) {
    return {
      type: "oxxo_display_details",
      redirectUrl: oxxo.hosted_voucher_url,
      number: oxxo.number,
      expiresAt: momentOf(oxxo.expires_after),
    };
  }
  if (transfer) {
    return {
      type: "display_bank_transfer_instructions",
      redirectUrl: transfer.hosted_instructions_url,
      amountRemaining: transfer.amount_remaining,
      currency: transfer.currency,
      reference: transfer.reference,
      transferType: transfer.type,
      accounts: (transfer.financial_addresses ?? []).map(bankAccountOf).filter((account) => account !== null),
    };
  }
  if (isOtherType(stripe.type)) return { type: stripe.type, redirectUrl: pages[stripe.type](stripe) ?? null };
  return { type: "unknown", redirectUrl: null, stripeType: stripe.type };
}

/**
 * The action as it may be recorded: without the addresses of its pages. The address of a card's authentication holds the
 * client secret, and whoever has another page's address can act on it or read it.
 */
export function withoutPages(action: NextAction | null): NextAction | null {
  if (action === null) return null;
  return action.type === "boleto_display_details"
    ? { ...action, redirectUrl: null, pdfUrl: null }
    : { ...action, redirectUrl: null };
}

type PageOf = (action: Stripe.PaymentIntent.NextAction) => string | null | undefined;

const noPage: PageOf = () => null;

/** Stripe hosts a page for most of its other actions; the kind says where its address is. */
const pages: Readonly<Record<OtherActionType, PageOf>> = {
  alipay_handle_redirect: (action) => action.alipay_handle_redirect?.url,
  blik_authorize: noPage,
  card_await_notification: noPage,
  cashapp_handle_redirect_or_display_qr_code: (action) =>
    action.cashapp_handle_redirect_or_display_qr_code?.hosted_instructions_url,
  klarna_display_qr_code: noPage,
  konbini_display_details: (action) => action.konbini_display_details?.hosted_voucher_url,
  multibanco_display_details: (action) => action.multibanco_display_details?.hosted_voucher_url,
  paynow_display_qr_code: (action) => action.paynow_display_qr_code?.hosted_instructions_url,
  pix_display_qr_code: (action) => action.pix_display_qr_code?.hosted_instructions_url,
  promptpay_display_qr_code: (action) => action.promptpay_display_qr_code?.hosted_instructions_url,
  swish_handle_redirect_or_display_qr_code: (action) =>
    action.swish_handle_redirect_or_display_qr_code?.hosted_instructions_url,
  upi_handle_redirect_or_display_qr_code: (action) =>
    action.upi_handle_redirect_or_display_qr_code?.hosted_instructions_url,
  use_stripe_sdk: noPage,
  verify_with_microdeposits: (action) => action.verify_with_microdeposits?.hosted_verification_url,
  wechat_pay_display_qr_code: (action) => action.wechat_pay_display_qr_code?.hosted_instructions_url,
  wechat_pay_redirect_to_android_app: noPage,
  wechat_pay_redirect_to_ios_app: noPage,
};

/** What a transfer form asks for, without the addresses of bank and holder. Null for a kind that is new to us. */
function bankAccountOf(address: Address): BankAccount | null {
  const { aba, iban, sort_code: sortCode, spei, swift, zengin } = address;
  if (aba) {
    return {
      type: "aba",
      accountHolderName: aba.account_holder_name,
      accountNumber: aba.account_number,
      accountType: aba.account_type,
      bankName: aba.bank_name,
      routingNumber: aba.routing_number,
    };
  }
  if (iban) {
    return {
      type: "iban",
      accountHolderName: iban.account_holder_name,
      bic: iban.bic,
      country: iban.country,
      iban: iban.iban,
    };
  }
  if (sortCode) {
    return {
      type: "sort_code",
      accountHolderName: sortCode.account_holder_name,
      accountNumber: sortCode.account_number,
      sortCode: sortCode.sort_code,
    };
  }
  if (spei) {
    return {
      type: "spei",
      accountHolderName: spei.account_holder_name,
      bankCode: spei.bank_code,
      bankName: spei.bank_name,
      clabe: spei.clabe,
    };
  }
  if (swift) {
    return {
      type: "swift",
      accountHolderName: swift.account_holder_name,
      accountNumber: swift.account_number,
      bankName: swift.bank_name,
      swiftCode: swift.swift_code,
    };
  }
  if (zengin) {
    return {
      type: "zengin",
      accountHolderName: zengin.account_holder_name,
      accountNumber: zengin.account_number,
      accountType: zengin.account_type,
      bankCode: zengin.bank_code,
      bankName: zengin.bank_name,
      branchCode: zengin.branch_code,
      branchName: zengin.branch_name,
    };
  }
  return null;
}

function isOtherType(type: string): type is OtherActionType {
  return Object.hasOwn(pages, type);
}
