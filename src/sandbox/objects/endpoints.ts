import { APPLICATION_FEES } from "./connect/applicationFees.ts";
import { TRANSFER_REVERSALS } from "./connect/transferReversals.ts";
import { TRANSFERS } from "./connect/transfers.ts";
import { BALANCES } from "./balance.ts";
import { ACCOUNT_LINKS } from "./accounts/accountLinks.ts";
import { ACCOUNTS } from "./accounts/accounts.ts";
import { OAUTH } from "./accounts/oauth.ts";
import { capturePaymentIntent } from "./payments/capture.ts";
import { CASH_BALANCES } from "./methods/cashBalance.ts";
import { CATALOG } from "./checkout/catalog.ts";
import { confirmSession, createSession, expireSession } from "./checkout/sessions.ts";
import { lineItemsOf } from "./checkout/orders.ts";
import { CUSTOMERS } from "./customers.ts";
import { DISPUTES } from "./payments/disputes.ts";
import type { Endpoint } from "../http/endpoint.ts";
import { FRAUD_WARNINGS } from "./payments/fraudWarnings.ts";
import { MANDATES } from "./methods/mandates.ts";
import { listObjects, wholeList } from "../http/lists.ts";
import { listEvents, retrieveEvent } from "../webhooks/events.ts";
import {
  cancelPaymentIntent,
  confirmPaymentIntent,
  createPaymentIntent,
  updatePaymentIntent,
} from "./payments/paymentIntents.ts";
import {
  attachPaymentMethod,
  createPaymentMethod,
  detachPaymentMethod,
  retrievePaymentMethod,
} from "./methods/paymentMethods.ts";
import { createRefund, updateRefund } from "./payments/refunds.ts";
import { PAYMENT_LINKS } from "./checkout/paymentLinks.ts";
import { get, post, readable, retrieve } from "../http/resources.ts";
import { cancelSetupIntent, confirmSetupIntent, createSetupIntent, updateSetupIntent } from "./methods/setupIntents.ts";
import { searchPaymentIntents } from "./payments/search.ts";
import {
  createWebhookEndpoint,
  deleteWebhookEndpoint,
  listWebhookEndpoints,
  resendEvent,
  retrieveWebhookEndpoint,
  updateWebhookEndpoint,
} from "../webhooks/webhookEndpoints.ts";

/** The endpoints that the sandbox serves. Their parameters stand in `parameterSchemas.ts`. https://docs.stripe.com/api */
export const ENDPOINTS: readonly Endpoint[] = [
  ...ACCOUNTS,
  ...APPLICATION_FEES,
  ...BALANCES,
  ...ACCOUNT_LINKS,
  ...OAUTH,
  ...CASH_BALANCES,
  ...CATALOG,
  ...CUSTOMERS,
  ...DISPUTES,
  ...FRAUD_WARNINGS,
  ...MANDATES,
  ...TRANSFERS,
  ...TRANSFER_REVERSALS,

  post("/v1/payment_intents", createPaymentIntent),
  ...readable("payment_intent", "/v1/payment_intents"),
  get("/v1/payment_intents/search", searchPaymentIntents),
  post("/v1/payment_intents/:id", updatePaymentIntent),
  post("/v1/payment_intents/:id/confirm", confirmPaymentIntent),
  post("/v1/payment_intents/:id/cancel", cancelPaymentIntent),
  post("/v1/payment_intents/:id/capture", capturePaymentIntent),

  ...readable("charge", "/v1/charges"),

  post("/v1/refunds", createRefund),
  ...readable("refund", "/v1/refunds"),
  post("/v1/refunds/:id", updateRefund),

  ...readable("setup_intent", "/v1/setup_intents"),
  post("/v1/setup_intents", createSetupIntent),
  post("/v1/setup_intents/:id", updateSetupIntent),
  post("/v1/setup_intents/:id/confirm", confirmSetupIntent),
  post("/v1/setup_intents/:id/cancel", cancelSetupIntent),

  ...readable("checkout.session", "/v1/checkout/sessions"),
  post("/v1/checkout/sessions", createSession),
  post("/v1/checkout/sessions/:id/expire", expireSession),
  get("/v1/checkout/sessions/:id/line_items", (call) =>
    wholeList(call, lineItemsOf(call.unit, retrieve(call, "checkout.session").id)),
  ),
  // The requests of Checkout's own page, which are not a part of Stripe's public API.
  get("/v1/payment_pages/:id", (call) => retrieve(call, "checkout.session")),
  post("/v1/payment_pages/:id/confirm", confirmSession),
  ...PAYMENT_LINKS,

  get("/v1/events", listEvents),
  get("/v1/events/:id", retrieveEvent),
  post("/v1/events/:id/retry", resendEvent),

  post("/v1/webhook_endpoints", createWebhookEndpoint),
  get("/v1/webhook_endpoints", listWebhookEndpoints),
  get("/v1/webhook_endpoints/:id", retrieveWebhookEndpoint),
  post("/v1/webhook_endpoints/:id", updateWebhookEndpoint),
  { method: "DELETE", path: "/v1/webhook_endpoints/:id", run: deleteWebhookEndpoint },

  post("/v1/payment_methods", createPaymentMethod),
  get("/v1/payment_methods", listObjects("payment_method")),
  get("/v1/payment_methods/:id", retrievePaymentMethod),
  post("/v1/payment_methods/:id/attach", attachPaymentMethod),
  post("/v1/payment_methods/:id/detach", detachPaymentMethod),
];
