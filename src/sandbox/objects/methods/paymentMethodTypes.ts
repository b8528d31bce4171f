import type { Stripe } from "stripe";
import { parameterMissing, refusal } from "../../http/apiError.ts";
import { chargeOfIban, chargeOfUsAccount, showIban, showUsAccount } from "./bankAccounts.ts";
import { chargeOfCard, showCard } from "./cards.ts";
import type { Flow, PaymentMethodType } from "./flow.ts";
import type { ChargeFacts, MethodFacts } from "./methodFacts.ts";

/**
 * Everything that makes one payment method type another than the next; a new type is a new row.
 * https://docs.stripe.com/payments/payment-methods/payment-method-support
 */
type Row<T extends PaymentMethodType> = {
  readonly currencies: readonly string[] | "any";
  readonly flow: Flow;
  readonly allowsManualCapture?: true;
  /** The type's defaults in `payment_method_options`. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Gives the PaymentMethod's field under the type's name; throws Stripe's error for details that can't be right. */
  readonly show: (facts: MethodFacts) => NonNullable<Stripe.PaymentMethod[T]>;
  /** Gives the Charge's field under the type's name. */
  readonly charge: (
    shown: NonNullable<Stripe.PaymentMethod[T]>,
    facts: ChargeFacts,
  ) => NonNullable<Stripe.Charge.PaymentMethodDetails[T]>;
};

/**
 * https://docs.stripe.com/api/payment_intents/create#create_payment_intent-payment_method_options-boleto-expires_after_days
 */
export const DEFAULT_VOUCHER_DAYS = 3;
const VOUCHER_OPTIONS = { expires_after_days: DEFAULT_VOUCHER_DAYS };

const REDIRECT = { kind: "redirect", settlesLater: false } as const;
const EUR = ["eur"];

/** Banks' names and other facts about an account, of which the sandbox has none. */
const SAVED_ACCOUNT = {
  bank_code: null,
  bank_name: null,
  bic: null,
  generated_sepa_debit: null,
  generated_sepa_debit_mandate: null,
  iban_last4: null,
  verified_name: null,
};

/** How the bank transfers of each currency are called. */
export const BANK_TRANSFERS: Readonly<Record<string, string>> = {
  eur: "eu_bank_transfer",
  gbp: "gb_bank_transfer",
  jpy: "jp_bank_transfer",
  mxn: "mx_bank_transfer",
  usd: "us_bank_transfer",
};

