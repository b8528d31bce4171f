import type { Stripe } from "stripe";
import { describe, expect, it } from "vitest";
import type { NextAction } from "../../src/api/nextAction.ts";
import { nextActionSchema } from "../../src/api/nextAction.ts";
import { nextActionOf } from "../../src/stripe/nextAction.ts";

type StripeAction = Stripe.PaymentIntent.NextAction;
type Transfer = NonNullable<StripeAction["display_bank_transfer_instructions"]>;

const address = { city: "Berlin", country: "DE", line1: null, line2: null, postal_code: null, state: null };
const addresses = { account_holder_address: address, bank_address: address, account_holder_name: "Shop" };

function transfer(more: Partial<Transfer>): StripeAction {
  return {
    type: "display_bank_transfer_instructions",
    display_bank_transfer_instructions: {
      amount_remaining: 1500,
      currency: "usd",
      hosted_instructions_url: "https://pay.example/t",
      reference: "ABC",
      type: "us_bank_transfer",
      ...more,
    },
  };
}

const table: readonly [string, StripeAction, NextAction][] = [
  [
    "a redirect",
    { type: "redirect_to_url", redirect_to_url: { url: "https://bank.example", return_url: "https://shop.example" } },
    { type: "redirect_to_url", redirectUrl: "https://bank.example" },
  ],
  [
    "a Boleto",
    {
      type: "boleto_display_details",
      boleto_display_details: {
        expires_at: 1_800_000_000,
        hosted_voucher_url: "https://pay.example/b",
        number: "0101",
        pdf: "https://pay.example/b.pdf",
      },
    },
    {
      type: "boleto_display_details",
      redirectUrl: "https://pay.example/b",
      number: "0101",
      pdfUrl: "https://pay.example/b.pdf",
      expiresAt: "2027-01-15T08:00:00.000Z",
    },
  ],
  [
    "an OXXO voucher of which Stripe says nothing yet",
    {
      type: "oxxo_display_details",
      oxxo_display_details: { expires_after: null, hosted_voucher_url: null, number: null },
    },
    { type: "oxxo_display_details", redirectUrl: null, number: null, expiresAt: null },
  ],
  [
    "an OXXO voucher",
    {
      type: "oxxo_display_details",
      oxxo_display_details: { expires_after: 1_800_000_000, hosted_voucher_url: "https://pay.example/o", number: "12" },
    },
    {
      type: "oxxo_display_details",
      redirectUrl: "https://pay.example/o",
      number: "12",
      expiresAt: "2027-01-15T08:00:00.000Z",
    },
  ],
  [
    "a bank transfer without accounts",
    transfer({}),
    {
      type: "display_bank_transfer_instructions",
      redirectUrl: "https://pay.example/t",
      amountRemaining: 1500,
      currency: "usd",
      reference: "ABC",
      transferType: "us_bank_transfer",
      accounts: [],
    },
  ],
  [
    "a page of another kind",
    {
      type: "konbini_display_details",
      konbini_display_details: {
        expires_at: 1_800_000_000,
        hosted_voucher_url: "https://pay.example/k",
        stores: { familymart: null, lawson: null, ministop: null, seicomart: null },
      },
    },
    { type: "konbini_display_details", redirectUrl: "https://pay.example/k" },
  ],
  [
    "what Stripe.js does",
    { type: "use_stripe_sdk", use_stripe_sdk: {} },
    { type: "use_stripe_sdk", redirectUrl: null },
  ],
  ["a kind of tomorrow", { type: "beam_up" }, { type: "unknown", redirectUrl: null, stripeType: "beam_up" }],
];

describe("nextActionOf", () => {
  it.each(table)("reads %s", (_what, action, expected) => {
    expect(nextActionOf(action)).toEqual(expected);
    expect(nextActionSchema.parse(expected)).toEqual(expected);
  });

  it.each([
    ["verify_with_microdeposits", "hosted_verification_url"],
    ["konbini_display_details", "hosted_voucher_url"],
    ["multibanco_display_details", "hosted_voucher_url"],
    ["alipay_handle_redirect", "url"],
    ["cashapp_handle_redirect_or_display_qr_code", "hosted_instructions_url"],
    ["paynow_display_qr_code", "hosted_instructions_url"],
    ["pix_display_qr_code", "hosted_instructions_url"],
    ["promptpay_display_qr_code", "hosted_instructions_url"],
    ["swish_handle_redirect_or_display_qr_code", "hosted_instructions_url"],
    ["upi_handle_redirect_or_display_qr_code", "hosted_instructions_url"],
    ["wechat_pay_display_qr_code", "hosted_instructions_url"],
  ])("finds the page that Stripe hosts for %s", (type, page) => {
    const action = { type, [type]: { [page]: "https://pay.example/p" } } as unknown as StripeAction;
    expect(nextActionOf(action)).toEqual({ type, redirectUrl: "https://pay.example/p" });
    // Some actions come without a page; the merchant's own then shows what is to be done.
    expect(nextActionOf({ type, [type]: {} })).toEqual({ type, redirectUrl: null });
  });

  it("reads nothing to do", () => {
    expect(nextActionOf(null)).toBeNull();
  });

  it("reads every kind of account as plain fields, and leaves out a kind that it doesn't know", () => {
    const bank = { bank_name: "Bank", ...addresses };
    const holder = { accountHolderName: "Shop" };
    const action = nextActionOf(
      transfer({
        financial_addresses: [
          { type: "aba", aba: { ...bank, account_number: "1", account_type: "checking", routing_number: "2" } },
          { type: "iban", iban: { ...addresses, bic: "B", country: "DE", iban: "DE1" } },
          { type: "sort_code", sort_code: { ...addresses, account_number: "3", sort_code: "10-20-30" } },
          { type: "spei", spei: { ...bank, bank_code: "4", clabe: "5" } },
          { type: "swift", swift: { ...bank, account_number: "6", account_type: "checking", swift_code: "S" } },
          {
            type: "zengin",
            zengin: {
              ...bank,
              account_number: "7",
              account_type: null,
              bank_code: "8",
              branch_code: "9",
              branch_name: null,
            },
          },
          { type: "pigeon" },
        ],
      }),
    );
    const accounts = [
      { type: "aba", ...holder, accountNumber: "1", accountType: "checking", bankName: "Bank", routingNumber: "2" },
      { type: "iban", ...holder, bic: "B", country: "DE", iban: "DE1" },
      { type: "sort_code", ...holder, accountNumber: "3", sortCode: "10-20-30" },
      { type: "spei", ...holder, bankCode: "4", bankName: "Bank", clabe: "5" },
      { type: "swift", ...holder, accountNumber: "6", bankName: "Bank", swiftCode: "S" },
      {
        type: "zengin",
        ...holder,
        accountNumber: "7",
        accountType: null,
        bankCode: "8",
        bankName: "Bank",
        branchCode: "9",
        branchName: null,
      },
    ];
    expect(action).toMatchObject({ accounts });
    expect(nextActionSchema.parse(action)).toEqual(action);
  });
});
