/** How a noun says which Stripe events are about it: the nouns' tables are joined in `eventTable.ts`. */
import type { LaterChange } from "../notifications/rules/dueNotifications.ts";

export type EventRule = {
  /**
   * Whether the event rings the doorbells in its object's metadata. Only a final or customer-facing state does;
   * `payment_intent.created` and `.processing` come first for every async payment and must not end a wait.
   */
  readonly rings: boolean | ((object: EventObject) => boolean);
  /** Of which payment something may be new, and where to look for it beside the PaymentIntent itself; null for none. */
  readonly changes: readonly LaterChange[] | null;
  /** The field of the event's object that names the PaymentIntent. */
  readonly paymentIn: "id" | "payment_intent";
};

/** The part of an event's object that a rule may look at: everything else in an event is data from the past. */
type EventObject = { readonly status: string | null };

/** https://docs.stripe.com/api/events/types */
export type EventRules = Readonly<Record<string, EventRule>>;
