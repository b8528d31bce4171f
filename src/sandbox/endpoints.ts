import { ACCOUNTS } from "./accounts.ts";
import { BALANCE_TRANSACTIONS } from "./balance.ts";
import { CASH_BALANCES } from "./cashBalance.ts";
import { CATALOG } from "./catalog.ts";
import { confirmSession, createSession, expireSession, lineItemsOf } from "./checkout.ts";
import { lineItemsRule } from "./lineItems.ts";
import { CUSTOMERS } from "./customers.ts";
import { DISPUTES } from "./disputes.ts";
import type { Endpoint } from "./endpoint.ts";
import { MANDATES } from "./mandates.ts";
import { listEvents, listObjects, retrieveEvent, wholeList } from "./lists.ts";
import {
  address,
  amount,
  anyHash,
  choice,
  flag,
  hash,
  integer,
  list,
  listing,
  listOrNothing,
  metadata,
  suffix,
  text,
  textOrNothing,
} from "./parameterRules.ts";
import type { ParameterRules } from "./parameters.ts";
import {
  cancelPaymentIntent,
  capturePaymentIntent,
  confirmPaymentIntent,
  createPaymentIntent,
  updatePaymentIntent,
} from "./paymentIntents.ts";
import { PAYMENT_METHOD_TYPES } from "./paymentMethodTypes.ts";
import {
  attachPaymentMethod,
  createPaymentMethod,
  detachPaymentMethod,
  retrievePaymentMethod,
} from "./paymentMethods.ts";
import { createRefund, updateRefund } from "./refunds.ts";
import { PAYMENT_LINKS } from "./paymentLinks.ts";
import { get, post, readable, retrieve } from "./resources.ts";
import { cancelSetupIntent, confirmSetupIntent, createSetupIntent, updateSetupIntent } from "./setupIntents.ts";
import { searchPaymentIntents } from "./search.ts";
import {
  createWebhookEndpoint,
  deleteWebhookEndpoint,
  listWebhookEndpoints,
  resendEvent,
  retrieveWebhookEndpoint,
  updateWebhookEndpoint,
} from "./webhookEndpoints.ts";

/** What each endpoint takes, after Stripe's API reference. https://docs.stripe.com/api */
const mandateData = hash({
  customer_acceptance: {
    kind: "hash",
    required: true,
    fields: {
      type: { kind: "string", required: true, values: ["offline", "online"] },
      accepted_at: integer,
      offline: anyHash,
      online: hash({ ip_address: { kind: "string", required: true }, user_agent: { kind: "string", required: true } }),
    },
  },
});

const billingDetails = hash({
  address,
  email: textOrNothing,
  name: textOrNothing,
  phone: textOrNothing,
  tax_id: textOrNothing,
});

/** What no row below describes is taken as it comes. */
const anyOfEachType = Object.fromEntries(Object.keys(PAYMENT_METHOD_TYPES).map((type) => [type, anyHash]));

const paymentMethodFields: ParameterRules = {
  ...anyOfEachType,
  type: { kind: "string", required: true },
  allow_redisplay: choice("always", "limited", "unspecified"),
  billing_details: billingDetails,
  card: hash({ number: text, exp_month: integer, exp_year: integer, cvc: text, token: text, networks: anyHash }),
  us_bank_account: hash({
    account_holder_type: choice("company", "individual"),
    account_number: text,
    account_type: choice("checking", "savings"),
    routing_number: text,
  }),
  sepa_debit: hash({ iban: text }),
  boleto: hash({ tax_id: text }),
  metadata,
  radar_options: anyHash,
};

const captureMethod = choice("automatic", "automatic_async", "manual");

const expiresAfterDays = hash({ expires_after_days: integer, setup_future_usage: text });

const paymentMethodOptions = hash({ ...anyOfEachType, boleto: expiresAfterDays, oxxo: expiresAfterDays });

const shipping = hash({
  address,
  carrier: textOrNothing,
  name: { kind: "string", required: true },
  phone: textOrNothing,
  tracking_number: textOrNothing,
});

