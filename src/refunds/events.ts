import type { EventRule, EventRules } from "../webhooks/eventRule.ts";

const news: EventRule = { rings: true, changes: ["refunds"], paymentIn: "payment_intent" };

export const refundEvents: EventRules = {
  "refund.created": { ...news, rings: false },
  "refund.updated": news,
  "refund.failed": news,
  // Older API versions send this one; its object is the refund, too.
  "charge.refund.updated": { ...news, rings: false },
};
