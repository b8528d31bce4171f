/** Finding the PaymentIntents of a call whose answer was lost, by the invocation id in their metadata. */
import type { Stripe } from "stripe";
import { invocationIdKey } from "../../stripe/metadata.ts";
import { ask, clockToleranceMs, expectObject, unexpectedAnswer } from "../../stripe/request.ts";

/** The call that made a PaymentIntent, and when its request was fixed, in epoch milliseconds. */
export type Creation = { readonly invocationId: string; readonly fixedAtMs: number };

export type ListedPayments = {
  readonly found: readonly string[];
  /** Where the next page begins; null after the last one. */
  readonly next: string | null;
};

export function paymentSearch(stripe: Stripe) {
  return {
    /**
     * Finds the ids of the PaymentIntents that a call created by the invocation id in their metadata; null where search is
     * not available. It lags behind by up to a minute, an hour in outages. https://docs.stripe.com/search#data-freshness
     */
    async searchPayments(creation: Creation): Promise<readonly string[] | null> {
      const query = `metadata["${invocationIdKey}"]:"${creation.invocationId}"`;
      return await ask<readonly string[] | null>(
        async () =>
          idsOf(creation, expectObject("search_result", await stripe.paymentIntents.search({ query, limit: 10 }))),
        () => null,
      );
    },

    /**
     * Looks for them in one page of the account's list, newest first, which shows at once what exists.
     * @param after the `next` of the page before, or null for the first page
     * @see https://docs.stripe.com/api/payment_intents/list
     */
    async listPayments(creation: Creation, after: string | null): Promise<ListedPayments> {
      return await ask<ListedPayments>(
        async () => {
          const page = await stripe.paymentIntents.list({
            created: { gte: createdSince(creation) },
            limit: 100,
            ...(after === null ? {} : { starting_after: after }),
          });
          const last = expectObject("list", page).data.at(-1);
          return { found: idsOf(creation, page), next: page.has_more && last !== undefined ? last.id : null };
        },
        (meaning) => unexpectedAnswer("list PaymentIntents", meaning),
      );
    },
  };
}

/** In seconds, as Stripe counts. */
function createdSince({ fixedAtMs }: Creation): number {
  return Math.floor((fixedAtMs - clockToleranceMs) / 1000);
}

/**
 * Those that the call made, newest first, two of the same second by their ids, so that every look-up gives the same. What is
 * older than its request is another call's: an idempotency key that comes again after its retention has the same invocation id.
 */
function idsOf(creation: Creation, page: { readonly data: readonly Stripe.PaymentIntent[] }): readonly string[] {
  return page.data
    .filter(
      ({ metadata, created }) =>
        metadata[invocationIdKey] === creation.invocationId && created >= createdSince(creation),
    )
    .toSorted((a, b) => b.created - a.created || (a.id < b.id ? 1 : -1))
    .map(({ id }) => id);
}
