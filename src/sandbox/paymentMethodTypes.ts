/**
 * What kind of money each payment method type moves: the currencies it takes and how a payment with it goes.
 * https://docs.stripe.com/payments/payment-methods/payment-method-support
 */
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

type TypeRule = {
  readonly currencies: readonly string[] | "any";
  readonly redirects: boolean;
  /** A debit needs the customer's mandate and settles days later. */
  readonly isDebit: boolean;
  readonly allowsManualCapture: boolean;
  /** The customer sends the money, in any number of parts. */
  readonly isBankTransfer: boolean;
  /** The customer gets a number to pay at a counter, until its last day ends. */
  readonly voucher: VoucherRule | null;
  /** What `payment_method_options` shows of the type where nothing was said. */
  readonly options: Readonly<Record<string, unknown>>;
};

/**
 * A voucher expires at 23:59 local time, `expires_after_days` after the day it was made. Neither country has summer time.
 * https://docs.stripe.com/payments/boleto, https://docs.stripe.com/payments/oxxo
 */
type VoucherRule = {
  readonly days: { readonly minimum: number; readonly maximum: number };
  readonly hoursFromUtc: number;
  readonly digits: number;
  /** What must be known of the customer when the payment is confirmed. */
  readonly billing: readonly (readonly string[])[];
};

/** https://docs.stripe.com/api/payment_intents/create#create_payment_intent-payment_method_options-boleto-expires_after_days */
export const DEFAULT_VOUCHER_DAYS = 3;

const CARD: TypeRule = {
  currencies: "any",
  redirects: false,
  isDebit: false,
  allowsManualCapture: true,
  isBankTransfer: false,
  voucher: null,
  options: { installments: null, mandate_options: null, network: null, request_three_d_secure: "automatic" },
};
const DEBIT = {
  redirects: false,
  isDebit: true,
  allowsManualCapture: false,
  isBankTransfer: false,
  voucher: null,
  options: {},
};
const REDIRECT = {
  redirects: true,
  isDebit: false,
  allowsManualCapture: false,
  isBankTransfer: false,
  voucher: null,
  options: {},
};

const VOUCHER = { ...REDIRECT, redirects: false, options: { expires_after_days: DEFAULT_VOUCHER_DAYS } };

/** How the bank transfers of each currency are called. */
export const BANK_TRANSFERS: Readonly<Record<string, string>> = {
  eur: "eu_bank_transfer",
  gbp: "gb_bank_transfer",
  jpy: "jp_bank_transfer",
  mxn: "mx_bank_transfer",
  usd: "us_bank_transfer",
};

export const PAYMENT_METHOD_TYPES: Readonly<Record<PaymentMethodType, TypeRule>> = {
  card: CARD,
  us_bank_account: { ...DEBIT, currencies: ["usd"], options: { verification_method: "automatic" } },
  sepa_debit: { ...DEBIT, currencies: ["eur"] },
  klarna: {
    ...REDIRECT,
    currencies: "aud cad chf czk dkk eur gbp nok nzd pln ron sek usd".split(" "),
    allowsManualCapture: true,
    options: { preferred_locale: null },
  },
  ideal: { ...REDIRECT, currencies: ["eur"] },
  bancontact: { ...REDIRECT, currencies: ["eur"], options: { preferred_language: "en" } },
  eps: { ...REDIRECT, currencies: ["eur"] },
  p24: { ...REDIRECT, currencies: ["eur", "pln"] },
  sofort: { ...REDIRECT, currencies: ["eur"], options: { preferred_language: null } },
  customer_balance: {
    ...REDIRECT,
    redirects: false,
    isBankTransfer: true,
    currencies: Object.keys(BANK_TRANSFERS),
    options: { funding_type: "bank_transfer" },
  },
  boleto: {
    ...VOUCHER,
    currencies: ["brl"],
    voucher: {
      days: { minimum: 0, maximum: 60 },
      hoursFromUtc: -3,
      digits: 47,
      billing: [
        ["name"],
        ["email"],
        ["address", "line1"],
        ["address", "city"],
        ["address", "state"],
        ["address", "postal_code"],
        ["address", "country"],
      ],
    },
  },
  oxxo: {
    ...VOUCHER,
    currencies: ["mxn"],
    voucher: { days: { minimum: 1, maximum: 7 }, hoursFromUtc: -6, digits: 32, billing: [["name"], ["email"]] },
  },
};

export function isPaymentMethodType(type: string): type is PaymentMethodType {
  return Object.hasOwn(PAYMENT_METHOD_TYPES, type);
}

/** A SetupIntent has no currency, so that any will do. */
export function acceptsCurrency(type: PaymentMethodType, currency: string | null): boolean {
  const { currencies } = PAYMENT_METHOD_TYPES[type];
  return currencies === "any" || currency === null || currencies.includes(currency);
}

/** What dynamic payment methods offer for a currency, as `payment_method_types` shows it. */
export function offeredTypes(currency: string | null, allowRedirects: boolean): string[] {
  return Object.entries(PAYMENT_METHOD_TYPES)
    .filter(
      ([type, rule]) =>
        isPaymentMethodType(type) && acceptsCurrency(type, currency) && (allowRedirects || !rule.redirects),
    )
    .map(([type]) => type);
}
