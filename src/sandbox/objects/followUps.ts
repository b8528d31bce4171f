import { payFromCashBalance } from "./methods/cashBalance.ts";
import { followPayment } from "./checkout/sessions.ts";
import { openDispute } from "./payments/disputes.ts";
import { warnOfFraud } from "./payments/fraudWarnings.ts";
import type { FollowUps } from "../world/unitOfWork.ts";

/** The work that an event sets going in the same moment: each function gets the id of the object that the event shows. */
export const FOLLOW_UPS: FollowUps = {
  "charge.succeeded": (unit, id) => {
    openDispute(unit, id);
    warnOfFraud(unit, id);
  },
  "charge.captured": openDispute,
  "payment_intent.amount_capturable_updated": followPayment,
  "payment_intent.payment_failed": followPayment,
  "payment_intent.processing": followPayment,
  "payment_intent.requires_action": (unit, id) => {
    followPayment(unit, id);
    // A bank transfer that came before may pay it at once.
    payFromCashBalance(unit, id);
  },
  "payment_intent.succeeded": followPayment,
};
