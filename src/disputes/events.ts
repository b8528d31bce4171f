import type { EventRule, EventRules } from "../webhooks/eventRule.ts";
import { isClosedDispute } from "./rules/dispute.ts";

const told: EventRule = { rings: false, changes: ["disputes"], paymentIn: "payment_intent" };
const warned: EventRule = { rings: false, changes: ["warnings"], paymentIn: "payment_intent" };

export const disputeEvents: EventRules = {
  "charge.dispute.created": told,
  // Every update of a dispute sends this event, that of our own doorbell included, so only a closed dispute rings.
  "charge.dispute.updated": { ...told, rings: ({ status }) => isClosedDispute(status ?? "") },
  "charge.dispute.closed": { ...told, rings: true },
  "charge.dispute.funds_withdrawn": told,
  "charge.dispute.funds_reinstated": told,
  "radar.early_fraud_warning.created": warned,
  "radar.early_fraud_warning.updated": warned,
};
