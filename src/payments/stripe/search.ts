/** Finding the PaymentIntents of a call whose answer was lost, by the invocation id in their metadata. */
import type { Stripe } from "stripe";
import { madeBy, pageQuery, type Creation } from "../../stripe/creation.ts";
import { invocationIdKey } from "../../stripe/metadata.ts";
import { ask, expectObject, unexpectedAnswer, type Page } from "../../stripe/request.ts";

export function paymentSearch(stripe: Stripe) {
  return {
    /**
     * Finds the ids of the PaymentIntents that a call created by the invocation id in their metadata, newest first; null where
     * search is not available. It lags behind by up to a minute, an hour in outages. https://docs.stripe.com/search#data-freshness
     */
    async searchPayments(creation: Creation): Promise<readonly string[] | null> {
      const query = `metadata["${invocationIdKey}"]:"${creation.invocationId}"`;
      return await ask<readonly string[] | null>(
        async () => {
          const result = await stripe.paymentIntents.search({ query, limit: 10 });
          return madeBy(creation, expectObject("search_result", result), ({ id }) => id).found;
        },
        () => null,
      );
    },

    /**
     * Looks for them on one page of the account's list, newest first, which shows at once what exists.
     * @param after the `next` of the page before, or null for the first page
     * @see https://docs.stripe.com/api/payment_intents/list
     */
    async listPayments(creation: Creation, after: string | null): Promise<Page<string>> {
      return await ask<Page<string>>(
        async () => {
          const page = await stripe.paymentIntents.list(pageQuery(creation, after));
          return madeBy(creation, expectObject("list", page), ({ id }) => id);
        },
        (meaning) => unexpectedAnswer("list PaymentIntents", meaning),
      );
    },
  };
}
