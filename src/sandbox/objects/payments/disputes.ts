import type { Stripe } from "stripe";
import { failure } from "../../http/apiError.ts";
import { postMovement, stripeFee } from "../balance.ts";
import { latestCharge } from "./charges.ts";
import { DAY_MS, SECOND_MS } from "../../world/clock.ts";
import type { ApiCall, Endpoint } from "../../http/endpoint.ts";
import { newId } from "../../world/identifiers.ts";
import { mergeMetadata } from "../../http/parameters.ts";
import { findScenarioOf } from "../methods/paymentMethods.ts";
import { flowOf } from "../methods/paymentMethodTypes.ts";
import type { PaymentMethodType } from "../methods/flow.ts";
import { post, readable, retrieve } from "../../http/resources.ts";
import type { ForcedOutcome } from "./settlement.ts";
import type { Transition } from "../../world/transitions.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/**
 * Disputes are opened by the test methods that exist for that, as soon as their money is taken, and for any other
 * payment on demand. An inquiry is one that has withdrawn nothing yet; its statuses begin with `warning_`.
 * https://docs.stripe.com/disputes/how-disputes-work
 */
const RESPONSE_DAYS = 7;
const FEE_MINOR = 1500;

const NO_EVIDENCE: Stripe.Dispute.Evidence = {
  access_activity_log: null,
  billing_address: null,
  cancellation_policy: null,
  cancellation_policy_disclosure: null,
  cancellation_rebuttal: null,
  customer_communication: null,
  customer_email_address: null,
  customer_name: null,
  customer_purchase_ip: null,
  customer_signature: null,
  duplicate_charge_documentation: null,
  duplicate_charge_explanation: null,
  duplicate_charge_id: null,
  enhanced_evidence: {},
  product_description: null,
  receipt: null,
  refund_policy: null,
  refund_policy_disclosure: null,
  refund_refusal_explanation: null,
  service_date: null,
  service_documentation: null,
  shipping_address: null,
  shipping_carrier: null,
  shipping_date: null,
  shipping_documentation: null,
  shipping_tracking_number: null,
  uncategorized_file: null,
  uncategorized_text: null,
};
const EVIDENCE_TEXTS = Object.keys(NO_EVIDENCE).filter((name) => name !== "enhanced_evidence");

/** https://docs.stripe.com/api/disputes/object#dispute_object-reason */
export const DISPUTE_REASONS = [
  "bank_cannot_process",
  "check_returned",
  "credit_not_processed",
  "customer_initiated",
  "debit_not_authorized",
  "duplicate",
  "fraudulent",
  "general",
  "incorrect_account_details",
  "insufficient_funds",
  "noncompliant",
  "product_not_received",
  "product_unacceptable",
  "subscription_canceled",
  "unrecognized",
] as const;

type Verdict = { readonly status: string; readonly fires: Transition | null };
type Verdicts = { readonly inquiry: Verdict; readonly dispute: Verdict };

const CLOSED: Verdicts = {
  inquiry: { status: "warning_closed", fires: "dispute_closed" },
  dispute: { status: "lost", fires: "dispute_closed" },
};
const REVIEWED: Verdicts = {
  inquiry: { status: "warning_under_review", fires: null },
  dispute: { status: "under_review", fires: null },
};

const WON: Verdicts = { ...CLOSED, dispute: { status: "won", fires: "dispute_won" } };

/** The verdicts that words in `evidence[uncategorized_text]` lead to. https://docs.stripe.com/testing#evidence */
const VERDICTS: Readonly<Record<string, Verdicts>> = {
  winning_evidence: WON,
  losing_evidence: CLOSED,
  escalate_inquiry_evidence: { ...REVIEWED, inquiry: { status: "needs_response", fires: "inquiry_escalated" } },
};

export const DISPUTES: readonly Endpoint[] = [
  ...readable("dispute", "/v1/disputes"),
  post("/v1/disputes/:id", updateDispute),
  post("/v1/disputes/:id/close", (call) => conclude(call.unit, retrieveOpen(call), CLOSED)),
];

/** Opens the dispute that the Charge's payment method stands for, if it does. */
export function openDispute(unit: UnitOfWork, chargeId: string): void {
  const charge = unit.find("charge", chargeId);
  const scenario = findScenarioOf(unit, charge?.payment_method ?? "");
  if (charge?.captured !== true || charge.disputed || scenario === undefined || scenario.dispute === null) return;
  open(unit, charge, scenario.type, scenario.dispute);
}

/**
 * Disputes a succeeded Charge, or the one of the PaymentIntent, whatever its payment method. Empty when it has no such
 * Charge, or one that is disputed already.
 */
export function disputePayment(unit: UnitOfWork, id: string, reason: string | null): Stripe.Dispute[] {
  const paymentIntent = unit.find("payment_intent", id);
  const charge = paymentIntent === undefined ? unit.find("charge", id) : latestCharge(unit, paymentIntent);
  const type = findScenarioOf(unit, charge?.payment_method ?? "")?.type ?? "card";
  if (charge?.status !== "succeeded" || !charge.captured || charge.disputed) return [];
  // No customer's bank stands behind the payment that a transfer is to the account which gets it.
  if (charge.source_transfer !== null) return [];
  const usual = flowOf(type).kind === "debit" ? "debit_not_authorized" : "fraudulent";
  return [open(unit, charge, type, { reason: reason ?? usual, isInquiry: false })];
}

type Claim = { readonly reason: string; readonly isInquiry: boolean };

