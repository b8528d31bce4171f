/**
 * Makes up for webhooks that never came. Waiting calls poll by themselves, but nobody waits for a dispute or a refund that was
 * made in Stripe's dashboard: so this object, which schedules itself, lists the events that Stripe could not deliver since its
 * last run, rings the doorbells in them and has payments looked at, as their webhooks would have.
 *
 * Its key is the platform's own account, or a connected one.
 */
import * as restate from "@restatedev/restate-sdk";
import { formatDuration } from "../config/duration.ts";
import { isScheduled, reconcileSince, type ReconcileSchedule } from "./rules.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import { invalidRequest } from "../durable/failures.ts";
import { abortTimeoutMs, untilAnOperatorLooks } from "../durable/policies.ts";
import type { NotificationsOptions } from "../notifications/options.ts";
import type { PaymentNotifier } from "../notifications/paymentNotifier.ts";
import { platformKey, webhookReconcilerName } from "./reconcilerAlarm.ts";
import { stripeStep } from "../durable/stripeStep.ts";

export type ReconcilerOptions = {
  readonly stripe: StripeGateway;
  readonly notifications: NotificationsOptions;
  /** How long from one reconciliation to the next; 0: never. */
  readonly reconcileIntervalMs: number;
  readonly inactivityTimeoutMs: number;
};

/** What a reconciliation found, for the operator: `npx restate kv get webhookReconciler platform`. */
export type Reconciled = {
  readonly at: string;
  /** Undelivered events, and what came of them: calls that were woken, payments that are looked at. */
  readonly events: number;
  readonly rung: number;
  readonly lookedAt: number;
};

type State = { schedule: ReconcileSchedule; reconciledUntilMs: number; last: Reconciled; progress: Progress };

/** How far a reconciliation has come that is not complete yet. The events are listed from the newest to the oldest. */
type Progress = Omit<Reconciled, "at"> & {
  readonly begunAtMs: number;
  readonly createdSince: number;
  /** The last event that was passed on. */
  readonly after: string | null;
  readonly oldestMs: number | null;
};

/** A hundred events each. */
const pagesPerCall = 20;

/** Stripe tries for three days; what it has not delivered after this is not just under way. */
const underWayMs = 5 * 60 * 1000;

export type WebhookReconciler = ReturnType<typeof createWebhookReconciler>;

