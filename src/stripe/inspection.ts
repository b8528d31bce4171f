/**
 * What Stripe itself says about the key, the account, its webhook endpoints and their deliveries: reads for an operator, by
 * which nothing is changed.
 */
import { Stripe } from "stripe";
import { clockAheadOf } from "./account.ts";
import { createStripeClient, type StripeTarget } from "./client.ts";
import { meaningOf, type AccessProblem } from "./errorMeaning.ts";
import { inPortions } from "./eventTypes.ts";

/** What came of asking Stripe. `refused`: about this key somebody has to do something. */
export type Asked<Answer> =
  | { readonly kind: "answered"; readonly answer: Answer }
  | { readonly kind: "refused"; readonly problem: AccessProblem; readonly message: string }
  | { readonly kind: "unavailable"; readonly message: string };

export type SeenAccount = {
  readonly accountId: string;
  /** How far this machine's clock is ahead of Stripe's; behind it is negative. Null where Stripe named no time. */
  readonly clockAheadMs: number | null;
};

export type SeenEndpoint = {
  readonly id: string;
  readonly url: string;
  readonly isEnabled: boolean;
  readonly eventTypes: readonly string[];
  /** Null: the account's default version. */
  readonly apiVersion: string | null;
  /** Whether it gets the events of connected accounts, and none of the key's own. */
  readonly isConnect: boolean;
};

export type SeenEvent = {
  readonly id: string;
  readonly type: string;
  readonly createdAtMs: number;
  /** Stripe goes on trying. */
  readonly isPending: boolean;
};

/** Newest first. */
export type SeenDeliveries = { readonly delivered: readonly SeenEvent[]; readonly undelivered: readonly SeenEvent[] };

export function inspectStripe(target: StripeTarget) {
  const stripe = createStripeClient(target);
  const limits = { timeout: requestTimeoutMs };

  return {
    /** https://docs.stripe.com/api/accounts/retrieve */
    async account(): Promise<Asked<SeenAccount>> {
      return await asking(async () => {
        const askedAtMs = Date.now();
        const account = await stripe.accounts.retrieveCurrent({}, limits);
        const betweenMs = (askedAtMs + Date.now()) / 2;
        if (typeof account.id !== "string") return null;
        const clockAheadMs = clockAheadOf(account.lastResponse.headers["date"], betweenMs);
        return { accountId: account.id, clockAheadMs };
      });
    },

    /** There are at most 16 per account and mode. https://docs.stripe.com/api/webhook_endpoints/list */
    async endpoints(): Promise<Asked<readonly SeenEndpoint[]>> {
      return await asking(async () => {
        const { data } = await stripe.webhookEndpoints.list({ limit: 100 }, limits);
        return data.map((endpoint) => ({
          id: endpoint.id,
          url: endpoint.url,
          isEnabled: endpoint.status === "enabled",
          eventTypes: endpoint.enabled_events,
          apiVersion: endpoint.api_version,
          isConnect: endpoint.application !== null,
        }));
      });
    },

    /** The newest events of these types, by whether they were delivered. Stripe keeps them for 30 days. https://docs.stripe.com/api/events/list */
    async deliveries(types: readonly string[]): Promise<Asked<SeenDeliveries>> {
      return await asking(async () => ({
        delivered: await this.events(types, true),
        undelivered: await this.events(types, false),
      }));
    },

    async events(types: readonly string[], wasDelivered: boolean): Promise<readonly SeenEvent[]> {
      const found: SeenEvent[] = [];
      for (const some of inPortions(types)) {
        const query = { types: [...some], delivery_success: wasDelivered, limit: 100 };
        const { data } = await stripe.events.list(query, limits);
        found.push(...data.map(seenEvent));
      }
      return found.toSorted((one, other) => other.createdAtMs - one.createdAtMs);
    },
  };
}

const requestTimeoutMs = 15_000;

/** The API version that everything here is written for. */
export const pinnedApiVersion = Stripe.API_VERSION;

/**
 * A webhook as Stripe would sign it with this secret, about nothing: of a type that no event has, it is acknowledged and
 * does nothing.
 */
export function webhookAboutNothing(secret: string): { readonly body: string; readonly signature: string } {
  const body = JSON.stringify({
    id: "evt_doctor",
    object: "event",
    type: "restate_stripe_payments.doctor",
    data: { object: {} },
  });
  return { body, signature: Stripe.webhooks.generateTestHeaderString({ payload: body, secret }) };
}

/** Sends a read. An answer that is not what was asked for is null, and comes of something that is not Stripe. */
async function asking<Answer>(request: () => Promise<Answer | null>): Promise<Asked<Answer>> {
  try {
    const answer = await request();
    if (answer === null) return { kind: "unavailable", message: "what answers in Stripe's name is not Stripe" };
    return { kind: "answered", answer };
  } catch (error) {
    const meaning = meaningOf(error);
    if (meaning.kind === "operator") return { ...meaning, kind: "refused" };
    return {
      kind: "unavailable",
      message: "message" in meaning ? meaning.message : `Stripe answered: ${meaning.kind}`,
    };
  }
}

function seenEvent(event: Stripe.Event): SeenEvent {
  const { id, type, created, pending_webhooks: pending } = event;
  return { id, type, createdAtMs: created * 1000, isPending: pending > 0 };
}
