/**
 * The action that a customer owes before a payment or a set-up goes on: visit a page of their bank, pay a voucher, transfer
 * money. Each kind that a merchant shows by itself has its details; `redirectUrl` is the page that does it, if there is one.
 *
 * https://docs.stripe.com/api/payment_intents/object#payment_intent_object-next_action
 */
import { z } from "zod";

/** Stripe's other kinds, which have a page or work through Stripe.js. */
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

export type OtherActionType = (typeof otherActionTypes)[number];

const page = z.string().nullable().describe("Where the customer does it, if Stripe hosts a page for it.");
const textOrNull = z.string().nullable();
const moment = z.string().nullable().describe("ISO 8601, e.g. 2026-11-30T23:59:59.000Z.");

/** An account that a bank transfer goes to, in the terms of its country. */
const bankAccountSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("aba"),
    accountHolderName: z.string(),
    accountNumber: z.string(),
    accountType: z.string(),
    bankName: z.string(),
    routingNumber: z.string(),
  }),
  z.object({
    type: z.literal("iban"),
    accountHolderName: z.string(),
    bic: z.string(),
    country: z.string(),
    iban: z.string(),
  }),
  z.object({
    type: z.literal("sort_code"),
    accountHolderName: z.string(),
    accountNumber: z.string(),
    sortCode: z.string(),
  }),
  z.object({
    type: z.literal("spei"),
    accountHolderName: z.string(),
    bankCode: z.string(),
    bankName: z.string(),
    clabe: z.string(),
  }),
  z.object({
    type: z.literal("swift"),
    accountHolderName: z.string(),
    accountNumber: z.string(),
    bankName: z.string(),
    swiftCode: z.string(),
  }),
  z.object({
    type: z.literal("zengin"),
    accountHolderName: textOrNull,
    accountNumber: textOrNull,
    accountType: textOrNull,
    bankCode: textOrNull,
    bankName: textOrNull,
    branchCode: textOrNull,
    branchName: textOrNull,
  }),
]);

export type BankAccount = z.output<typeof bankAccountSchema>;

export const nextActionSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("redirect_to_url"), redirectUrl: page }),
  z.object({
    type: z.literal("boleto_display_details"),
    redirectUrl: page,
    number: textOrNull,
    pdfUrl: textOrNull,
    expiresAt: moment,
  }),
  z.object({
    type: z.literal("oxxo_display_details"),
    redirectUrl: page,
    number: textOrNull,
    expiresAt: moment,
  }),
  z.object({
    type: z.literal("display_bank_transfer_instructions"),
    redirectUrl: page,
    amountRemaining: z.int().nullable().describe("What is still to be transferred, in minor units."),
    currency: textOrNull,
    reference: textOrNull.describe("What the customer writes into the transfer."),
    transferType: z.string().describe("Stripe's name of it, e.g. us_bank_transfer."),
    accounts: z.array(bankAccountSchema).readonly(),
  }),
  z.object({ type: z.enum(otherActionTypes), redirectUrl: page }),
  z.object({
    type: z.literal("unknown"),
    redirectUrl: z.null(),
    stripeType: textOrNull.describe("A kind of action that this version doesn't know, in Stripe's words."),
  }),
]);

export type NextAction = z.output<typeof nextActionSchema>;
