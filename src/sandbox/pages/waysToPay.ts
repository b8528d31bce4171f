import type { PaymentMethodType } from "../objects/methods/flow.ts";
import type { Field } from "./form.ts";

/** The fields that a buyer fills in: about themselves, and for each way to pay. */
export const EMAIL: Field = {
  name: "email",
  label: "Email",
  autocomplete: "email",
  type: "email",
  params: ["billing_details[email]"],
};
export const PHONE: Field = {
  name: "phone",
  label: "Phone",
  autocomplete: "tel",
  type: "tel",
  params: ["billing_details[phone]"],
};
export const ADDRESS: readonly Field[] = [
  addressField("line1", "Address", "address-line1"),
  { ...addressField("line2", "Address, second line", "address-line2"), isOptional: true },
  addressField("postal_code", "Postal code", "postal-code"),
  addressField("city", "City", "address-level2"),
  { ...addressField("state", "State or province", "address-level1"), isOptional: true },
  { ...addressField("country", "Country (two letters)", "country"), placeholder: "US" },
];

function addressField(line: string, label: string, autocomplete: string, prefix = ""): Field {
  return { name: `${prefix}${line}`, label, autocomplete, params: [`billing_details[address][${line}]`] };
}

const CARD_CHECK = "/_sandbox/card";

const TAX_ID = "000.000.000-00";
const NAME = { autocomplete: "name", params: ["billing_details[name]"] } as const;

type Way = {
  readonly label: string;
  readonly fields: readonly Field[];
  /** The buyer's country, where a way to pay has only one. */
  readonly country?: string;
};

/** Adding a way to pay is adding a row; one without fields sends its customer to another page. */
export const WAYS: Readonly<Partial<Record<PaymentMethodType, Way>>> = {
  card: {
    label: "Card",
    fields: [
      {
        name: "number",
        label: "Card number",
        autocomplete: "cc-number",
        isNumeric: true,
        placeholder: "1234 1234 1234 1234",
        params: ["number", "card[number]"],
        checkedAt: `${CARD_CHECK}/number`,
      },
      {
        name: "expiry",
        label: "Expiry date",
        autocomplete: "cc-exp",
        isNumeric: true,
        placeholder: "MM / YY",
        params: ["exp_month", "exp_year", "card[exp_month]", "card[exp_year]"],
        checkedAt: `${CARD_CHECK}/expiry`,
      },
      {
        name: "cvc",
        label: "Security code (CVC)",
        autocomplete: "cc-csc",
        isNumeric: true,
        placeholder: "CVC",
        params: ["cvc", "card[cvc]"],
        checkedAt: `${CARD_CHECK}/cvc`,
      },
      { name: "card_name", label: "Name on card", ...NAME, autocomplete: "cc-name" },
    ],
  },
  us_bank_account: {
    label: "US bank account",
    fields: [
      { name: "us_name", label: "Account holder", ...NAME },
      {
        name: "routing_number",
        label: "Routing number",
        autocomplete: "off",
        isNumeric: true,
        placeholder: "110000000",
        params: ["us_bank_account[routing_number]"],
      },
      {
        name: "account_number",
        label: "Account number",
        autocomplete: "off",
        isNumeric: true,
        params: ["us_bank_account[account_number]"],
      },
    ],
  },
  sepa_debit: {
    label: "SEPA Direct Debit",
    fields: [
      { name: "sepa_name", label: "Account holder", ...NAME },
      { name: "iban", label: "IBAN", autocomplete: "off", params: ["sepa_debit[iban]"] },
    ],
  },
  klarna: { label: "Klarna", fields: [] },
  ideal: { label: "iDEAL", fields: [] },
  bancontact: { label: "Bancontact", fields: [] },
  eps: { label: "EPS", fields: [] },
  p24: { label: "Przelewy24", fields: [] },
  sofort: { label: "Sofort", fields: [] },
  customer_balance: { label: "Bank transfer", fields: [] },
  boleto: {
    label: "Boleto",
    fields: [
      { name: "boleto_name", label: "Full name", ...NAME },
      { name: "tax_id", label: "CPF or CNPJ", autocomplete: "off", params: ["boleto[tax_id]"], placeholder: TAX_ID },
      addressField("line1", "Address", "address-line1", "boleto_"),
      addressField("postal_code", "Postal code", "postal-code", "boleto_"),
      addressField("city", "City", "address-level2", "boleto_"),
      addressField("state", "State", "address-level1", "boleto_"),
    ],
    country: "BR",
  },
  oxxo: { label: "OXXO", fields: [{ name: "oxxo_name", label: "Full name", ...NAME }] },
};
