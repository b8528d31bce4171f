import type { Stripe } from "stripe";

/** An object shows its newest ten parts; all of them have an address of their own. */
const SHOWN = 10;

export function embedList<T>(url: string, newestFirst: readonly T[]): Stripe.ApiList<T> {
  return { object: "list", data: newestFirst.slice(0, SHOWN), has_more: newestFirst.length > SHOWN, url };
}
