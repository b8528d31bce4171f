import type { Stripe } from "stripe";

/** The types of events: those that Stripe declares, and one that connected accounts get without a declaration. */
export type EventType = Stripe.Event.Type | "payment.created";

/**
 * Which events a change fires, in the order seen at Stripe (which promises none; see the reference, section A).
 * `payment_intent.created` stands where it was seen when the same request also created the PaymentIntent, and is left
 * out otherwise.
 */
export const TRANSITION_EVENTS = {
  created: ["payment_intent.created"],
  succeeded: ["charge.succeeded", "payment_intent.succeeded", "payment_intent.created"],
  authorized: ["charge.succeeded", "payment_intent.amount_capturable_updated", "payment_intent.created"],
  declined: ["charge.failed", "payment_intent.created", "payment_intent.payment_failed"],
  /** The customer didn't pass authentication or let a voucher expire, so that no charge was ever tried. */
  not_paid: ["payment_intent.payment_failed"],
  requires_action: ["payment_intent.requires_action", "payment_intent.created"],
  processing: ["payment_intent.created", "payment_intent.processing", "charge.pending"],
  settled: ["charge.succeeded", "payment_intent.succeeded"],
  settlement_failed: ["charge.failed", "payment_intent.payment_failed"],
  captured: ["charge.captured", "payment_intent.succeeded"],
  captured_in_part: ["charge.captured", "payment_intent.amount_capturable_updated"],
  rest_released: ["payment_intent.succeeded"],
  canceled: ["payment_intent.canceled"],
  canceled_while_processing: ["charge.failed", "payment_intent.canceled"],
  authorization_expired: ["charge.expired", "payment_intent.canceled"],
  balance_posted: ["charge.updated"],
  refunded: ["refund.created", "charge.refunded", "refund.updated"],
  refund_pending: ["refund.created", "charge.refunded"],
  refund_updated: ["refund.updated", "charge.refund.updated"],
  refund_failed: ["refund.updated", "refund.failed", "charge.refund.updated"],
  customer_created: ["customer.created"],
  customer_updated: ["customer.updated"],
  payment_method_attached: ["payment_method.attached"],
  payment_method_detached: ["payment_method.detached"],
  setup_created: ["setup_intent.created"],
  setup_requires_action: ["setup_intent.requires_action"],
  setup_succeeded: ["setup_intent.succeeded"],
  setup_failed: ["setup_intent.setup_failed"],
  setup_canceled: ["setup_intent.canceled"],
  partially_funded: ["payment_intent.partially_funded"],
  cash_balance_left: ["cash_balance.funds_available"],
  cash_balance_changed: ["customer_cash_balance_transaction.created"],
  session_completed: ["checkout.session.completed"],
  session_paid: ["checkout.session.async_payment_succeeded"],
  session_payment_failed: ["checkout.session.async_payment_failed"],
  session_expired: ["checkout.session.expired"],
  payment_link_created: ["payment_link.created"],
  payment_link_updated: ["payment_link.updated"],
  dispute_opened: ["charge.dispute.created", "charge.dispute.funds_withdrawn"],
  debit_returned: ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed"],
  inquiry_opened: ["charge.dispute.created"],
  inquiry_escalated: ["charge.dispute.funds_withdrawn"],
  dispute_updated: ["charge.dispute.updated"],
  dispute_closed: ["charge.dispute.closed"],
  dispute_won: ["charge.dispute.closed", "charge.dispute.funds_reinstated"],
  fraud_warned: ["radar.early_fraud_warning.created"],
  product_created: ["product.created"],
  product_updated: ["product.updated"],
  price_created: ["price.created"],
  price_updated: ["price.updated"],
  account_updated: ["account.updated"],
  account_joined: ["account.application.authorized"],
  account_left: ["account.application.deauthorized"],
  transfer_created: ["transfer.created"],
  transfer_updated: ["transfer.updated"],
  transfer_reversed: ["transfer.reversed"],
  /** The payment that a transfer is to the account which gets it. */
  payment_created: ["payment.created"],
  application_fee_created: ["application_fee.created"],
  application_fee_refunded: ["application_fee.refunded"],
  fee_refund_updated: ["application_fee.refund.updated"],
} as const satisfies Record<string, readonly EventType[]>;

export type Transition = keyof typeof TRANSITION_EVENTS;

/** Events that name another kind of object than the one they show. */
const SHOWN_INSTEAD: Readonly<Record<string, string>> = {
  "account.application": "application",
  "application_fee.refund": "fee_refund",
  "charge.dispute": "dispute",
  "charge.refund": "refund",
  payment: "charge",
};

/** The kind of object an event shows: what its type begins with, as a rule. */
export function kindShownBy(eventType: EventType): string {
  const named = eventType.slice(0, eventType.lastIndexOf("."));
  return SHOWN_INSTEAD[named] ?? named;
}
