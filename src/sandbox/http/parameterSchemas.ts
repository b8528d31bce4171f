import { readAsset } from "../assets/assets.ts";

/**
 * The parameters of each endpoint, as JSON Schemas: written by `npm run schemas` from the declarations of the stripe
 * package, and below in the parts that those can't say. In a form, null is the empty text that unsets a parameter.
 */
export type ParameterSchema = {
  readonly type?: string | readonly string[];
  readonly enum?: readonly (string | null)[];
  readonly properties?: Readonly<Record<string, ParameterSchema>>;
  readonly required?: readonly string[];
  readonly items?: ParameterSchema;
  readonly additionalProperties?: ParameterSchema | false;
  readonly anyOf?: readonly ParameterSchema[];
  readonly minimum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  /** Values that Stripe serves and this sandbox doesn't: these, or all. */
  readonly not?: { readonly enum?: readonly string[] };
};

type Fields = Readonly<Record<string, ParameterSchema>>;

const text = { type: "string" } as const;
const whole = { type: "integer" } as const;
const texts = { type: "array", items: text } as const;
const positive = { minimum: 1 } as const;
const unserved = { not: {} } as const;

/** Rules that hold wherever a parameter of that name stands. https://docs.stripe.com/api */
const EVERYWHERE: Fields = {
  // The command line tool's older name.
  bank_transfer: { properties: { type: { enum: ["jp_bank_account"] } } },
  client_reference_id: { maxLength: 200 },
  dynamic_tax_rates: unserved,
  price_data: { required: ["unit_amount"] },
  quantity: positive,
  statement_descriptor: { maxLength: 22 },
  statement_descriptor_suffix: { maxLength: 22 },
  tax_rates: unserved,
  unit_amount: { minimum: 0 },
};

/** Clients of an older version still send this parameter; the code that reads it decides about them. */
const older = { payment_method_types: texts } as const;

/** The parts of a payment that others get. */
const divided = {
  application_fee_amount: { minimum: 0 },
  transfer_data: { properties: { amount: positive } },
} as const;

/** The declarations leave out cards, which Stripe takes from its own pages and, on request, from others. */
const cards = {
  payment_method_data: {
    properties: {
      type: { enum: ["card"] },
      card: {
        type: "object",
        properties: { number: text, cvc: text, exp_month: whole, exp_year: whole, token: text },
      },
    },
  },
} as const;

/** Information that an account gives in its onboarding. */
const onboarded = "company documents external_account groups individual settings".split(" ");

/** An account under a recipient's terms takes no payments. */
const recipients = {
  tos_acceptance: { properties: { service_agreement: { not: { enum: ["recipient"] } } } },
} as const;

/** The parameters that an endpoint takes beyond its declaration, takes otherwise, or doesn't take here. */
const ADDED: Readonly<Record<string, { readonly properties: Fields; readonly required?: readonly string[] }>> = {
  "POST /v1/application_fees/:id/refunds": { properties: { amount: positive } },
  "POST /v1/payment_intents": { properties: { amount: positive, ...divided, ...cards, ...older } },
  "POST /v1/payment_intents/:id": { properties: { amount: positive, ...divided, ...cards, ...older } },
  "POST /v1/payment_intents/:id/confirm": { properties: { ...cards, ...older } },
  "POST /v1/payment_intents/:id/capture": { properties: { amount_to_capture: { minimum: 0 }, ...divided } },
  // The sandbox has one balance for money of every kind.
  "POST /v1/transfers": { properties: { amount: positive, source_type: { not: { enum: ["bank_account", "fpx"] } } } },
  "POST /v1/transfers/:id/reversals": { properties: { amount: positive } },
  "POST /v1/setup_intents": { properties: { ...cards, ...older } },
  "POST /v1/setup_intents/:id": { properties: { ...cards, ...older } },
  "POST /v1/setup_intents/:id/confirm": { properties: cards },
  "POST /v1/customers": { properties: without("balance", "source", "tax_id_data", "test_clock") },
  "POST /v1/customers/:id": { properties: without("balance", "source") },
  "POST /v1/payment_methods": { properties: without("customer", "payment_method"), required: ["type"] },
  "POST /v1/refunds": { properties: { amount: positive, customer: unserved, origin: unserved } },
  "POST /v1/test_helpers/customers/:id/fund_cash_balance": { properties: { amount: positive } },
  "POST /v1/checkout/sessions": {
    properties: {
      ...older,
      line_items: { maxItems: 100 },
      mode: { not: { enum: ["setup", "subscription"] } },
      ...without("discounts", "optional_items", "setup_intent_data", "shipping_options", "subscription_data"),
    },
    required: ["mode", "line_items"],
  },
  "POST /v1/payment_links": {
    properties: {
      ...older,
      line_items: { maxItems: 100 },
      ...without("application_fee_percent", "optional_items", "shipping_options", "subscription_data"),
    },
  },
  "POST /v1/prices": {
    properties: without("custom_unit_amount", "currency_options", "tiers", "transform_quantity", "unit_amount_decimal"),
    required: ["unit_amount"],
  },
  "POST /v1/products": { properties: without("default_price_data", "id") },
  "POST /v1/accounts": { properties: { ...recipients, ...without("account_token", ...onboarded) } },
  "POST /v1/accounts/:id": { properties: { ...recipients, ...without("account_token", ...onboarded) } },
  // The word of older versions; and payouts that go on after a rejection.
  "POST /v1/accounts/:id/reject": {
    properties: { reason: { enum: ["fraud"] }, payouts_action: { not: { enum: ["none"] } } },
  },
  "POST /oauth/token": { properties: { client_secret: text, ...without("assert_capabilities") } },
  "POST /oauth/deauthorize": { properties: { client_secret: text } },
  "GET /v1/events": { properties: { types: { maxItems: 20 } } },
  // The command line tool calls this endpoint.
  "POST /v1/events/:id/retry": {
    properties: { account: text, for_stripecli: { type: "boolean" }, webhook_endpoint: text, expand: texts },
  },
  // The page of Checkout calls these endpoints.
  "GET /v1/payment_pages/:id": { properties: { expand: texts } },
  "POST /v1/payment_pages/:id/confirm": {
    properties: { expected_amount: whole, payment_method: text, expand: texts },
    required: ["payment_method"],
  },
};