/** What may be said of a PaymentIntent whenever it is written. */
const describing: ParameterRules = {
  allowed_payment_method_types: list,
  amount_details: hash({
    discount_amount: integer,
    enforce_arithmetic_validation: flag,
    line_items: listOrNothing,
    shipping: hash({ amount: integer, from_postal_code: text, to_postal_code: text }),
    tax: hash({ total_tax_amount: integer }),
  }),
  capture_method: captureMethod,
  excluded_payment_method_types: listOrNothing,
  hooks: anyHash,
  payment_details: anyHash,
  payment_method: text,
  payment_method_data: hash(paymentMethodFields),
  payment_method_options: paymentMethodOptions,
  payment_method_types: list,
  receipt_email: textOrNothing,
  setup_future_usage: choice("off_session", "on_session"),
  shipping,
};

const describingMore: ParameterRules = {
  ...describing,
  application_fee_amount: { kind: "integer", unsettable: true },
  customer: text,
  customer_account: text,
  description: textOrNothing,
  metadata,
  payment_method_configuration: text,
  statement_descriptor: suffix,
  statement_descriptor_suffix: suffix,
  transfer_data: anyHash,
  transfer_group: textOrNothing,
};

const confirming: ParameterRules = {
  confirmation_token: text,
  error_on_requires_action: flag,
  mandate: text,
  mandate_data: mandateData,
  off_session: { kind: "boolean_or_string" },
  radar_options: anyHash,
  return_url: text,
  use_stripe_sdk: flag,
};

const automatic = hash({ enabled: { kind: "boolean", required: true }, allow_redirects: choice("always", "never") });

const setup: ParameterRules = {
  customer: text,
  description: textOrNothing,
  flow_directions: list,
  mandate_data: mandateData,
  metadata,
  payment_method: text,
  payment_method_data: hash(paymentMethodFields),
  payment_method_options: anyHash,
  payment_method_types: list,
  return_url: text,
  use_stripe_sdk: flag,
};

const PAYMENT_INTENT_CREATE: ParameterRules = {
  ...describingMore,
  ...confirming,
  amount: { ...amount, required: true },
  currency: { kind: "string", required: true },
  automatic_payment_methods: automatic,
  confirm: flag,
  confirmation_method: choice("automatic", "manual"),
  on_behalf_of: text,
};

const CHECKOUT_SESSION_CREATE: ParameterRules = {
  adaptive_pricing: anyHash,
  allow_promotion_codes: flag,
  allowed_payment_method_types: list,
  automatic_tax: anyHash,
  billing_address_collection: choice("auto", "required"),
  cancel_url: text,
  client_reference_id: { kind: "string", maxLength: 200 },
  customer: text,
  customer_creation: choice("always", "if_required"),
  customer_email: text,
  expires_at: integer,
  line_items: lineItemsRule,
  locale: text,
  metadata,
  mode: { kind: "string", required: true, values: ["payment"] },
  payment_intent_data: hash({
    application_fee_amount: integer,
    capture_method: captureMethod,
    description: text,
    metadata,
    on_behalf_of: text,
    receipt_email: text,
    setup_future_usage: choice("off_session", "on_session"),
    shipping,
    statement_descriptor: suffix,
    statement_descriptor_suffix: suffix,
    transfer_data: anyHash,
    transfer_group: text,
  }),
  payment_method_options: paymentMethodOptions,
  payment_method_types: list,
  phone_number_collection: anyHash,
  return_url: text,
  submit_type: choice("auto", "book", "donate", "pay"),
  success_url: text,
  ui_mode: choice("elements", "embedded_page", "form", "hosted_page"),
};

const CANCELLATION_REASONS = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"];

