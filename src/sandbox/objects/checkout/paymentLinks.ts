import type { Stripe } from "stripe";
import { refusal } from "../../http/apiError.ts";
import { draftPayment, openSession } from "./sessions.ts";
import { draftOf, lineItemsOf, saveOrder } from "./orders.ts";
import type { ApiCall, Endpoint } from "../../http/endpoint.ts";
import { wholeList } from "../../http/lists.ts";
import { newId } from "../../world/identifiers.ts";
import { readLineItems } from "./lineItems.ts";
import { mergeMetadata, type Parameters } from "../../http/parameters.ts";
import { checkSplit, readTransferData } from "../connect/split.ts";
import { describePayment, renewDraft } from "../payments/paymentIntents.ts";
import { offeredTypes } from "../methods/paymentMethodTypes.ts";
import { get, readable, retrieve, writable } from "../../http/resources.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/** Payment Links: an address that opens a new Checkout Session at every visit. https://docs.stripe.com/payment-links */
export const PAYMENT_LINKS: readonly Endpoint[] = [
  ...readable("payment_link", "/v1/payment_links"),
  get("/v1/payment_links/:id/line_items", (call) =>
    wholeList(call, lineItemsOf(call.unit, retrieve(call, "payment_link").id)),
  ),
  ...writable("payment_link", "/v1/payment_links", {
    blank: blankLink,
    write: writeLink,
    created: "payment_link_created",
    updated: "payment_link_updated",
  }),
];

function blankLink({ parameters, unit }: ApiCall): Stripe.PaymentLink {
  const id = newId("plink");
  const items = readLineItems(unit, parameters);
  const currency = items[0]?.currency ?? "usd";
  const application_fee_amount = parameters.integer("application_fee_amount") ?? null;
  const on_behalf_of = parameters.string("on_behalf_of") ?? null;
  const transfer = parameters.hash("transfer_data");
  const draft: Stripe.PaymentIntent = {
    ...draftPayment(unit, items),
    application_fee_amount,
    on_behalf_of,
    ...(transfer === undefined ? {} : { transfer_data: readTransferData(null, transfer) }),
  };
  checkSplit(unit, draft);
  saveOrder(unit, id, items, draft);
  const isRecurring = items.some(({ price }) => price.recurring !== null);
  return {
    id,
    object: "payment_link",
    active: true,
    after_completion: { hosted_confirmation: { custom_message: null }, type: "hosted_confirmation" },
    allow_promotion_codes: false,
    application: null,
    application_fee_amount,
    application_fee_percent: null,
    automatic_tax: { enabled: false, liability: null },
    billing_address_collection: "auto",
    consent_collection: null,
    currency,
    custom_fields: [],
    custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
    customer_creation: isRecurring ? "always" : "if_required",
    inactive_message: null,
    invoice_creation: null,
    livemode: false,
    managed_payments: null,
    metadata: {},
    on_behalf_of,
    payment_intent_data: null,
    payment_method_collection: isRecurring ? "always" : "if_required",
    payment_method_options: null,
    payment_method_types: null,
    phone_number_collection: { enabled: false },
    restrictions: null,
    shipping_address_collection: null,
    shipping_options: [],
    submit_type: "auto",
    subscription_data: null,
    tax_id_collection: { enabled: false, required: "never" },
    transfer_data:
      transfer === undefined
        ? null
        : { amount: transfer.integer("amount") ?? null, destination: transfer.string("destination") ?? "" },
    url: `${unit.pace.baseUrl()}/_sandbox/link/${id}`,
  };
}

/** A new Session for one visitor; a refresh of the page is another visit, as at Stripe. */
export function visitLink(
  unit: UnitOfWork,
  link: Stripe.PaymentLink,
  visitor: { readonly clientReferenceId: string | null; readonly email: string | null },
): Stripe.Checkout.Session {
  const draft = draftOf(unit, link.id);
  if (draft === null) throw new Error(`The Payment Link ${link.id} has lost its order.`);
  const session = openSession(unit, lineItemsOf(unit, link.id), renewDraft(unit, draft));
  return unit.save<Stripe.Checkout.Session>({
    ...session,
    billing_address_collection: link.billing_address_collection,
    client_reference_id: visitor.clientReferenceId,
    customer_creation: link.customer_creation,
    customer_email: visitor.email,
    metadata: link.metadata,
    payment_link: link.id,
    payment_method_types:
      link.payment_method_types ?? offeredTypes(link.currency, true).filter((type) => type !== "customer_balance"),
    phone_number_collection: { enabled: link.phone_number_collection.enabled },
    submit_type: link.submit_type,
  });
}

