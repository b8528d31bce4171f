import type { Stripe } from "stripe";
import type { Endpoint } from "../../http/endpoint.ts";
import { newId } from "../../world/identifiers.ts";
import { findScenarioOf } from "../methods/paymentMethods.ts";
import { readable } from "../../http/resources.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/**
 * Early fraud warnings: the card's bank reports a payment that may be disputed later.
 * https://docs.stripe.com/api/radar/early_fraud_warnings
 */
export const FRAUD_WARNINGS: readonly Endpoint[] = readable(
  "radar.early_fraud_warning",
  "/v1/radar/early_fraud_warnings",
);

/** Opens the warning that the Charge's payment method stands for, if it does. */
export function warnOfFraud(unit: UnitOfWork, chargeId: string): void {
  const charge = unit.find("charge", chargeId);
  if (findScenarioOf(unit, charge?.payment_method ?? "")?.warnsOfFraud !== true) return;
  const warning: Stripe.Radar.EarlyFraudWarning = {
    id: newId("issfr"),
    object: "radar.early_fraud_warning",
    actionable: true,
    charge: chargeId,
    created: unit.nowSeconds,
    fraud_type: "made_with_stolen_card",
    livemode: false,
    ...(typeof charge?.payment_intent === "string" && { payment_intent: charge.payment_intent }),
  };
  unit.fire("fraud_warned", [unit.save(warning)]);
}
