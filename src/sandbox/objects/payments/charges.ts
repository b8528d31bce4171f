import type { Stripe } from "stripe";
import { availableFrom, postCharge } from "../balance.ts";
import { blankCharge } from "./blankCharge.ts";
import { isDivided, takeApplicationFee, transferPart } from "../connect/division.ts";
import type { Decline } from "../../world/declines.ts";
import { newId } from "../../world/identifiers.ts";
import { findScenarioOf } from "../methods/paymentMethods.ts";
import { splitOfCharge } from "../connect/split.ts";
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
  // Stripe's charges are `ch_` for cards and `py_` for everything else.
  const id = newId(method.type === "card" ? "ch" : "py");
  return {
    ...blankCharge(unit, id, paymentIntent.amount, paymentIntent.currency),
    application: paymentIntent.application,
    billing_details: method.billing_details,
    customer: paymentIntent.customer,
    description: paymentIntent.description,
    metadata: paymentIntent.metadata,
    on_behalf_of: paymentIntent.on_behalf_of,
    payment_intent: paymentIntent.id,
    payment_method: method.id,
    payment_method_details: isPaymentMethodType(method.type)
      ? showCharged(method.type, method[method.type], { paymentIntent, mandate, nowMs: unit.nowMs })
      : null,
    receipt_email: paymentIntent.receipt_email,
    shipping: paymentIntent.shipping,
    statement_descriptor: paymentIntent.statement_descriptor,
    statement_descriptor_suffix: paymentIntent.statement_descriptor_suffix,
    ...splitOfCharge(paymentIntent),
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

/**
 * Saves a charge that took money. Its money is booked later or, if it is to be divided with a connected account, at once:
 * only `automatic_async` capture leaves that for later, too.
 */
export function saveCaptured(unit: UnitOfWork, charge: Stripe.Charge): Stripe.Charge {
  const paymentIntent = unit.find("payment_intent", idOf(charge.payment_intent) ?? "");
  if (isDivided(charge) && paymentIntent?.capture_method !== "automatic_async") return unit.save(booked(unit, charge));
  unit.schedule("post_balance", charge.id, BALANCE_DELAY_MS);
  return unit.save(charge);
}

/** The job behind `charge.updated`; whoever needs the charge's money before may call it earlier. */
export function postBalance(unit: UnitOfWork, chargeId: string): void {
  const charge = unit.find("charge", chargeId);
  if (charge === undefined || !charge.captured || charge.balance_transaction !== null) return;
  const posted = unit.save(booked(unit, charge));
  unit.fire("balance_posted", [posted]);
}

/** The charge after its money, and everybody's part of that, has been written into the balances. */
function booked(unit: UnitOfWork, charge: Stripe.Charge): Stripe.Charge {
  const isAvailableAtOnce = findScenarioOf(unit, idOf(charge.payment_method) ?? "")?.bypassesPending === true;
  const availableOn = availableFrom(unit, isAvailableAtOnce);
  const { divided, fees } = takeApplicationFee(unit, charge, availableOn);
  const posted = { ...divided, balance_transaction: postCharge(unit, charge, availableOn, fees) };
  return transferPart(unit, posted, availableOn);
}

export function latestCharge(unit: UnitOfWork, paymentIntent: Stripe.PaymentIntent): Stripe.Charge | undefined {
  const id = idOf(paymentIntent.latest_charge);
  return id === null ? undefined : unit.find("charge", id);
}