/** Why a Payment Link takes no more visitors; null while it does. */
export function closedBecause({ active, inactive_message, restrictions }: Stripe.PaymentLink): string | null {
  const message = inactive_message ?? "This link is no longer active.";
  const sold = restrictions?.completed_sessions;
  return !active || (sold !== undefined && sold.count >= sold.limit) ? message : null;
}

function writeLink(before: Stripe.PaymentLink, { parameters, unit }: ApiCall): Stripe.PaymentLink {
  const types = parameters.list("payment_method_types");
  const limit = parameters.hash("restrictions")?.hash("completed_sessions")?.integer("limit");
  const data = parameters.hash("payment_intent_data");
  const draft = draftOf(unit, before.id);
  if (data !== undefined && draft !== null) {
    // The group of a link's payments may change, unlike that of a payment.
    const open = data.has("transfer_group") ? { ...draft, transfer_group: null } : draft;
    saveOrder(unit, before.id, lineItemsOf(unit, before.id), describePayment(open, data));
  }
  const phone = parameters.hash("phone_number_collection")?.boolean("enabled");
  return {
    ...before,
    active: parameters.boolean("active") ?? before.active,
    after_completion: readAfterCompletion(parameters.hash("after_completion")) ?? before.after_completion,
    allow_promotion_codes: parameters.boolean("allow_promotion_codes") ?? before.allow_promotion_codes,
    billing_address_collection: parameters.string("billing_address_collection") ?? before.billing_address_collection,
    customer_creation: parameters.string("customer_creation") ?? before.customer_creation,
    inactive_message: parameters.text("inactive_message", before.inactive_message),
    metadata: mergeMetadata(before.metadata, parameters.metadata()),
    payment_intent_data: data === undefined ? before.payment_intent_data : writeData(before.payment_intent_data, data),
    payment_method_collection: parameters.string("payment_method_collection") ?? before.payment_method_collection,
    payment_method_types: types === undefined ? before.payment_method_types : [...types],
    phone_number_collection: phone === undefined ? before.phone_number_collection : { enabled: phone },
    restrictions:
      limit === undefined
        ? before.restrictions
        : { completed_sessions: { count: before.restrictions?.completed_sessions.count ?? 0, limit } },
    submit_type: parameters.string("submit_type") ?? before.submit_type,
  };
}

function readAfterCompletion(after: Parameters | undefined): Stripe.PaymentLink.AfterCompletion | undefined {
  const url = after?.hash("redirect")?.string("url");
  if (after?.string("type") === "hosted_confirmation") {
    const message = after.hash("hosted_confirmation")?.string("custom_message") ?? null;
    return { hosted_confirmation: { custom_message: message }, type: "hosted_confirmation" };
  }
  if (after === undefined) return undefined;
  if (url !== undefined) return { redirect: { url }, type: "redirect" };
  throw refusal("Missing required param: after_completion[redirect].", { param: "after_completion[redirect]" });
}

function writeData(
  before: Stripe.PaymentLink.PaymentIntentData | null,
  data: Parameters,
): Stripe.PaymentLink.PaymentIntentData {
  return {
    capture_method: data.text("capture_method", before?.capture_method ?? null),
    description: data.text("description", before?.description ?? null),
    metadata: mergeMetadata(before?.metadata ?? {}, data.metadata()),
    setup_future_usage: data.text("setup_future_usage", before?.setup_future_usage ?? null),
    statement_descriptor: data.text("statement_descriptor", before?.statement_descriptor ?? null),
    statement_descriptor_suffix: data.text("statement_descriptor_suffix", before?.statement_descriptor_suffix ?? null),
    transfer_group: data.text("transfer_group", before?.transfer_group ?? null),
  };
}
