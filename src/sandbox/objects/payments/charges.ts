import type { Stripe } from "stripe";
import { postCharge } from "../balance.ts";
import type { Decline } from "../../world/declines.ts";
import { newId } from "../../world/identifiers.ts";
import { findScenarioOf } from "../methods/paymentMethods.ts";
import { isPaymentMethodType, showCharged } from "../methods/paymentMethodTypes.ts";
import { idOf } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/** `charge.updated` brings the balance transaction a moment after the payment, as with `automatic_async` capture. */
const BALANCE_DELAY_MS = 300;

/** A new Charge in the state the attempt began with: `pending`, holding nothing. */
export function newCharge(
  unit: UnitOfWork,
  paymentIntent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  mandate: Stripe.Mandate | null,
): Stripe.Charge {
  return {
    // Stripe's charges are `ch_` for cards and `py_` for everything else.
    id: newId(method.type === "card" ? "ch" : "py"),
    object: "charge",
    amount: paymentIntent.amount,
    amount_captured: 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: paymentIntent.application_fee_amount,
    balance_transaction: null,
    billing_details: method.billing_details,
    calculated_statement_descriptor: "SANDBOX",
    captured: false,
    created: unit.nowSeconds,
    currency: paymentIntent.currency,
    customer: paymentIntent.customer,
    description: paymentIntent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    fraud_details: {},
    livemode: false,
    metadata: paymentIntent.metadata,
    on_behalf_of: paymentIntent.on_behalf_of,
    outcome: approvedOutcome(),
    paid: false,
    payment_intent: paymentIntent.id,
    payment_method: method.id,
    payment_method_details: isPaymentMethodType(method.type)
      ? showCharged(method.type, method[method.type], { paymentIntent, mandate, nowMs: unit.nowMs })
      : null,
    receipt_email: paymentIntent.receipt_email,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: paymentIntent.shipping,
    source: null,
    source_transfer: null,
    statement_descriptor: paymentIntent.statement_descriptor,
    statement_descriptor_suffix: paymentIntent.statement_descriptor_suffix,
    status: "pending",
    transfer_data: null,
    transfer_group: paymentIntent.transfer_group,
  };
}

export function succeededCharge(charge: Stripe.Charge, capturedAmount: number | null): Stripe.Charge {
  return {
    ...charge,
    status: "succeeded",
    paid: true,
    captured: capturedAmount !== null,
    amount_captured: capturedAmount ?? 0,
    receipt_url: `https://pay.stripe.com/receipts/payment/${charge.id}`,
  };
}

/** A failed charge keeps its reason for good; PaymentIntent.last_payment_error is erased by the next update. */
export function failedCharge(charge: Stripe.Charge, decline: Decline): Stripe.Charge {
  const isBlocked = decline.outcomeType === "blocked";
  return {
    ...charge,
    status: "failed",
    failure_code: decline.code,
    failure_message: decline.message,
    outcome: {
      advice_code: decline.adviceCode,
      network_advice_code: null,
      network_decline_code: decline.networkDeclineCode,
      network_status: isBlocked ? "not_sent_to_network" : "declined_by_network",
      reason: isBlocked ? "highest_risk_level" : (decline.declineCode ?? decline.code),
      risk_level: isBlocked ? "highest" : "normal",
      risk_score: isBlocked ? 92 : 21,
      seller_message: isBlocked ? "Stripe blocked this payment as too risky." : decline.message,
      type: decline.outcomeType,
    },
  };
}

/** Saves a charge that took money and has the balance posted later. */
export function saveCaptured(unit: UnitOfWork, charge: Stripe.Charge): Stripe.Charge {
  unit.schedule("post_balance", charge.id, BALANCE_DELAY_MS);
  return unit.save(charge);
}

/** The job behind `charge.updated`. */
export function postBalance(unit: UnitOfWork, chargeId: string): void {
  const charge = unit.find("charge", chargeId);
  if (charge === undefined || charge.balance_transaction !== null) return;
  const isAvailableAtOnce = findScenarioOf(unit, charge.payment_method ?? "")?.bypassesPending === true;
  const posted = unit.save({ ...charge, balance_transaction: postCharge(unit, charge, isAvailableAtOnce) });
  unit.fire("balance_posted", [posted]);
}

function approvedOutcome(): Stripe.Charge.Outcome {
  return {
    advice_code: null,
    network_advice_code: null,
    network_decline_code: null,
    network_status: "approved_by_network",
    reason: null,
    risk_level: "normal",
    risk_score: 21,
    seller_message: "Payment complete.",
    type: "authorized",
  };
}

export function latestCharge(unit: UnitOfWork, paymentIntent: Stripe.PaymentIntent): Stripe.Charge | undefined {
  const id = idOf(paymentIntent.latest_charge);
  return id === null ? undefined : unit.find("charge", id);
}
