/** What a Stripe event is to us, whether it came as a webhook or was found undelivered: who may be waiting for it, and where to look. */
import { z } from "zod";
import type { LaterChange } from "../notifications/rules/dueNotifications.ts";
import { makersMerchant } from "../stripe/metadata.ts";
import type { EventRule } from "./eventRule.ts";
import { eventRuleOf } from "./eventTable.ts";

export type EventNews = {
  /** Null where it has none that looks like an id of Stripe's. */
  readonly eventId: string | null;
  readonly eventType: string;
  /** Of which mode it is; null where it doesn't say. */
  readonly mode: "live" | "test" | null;
  /** The connected account that it happened on; null for the account's own. */
  readonly stripeAccount: string | null;
  /** The metadata of its object, where the event rings the doorbells in them; empty where it doesn't. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly telltale: Telltale | null;
  /** The merchant whose call made its object; null for an object that shows none. */
  readonly maker: string | null;
};

/** Of which payment something may be new, and where to look for it. Whether it is, and what, is for Stripe to say. */
export type Telltale = { readonly paymentIntentId: string; readonly changes: readonly LaterChange[] };

const paymentIntentIdShape = z
  .string()
  .max(255)
  .regex(/^pi_[A-Za-z0-9_]+$/)
  .nullish()
  .catch(null);

/** All that a ring or a look needs of an event. Everything else in it is data from the past: who wakes reads Stripe. */
const eventShape = z.object({
  id: z
    .string()
    .regex(/^evt_\w{1,250}$/)
    .nullish()
    .catch(null),
  type: z.string(),
  account: z
    .string()
    .regex(/^acct_\w{1,64}$/)
    .nullish()
    .catch(null),
  livemode: z.boolean().nullish().catch(null),
  data: z
    .object({
      object: z.object({
        id: paymentIntentIdShape,
        payment_intent: paymentIntentIdShape,
        status: z.string().nullish().catch(null),
        metadata: z.record(z.string(), z.string()).nullish().catch(null),
      }),
      previous_attributes: z.record(z.string(), z.unknown()).nullish().catch(null),
    })
    .nullish()
    .catch(null),
});

type Event = z.output<typeof eventShape>;

/** Reads an event; null if it is none. */
export function newsOfEvent(value: unknown): EventNews | null {
  const parsed = eventShape.safeParse(value);
  if (!parsed.success) return null;
  const event = parsed.data;
  const rule = eventRuleOf(event.type);
  return {
    eventId: event.id ?? null,
    eventType: event.type,
    stripeAccount: event.account ?? null,
    mode: typeof event.livemode === "boolean" ? (event.livemode ? "live" : "test") : null,
    metadata: (rule !== undefined && rings(rule, event) ? event.data?.object.metadata : null) ?? {},
    telltale: rule === undefined ? null : telltaleOf(rule, event),
    maker: makersMerchant(event.data?.object.metadata ?? {}),
  };
}

/**
 * Hanging a doorbell is itself an update, and must not ring it: it would be hung again for that, and so on. Stripe names
 * what an update changed.
 * https://docs.stripe.com/api/events/object#event_object-data-previous_attributes
 */
function rings(rule: EventRule, { data }: Event): boolean {
  const changed = Object.keys(data?.previous_attributes ?? {});
  if (changed.length > 0 && changed.every((field) => field === "metadata")) return false;
  return typeof rule.rings === "boolean" ? rule.rings : rule.rings({ status: data?.object.status ?? null });
}

/** Whether an event can be of concern to a merchant: merchants may share a Stripe account, and so hear of each other's objects. */
export function mayConcern({ maker }: Pick<EventNews, "maker">, merchant: string): boolean {
  return maker === null || maker === merchant;
}

/** A PaymentIntent's own event names it by its id, an event about anything else by a reference. */
function telltaleOf({ changes, paymentIn }: EventRule, { data }: Event): Telltale | null {
  const paymentIntentId = data?.object[paymentIn];
  if (changes === null || paymentIntentId === null || paymentIntentId === undefined) return null;
  return { paymentIntentId, changes };
}
