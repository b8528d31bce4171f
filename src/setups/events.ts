import type { EventRule, EventRules } from "../webhooks/eventRule.ts";

/** A set-up moves no money, so there is nothing to tell of a payment. */
const news: EventRule = { rings: true, changes: null, paymentIn: "payment_intent" };

export const setupEvents: EventRules = {
  "setup_intent.succeeded": news,
  "setup_intent.setup_failed": news,
  "setup_intent.requires_action": news,
  "setup_intent.canceled": news,
};
