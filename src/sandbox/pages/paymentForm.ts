import type { Stripe } from "stripe";
import { html } from "hono/html";
import { z } from "zod";
import type { ApiError } from "../apiError.ts";
import { readParameters } from "../parameters.ts";
import { parameterSchemaOf } from "../parameterSchemas.ts";
import { makePaymentMethod, type UsablePaymentMethod } from "../paymentMethods.ts";
import { isPaymentMethodType, type PaymentMethodType } from "../paymentMethodTypes.ts";
import { testNumbersOf } from "../scenarios.ts";
import type { UnitOfWork } from "../unitOfWork.ts";
import { checkCard, readExpiry } from "./card.ts";
import { type Field, field, missingFields, type Problems, type State, type Values } from "./form.ts";
import type { Html } from "./page.ts";

/** What a buyer fills in to pay: who they are, with what they pay, and the fields that each way of paying has. */
const EMAIL: Field = {
  name: "email",
  label: "Email",
  autocomplete: "email",
  type: "email",
  params: ["billing_details[email]"],
};
const PHONE: Field = { name: "phone", label: "Phone", autocomplete: "tel", type: "tel" };
const ADDRESS: readonly Field[] = [
  { name: "line1", label: "Address", autocomplete: "address-line1" },
  { name: "line2", label: "Address, second line", autocomplete: "address-line2", isOptional: true },
  { name: "postal_code", label: "Postal code", autocomplete: "postal-code" },
  { name: "city", label: "City", autocomplete: "address-level2" },
  { name: "state", label: "State or province", autocomplete: "address-level1", isOptional: true },
  { name: "country", label: "Country (two letters)", autocomplete: "country", placeholder: "US" },
];

const CARD_CHECK = "/_sandbox/card";

const NAME = { autocomplete: "name", params: ["billing_details[name]"] } as const;

/** Adding a way to pay is adding a row; one without fields sends its customer to another page. */
const WAYS: Readonly<
  Partial<Record<PaymentMethodType, { readonly label: string; readonly fields: readonly Field[] }>>
> = {
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
};

/** What the page asks for, from what the Session says. */
export type Asked = {
  readonly types: readonly PaymentMethodType[];
  readonly phone: boolean;
  readonly address: boolean;
};

export function readAsked(session: Stripe.Checkout.Session): Asked {
  return {
    types: session.payment_method_types
      .filter((type) => isPaymentMethodType(type))
      .filter((type) => WAYS[type] !== undefined && (type !== "customer_balance" || session.customer !== null)),
    phone: session.phone_number_collection?.enabled === true,
    address: session.billing_address_collection === "required",
  };
}

function aboutBuyer({ phone, address }: Asked): readonly Field[] {
  return [EMAIL, ...(phone ? [PHONE] : []), ...(address ? ADDRESS : [])];
}

function chosenType(asked: Asked, values: Values): PaymentMethodType | undefined {
  return asked.types.find((type) => type === values["method"]) ?? asked.types[0];
}

/** The fields inside the `<form>`, without its button. */
export function paymentFields(asked: Asked, state: State): Html {
  const chosen = chosenType(asked, state.values);
  return html`<fieldset>
      <legend>Contact</legend>
      ${aboutBuyer(asked).map((definition) => field(definition, state))}
    </fieldset>
    <fieldset>
      <legend>Payment method</legend>
      ${asked.types.map((type) => wayToPay(type, type === chosen, state))}
    </fieldset>`;
}

/** The style sheet shows only the fields of the way that is chosen, so that the form works without a script. */
function wayToPay(type: PaymentMethodType, isChosen: boolean, state: State): Html {
  const { label, fields } = WAYS[type] ?? { label: type, fields: [] };
  return html`<div class="way">
    <label><input type="radio" name="method" value="${type}" ${isChosen ? html`checked` : ""} /> ${label}</label>
    <fieldset class="way-fields">
      <legend class="visually-hidden">${label}</legend>
      ${fields.map((definition) => field(definition, state))}
      ${fields.length > 0 ? "" : html`<p>You go on to a page of ${label}, whose part the sandbox plays.</p>`}
      ${testNumbers(type, label)}
    </fieldset>
  </div>`;
}

