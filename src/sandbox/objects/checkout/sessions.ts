import type { Stripe } from "stripe";
import { failure, refusal } from "../../http/apiError.ts";
import { confirmPayment } from "../payments/confirmation.ts";
import { createCustomer } from "../customers.ts";
import type { ApiCall } from "../../http/endpoint.ts";
import { newId, randomText } from "../../world/identifiers.ts";
import { readLineItems, totalOf } from "./lineItems.ts";
import { draftOf, ownerOf, saveOrder } from "./orders.ts";
import type { Acceptance } from "../methods/mandates.ts";
import { mergeMetadata, Parameters } from "../../http/parameters.ts";
import { checkAmount, readCustomer, readMethodChoice } from "../payments/paymentIntentParameters.ts";
import { readOptions, withDefaultOptions } from "../methods/paymentDetails.ts";
import { draftPaymentIntent } from "../payments/paymentIntents.ts";
import { type UsablePaymentMethod, usePaymentMethod } from "../methods/paymentMethods.ts";
import { retrieve } from "../../http/resources.ts";
import { idOf, type StoredLineItem } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/**
 * Checkout Sessions: a page that takes one payment, or takes none and expires.
 * https://docs.stripe.com/payments/checkout
 */
const LONGEST_SECONDS = 24 * 3600;
const SHORTEST_SECONDS = 30 * 60;

/** https://docs.stripe.com/api/checkout/sessions/create */
export function createSession(call: ApiCall): Stripe.Checkout.Session {
  const { parameters, unit } = call;
  const items = readLineItems(unit, parameters);
  const currency = items[0]?.currency ?? "usd";
  const draft = {
    ...draftPayment(unit, items, parameters.hash("payment_intent_data")),
    payment_method_options: readOptions(null, parameters.hash("payment_method_options")),
  };
  const uiMode = parameters.string("ui_mode") ?? "hosted_page";
  const expiresAt = parameters.integer("expires_at") ?? unit.nowSeconds + LONGEST_SECONDS;
  if (expiresAt < unit.nowSeconds + SHORTEST_SECONDS || expiresAt > unit.nowSeconds + LONGEST_SECONDS) {
    const message =
      "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation.";
    throw refusal(message, { param: "expires_at" });
  }
  const opened = openSession(unit, items, draft, expiresAt);
  const allowed = parameters.list("allowed_payment_method_types");
  return unit.save<Stripe.Checkout.Session>({
    ...opened,
    allowed_payment_method_types: allowed === undefined ? null : [...allowed],
    billing_address_collection: parameters.string("billing_address_collection") ?? null,
    cancel_url: parameters.string("cancel_url") ?? null,
    client_reference_id: parameters.string("client_reference_id") ?? null,
    client_secret: uiMode === "hosted_page" ? null : `${opened.id}_secret_${randomText(40)}`,
    customer: readCustomer(unit, parameters),
    customer_creation: parameters.has("customer") ? null : (parameters.string("customer_creation") ?? "if_required"),
    customer_email: parameters.string("customer_email") ?? null,
    locale: parameters.string("locale") ?? null,
    metadata: mergeMetadata({}, parameters.metadata()),
    payment_method_options: parameters.hash("payment_method_options")?.plain() ?? {},
    payment_method_types: readMethodChoice(call, currency).payment_method_types,
    phone_number_collection: {
      enabled: parameters.hash("phone_number_collection")?.boolean("enabled") ?? false,
    },
    submit_type: parameters.string("submit_type") ?? null,
    success_url: parameters.string("success_url") ?? null,
    ui_mode: uiMode,
    url: uiMode === "hosted_page" ? opened.url : null,
    ...(parameters.has("return_url") ? { return_url: parameters.string("return_url") ?? "" } : {}),
  });
}

/** The PaymentIntent that paying for the items will make. */
export function draftPayment(
  unit: UnitOfWork,
  items: readonly StoredLineItem[],
  data = new Parameters(new Map()),
): Stripe.PaymentIntent {
  const currency = items[0]?.currency ?? "usd";
  return draftPaymentIntent(unit, checkAmount(totalOf(items), currency), currency, data);
}

