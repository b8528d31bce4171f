import type { Stripe } from "stripe";
import { failure, missing, refusal } from "../../http/apiError.ts";
import { postRefund } from "../balance.ts";
import { latestCharge, postBalance } from "./charges.ts";
import { asksForParts, readRefundedParts, refundParts } from "../connect/refundedParts.ts";
import { printAmount } from "../../world/currencies.ts";
import type { ApiCall } from "../../http/endpoint.ts";
import { newId } from "../../world/identifiers.ts";
import { mergeMetadata, type Parameters } from "../../http/parameters.ts";
import { retrieve } from "../../http/resources.ts";
import { findScenarioOf } from "../methods/paymentMethods.ts";
import type { Scenario } from "../methods/scenario.ts";
import type { ForcedOutcome } from "./settlement.ts";
import { idOf } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

const RELEASES_HIDDEN_IN = "2025-03-31";

/** https://docs.stripe.com/api/refunds/create */
export function createRefund({ parameters, unit }: ApiCall): Stripe.Refund {
  const charge = withParts(unit, parameters, findRefundableCharge(unit, parameters));
  refuseTransferred(charge);
  const left = charge.amount_captured - charge.amount_refunded;
  if (unit.list("dispute", "charge", charge.id).some((dispute) => !dispute.is_charge_refundable)) {
    const message = `Charge ${charge.id} has been charged back; cannot issue a refund.`;
    throw failure(message, { code: "charge_disputed", charge: charge.id });
  }
  if (left === 0) {
    throw failure(`Charge ${charge.id} has already been refunded.`, {
      code: "charge_already_refunded",
      charge: charge.id,
    });
  }
  const amount = parameters.integer("amount") ?? left;
  if (amount > left) {
    const print = (value: number) => printAmount(value, charge.currency);
    const message = `Refund amount (${print(amount)}) is greater than unrefunded amount on charge (${print(left)})`;
    throw failure(message, { param: "amount" });
  }
  const parts = readRefundedParts(unit, parameters, charge, amount);
  const scenario = findScenarioOf(unit, charge.payment_method ?? "");
  const blank = buildRefund(unit, parameters, charge, amount, isPending(scenario));
  const built = { ...blank, ...refundParts(unit, parts, blank.id) };
  const refund = built.status === "pending" ? built : posted(unit, built);
  const refundedAmount = charge.amount_refunded + amount;
  const refunded = unit.save({
    ...charge,
    amount_refunded: refundedAmount,
    refunded: refundedAmount === charge.amount_captured,
  });
  unit.fire(refund.status === "pending" ? "refund_pending" : "refunded", [refund, refunded]);
  if (refund.status === "pending" || scenario?.refund === "fails_later") {
    unit.schedule("settle_refund", refund.id, unit.pace.settlementDelayMs);
  }
  return unit.save(refund);
}

export function updateRefund(call: ApiCall): Stripe.Refund {
  const before = retrieve(call, "refund");
  const refund = call.unit.save({
    ...before,
    metadata: mergeMetadata(before.metadata ?? {}, call.parameters.metadata()),
  });
  call.unit.fire("refund_updated", [refund]);
  return refund;
}

/** Ends a refund that isn't final, as its scenario says or as forced. False when there is nothing to settle. */
export function settleRefund(unit: UnitOfWork, id: string, forced: ForcedOutcome | null): boolean {
  const before = unit.find("refund", id);
  const charge = unit.find("charge", idOf(before?.charge) ?? "");
  if (before === undefined || charge === undefined) return false;
  const failsLater = findScenarioOf(unit, charge.payment_method ?? "")?.refund === "fails_later";
  if (before.status !== "pending" && !(before.status === "succeeded" && failsLater)) return false;
  unit.dropJobs(id);
  if ((forced ?? (failsLater ? "failed" : "succeeded")) === "succeeded") {
    const { pending_reason: _, ...rest } = before;
    unit.fire("refund_updated", [unit.save(posted(unit, { ...rest, status: "succeeded" }))]);
    return true;
  }
  // The money comes back to the merchant, so that the Charge can be refunded again.
  unit.save({ ...charge, amount_refunded: charge.amount_refunded - before.amount, refunded: false });
  const failed: Stripe.Refund = {
    ...before,
    status: "failed",
    failure_reason: "unknown",
    // Money that hadn't left needn't come back.
    ...(before.balance_transaction === null
      ? {}
      : { failure_balance_transaction: postRefund(unit, before, "refund_failure") }),
  };
  unit.fire("refund_failed", [unit.save(failed)]);
  return true;
}

