/** What is said of parameters, at any depth: the tables come from Stripe's declarations, the words from its errors. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENDPOINTS } from "../../../src/sandbox/objects/endpoints.ts";
import { parameterSchemaOf } from "../../../src/sandbox/http/parameterSchemas.ts";
import type { Sandbox } from "../../../src/sandbox/sandbox.ts";
import { startCheckedSandbox } from "../schemas/checked.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startCheckedSandbox({ port: 0, dataDir: null, webhook: null });
});
afterAll(async () => await sandbox.close());

type Answer = { readonly object?: string; readonly error?: Readonly<Record<string, string>> };

async function send(endpoint: string, form: string): Promise<Answer> {
  const [method = "", path = ""] = endpoint.split(" ");
  const isGet = method === "GET";
  const response = await fetch(`${sandbox.url}${path}${isGet ? `?${form}` : ""}`, {
    method,
    headers: { authorization: "Bearer sk_test_of_the_tests" },
    ...(isGet ? {} : { body: form }),
  });
  return (await response.json()) as Answer;
}

const PAY = "POST /v1/payment_intents";
const SELL = "POST /v1/checkout/sessions";
const LINK = "POST /v1/payment_links";
const paid = "amount=100&currency=usd";
const sold = "mode=payment&line_items[0][price_data][currency]=usd&line_items[0][price_data][product_data][name]=a";
const priced = `${sold}&line_items[0][price_data][unit_amount]=500`;
const accepted = "mandate_data[customer_acceptance]";

type Case = [endpoint: string, form: string, param: string, message: string];

const UNKNOWN: readonly Case[] = [
  [PAY, `${paid}&colour=red`, "colour", "Received unknown parameter: colour"],
  [
    PAY,
    `${paid}&shipping[name]=a&shipping[address][line1]=b&shipping[address][planet]=c`,
    "shipping[address][planet]",
    "",
  ],
  [PAY, `${paid}&payment_method_options[card][colour]=red`, "payment_method_options[card][colour]", ""],
  [PAY, `${paid}&payment_method_options[cheque][a]=b`, "payment_method_options[cheque]", ""],
  [PAY, `${paid}&transfer_data[destination]=acct_1&transfer_data[to]=b`, "transfer_data[to]", ""],
  [
    PAY,
    `${paid}&payment_method_data[type]=card&payment_method_data[card][pin]=1`,
    "payment_method_data[card][pin]",
    "",
  ],
  [SELL, `${priced}&line_items[0][colour]=red`, "line_items[0][colour]", ""],
  [SELL, `${priced}&payment_intent_data[colour]=b`, "payment_intent_data[colour]", ""],
  ["POST /v1/accounts", "business_profile[colour]=red", "business_profile[colour]", ""],
  ["POST /v1/customers", "invoice_settings[colour]=red", "invoice_settings[colour]", ""],
  ["GET /v1/charges", "created[since]=5", "created[since]", ""],
  ["GET /v1/payment_intents", "colour=red", "colour", ""],
].map(([endpoint = "", form = "", param = ""]) => [endpoint, form, param, `Received unknown parameter: ${param}`]);

const WRONG: readonly Case[] = [
  [PAY, `${paid}&shipping=home`, "shipping", "Invalid object"],
  [PAY, `${paid}&shipping[name]=a&shipping[address]=home`, "shipping[address]", "Invalid object"],
  [PAY, `${paid}&shipping[name][first]=a&shipping[address][line1]=b`, "shipping[name]", "Invalid string"],
  [
    PAY,
    `${paid}&transfer_data[destination]=acct_1&transfer_data[amount]=1.5`,
    "transfer_data[amount]",
    "Invalid integer: 1.5",
  ],
  [PAY, `${paid}&automatic_payment_methods[enabled]=yes`, "automatic_payment_methods[enabled]", "Invalid boolean: yes"],
  [PAY, `${paid}&allowed_payment_method_types=card`, "allowed_payment_method_types", "Invalid array"],
  [PAY, `${paid}&allowed_payment_method_types[first]=card`, "allowed_payment_method_types", "Invalid array"],
  [PAY, `${paid}&off_session=maybe`, "off_session", "Invalid off_session: must be one of one_off, or recurring"],
  [
    PAY,
    `${paid}&shipping[name]=&shipping[address][line1]=b`,
    "shipping[name]",
    "You passed an empty string for 'shipping[name]'",
  ],
  [SELL, "mode=payment&line_items[0]=price_1", "line_items[0]", "Invalid object"],
  [
    SELL,
    `${sold}&line_items[0][price_data][unit_amount]=-5`,
    "line_items[0][price_data][unit_amount]",
    "This value must be",
  ],
  [
    SELL,
    `${priced}&line_items[0][quantity]=0`,
    "line_items[0][quantity]",
    "This value must be greater than or equal to 1.",
  ],
  ["GET /v1/charges", "created[gte]=yesterday", "created[gte]", "Invalid integer: yesterday"],
  [
    PAY,
    `${paid}&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=seldom`,
    "automatic_payment_methods[allow_redirects]",
    "Invalid automatic_payment_methods[allow_redirects]: must be one of always, or never",
  ],
  [
    PAY,
    `${paid}&payment_method_options[card][request_three_d_secure]=perhaps`,
    "payment_method_options[card][request_three_d_secure]",
    "Invalid payment_method_options[card][request_three_d_secure]: must be one of any, automatic, or challenge",
  ],
  [
    SELL,
    `${priced}&payment_intent_data[statement_descriptor]=${"x".repeat(23)}`,
    "payment_intent_data[statement_descriptor]",
    "Invalid string: xxxx...xxxx; must be at most 22 characters",
  ],
  [
    SELL,
    "mode=subscription&line_items[0][price]=price_1",
    "mode",
    "Invalid mode: this sandbox doesn't serve subscription.",
  ],
  ["GET /v1/prices", "lookup_keys[0]=a", "lookup_keys", "This sandbox doesn't filter by lookup_keys."],
];

const MISSING: readonly Case[] = [
  [PAY, "currency=usd", "amount"],
  [PAY, `${paid}&shipping[name]=a`, "shipping[address]"],
  [PAY, `${paid}&transfer_data[amount]=5`, "transfer_data[destination]"],
  [PAY, `${paid}&payment_method_data[card][number]=4242`, "payment_method_data[type]"],
  [PAY, `${paid}&confirm=true&${accepted}[accepted_at]=5`, `${accepted}[type]`],
  [
    PAY,
    `${paid}&confirm=true&${accepted}[type]=online&${accepted}[online][ip_address]=::1`,
    `${accepted}[online][user_agent]`,
  ],
  [SELL, "mode=payment", "line_items"],
  [SELL, sold, "line_items[0][price_data][unit_amount]"],
  [SELL, `${priced}&line_items[1][price_data][unit_amount]=5`, "line_items[1][price_data][currency]"],
  [
    LINK,
    "line_items[0][price]=price_1&line_items[0][quantity]=1&after_completion[redirect][url]=http://a",
    "after_completion[type]",
  ],
].map(([endpoint = "", form = "", param = ""]) => [endpoint, form, param, `Missing required param: ${param}.`]);

const UNSERVED: readonly Case[] = [
  [SELL, `${priced}&line_items[0][tax_rates][0]=txr_1`, "line_items[0][tax_rates]", "this sandbox doesn't serve it"],
  [SELL, `${priced}&discounts[0][coupon]=c`, "discounts", "this sandbox doesn't serve it"],
  [SELL, `${priced}&shipping_options[0][shipping_rate]=s`, "shipping_options", "this sandbox doesn't serve it"],
  [
    "POST /v1/prices",
    "currency=usd&unit_amount=5&product=p&tiers_mode=graduated&tiers[0][up_to]=inf",
    "tiers",
    "serve it",
  ],
];

describe("an endpoint", () => {
  it.each(ENDPOINTS.map(({ method, path }) => [method, path] as const))("%s %s has its parameters", (method, path) => {
    const { type, properties } = parameterSchemaOf({ method, path });
    expect(type === "object" || properties !== undefined).toBe(true);
  });
});

describe("a parameter", () => {
  it.each(UNKNOWN)("%s %s: unknown", async (endpoint, form, param, message) => {
    const { error } = await send(endpoint, form);
    expect(error).toMatchObject({ type: "invalid_request_error", code: "parameter_unknown", param });
    expect(error?.["message"]).toContain(message);
  });

  it.each(WRONG)("%s %s: wrong", async (endpoint, form, param, message) => {
    const { error } = await send(endpoint, form);
    expect(error).toMatchObject({ type: "invalid_request_error", param });
    expect(error?.["message"]).toContain(message);
  });

  it.each(MISSING)("%s %s: missing", async (endpoint, form, param, message) => {
    const { error } = await send(endpoint, form);
    expect(error).toMatchObject({ code: "parameter_missing", param, message });
  });

  it.each(UNSERVED)("%s %s: not served here", async (endpoint, form, param, message) => {
    const { error } = await send(endpoint, form);
    expect(error).toMatchObject({ code: "parameter_unknown", param });
    expect(error?.["message"]).toContain(message);
  });

  it.each([
    [PAY, `${paid}&shipping[name]=a&shipping[address][line1]=b&shipping[address][city]=c`, "payment_intent"],
    [PAY, `${paid}&payment_method_options[card][request_three_d_secure]=any`, "payment_intent"],
    [
      PAY,
      `${paid}&metadata[constructor]=a&amount_details[line_items][0][product_name]=a&amount_details[line_items][0][unit_cost]=1&amount_details[line_items][0][quantity]=1`,
      "payment_intent",
    ],
    [SELL, `${priced}&phone_number_collection[enabled]=true`, "checkout.session"],
    ["POST /v1/customers", "shipping=&address[city]=Wien", "customer"],
    ["GET /v1/charges", "created[gte]=5&created[lt]=9", "list"],
    ["GET /v1/charges", "created=5", "list"],
  ])("%s %s: taken", async (endpoint, form, object) => {
    expect(await send(endpoint, form)).toMatchObject({ object });
  });
});
