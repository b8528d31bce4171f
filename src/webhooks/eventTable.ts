/**
 * The event types that an endpoint of this service subscribes to, and what each is for: some ring the doorbells of waiting
 * calls, some make us look at what became of a payment, so that the merchant can be told. Every other type is acknowledged.
 *
 * https://docs.stripe.com/api/events/types
 */
import type { LaterChange } from "../notifications/rules/dueNotifications.ts";

/**
 * What rings. Only final or customer-facing states are here; `payment_intent.created` and `.processing` come first for
 * every async payment and must not end a wait.
 */
export const ringingEventTypes: readonly string[] = [
  "payment_intent.succeeded",
  "payment_intent.payment_failed",
  "payment_intent.canceled",
  "payment_intent.requires_action",
  "payment_intent.amount_capturable_updated",
  "refund.updated",
  "refund.failed",
  "setup_intent.succeeded",
  "setup_intent.setup_failed",
  "setup_intent.requires_action",
  "setup_intent.canceled",
  "charge.dispute.updated",
  "charge.dispute.closed",
];

/** What makes us look, and at what beside the PaymentIntent itself. */
export const telltaleEventTypes: Readonly<Record<string, readonly LaterChange[]>> = {
  "payment_intent.succeeded": [],
  "payment_intent.payment_failed": [],
  "payment_intent.canceled": [],
  "payment_intent.amount_capturable_updated": [],
  "refund.created": ["refunds"],
  "refund.updated": ["refunds"],
  "refund.failed": ["refunds"],
  "charge.refund.updated": ["refunds"],
  "charge.dispute.created": ["disputes"],
  "charge.dispute.updated": ["disputes"],
  "charge.dispute.closed": ["disputes"],
  "charge.dispute.funds_withdrawn": ["disputes"],
  "charge.dispute.funds_reinstated": ["disputes"],
  "radar.early_fraud_warning.created": ["warnings"],
  "radar.early_fraud_warning.updated": ["warnings"],
};

/** The one list to subscribe to, printed at start. */
export const webhookEventTypes: readonly string[] = [
  ...new Set([...ringingEventTypes, ...Object.keys(telltaleEventTypes)]),
];
