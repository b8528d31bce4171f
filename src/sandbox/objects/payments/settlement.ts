import type { Stripe } from "stripe";
import { failedCharge, latestCharge, saveCaptured, succeededCharge } from "./charges.ts";
import { attemptPayment, recordFailure } from "./confirmation.ts";
import { DECLINES, type Decline } from "../../world/declines.ts";
import { findScenarioOf, usePaymentMethod } from "../methods/paymentMethods.ts";
import { flowOf } from "../methods/paymentMethodTypes.ts";
import type { Scenario } from "../methods/scenario.ts";
import { idOf } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/** Changes of a payment without a request of the merchant: the bank settles it, or the customer acts. */
export type ForcedOutcome = "succeeded" | "failed";

/** Ends `processing`, as the payment method's scenario says or as forced. False when there is nothing to settle. */
export function settlePayment(unit: UnitOfWork, id: string, forced: ForcedOutcome | null): boolean {
  const paymentIntent = unit.find("payment_intent", id);
  if (paymentIntent?.status !== "processing") return false;
  const charge = latestCharge(unit, paymentIntent);
  const methodId = idOf(paymentIntent.payment_method);
  const scenario = findScenarioOf(unit, methodId ?? "");
  if (charge === undefined || methodId === null || scenario === undefined) return false;
  unit.dropJobs(id);
  const decline = forced === "succeeded" ? null : settlementDecline(scenario, forced);
  if (decline === null) {
    const succeeded = unit.save<Stripe.PaymentIntent>({
      ...paymentIntent,
      status: "succeeded",
      amount_received: paymentIntent.amount,
    });
    const paid = saveCaptured(unit, succeededCharge(charge, charge.amount));
    unit.fire("settled", [succeeded, paid]);
    return true;
  }
  const { paymentMethod } = usePaymentMethod(unit, methodId);
  unit.fire(
    "settlement_failed",
    recordFailure(unit, paymentIntent, failedCharge(charge, decline), paymentMethod, decline),
  );
  return true;
}

/** Why the bank refuses; null when it pays. A payment forced to fail has its own reason if its scenario names none. */
function settlementDecline({ attempt }: Scenario, forced: "failed" | null): Decline | null {
  if (attempt.kind === "processing" && typeof attempt.settlement === "object") return attempt.settlement;
  return forced === "failed" ? DECLINES.bankRefused : null;
}

/** The customer passes or fails the authentication or redirect. False when the payment doesn't wait for that. */
export function authorizePayment(unit: UnitOfWork, id: string, outcome: ForcedOutcome): boolean {
  const paymentIntent = unit.find("payment_intent", id);
  const methodId = idOf(paymentIntent?.payment_method);
  if (paymentIntent?.status !== "requires_action" || methodId === null) return false;
  const usable = usePaymentMethod(unit, methodId);
  if (usable.scenario.voucher !== null) return false;
  if (outcome === "succeeded") {
    attemptPayment(unit, paymentIntent, usable, null);
    return true;
  }
  const isRedirect = flowOf(usable.scenario.type).kind === "redirect";
  const decline = isRedirect ? DECLINES.redirectFailed : DECLINES.authenticationFailed;
  unit.fire("not_paid", recordFailure(unit, paymentIntent, null, usable.paymentMethod, decline));
  return true;
}

/**
 * The customer pays the voucher or lets it expire, as the email's scenario says or as forced. False when there is no
 * voucher.
 */
export function settleVoucher(unit: UnitOfWork, id: string, forced: ForcedOutcome | null): boolean {
  const paymentIntent = unit.find("payment_intent", id);
  const methodId = idOf(paymentIntent?.payment_method);
  if (paymentIntent?.status !== "requires_action" || methodId === null) return false;
  const usable = usePaymentMethod(unit, methodId);
  const fate = usable.scenario.voucher;
  if (fate === null) return false;
  unit.dropJobs(id);
  if ((forced ?? fate.outcome) === "succeeded") attemptPayment(unit, paymentIntent, usable, null);
  else {
    const expired = recordFailure(unit, paymentIntent, null, usable.paymentMethod, DECLINES.voucherExpired);
    unit.fire("not_paid", expired);
  }
  return true;
}

/** An authorization that nobody captured ends after its seven days. */
export function expireAuthorization(unit: UnitOfWork, id: string): void {
  const paymentIntent = unit.find("payment_intent", id);
  if (paymentIntent?.status !== "requires_capture") return;
  if (paymentIntent.amount_received > 0) {
    releaseRest(unit, paymentIntent);
    return;
  }
  const canceled = unit.save<Stripe.PaymentIntent>({
    ...paymentIntent,
    status: "canceled",
    amount_capturable: 0,
    canceled_at: unit.nowSeconds,
    cancellation_reason: "expired",
  });
  unit.fire("authorization_expired", [canceled, latestCharge(unit, paymentIntent)]);
}

/** Of several captures, those that were made stand. */
function releaseRest(unit: UnitOfWork, paymentIntent: Stripe.PaymentIntent): void {
  const closed = unit.save<Stripe.PaymentIntent>({ ...paymentIntent, status: "succeeded", amount_capturable: 0 });
  const charge = latestCharge(unit, closed);
  if (charge !== undefined) saveCaptured(unit, { ...charge, captured: true });
  unit.fire("rest_released", [closed]);
}

/** The part that isn't captured goes back to the customer, which the Charge shows as a refund. */
export function releaseCharge(unit: UnitOfWork, paymentIntent: Stripe.PaymentIntent): Stripe.Charge | undefined {
  const charge = latestCharge(unit, paymentIntent);
  if (charge === undefined) return undefined;
  return unit.save({ ...charge, amount_refunded: charge.amount, refunded: true });
}