export const ENDPOINTS: readonly Endpoint[] = [
  ...ACCOUNTS,
  ...BALANCE_TRANSACTIONS,
  ...CASH_BALANCES,
  ...CATALOG,
  ...CUSTOMERS,
  ...DISPUTES,
  ...MANDATES,

  post("/v1/payment_intents", PAYMENT_INTENT_CREATE, createPaymentIntent),
  ...readable("payment_intent", "/v1/payment_intents", { customer: text }),
  get(
    "/v1/payment_intents/search",
    { query: { kind: "string", required: true }, limit: integer, page: text },
    searchPaymentIntents,
  ),
  post("/v1/payment_intents/:id", { ...describingMore, amount, currency: text }, updatePaymentIntent),
  post(
    "/v1/payment_intents/:id/confirm",
    { ...describing, ...confirming, amount_to_confirm: integer },
    confirmPaymentIntent,
  ),
  post("/v1/payment_intents/:id/cancel", { cancellation_reason: choice(...CANCELLATION_REASONS) }, cancelPaymentIntent),
  post(
    "/v1/payment_intents/:id/capture",
    { amount_to_capture: amount, final_capture: flag, metadata, statement_descriptor_suffix: suffix },
    capturePaymentIntent,
  ),

  ...readable("charge", "/v1/charges", { customer: text, payment_intent: text }),

  post(
    "/v1/refunds",
    {
      amount,
      charge: text,
      metadata,
      payment_intent: text,
      reason: choice("duplicate", "fraudulent", "requested_by_customer"),
      refund_application_fee: flag,
      reverse_transfer: flag,
    },
    createRefund,
  ),
  ...readable("refund", "/v1/refunds", { charge: text, payment_intent: text }),
  post("/v1/refunds/:id", { metadata }, updateRefund),

  ...readable("setup_intent", "/v1/setup_intents", { customer: text, payment_method: text }),
  post(
    "/v1/setup_intents",
    {
      ...setup,
      allowed_payment_method_types: list,
      automatic_payment_methods: automatic,
      confirm: flag,
      excluded_payment_method_types: list,
      on_behalf_of: text,
      usage: choice("off_session", "on_session"),
    },
    createSetupIntent,
  ),
  post("/v1/setup_intents/:id", setup, updateSetupIntent),
  post("/v1/setup_intents/:id/confirm", setup, confirmSetupIntent),
  post("/v1/setup_intents/:id/cancel", { cancellation_reason: choice(...CANCELLATION_REASONS) }, cancelSetupIntent),

  ...readable("checkout.session", "/v1/checkout/sessions", {
    customer: text,
    payment_intent: text,
    payment_link: text,
    status: text,
  }),
  post("/v1/checkout/sessions", CHECKOUT_SESSION_CREATE, createSession),
  post("/v1/checkout/sessions/:id/expire", {}, expireSession),
  get("/v1/checkout/sessions/:id/line_items", listing, (call) =>
    wholeList(call, lineItemsOf(call.unit, retrieve(call, "checkout.session").id)),
  ),
  // What Checkout's own page asks, and does when its button is pressed; not a part of Stripe's public API.
  get("/v1/payment_pages/:id", {}, (call) => retrieve(call, "checkout.session")),
  post(
    "/v1/payment_pages/:id/confirm",
    { expected_amount: integer, payment_method: { kind: "string", required: true } },
    confirmSession,
  ),
  ...PAYMENT_LINKS,

  get(
    "/v1/events",
    { ...listing, type: text, types: { kind: "list", maximumItems: 20 }, delivery_success: flag },
    listEvents,
  ),
  get("/v1/events/:id", {}, retrieveEvent),
  post("/v1/events/:id/retry", { account: text, for_stripecli: flag, webhook_endpoint: text }, resendEvent),

  post(
    "/v1/webhook_endpoints",
    {
      api_version: text,
      connect: flag,
      description: textOrNothing,
      enabled_events: { kind: "list", required: true },
      metadata,
      url: { kind: "string", required: true },
    },
    createWebhookEndpoint,
  ),
  get("/v1/webhook_endpoints", listing, listWebhookEndpoints),
  get("/v1/webhook_endpoints/:id", {}, retrieveWebhookEndpoint),
  post(
    "/v1/webhook_endpoints/:id",
    { description: textOrNothing, disabled: flag, enabled_events: list, metadata, url: text },
    updateWebhookEndpoint,
  ),
  { method: "DELETE", path: "/v1/webhook_endpoints/:id", rules: { expand: list }, run: deleteWebhookEndpoint },

  post("/v1/payment_methods", { ...paymentMethodFields }, createPaymentMethod),
  get(
    "/v1/payment_methods",
    { ...listing, customer: text, type: text },
    listObjects("payment_method", ["customer", "type"]),
  ),
  get("/v1/payment_methods/:id", {}, retrievePaymentMethod),
  post("/v1/payment_methods/:id/attach", { customer: { kind: "string", required: true } }, attachPaymentMethod),
  post("/v1/payment_methods/:id/detach", {}, detachPaymentMethod),
];
