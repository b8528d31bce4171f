import type { EventRule, EventRules } from "../webhooks/eventRule.ts";

const news: EventRule = { rings: true, changes: [], paymentIn: "id" };

export const paymentEvents: EventRules = {
  "payment_intent.succeeded": news,
  "payment_intent.payment_failed": news,
  "payment_intent.canceled": news,
  "payment_intent.requires_action": { rings: true, changes: null, paymentIn: "id" },
  "payment_intent.amount_capturable_updated": news,
};