export function createWebhookReconciler(options: ReconcilerOptions) {
  const { stripe, notifications } = options;

  /** A setting may change between two attempts of a call, whose journal must go on to fit. */
  async function fixInterval(ctx: restate.Context): Promise<number> {
    return await ctx.run("fix the interval", () => options.reconcileIntervalMs);
  }

  /** Begins the schedule, unless it is alive. */
  async function wake(ctx: restate.ObjectContext<State>): Promise<void> {
    const intervalMs = await fixInterval(ctx);
    if (intervalMs === 0 || isScheduled(await ctx.get("schedule"), intervalMs, await ctx.date.now())) return;
    await scheduleNext(ctx, 0);
  }

  /** One run of the schedule: fixes the next one, and has every account reconciled. */
  async function tick(ctx: restate.ObjectContext<State>, token: string): Promise<void> {
    if ((await ctx.get("schedule"))?.token !== token) return;
    const intervalMs = await fixInterval(ctx);
    if (intervalMs === 0) return ctx.clear("schedule");
    // First, so that nothing that follows can end the schedule.
    await scheduleNext(ctx, intervalMs);
    selfOf(ctx).reconcile();
    const accountIds = await stripeStep(ctx, "list connected accounts", () => stripe.listConnectedAccounts());
    for (const accountId of accountIds ?? []) {
      ctx.objectSendClient<WebhookReconciler>(webhookReconcilerName, accountId).reconcile();
    }
  }

  /** Passes on what every undelivered event of the account says. */
  async function reconcile(ctx: restate.ObjectContext<State>): Promise<Reconciled> {
    if (ctx.key !== platformKey && !/^acct_\w+$/.test(ctx.key)) {
      const message = `There is no account "${ctx.key}": the key is ${platformKey}, or the id of a connected account (acct_…).`;
      throw invalidRequest({ message, param: null, stripeCode: null });
    }
    const account = ctx.key === platformKey ? null : ctx.key;
    const progress = (await ctx.get("progress")) ?? (await begin(ctx));
    const { begunAtMs, createdSince } = progress;
    let { after, events, rung, lookedAt, oldestMs } = progress;
    for (let pages = 0; pages < pagesPerCall; pages++) {
      const query = { account, createdSince, after };
      const page = await stripeStep(ctx, "list undelivered events", async () => {
        const listed = await stripe.listUndelivered(query);
        // Payments of connected accounts are not ours to read; who waits for one is rung.
        return account === null && notifications.receiver !== null ? listed : { ...listed, telltales: [] };
      });
      for (const address of page.doorbells) ctx.resolveAwakeable(address);
      for (const { paymentIntentId, changes } of page.telltales) {
        const request = { changes, askedBy: "webhook", abandoned: false } as const;
        ctx.objectSendClient<PaymentNotifier>({ name: "paymentNotifier" }, paymentIntentId).look(request);
      }
      events += page.count;
      rung += page.doorbells.length;
      lookedAt += page.telltales.length;
      oldestMs = page.oldest === null ? oldestMs : page.oldest * 1000;
      after = page.next;
      if (after === null) break;
    }
    const last: Reconciled = { at: await ctx.date.toJSON(), events, rung, lookedAt };
    if (after !== null) {
      // One call holds only so many pages; the rest is for the next one.
      ctx.set("progress", { begunAtMs, createdSince, after, events, rung, lookedAt, oldestMs });
      selfOf(ctx).reconcile();
      return last;
    }
    ctx.clear("progress");
    ctx.set("reconciledUntilMs", begunAtMs);
    ctx.set("last", last);
    const ageMs = oldestMs === null ? 0 : begunAtMs - oldestMs;
    if (ageMs > underWayMs) {
      ctx.console.warn(
        `Stripe could not deliver ${events} events, the oldest ${formatDuration(ageMs)} ago; what they say was made up for. Is the webhook endpoint reachable, and STRIPE_WEBHOOK_SECRET right?`,
      );
    }
    return last;
  }

  const running = {
    retryPolicy: untilAnOperatorLooks,
    inactivityTimeout: options.inactivityTimeoutMs,
    abortTimeout: abortTimeoutMs,
    journalRetention: 0,
  } as const;

  return restate.object({
    ...webhookReconcilerName,
    description: "Makes up for Stripe's webhooks that never came.",
    handlers: {
      wake: restate.handlers.object.exclusive(
        { ...running, ingressPrivate: true, description: "Begins the schedule, unless it is alive." },
        wake,
      ),
      tick: restate.handlers.object.exclusive(
        { ...running, ingressPrivate: true, description: "One run of the schedule." },
        tick,
      ),
      reconcile: restate.handlers.object.exclusive(
        { ...running, description: "Lists undelivered events and passes on what they say. Safe to call at any time." },
        reconcile,
      ),
    },
  });
}

async function scheduleNext(ctx: restate.ObjectContext<State>, delayMs: number): Promise<void> {
  const token = ctx.rand.uuidv4();
  ctx.set("schedule", { nextAtMs: (await ctx.date.now()) + delayMs, token });
  selfOf(ctx).tick(token, restate.rpc.sendOpts({ delay: delayMs }));
}

async function begin(ctx: restate.ObjectContext<State>): Promise<Progress> {
  const begunAtMs = await ctx.date.now();
  const createdSince = reconcileSince(await ctx.get("reconciledUntilMs"), begunAtMs);
  return { begunAtMs, createdSince, after: null, events: 0, rung: 0, lookedAt: 0, oldestMs: null };
}

function selfOf(ctx: restate.ObjectContext<State>) {
  return ctx.objectSendClient<WebhookReconciler>(webhookReconcilerName, ctx.key);
}
