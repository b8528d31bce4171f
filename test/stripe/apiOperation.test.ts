import { expect, it } from "vitest";
import { apiOperation } from "../../src/stripe/apiOperation.ts";

it.each([
  ["POST", "/v1/payment_intents", "POST /v1/payment_intents", "first"],
  ["POST", "/v1/payment_intents/pi_1/cancel", "POST /v1/payment_intents/:id/cancel", "first"],
  ["POST", "/v1/payment_intents/pi_1/capture", "POST /v1/payment_intents/:id/capture", "first"],
  ["POST", "/v1/refunds", "POST /v1/refunds", "first"],
  ["POST", "/v1/checkout/sessions/cs_1/expire", "POST /v1/checkout/sessions/:id/expire", "first"],
  ["POST", "/v1/payment_intents/pi_1", "POST /v1/payment_intents/:id", "soon"],
  ["DELETE", "/v1/customers/cus_1", "DELETE /v1/customers/:id", "soon"],
  ["GET", "/v1/payment_intents/pi_1?expand[0]=latest_charge", "GET /v1/payment_intents/:id", "soon"],
  // Customers from before 2014 have ids of any form.
  ["GET", "/v1/customers/user-4711", "GET /v1/customers/:id", "soon"],
  ["GET", "/v1/payment_intents?limit=10", "GET /v1/payment_intents", "later"],
  ["GET", "/v1/radar/early_fraud_warnings?payment_intent=pi_1", "GET /v1/radar/early_fraud_warnings", "later"],
  ["GET", "/v1/payment_intents/search?query=x", "GET /v1/payment_intents/search", "later"],
  ["GET", "/v1/account", "GET /v1/account", "later"],
])("%s %s is %s, %s", (method, path, name, urgency) => {
  const isSearch = path.includes("search");
  expect(apiOperation(method, path)).toEqual({ name, urgency, isSearch });
});