function testNumbers(type: PaymentMethodType, label: string): Html | "" {
  const numbers = testNumbersOf(type);
  if (numbers.length === 0) return "";
  return html`<details>
    <summary>Test numbers</summary>
    <table>
      <caption class="visually-hidden">
        Test numbers of ${label} and what they do
      </caption>
      <thead>
        <tr>
          <th scope="col">Number</th>
          <th scope="col">Test method</th>
        </tr>
      </thead>
      <tbody>
        ${numbers.map(
          ({ name, number }) =>
            html`<tr>
              <td class="number">${number}</td>
              <td>${name}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}

/** What is wrong with what was filled in, all of it at once. */
export function checkValues(asked: Asked, values: Values, nowMs: number): Problems {
  const type = chosenType(asked, values);
  if (type === undefined)
    return { "": "This order can't be paid here: none of its payment methods is known to this sandbox." };
  const fields = fieldsOf(asked, type);
  const email = (values["email"] ?? "").trim();
  const found: Problems = {
    ...missingFields(fields, values),
    ...(email === "" || z.email().safeParse(email).success
      ? {}
      : { email: "Enter an email address like name@example.com." }),
    ...(type === "card" ? checkCard({ number: "", expiry: "", cvc: "", ...values }, nowMs) : {}),
  };
  // In the order of the fields.
  return Object.fromEntries(fields.map(({ name }) => [name, found[name]] as const).filter(isProblem));
}

function isProblem(entry: readonly [string, string | undefined]): entry is readonly [string, string] {
  return entry[1] !== undefined;
}

function fieldsOf(asked: Asked, type: PaymentMethodType | undefined): readonly Field[] {
  return [...aboutBuyer(asked), ...(type === undefined ? [] : (WAYS[type]?.fields ?? []))];
}

/** The PaymentMethod that the fields describe; throws the API's own error for what it refuses. */
export function payWith(unit: UnitOfWork, asked: Asked, values: Values): UsablePaymentMethod {
  const type = chosenType(asked, values) ?? "card";
  const details: Readonly<Record<string, unknown>> = {
    card: { number: values["number"], cvc: values["cvc"], ...expiryOf(values) },
    us_bank_account: {
      account_holder_type: "individual",
      account_number: values["account_number"],
      routing_number: values["routing_number"],
    },
    sepa_debit: { iban: values["iban"] },
  };
  const form = { type, [type]: details[type] ?? {}, billing_details: billingOf(asked, values, type) };
  return makePaymentMethod(
    unit,
    readParameters(form, parameterSchemaOf({ method: "POST", path: "/v1/payment_methods" })),
  );
}

function expiryOf(values: Values): Readonly<Record<string, string>> {
  const expiry = readExpiry(values["expiry"] ?? "");
  return expiry === null ? {} : { exp_month: String(expiry.month), exp_year: String(expiry.year) };
}

function billingOf(asked: Asked, values: Values, type: PaymentMethodType): Readonly<Record<string, unknown>> {
  const nameField = WAYS[type]?.fields.find(({ params }) => params?.includes("billing_details[name]"))?.name ?? "";
  const filled = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, (values[name] ?? "").trim()]).filter(([, value]) => value !== ""));
  const name = (values[nameField] ?? "").trim();
  return {
    ...filled(["email", "phone"]),
    ...(name === "" ? {} : { name }),
    ...(asked.address ? { address: filled(ADDRESS.map((definition) => definition.name)) } : {}),
  };
}

/** Puts Stripe's error next to the field it speaks of. */
export function problemOf({ body }: ApiError, asked: Asked, values: Values): Problems {
  const type = chosenType(asked, values);
  const named = fieldsOf(asked, type).find(
    ({ params }) => body.param !== undefined && params?.includes(body.param) === true,
  );
  return { [named?.name ?? ""]: body.message };
}