/** A new Session for the items; paying makes the PaymentIntent of the draft. */
export function openSession(
  unit: UnitOfWork,
  items: readonly StoredLineItem[],
  draft: Stripe.PaymentIntent,
  expiresAt = unit.nowSeconds + LONGEST_SECONDS,
): Stripe.Checkout.Session {
  const id = newId("cs_test");
  const { amount: total, currency } = draft;
  saveOrder(unit, id, items, draft);
  unit.schedule("expire_session", id, (expiresAt - unit.nowSeconds) * 1000);
  return {
    id,
    object: "checkout.session",
    adaptive_pricing: null,
    after_expiration: null,
    allow_promotion_codes: null,
    allowed_payment_method_types: null,
    amount_subtotal: total,
    amount_total: total,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    billing_address_collection: null,
    cancel_url: null,
    client_reference_id: null,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    created: unit.nowSeconds,
    currency,
    currency_conversion: null,
    custom_fields: [],
    custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
    customer: null,
    customer_account: null,
    customer_creation: "if_required",
    customer_details: null,
    customer_email: null,
    discounts: [],
    expires_at: expiresAt,
    integration_identifier: null,
    invoice: null,
    invoice_creation: null,
    livemode: false,
    locale: null,
    managed_payments: null,
    metadata: {},
    mode: "payment",
    origin_context: null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection: "if_required",
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: [],
    payment_status: "unpaid",
    permissions: null,
    phone_number_collection: { enabled: false },
    recovered_from: null,
    saved_payment_method_options: null,
    setup_intent: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: "open",
    submit_type: null,
    subscription: null,
    success_url: null,
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    ui_mode: "hosted_page",
    url: `${unit.pace.baseUrl()}/_sandbox/checkout/${id}`,
    wallet_options: null,
  };
}

/** Pays in place of the page: the command line tool calls this. */
export function confirmSession(call: ApiCall): Stripe.Checkout.Session {
  const { id, parameters, unit } = call;
  const session = retrieve(call, "checkout.session");
  const expected = parameters.integer("expected_amount") ?? session.amount_total;
  if (session.status === "open" && expected !== session.amount_total) {
    const message = `The expected amount (${expected}) isn't the amount of this Checkout Session (${session.amount_total}).`;
    throw failure(message, { code: "checkout_amount_mismatch", param: "expected_amount" });
  }
  const usable = usePaymentMethod(unit, parameters.string("payment_method") ?? "");
  paySession(unit, id, usable, usable.paymentMethod.billing_details);
  return retrieve(call, "checkout.session");
}

/** The buyer, as they described themselves on the page. */
export type Buyer = Pick<Stripe.PaymentMethod.BillingDetails, "address" | "email" | "name" | "phone">;

/** A buyer who pays on the page accepts the mandate that the page shows. */
const ON_PAGE: Acceptance = {
  accepted_at: null,
  online: { ip_address: "127.0.0.1", user_agent: "Checkout" },
  type: "online",
};

/**
 * Makes the PaymentIntent, or takes the one of an earlier attempt, and confirms it; gives it as it is then. Throws the 402
 * of a decline, which leaves the Session open for another try.
 */
