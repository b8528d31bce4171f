import { iface, type Context } from "@restatedev/restate-sdk";

/** What a reconciliation found, for the operator: `npx restate kv get webhookReconciler platform`. */
export type Reconciled = {
  readonly at: string;
  /** Undelivered events, and what came of them: calls that were woken, payments that are looked at. */
  readonly events: number;
  readonly rung: number;
  readonly lookedAt: number;
};

/** The key of the platform's own events, and of the schedule; connected accounts have keys of their own. */
export const platformKey = "platform";

/** Stripe's ids of accounts are far shorter. */
const accountIdShape = /^acct_\w{1,64}$/;

/** Tells whether an object's key can be one of ours: whether there is such a connected account, only Stripe can tell. */
export function isReconcilerKey(key: string): boolean {
  return key === platformKey || accountIdShape.test(key);
}

/** One object per account. */
export const webhookReconcilerInterface = iface.object(
  "webhookReconciler",
  {
    wake: iface.shared.json({ description: "Begins the schedule, unless it is alive." }),
    tick: iface.json<string>({ description: "One run of the schedule." }),
    reconcile: iface.json<void, Reconciled>({
      description: "Lists undelivered events and passes on what they say. Safe to call at any time.",
    }),
  },
  { description: "Makes up for Stripe's webhooks that never came." },
);

export function wakeReconciler(ctx: Context): void {
  ctx.sendClient(webhookReconcilerInterface, platformKey).wake();
}
