/**
 * Makes up for webhooks that never came. Waiting calls poll by themselves, but nobody waits for a dispute or a refund that was
 * made in Stripe's dashboard: so this object, which schedules itself, lists the events that Stripe could not deliver since its
 * last run, rings the doorbells in them and has payments looked at, as their webhooks would have.
 *
 * Its key stands for a merchant's own account, or a connected one; of anything else it keeps nothing.
 *
 * A reconciliation that is paused, because Stripe rejects the key, blocks its object until an operator resumes it. So nothing may
 * queue up behind it: `wake` is a shared handler, and whatever is sent on a schedule has an idempotency key, under which the engine
 * has at most one call. Their answers are kept for no time, so that the key is free again when the call has ended.
 */
import * as restate from "@restatedev/restate-sdk";
import { formatDuration } from "../config/duration.ts";
import type { Call } from "../durable/call.ts";
import { openCall } from "../durable/openCall.ts";
import { failure, invalidField } from "../durable/failures.ts";
import { running } from "../durable/policies.ts";
import { withSharedState, withState } from "../durable/state.ts";
import type { HandlerOptions } from "../merchants/options.ts";
import { defaultAccount } from "../merchants/rules.ts";
import { askForLook } from "../notifications/thenLook.ts";
import { inPortions } from "../stripe/eventTypes.ts";
import { webhookEventTypes } from "./eventTable.ts";
import { fanOut, haveReconciled, reconcilePage } from "./fanOut.ts";
import { accountOfReconciler, platformKey, webhookReconcilerInterface, type Reconciled } from "./interface.ts";
import type { UndeliveredQuery } from "./stripe.ts";
import { isScheduled, listedForMs, reconcileSince, type ReconcileSchedule } from "./rules.ts";

type State = { schedule: ReconcileSchedule; reconciledUntilMs: number; last: Reconciled; progress: Progress };

/** How far a reconciliation has come that is not complete yet. The events are listed from the newest to the oldest. */
type Progress = Omit<Reconciled, "at"> & {
  readonly begunAtMs: number;
  readonly createdSince: number;
  /** The event types that are still to be listed, in portions that one request can name. */
  readonly typesLeft: readonly (readonly string[])[];
  /** The last event of the first portion that was passed on. */
  readonly after: string | null;
  readonly oldestMs: number | null;
};

type ReconcilerCall = Call<restate.ObjectContext<State>>;

/** A hundred events each. */
const pagesPerCall = 20;

/** Stripe tries for three days; what it has not delivered after this is not just under way. */
const underWayMs = 5 * 60 * 1000;

export function createWebhookReconciler(options: HandlerOptions) {
  const call = (ctx: restate.ObjectContext) => openCall(withState<State>(ctx), options, opening(ctx));
  const once = { idempotencyRetention: 0 };
  return restate.implement(webhookReconcilerInterface, {
    handlers: {
      wake: async (ctx) => await wake(openCall(withSharedState<State>(ctx), options, opening(ctx))),
      tick: async (ctx, token) => await tick(call(ctx), token),
      fanOut: async (ctx, page) =>
        await reconcilePage(openCall(withSharedState<State>(ctx), options, opening(ctx)), page),
      reconcile: async (ctx) => await reconcile(call(ctx)),
    },
    options: {
      ...running(options),
      journalRetention: 0,
      handlers: {
        wake: { ingressPrivate: true },
        tick: { ...once, ingressPrivate: true },
        fanOut: { ...once, ingressPrivate: true },
        reconcile: once,
      },
    },
  });
}

/** A merchant's own account asks for what happened on its connected ones. */
function opening({ key }: { readonly key: string }) {
  return { account: { ...(accountOfReconciler(key) ?? defaultAccount), stripeAccount: null } };
}

/** Of the run that begins a schedule. */
const firstToken = "first";

/** Begins the schedule, unless it is alive. */
async function wake(call: Call<restate.ObjectSharedContext<State>>): Promise<void> {
  const intervalMs = await fixInterval(call);
  const schedule = await call.ctx.get("schedule");
  if (intervalMs === 0 || isScheduled(schedule, intervalMs, call.lastStepAtMs())) return;
  const token = schedule?.token ?? firstToken;
  // The next run that is late may be queued behind a call that is paused: then this is the same call, and no other one.
  const isLate = schedule === null || schedule.nextAtMs <= call.lastStepAtMs();
  const idempotencyKey = isLate ? token : `${token}-${intervalMs}`;
  call.ctx.sendClient(webhookReconcilerInterface, call.ctx.key).tick(token, restate.rpc.sendOpts({ idempotencyKey }));
}

/** One run of the schedule: fixes the next one, and has the own account reconciled at once, and the connected ones by and by. */
async function tick(call: ReconcilerCall, token: string): Promise<void> {
  if (((await call.ctx.get("schedule"))?.token ?? firstToken) !== token) return;
  const intervalMs = await fixInterval(call);
  if (intervalMs === 0) return call.ctx.clear("schedule");
  // First, so that nothing that follows can end the schedule.
  scheduleNext(call, intervalMs);
  haveReconciled(call, call.ctx.key, 0);
  fanOut(call, { run: call.invocationId, after: null, place: 0, intervalMs }, 0);
}