/** The refund with its balance transaction; a refund that succeeded before, and was only confirmed, has one already. */
function posted(unit: UnitOfWork, refund: Stripe.Refund): Stripe.Refund {
  return { ...refund, balance_transaction: refund.balance_transaction ?? postRefund(unit, refund, "refund") };
}

/** A bank sends money back as slowly as it takes it. */
function isPending(scenario: Scenario | undefined): boolean {
  return scenario?.refund === "pending" || scenario?.attempt.kind === "processing";
}

/** The charge as it is now that everybody's part of it is booked, which a refund of the parts needs. */
function withParts(unit: UnitOfWork, parameters: Parameters, charge: Stripe.Charge): Stripe.Charge {
  if (!asksForParts(parameters)) return charge;
  postBalance(unit, charge.id);
  return unit.find("charge", charge.id) ?? charge;
}

/** The payment that a transfer is to the account which gets it goes back by reversing the transfer. */
function refuseTransferred(charge: Stripe.Charge): void {
  if (charge.source_transfer === null) return;
  const message = `Payment ${charge.id} came by a transfer: this sandbox takes it back by a reversal of that transfer, which the platform makes. (Stripe also refunds it.)`;
  throw failure(message, { param: "charge" });
}

function findRefundableCharge(unit: UnitOfWork, parameters: Parameters): Stripe.Charge {
  const chargeId = parameters.string("charge");
  const paymentIntentId = parameters.string("payment_intent");
  if (chargeId === undefined && paymentIntentId === undefined) {
    throw refusal("One of the following params should be provided for this request: payment_intent or charge.", {
      code: "parameter_missing",
    });
  }
  const paymentIntent = paymentIntentId === undefined ? undefined : unit.find("payment_intent", paymentIntentId);
  if (paymentIntentId !== undefined && paymentIntent === undefined) {
    throw missing("payment_intent", paymentIntentId, "payment_intent");
  }
  const charge = paymentIntent === undefined ? unit.find("charge", chargeId ?? "") : latestCharge(unit, paymentIntent);
  if (paymentIntent !== undefined && (charge === undefined || !isRefundable(charge))) {
    throw failure(`This PaymentIntent (${paymentIntent.id}) does not have a successful charge to refund.`, {
      param: "payment_intent",
      payment_intent: paymentIntent,
    });
  }
  if (charge === undefined) throw missing("charge", chargeId ?? "", "charge");
  if (chargeId !== undefined && chargeId !== charge.id) {
    throw refusal(`Charge ${chargeId} does not belong to the PaymentIntent ${paymentIntentId}.`, { param: "charge" });
  }
  if (!isRefundable(charge)) {
    const message = `Charge ${charge.id} cannot be refunded: its status is ${charge.status}${charge.captured ? "" : " and it isn't captured"}.`;
    throw failure(message, { code: "charge_not_refundable", param: "charge" });
  }
  return charge;
}

/** Of several captures, each can be given back before the last. */
function isRefundable(charge: Stripe.Charge): boolean {
  return charge.status === "succeeded" && charge.amount_captured > 0;
}

/**
 * To a program of an API version before 2025-03-31, the part of an authorization that was not captured is a refund, which
 * every program of the account then finds in the list.
 * https://docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow
 */
export function listReleaseAsRefund({ apiVersion, unit }: ApiCall, charge: Stripe.Charge): void {
  const released = charge.amount - charge.amount_captured;
  if (apiVersion >= RELEASES_HIDDEN_IN || released === 0) return;
  unit.save(buildRefund(unit, null, charge, released, false));
}

function buildRefund(
  unit: UnitOfWork,
  parameters: Parameters | null,
  charge: Stripe.Charge,
  amount: number,
  pending: boolean,
): Stripe.Refund {
  const isCard = charge.payment_method_details?.type === "card";
  return {
    id: newId(isCard ? "re" : "pyr"),
    object: "refund",
    amount,
    balance_transaction: null,
    charge: charge.id,
    created: unit.nowSeconds,
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    destination_details: isCard
      ? {
          card: { reference_status: "pending", reference_type: "acquirer_reference_number", type: "refund" },
          type: "card",
        }
      : { type: charge.payment_method_details?.type ?? "unknown" },
    metadata: mergeMetadata({}, parameters?.metadata()),
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    ...(pending ? { pending_reason: "processing" } : {}),
    reason: parameters?.string("reason") ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: pending ? "pending" : "succeeded",
    transfer_reversal: null,
  };
}
