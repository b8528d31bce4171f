/**
 * Reconciles the connected accounts of a merchant, who may have many thousands: each page of their list is a call of its own, and each
 * account has a time of its own within the interval, so that what calls ask of Stripe meanwhile has room beside it.
 */
import * as restate from "@restatedev/restate-sdk";
import type { Call } from "../durable/call.ts";
import type { Page } from "../stripe/request.ts";
import { reconcilerKey, webhookReconcilerInterface, type FanOut } from "./interface.ts";
import { nextPageDelayMs, reconcileDelayMs } from "./rules.ts";

/** A call of the object of a merchant's own account, which alone fans out. */
type KeyedCall = Call<restate.Context & { readonly key: string }>;

/** Has a page of the connected accounts reconciled, spread over the interval, and asks for the next page. */
export async function reconcilePage(call: KeyedCall, { run, after, place, intervalMs }: FanOut): Promise<void> {
  const page = await call.unhurried(() => connectedAccounts(call, after));
  if (page === null) return;
  const { found, next } = page;
  for (const [index, stripeAccount] of found.entries()) {
    const key = reconcilerKey({ ...call.account, stripeAccount });
    haveReconciled(call, key, reconcileDelayMs(place + index, intervalMs));
  }
  if (next !== null) fanOut(call, { run, after: next, place: place + found.length, intervalMs }, nextPageDelayMs);
}

export function fanOut({ ctx }: KeyedCall, page: FanOut, delay: number): void {
  const idempotencyKey = `${page.run}-${page.place}`;
  ctx.sendClient(webhookReconcilerInterface, ctx.key).fanOut(page, restate.rpc.sendOpts({ delay, idempotencyKey }));
}

/** One that is still to come is not asked for twice. */
export function haveReconciled({ ctx }: Call, key: string, delay: number): void {
  ctx
    .sendClient(webhookReconcilerInterface, key)
    .reconcile(restate.rpc.sendOpts({ delay, idempotencyKey: "scheduled" }));
}

function connectedAccounts(call: Call, after: string | null): Promise<Page<string> | null> {
  return call.ask("list connected accounts", (stripe) => stripe.listConnectedAccounts(after));
}