/** A setting may change between two attempts of a call, whose journal must go on to fit. */
async function fixInterval(call: Call): Promise<number> {
  return await call.fix("fix the interval", ({ settings }) => settings.reconcileIntervalMs);
}

/** Passes on what every undelivered event of the account says. */
async function reconcile(call: ReconcilerCall): Promise<Reconciled> {
  const { ctx } = call;
  const account = await accountToReconcile(call);
  let progress = (await ctx.get("progress")) ?? (await begin(call));
  let { typesLeft, after, events, rung, lookedAt, oldestMs } = progress;
  for (let pages = 0; pages < pagesPerCall && typesLeft.length > 0; pages++) {
    const query = {
      merchant: call.account.merchant,
      account,
      types: typesLeft[0] ?? [],
      createdSince: progress.createdSince,
      after,
    };
    const { page, isTold } = await undeliveredEvents(call, query);
    if (page === null) {
      // A reconciliation that stood still for 30 days: Stripe has forgotten where it was. The rest of the list is passed on again.
      progress = await begin(call);
      ({ typesLeft, after } = progress);
      continue;
    }
    for (const address of page.doorbells) ctx.resolveAwakeable(address);
    const telltales = isTold ? page.telltales : [];
    for (const { paymentIntentId, changes } of telltales) {
      const of = { ctx, account: { ...call.account, stripeAccount: account } };
      askForLook(of, paymentIntentId, { changes, askedBy: "webhook", abandoned: false });
    }
    events += page.count;
    rung += page.doorbells.length;
    lookedAt += telltales.length;
    if (page.oldest !== null) oldestMs = Math.min(oldestMs ?? Infinity, page.oldest * 1000);
    after = page.next;
    if (after === null) typesLeft = typesLeft.slice(1);
  }
  const { begunAtMs, createdSince } = progress;
  const last: Reconciled = { at: await ctx.date.toJSON(), events, rung, lookedAt };
  if (typesLeft.length > 0) {
    // One call holds only so many pages; the rest is for the next one.
    ctx.set("progress", { begunAtMs, createdSince, typesLeft, after, events, rung, lookedAt, oldestMs });
    ctx.sendClient(webhookReconcilerInterface, ctx.key).reconcile();
    return last;
  }
  if (account !== null) lookAgainBeforeLong(call);
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

/**
 * The account that the object's key stands for; null for the platform itself.
 * @throws TerminalError `invalid_request` or `not_found` for what is not ours to reconcile, of which nothing is kept
 */
async function accountToReconcile(call: ReconcilerCall): Promise<string | null> {
  const { key } = call.ctx;
  const account = accountOfReconciler(key);
  if (account === null) {
    const message = `There is no account "${key.slice(0, 40)}": the key is ${platformKey}, or the id of a connected account (acct_…).`;
    throw invalidField("key", message, {});
  }
  const { stripeAccount } = account;
  if (stripeAccount === null) return null;
  if (await call.ask("read the connected account", (stripe) => stripe.isConnected(stripeAccount))) return stripeAccount;
  // It may have been connected before.
  call.ctx.clearAll();
  throw failure(
    "not_found",
    `The account ${stripeAccount} is not connected to ours, or the API key may not know of it.`,
    {},
  );
}

/** No list shows an account that has left: a last look, which finds that, clears what is kept of it. */
function lookAgainBeforeLong({ ctx }: ReconcilerCall): void {
  ctx
    .sendClient(webhookReconcilerInterface, ctx.key)
    .reconcile(restate.rpc.sendOpts({ delay: listedForMs, idempotencyKey: "last look" }));
}

async function undeliveredEvents(call: ReconcilerCall, query: UndeliveredQuery) {
  const page = await call.ask("list undelivered events", (stripe) => stripe.listUndelivered(query));
  return { page, isTold: call.isMerchantTold() };
}

function scheduleNext(call: ReconcilerCall, delayMs: number): void {
  const token = call.ctx.rand.uuidv4();
  call.ctx.set("schedule", { nextAtMs: call.lastStepAtMs() + delayMs, token });
  const sendOptions = restate.rpc.sendOpts<string>({ delay: delayMs, idempotencyKey: token });
  call.ctx.sendClient(webhookReconcilerInterface, call.ctx.key).tick(token, sendOptions);
}

async function begin(call: ReconcilerCall): Promise<Progress> {
  const begunAtMs = await call.ctx.date.now();
  const createdSince = reconcileSince(await call.ctx.get("reconciledUntilMs"), begunAtMs);
  const typesLeft = inPortions(webhookEventTypes);
  return { begunAtMs, createdSince, typesLeft, after: null, events: 0, rung: 0, lookedAt: 0, oldestMs: null };
}
