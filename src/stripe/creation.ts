/** What a call made at Stripe is known by: its call and its installation, in its metadata. */
import { isMadeBy, type Maker } from "./metadata.ts";
import { clockToleranceMs, nextPage, type Page } from "./request.ts";

/** The call that made an object, and when its request was fixed, in epoch milliseconds. */
export type Creation = Omit<Maker, "merchant"> & { readonly fixedAtMs: number };

type Listed = {
  readonly id: string;
  readonly created: number;
  readonly metadata: Readonly<Record<string, string>> | null;
};

/** In Unix seconds, as Stripe counts. An idempotency key that comes again after its retention has the same invocation id. */
function createdSince({ fixedAtMs }: Creation): number {
  return Math.floor((fixedAtMs - clockToleranceMs) / 1000);
}

/** The parameters of one page of a list, newest first, that shows what the call can have made. */
export function pageQuery(creation: Creation, after: string | null) {
  return {
    created: { gte: createdSince(creation) },
    limit: 100,
    ...(after === null ? {} : { starting_after: after }),
  };
}

/** The objects on a page that the call made, newest first; two of the same second by their ids, so that every look-up gives the same. */
export function madeBy<Thing extends Listed, Item>(
  creation: Creation,
  page: { readonly has_more?: boolean; readonly data: readonly Thing[] },
  read: (thing: Thing) => Item,
): Page<Item> {
  const found = page.data
    .filter(({ metadata, created }) => isMadeBy(creation, metadata) && created >= createdSince(creation))
    .toSorted((a, b) => b.created - a.created || (a.id < b.id ? 1 : -1))
    .map(read);
  return { found, next: nextPage({ has_more: page.has_more ?? false, data: page.data }) };
}