function without(...names: string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, unserved]));
}

/** As in the file, where shapes that several parameters have stand once. */
type WrittenSchema = ParameterSchema & { readonly $ref?: string };

const WRITTEN = JSON.parse(readAsset("parameters.schema.json")) as {
  readonly endpoints: Readonly<Record<string, WrittenSchema>>;
  readonly $defs: Readonly<Record<string, WrittenSchema>>;
};

const linkedShapes = new Map<string, ParameterSchema>();
const schemas = new Map<string, ParameterSchema>();

export function parameterSchemaOf(endpoint: { readonly method: string; readonly path: string }): ParameterSchema {
  const name = `${endpoint.method} ${endpoint.path}`;
  const schema = schemas.get(name) ?? extend(link(WRITTEN.endpoints[name] ?? {}), ADDED[name] ?? {});
  schemas.set(name, schema);
  return schema;
}

/** The schema with shapes in the place of references to them, and with the rules that hold everywhere. */
function link(schema: WrittenSchema): ParameterSchema {
  const { $ref, ...own } = schema;
  if ($ref !== undefined) {
    const shape = linkedShapes.get($ref) ?? link(WRITTEN.$defs[$ref.slice("#/$defs/".length)] ?? {});
    linkedShapes.set($ref, shape);
    return shape;
  }
  const { properties, items, anyOf, additionalProperties: more } = own;
  const complete = Object.entries(properties ?? {}).map(([name, one]) => [
    name,
    extend(link(one), EVERYWHERE[name] ?? {}),
  ]);
  return {
    ...own,
    ...(properties === undefined ? {} : { properties: Object.fromEntries(complete) as Fields }),
    ...(items === undefined ? {} : { items: link(items) }),
    ...(anyOf === undefined ? {} : { anyOf: anyOf.map(link) }),
    ...(more === undefined || more === false ? {} : { additionalProperties: link(more) }),
  };
}

/** Joins two schemas of the same parameter; where both say something, the second holds. */
function extend(schema: ParameterSchema, more: ParameterSchema): ParameterSchema {
  if (schema.anyOf !== undefined) return { anyOf: schema.anyOf.map((one) => extend(one, more)) };
  const properties: Record<string, ParameterSchema> = { ...schema.properties };
  for (const [name, rule] of Object.entries(more.properties ?? {}))
    properties[name] = extend(properties[name] ?? {}, rule);
  return {
    ...schema,
    ...more,
    ...(schema.properties === undefined && more.properties === undefined ? {} : { properties }),
    ...(more.enum === undefined ? {} : { enum: [...(schema.enum ?? []), ...more.enum] }),
    ...(more.required === undefined ? {} : { required: [...(schema.required ?? []), ...more.required] }),
  };
}
