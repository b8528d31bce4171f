import type { EventRules } from "../webhooks/eventRule.ts";

/**
 * A change of a capability is a change of its account as well, so that `capability.updated`, which carries no metadata and rings nobody,
 * is not asked for; an account that left shows at the next poll.
 */
export const accountEvents: EventRules = {
  "account.updated": { rings: true, changes: null, paymentIn: "payment_intent" },
};
