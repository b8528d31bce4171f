/** The gateway's requests about events that Stripe could not deliver. */
import type { Stripe } from "stripe";
import { doorbellAddresses } from "../stripe/metadata.ts";
import { mayConcern, newsOfEvent, type Telltale } from "./eventNews.ts";
import {
  ask,
  expectObject,
  nextPage,
  StripeAccessError,
  unexpectedAnswer,
  unlessAccountGone,
  type Page,
  type RefusingAnswer,
} from "../stripe/request.ts";

/** Which events to list: those that were created since then (Unix seconds), newest first, from after the one named. */
export type UndeliveredQuery = {
  /** For whom: merchants may share a Stripe account, and none rings for another. */
  readonly merchant: string;
  /** At most twenty. */
  readonly types: readonly string[];
  /** Of a connected account, or null of the platform's own. */
  readonly account: string | null;
  readonly createdSince: number;
  readonly after: string | null;
};

/** One page of them, as far as somebody has to hear of them. */
export type UndeliveredPage = {
  readonly count: number;
  /** When the oldest was created, in Unix seconds; null on an empty page. */
  readonly oldest: number | null;
  readonly doorbells: readonly string[];
  /** One per payment. */
  readonly telltales: readonly Telltale[];
  /** The event after which the next page begins; null on the last one. */
  readonly next: string | null;
};

const eventsPerPage = 100;

export function undeliveredEvents(stripe: Stripe) {
  return {
    /**
     * Lists events of these types that an endpoint did not take (yet). Stripe keeps them for 30 days.
     * A connected account that has left has none. https://docs.stripe.com/webhooks/process-undelivered-events
     * @returns null if Stripe no longer knows the event that the page was to begin after
     */
    async listUndelivered(query: UndeliveredQuery): Promise<UndeliveredPage | null> {
      const { merchant, account, types, createdSince, after } = query;
      const listing = ask<UndeliveredPage | null>(
        async () => {
          const parameters: Stripe.EventListParams = {
            delivery_success: false,
            types: [...types],
            created: { gte: createdSince },
            limit: eventsPerPage,
            ...(after !== null && { starting_after: after }),
          };
          const page = await stripe.events.list(parameters, account === null ? {} : { stripeAccount: account });
          return pageOf(expectObject("list", page), merchant);
        },
        (meaning) =>
          after !== null && isMissing("starting_after", meaning) ? null : unexpectedAnswer("list the events", meaning),
      );
      if (account === null) return await listing;
      const allowed = await unlessForbidden(listing.then((page) => ({ page })));
      return allowed === null ? nothing : allowed.page;
    },

    /**
     * Tells whether an account is connected to ours, and we may know of it. Stripe answers for a stranger's account as for one
     * that doesn't exist. https://docs.stripe.com/api/accounts/retrieve
     */
    async isConnected(account: string): Promise<boolean> {
      const known = await unlessForbidden(
        ask(
          async () => expectObject("account", await stripe.accounts.retrieve(account)).id === account,
          (meaning) =>
            meaning.kind === "missing" || meaning.kind === "refused"
              ? false
              : unexpectedAnswer("read the connected account", meaning),
        ),
      );
      return known ?? false;
    },

    /**
     * Lists a page of the accounts that are connected to ours; null where the key may not, or the account has no use for Connect.
     * @param after the `next` of the page before, or null for the first page
     * @see https://docs.stripe.com/api/accounts/list
     */
    async listConnectedAccounts(after: string | null): Promise<Page<string> | null> {
      // Many a restricted key has no permission for Connect.
      return await unlessForbidden(
        ask<Page<string> | null>(
          async () => {
            const page = await stripe.accounts.list({ limit: 100, ...(after !== null && { starting_after: after }) });
            return { found: expectObject("list", page).data.map(({ id }) => id), next: nextPage(page) };
          },
          () => null,
        ),
      );
    },
  };
}

const nothing: UndeliveredPage = { count: 0, oldest: null, doorbells: [], telltales: [], next: null };

/** Whether Stripe doesn't know the object that this parameter names. */
function isMissing(param: string, meaning: RefusingAnswer): boolean {
  if (meaning.kind !== "missing" && meaning.kind !== "refused") return false;
  return meaning.refusal.stripeCode === "resource_missing" && meaning.refusal.param === param;
}

/** Null where the key may not, or the account is not connected. */
async function unlessForbidden<Answer>(asking: Promise<Answer>): Promise<Answer | null> {
  try {
    return await unlessAccountGone(asking, null);
  } catch (error) {
    if (error instanceof StripeAccessError && error.problem === "forbidden") return null;
    throw error;
  }
}

function pageOf(page: Stripe.ApiList<Stripe.Event>, merchant: string): UndeliveredPage {
  const { data } = page;
  const news = data
    .map(newsOfEvent)
    .filter((known) => known !== null)
    .filter((known) => mayConcern(known, merchant));
  const changesOf = new Map<string, Set<Telltale["changes"][number]>>();
  for (const { telltale } of news) {
    if (telltale === null) continue;
    const known = changesOf.get(telltale.paymentIntentId) ?? new Set();
    changesOf.set(telltale.paymentIntentId, known.union(new Set(telltale.changes)));
  }
  const last = data.at(-1);
  return {
    count: data.length,
    oldest: last?.created ?? null,
    doorbells: [...new Set(news.flatMap(({ metadata }) => doorbellAddresses(metadata)))],
    telltales: [...changesOf].map(([paymentIntentId, changes]) => ({ paymentIntentId, changes: [...changes] })),
    next: nextPage(page),
  };
}
