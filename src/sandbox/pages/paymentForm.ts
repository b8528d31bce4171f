import type { Stripe } from "stripe";
import { html } from "hono/html";
import { z } from "zod";
import type { ApiError } from "../http/apiError.ts";
import { readParameters } from "../http/parameters.ts";
import { parameterSchemaOf } from "../http/parameterSchemas.ts";
import { makePaymentMethod, type UsablePaymentMethod } from "../objects/methods/paymentMethods.ts";
import { isPaymentMethodType } from "../objects/methods/paymentMethodTypes.ts";
import type { PaymentMethodType } from "../objects/methods/flow.ts";
import { testNumbersOf } from "../objects/methods/scenarios.ts";
import type { UnitOfWork } from "../world/unitOfWork.ts";
import { checkCard, readExpiry } from "./card.ts";
import { type Field, field, missingFields, type Problems, type State, type Values } from "./form.ts";
import type { Html } from "./page.ts";
import { ADDRESS, EMAIL, PHONE, WAYS } from "./waysToPay.ts";

/** The questions of the page, as the Session says. */
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

/** All problems of the values at once. */
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
    boleto: { tax_id: values["tax_id"] },
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

/** The buyer's details from the fields that were shown, under Stripe's names. */
function billingOf(asked: Asked, values: Values, type: PaymentMethodType): Readonly<Record<string, unknown>> {
  const country = WAYS[type]?.country;
  const billing: Record<string, string> = {};
  const address: Record<string, string> = country === undefined ? {} : { country };
  for (const { name, params = [] } of fieldsOf(asked, type)) {
    const value = (values[name] ?? "").trim();
    const [, named, line] = /^billing_details\[(\w+)\](?:\[(\w+)\])?$/.exec(params[0] ?? "") ?? [];
    if (value === "" || named === undefined) continue;
    if (line === undefined) billing[named] = value;
    else address[line] = value;
  }
  return { ...billing, ...(Object.keys(address).length === 0 ? {} : { address }) };
}

/** Puts Stripe's error next to the field it speaks of. */
export function problemOf({ body }: ApiError, asked: Asked, values: Values): Problems {
  const type = chosenType(asked, values);
  const named = fieldsOf(asked, type).find(
    ({ params }) => body.param !== undefined && params?.includes(body.param) === true,
  );
  return { [named?.name ?? ""]: body.message };
}