export const PAYMENT_METHOD_TYPES: { readonly [T in PaymentMethodType]: Row<T> } = {
  card: {
    currencies: "any",
    flow: { kind: "immediate" },
    allowsManualCapture: true,
    options: { installments: null, mandate_options: null, network: null, request_three_d_secure: "automatic" },
    show: showCard,
    charge: chargeOfCard,
  },
  us_bank_account: {
    currencies: ["usd"],
    flow: { kind: "debit", numberField: "account_number" },
    options: { verification_method: "automatic" },
    show: showUsAccount,
    charge: chargeOfUsAccount,
  },
  sepa_debit: {
    currencies: EUR,
    flow: { kind: "debit", numberField: "iban" },
    show: showIban,
    charge: chargeOfIban,
  },
  klarna: {
    currencies: "aud cad chf czk dkk eur gbp nok nzd pln ron sek usd".split(" "),
    flow: REDIRECT,
    allowsManualCapture: true,
    options: { preferred_locale: null },
    show: () => ({}),
    charge: () => ({ payer_details: null, payment_method_category: "pay_later", preferred_locale: "en-US" }),
  },
  ideal: {
    currencies: EUR,
    flow: REDIRECT,
    show: () => ({ bank: null, bic: null }),
    charge: ({ bank, bic }) => {
      const { generated_sepa_debit, generated_sepa_debit_mandate, iban_last4, verified_name } = SAVED_ACCOUNT;
      const account = { generated_sepa_debit, generated_sepa_debit_mandate, iban_last4, verified_name };
      return { ...account, bank, bic, transaction_id: null };
    },
  },
  bancontact: {
    currencies: EUR,
    flow: REDIRECT,
    options: { preferred_language: "en" },
    show: () => ({}),
    charge: () => ({ ...SAVED_ACCOUNT, preferred_language: "en" }),
  },
  eps: {
    currencies: EUR,
    flow: REDIRECT,
    show: () => ({ bank: null }),
    charge: ({ bank }) => ({ bank, verified_name: null }),
  },
  p24: {
    currencies: ["eur", "pln"],
    flow: REDIRECT,
    show: () => ({ bank: null }),
    charge: ({ bank }) => ({ bank, reference: null, verified_name: null }),
  },
  sofort: {
    currencies: EUR,
    flow: { kind: "redirect", settlesLater: true },
    options: { preferred_language: null },
    show: () => ({ country: null }),
    charge: ({ country }) => ({ ...SAVED_ACCOUNT, country, preferred_language: null }),
  },
  customer_balance: {
    currencies: Object.keys(BANK_TRANSFERS),
    flow: { kind: "bank_transfer" },
    options: { funding_type: "bank_transfer" },
    show: () => ({}),
    charge: () => ({}),
  },
  boleto: {
    currencies: ["brl"],
    flow: {
      kind: "voucher",
      days: { minimum: 0, maximum: 60 },
      hoursFromUtc: -3,
      digits: 47,
      billing: [
        ["name"],
        ["email"],
        ...["line1", "city", "state", "postal_code", "country"].map((line) => ["address", line]),
      ],
      instruct: ({ expiresAt, ...voucher }) => ({
        type: "boleto_display_details",
        boleto_display_details: {
          ...voucher,
          expires_at: expiresAt,
          pdf: `${voucher.hosted_voucher_url}?format=pdf`,
        },
      }),
    },
    options: VOUCHER_OPTIONS,
    show: ({ given, param }) => ({ tax_id: readTaxId(given?.string("tax_id"), `${param}[tax_id]`) }),
    charge: (shown) => shown,
  },
  oxxo: {
    currencies: ["mxn"],
    flow: {
      kind: "voucher",
      days: { minimum: 1, maximum: 7 },
      hoursFromUtc: -6,
      digits: 32,
      billing: [["name"], ["email"]],
      instruct: ({ expiresAt, ...voucher }) => ({
        type: "oxxo_display_details",
        oxxo_display_details: { ...voucher, expires_after: expiresAt },
      }),
    },
    options: VOUCHER_OPTIONS,
    show: () => ({}),
    charge: (_, { paymentIntent }) => ({
      number: paymentIntent.next_action?.oxxo_display_details?.number ?? null,
    }),
  },
};

/** The tax number of a person (CPF, 11 digits) or a company (CNPJ, 14). https://docs.stripe.com/payments/boleto */
function readTaxId(taxId: string | undefined, param: string): string {
  if (taxId === undefined) throw parameterMissing(param);
  if (/^(\d{11}|\d{14}|\d{3}\.\d{3}\.\d{3}-\d{2}|\d{2}\.\d{3}\.\d{3}\/\d{4}-\d{2})$/.test(taxId)) return taxId;
  throw refusal("The tax ID number you provided is invalid.", { code: "tax_id_invalid", param });
}

export function isPaymentMethodType(type: string): type is PaymentMethodType {
  return Object.hasOwn(PAYMENT_METHOD_TYPES, type);
}

export function flowOf(type: PaymentMethodType): Flow {
  return PAYMENT_METHOD_TYPES[type].flow;
}

export function showMethod(facts: MethodFacts): Partial<Stripe.PaymentMethod> {
  const { type } = facts.scenario;
  return { [type]: PAYMENT_METHOD_TYPES[type].show(facts) };
}

export function showCharged<T extends PaymentMethodType>(
  type: T,
  shown: Stripe.PaymentMethod[T],
  facts: ChargeFacts,
): Stripe.Charge.PaymentMethodDetails {
  const row: Row<T> = PAYMENT_METHOD_TYPES[type];
  return shown === undefined || shown === null ? { type } : { type, [type]: row.charge(shown, facts) };
}

/** A SetupIntent has no currency, so that any will do. */
export function acceptsCurrency(type: PaymentMethodType, currency: string | null): boolean {
  const { currencies } = PAYMENT_METHOD_TYPES[type];
  return currencies === "any" || currency === null || currencies.includes(currency);
}

/** The types that dynamic payment methods offer for a currency, as `payment_method_types` shows them. */
export function offeredTypes(currency: string | null, allowRedirects: boolean): string[] {
  return Object.keys(PAYMENT_METHOD_TYPES)
    .filter((type) => isPaymentMethodType(type))
    .filter((type) => acceptsCurrency(type, currency) && (allowRedirects || flowOf(type).kind !== "redirect"));
}