export function paySession(
  unit: UnitOfWork,
  id: string,
  usable: UsablePaymentMethod,
  buyer: Buyer,
): Stripe.PaymentIntent {
  const session = unit.find("checkout.session", id);
  const draft = draftOf(unit, id);
  if (session?.status !== "open" || draft === null) {
    const message = `This Checkout Session is ${session?.status ?? "unknown"} and can no longer be confirmed.`;
    throw failure(message, { param: "session" });
  }
  const { address, name, phone } = buyer;
  const email = buyer.email ?? session.customer_email;
  const customer =
    session.customer ?? (session.customer_creation === "always" ? createCustomer(unit, { email, name, phone }) : null);
  unit.save<Stripe.Checkout.Session>({
    ...session,
    customer,
    customer_details: {
      address,
      business_name: null,
      email,
      individual_name: null,
      name,
      phone,
      tax_exempt: "none",
      tax_ids: [],
    },
  });
  const earlier = unit.find("payment_intent", draft.id);
  const { payment_method_types } = session;
  const fresh = withDefaultOptions({ ...draft, created: unit.nowSeconds, customer, payment_method_types });
  return confirmPayment(unit, earlier ?? fresh, usable, {
    returnUrl: `${unit.pace.baseUrl()}/_sandbox/checkout/${id}/return`,
    mandate: { kind: "accepted", acceptance: ON_PAGE },
    isOffSession: false,
    errorOnRequiresAction: false,
    created: earlier === undefined ? fresh : null,
  });
}

export function expireSession(call: ApiCall): Stripe.Checkout.Session {
  const { status } = retrieve(call, "checkout.session");
  if (status !== "open") {
    throw failure(
      `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of ${status}.`,
    );
  }
  expireOpenSession(call.unit, call.id);
  return retrieve(call, "checkout.session");
}

/** Ends a Session that nobody completed, with the PaymentIntent of its failed attempts. */
export function expireOpenSession(unit: UnitOfWork, id: string): void {
  const session = unit.find("checkout.session", id);
  if (session?.status !== "open") return;
  unit.dropJobs(id);
  const expired = unit.save<Stripe.Checkout.Session>({ ...session, status: "expired", url: null });
  const tried = unit.find("payment_intent", draftOf(unit, id)?.id ?? "");
  if (tried !== undefined) {
    const canceled = { canceled_at: unit.nowSeconds, next_action: null, status: "canceled" };
    unit.fire("canceled", [unit.save<Stripe.PaymentIntent>({ ...tried, ...canceled })]);
  }
  unit.fire("session_expired", [expired]);
}

/** Changes the payment's Session, if there is one, after the payment has changed. */
export function followPayment(unit: UnitOfWork, paymentIntentId: string): void {
  const paymentIntent = unit.find("payment_intent", paymentIntentId);
  const [order] = unit.list("order", "payment_intent", paymentIntentId);
  const session = unit.find("checkout.session", order === undefined ? "" : ownerOf(order));
  if (paymentIntent === undefined || session === undefined) return;
  const isPaid = paymentIntent.status === "succeeded";
  const isFailed = paymentIntent.status === "requires_payment_method";
  // A declined attempt leaves the page open for another, and so does a customer who is still at their bank's page.
  if (session.status === "open" && (isFailed || asksOnPage(paymentIntent))) return;
  unit.dropJobs(session.id);
  const followed = unit.save<Stripe.Checkout.Session>({
    ...session,
    payment_intent: paymentIntent.id,
    payment_status: isPaid ? "paid" : "unpaid",
    status: "complete",
    url: null,
  });
  if (session.status === "open") {
    unit.fire("session_completed", [followed]);
    countCompleted(unit, idOf(session.payment_link));
  } else if (paymentIntent.status === "requires_action") return;
  // The capture of an authorized payment is the merchant's own doing, and no news of the customer's bank.
  else if (paymentIntent.capture_method === "manual") return;
  else unit.fire(isPaid ? "session_paid" : "session_payment_failed", [followed]);
}

/** A redirect or authentication is a part of paying on the page; a transfer or voucher is paid elsewhere, later. */
function asksOnPage({ next_action, status }: Stripe.PaymentIntent): boolean {
  return status === "requires_action" && !(next_action?.type.includes("display_") ?? false);
}

function countCompleted(unit: UnitOfWork, linkId: string | null): void {
  const link = linkId === null ? undefined : unit.find("payment_link", linkId);
  if (link === undefined || link.restrictions === null) return;
  const { count, limit } = link.restrictions.completed_sessions;
  unit.save<Stripe.PaymentLink>({ ...link, restrictions: { completed_sessions: { count: count + 1, limit } } });
}
