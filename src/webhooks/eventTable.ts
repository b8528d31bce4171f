/**
 * The event types that an endpoint of this service subscribes to, and the rule of each: some ring the doorbells of waiting
 * calls, some make us look at what became of a payment, so that the merchant can be told. Every other type is acknowledged.
 */
import { accountEvents } from "../accounts/events.ts";
import { disputeEvents } from "../disputes/events.ts";
import { paymentEvents } from "../payments/events.ts";
import { refundEvents } from "../refunds/events.ts";
import { setupEvents } from "../setups/events.ts";
import type { EventRule } from "./eventRule.ts";

const eventTable: ReadonlyMap<string, EventRule> = new Map(
  Object.entries({ ...accountEvents, ...paymentEvents, ...refundEvents, ...setupEvents, ...disputeEvents }),
);

/** The one list to subscribe to, printed at start. */
export const webhookEventTypes: readonly string[] = [...eventTable.keys()];

/** The rule of an event type; undefined for a type that is of no use to us. */
export function eventRuleOf(eventType: string): EventRule | undefined {
  return eventTable.get(eventType);
}
