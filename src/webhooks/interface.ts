import { iface, type Context } from "@restatedev/restate-sdk";
import { defaultMerchant, merchantIdPattern, type Account } from "../merchants/rules.ts";

/** What a reconciliation found, for the operator: `npx restate kv get webhookReconciler platform`. */
export type Reconciled = {
  readonly at: string;
  /** Undelivered events, and what came of them: calls that were woken, payments that are looked at. */
  readonly events: number;
  readonly rung: number;
  readonly lookedAt: number;
};

/** A page of the connected accounts: which run asks for it, after which account it begins, and how many came before. */
export type FanOut = {
  readonly run: string;
  readonly after: string | null;
  readonly place: number;
  readonly intervalMs: number;
};

/** The key of the default merchant's own events, and of its schedule. */
export const platformKey = "platform";

/** Stripe's ids of accounts are far shorter. */
const accountIdShape = /^acct_\w{1,64}$/;

/**
 * The key of an account's events; the schedule of a merchant is that of its own account: `platform` and `acct_…` for the default
 * merchant, `merchant:<id>` and `merchant:<id>/acct_…` for another one.
 */
export function reconcilerKey({ merchant, stripeAccount }: Account): string {
  if (merchant === defaultMerchant) return stripeAccount ?? platformKey;
  return stripeAccount === null ? `merchant:${merchant}` : `merchant:${merchant}/${stripeAccount}`;
}

/** The account that a key stands for; null for a key that is none of ours. Whether there is such a connected account, only Stripe can tell. */
export function accountOfReconciler(key: string): Account | null {
  const [, merchant = defaultMerchant, connected = platformKey] =
    /^(?:merchant:([^/]+)(?:\/|$))?(.+)?$/.exec(key) ?? [];
  const stripeAccount = connected === platformKey ? null : connected;
  const account = { merchant, stripeAccount };
  const isAccount = stripeAccount === null || accountIdShape.test(stripeAccount);
  return isAccount && merchantIdPattern.test(merchant) && reconcilerKey(account) === key ? account : null;
}

/** One object per account. */
export const webhookReconcilerInterface = iface.object(
  "webhookReconciler",
  {
    wake: iface.shared.json({ description: "Begins the schedule, unless it is alive." }),
    tick: iface.json<string>({ description: "One run of the schedule." }),
    fanOut: iface.shared.json<FanOut>({
      description: "Has one page of the connected accounts reconciled, and the next.",
    }),
    reconcile: iface.json<void, Reconciled>({
      description: "Lists undelivered events and passes on what they say. Safe to call at any time.",
    }),
  },
  { description: "Makes up for Stripe's webhooks that never came." },
);

/** Wakes the schedule of a call's merchant. */
export function wakeReconciler({ ctx, account }: { readonly ctx: Context; readonly account: Account }): void {
  const own = { merchant: account.merchant, stripeAccount: null };
  ctx.sendClient(webhookReconcilerInterface, reconcilerKey(own)).wake();
}