function open(
  unit: UnitOfWork,
  charge: Stripe.Charge,
  type: PaymentMethodType,
  { reason, isInquiry }: Claim,
): Stripe.Dispute {
  const dispute: Stripe.Dispute = {
    id: newId("du"),
    object: "dispute",
    amount: charge.amount_captured,
    balance_transactions: [],
    charge: charge.id,
    created: unit.nowSeconds,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: NO_EVIDENCE,
    evidence_details: {
      due_by: unit.nowSeconds + (RESPONSE_DAYS * DAY_MS) / SECOND_MS,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: "not_submitted",
    },
    intended_submission_method: null,
    is_charge_refundable: isInquiry,
    livemode: false,
    metadata: {},
    ...cardDetails(charge, isInquiry),
    payment_intent: charge.payment_intent,
    reason,
    status: isInquiry ? "warning_needs_response" : "needs_response",
  };
  unit.save({ ...charge, disputed: true });
  // A returned bank debit can't be contested: it is lost as it is opened.
  if (flowOf(type).kind === "debit")
    return fire(unit, "debit_returned", withdraw(unit, { ...dispute, status: "lost" }));
  return isInquiry ? fire(unit, "inquiry_opened", dispute) : fire(unit, "dispute_opened", withdraw(unit, dispute));
}

/** The bank decides. False when there is nothing to decide. */
export function settleDispute(unit: UnitOfWork, id: string, outcome: ForcedOutcome | null): boolean {
  const dispute = unit.find("dispute", id);
  if (dispute === undefined || !(isOpen(dispute) || dispute.status.endsWith("under_review"))) return false;
  conclude(unit, dispute, outcome === "succeeded" ? WON : CLOSED);
  return true;
}

function cardDetails(charge: Stripe.Charge, isInquiry: boolean): Partial<Stripe.Dispute> {
  const brand = charge.payment_method_details?.card?.brand ?? null;
  if (brand === null) return {};
  const card = { brand, case_type: isInquiry ? "inquiry" : "chargeback", network: brand, network_reason_code: "83" };
  return { network_reason_code: "83", payment_method_details: { type: "card", card } };
}

function updateDispute(call: ApiCall): Stripe.Dispute {
  const { parameters, unit } = call;
  const evidence = parameters.hash("evidence");
  const before = evidence === undefined ? retrieve(call, "dispute") : retrieveOpen(call);
  const { evidence_details: details } = before;
  // Any update submits the staged evidence, unless it says not to; an inquiry's evidence goes to the bank again only by
  // order.
  const isNew = details.submission_count === 0 || parameters.boolean("submit") === true;
  const isStaged = details.has_evidence && isNew && isOpen(before);
  const isSubmitted = (evidence !== undefined || isStaged) && parameters.boolean("submit") !== false;
  const written: Record<string, string | null> = {};
  for (const name of EVIDENCE_TEXTS) if (evidence?.has(name) === true) written[name] = evidence.text(name, null);
  const updated: Stripe.Dispute = {
    ...before,
    evidence: { ...before.evidence, ...written },
    evidence_details: {
      ...details,
      has_evidence: details.has_evidence || evidence !== undefined,
      submission_count: details.submission_count + (isSubmitted ? 1 : 0),
      submission_method: isSubmitted ? "manual" : details.submission_method,
    },
    metadata: mergeMetadata(before.metadata, parameters.metadata()),
  };
  unit.fire("dispute_updated", [unit.save(updated)]);
  if (!isSubmitted) return updated;
  return conclude(unit, updated, VERDICTS[updated.evidence.uncategorized_text ?? ""] ?? REVIEWED);
}

function conclude(unit: UnitOfWork, dispute: Stripe.Dispute, verdicts: Verdicts): Stripe.Dispute {
  const { status, fires } = dispute.status.startsWith("warning_") ? verdicts.inquiry : verdicts.dispute;
  const decided: Stripe.Dispute = { ...dispute, status };
  if (fires === "inquiry_escalated")
    return fire(unit, fires, { ...withdraw(unit, decided), is_charge_refundable: false });
  if (fires === "dispute_won") return fire(unit, fires, move(unit, decided, dispute.amount, "dispute_reversal"));
  return fires === null ? unit.save(decided) : fire(unit, fires, decided);
}

function fire(unit: UnitOfWork, transition: Transition, dispute: Stripe.Dispute): Stripe.Dispute {
  unit.fire(transition, [unit.save(dispute)]);
  return dispute;
}

function retrieveOpen(call: ApiCall): Stripe.Dispute {
  const dispute = retrieve(call, "dispute");
  if (!isOpen(dispute)) throw failure("This dispute is already closed.");
  return dispute;
}

function isOpen({ status }: Stripe.Dispute): boolean {
  return status.endsWith("needs_response");
}

function withdraw(unit: UnitOfWork, dispute: Stripe.Dispute): Stripe.Dispute {
  return move(unit, dispute, -dispute.amount, "dispute");
}

/** Money that the dispute takes or gives back, with Stripe's fee on the way out. */
function move(unit: UnitOfWork, dispute: Stripe.Dispute, amount: number, category: string): Stripe.Dispute {
  const { currency, id } = dispute;
  const moved = postMovement(unit, {
    amount,
    currency,
    description: `Chargeback ${amount < 0 ? "withdrawal" : "reversal"} for ${id}`,
    fees: amount < 0 ? [stripeFee(FEE_MINOR, currency, "Dispute fee")] : [],
    reporting_category: category,
    source: id,
    type: "adjustment",
  });
  return { ...dispute, balance_transactions: [...dispute.balance_transactions, moved] };
}
