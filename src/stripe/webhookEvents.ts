/**
 * The event types that an endpoint of this service subscribes to: the one list, printed at start and used to decide what
 * rings. Only final or customer-facing states are here; `payment_intent.created` and `.processing` come first for
 * every async payment and must not end a wait.
 *
 * https://docs.stripe.com/api/events/types
 */
export const webhookEventTypes: readonly string[] = [
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
