/**
 * Tells the merchant's own system what became of a payment, at once or months later. One object per PaymentIntent, which
 * does one thing at a time: hence the order. To `look` is to read Stripe and to hand over what was not told yet; whoever asks
 * for it brings no news, only a reason to look. Each notification is then a call of its own to `deliver`, which repeats it
 * for days. What is given up is a failed call that an operator sees and can start again.
 */
import * as restate from "@restatedev/restate-sdk";
import type { Call } from "../durable/call.ts";
import { AccountGone } from "../durable/failures.ts";
import { openCall } from "../durable/openCall.ts";
import { throughPages } from "../durable/createOnce.ts";
import { deliveryRetentionMs, running } from "../durable/policies.ts";
import { withState } from "../durable/state.ts";
import { merchantOf, type HandlerOptions } from "../merchants/options.ts";
import { addressOf, readKey } from "../merchants/rules.ts";
import type { Page } from "../stripe/request.ts";
import { deliverNotification } from "./deliverNotification.ts";
import { paymentNotifierInterface, type Delivered, type LookRequest } from "./interface.ts";
import {
  dueNotifications,
  isOutcomeTold,
  type LaterChange,
  type Memory,
  type SeenDispute,
  type SeenRefund,
  type SeenWarning,
} from "./rules/dueNotifications.ts";
import type { PaymentNotification } from "./contract.ts";

/** Kept in the object's state for the operator: `npx restate kv get paymentNotifier pi_…`. */
type GivenUp = { readonly id: string; readonly at: string; readonly why: string };

type State = { memory: Memory; givenUp: readonly GivenUp[] };

export function createPaymentNotifier(options: HandlerOptions) {
  const { notifications } = options;
  const { rememberedMs } = notifications;

  async function look(ctx: restate.ObjectContext<State>, request: LookRequest): Promise<void> {
    const { account, name: paymentIntentId } = readKey(ctx.key);
    const call = openCall(ctx, options, { account });
    const known = await ctx.get("memory");
    const nowMs = await ctx.date.now();
    const begun: Memory = known ?? { begunAtMs: nowMs, changedAtMs: nowMs, abandoned: false, told: [] };
    const before: Memory = { ...begun, abandoned: begun.abandoned || request.abandoned };
    if (request.changes.length === 0 && isOutcomeTold(before, paymentIntentId)) return;

    const observed = await call.ask("read PaymentIntent", (stripe) => stripe.observePayment(paymentIntentId));
    if (observed === null) return;
    const { installationId, merchant, ...payment } = observed;
    const isOurs =
      installationId !== null && installationId === (await call.installationId()) && merchant === account.merchant;
    // Another merchant tells its own payments, also where both have one Stripe account, and so does another installation. Of one that a call of ours awaited, both do.
    if (known === null && request.askedBy !== "ours" && !isOurs) return;
    const isNewToUs = known === null && !isOurs;
    const seen = {
      payment: { ...payment, isOurs },
      ...(await readChanges(call, paymentIntentId, request.changes)),
    };

    const now = await ctx.date.toJSON();
    const { due, memory } = dueNotifications(before, seen, { nowMs, now, rememberedMs });
    // That a call of ours had to do with another's payment is remembered, also while there is nothing to tell.
    if (due.length === 0 && memory.abandoned === begun.abandoned && !isNewToUs) return;
    const self = selfOf(ctx);
    for (const notification of due) self.deliver({ ...notification, ...addressOf(account) });
    // Handed over first: a call that is killed in between tells twice with the same id, and loses nothing.
    ctx.set("memory", memory);
    if (known === null) self.forget(restate.rpc.sendOpts({ delay: rememberedMs }));
  }

  /** Delivers one notification, and notes in the state if it had to be given up. */
  async function deliver(ctx: restate.ObjectContext<State>, notification: PaymentNotification): Promise<Delivered> {
    const { id } = notification;
    const othersGivenUp = async () => ((await ctx.get("givenUp")) ?? []).filter((entry) => entry.id !== id);
    try {
      const { merchant } = readKey(ctx.key).account;
      const delivered = await deliverNotification(ctx, notification, {
        ...notifications,
        receiverNow: () => merchantOf(options, merchant)?.receiver ?? null,
      });
      // An operator may have started again what was given up.
      const others = await othersGivenUp();
      if (others.length > 0) ctx.set("givenUp", others);
      else ctx.clear("givenUp");
      return delivered;
    } catch (error) {
      if (!(error instanceof restate.TerminalError)) throw error;
      ctx.set("givenUp", [...(await othersGivenUp()), { id, at: await ctx.date.toJSON(), why: error.message }]);
      ctx.console.error(
        `The notification ${id} was given up: ${error.message} Once the receiver is mended: npx restate inv restart-as-new ${ctx.request().id}`,
      );
      throw error;
    }
  }

  /** Clears what is known of a payment when nothing has changed for long enough, or asks again when that will be. */
  async function forget(ctx: restate.ObjectContext<State>): Promise<void> {
    const memory = await ctx.get("memory");
    const dueAtMs = (memory?.changedAtMs ?? 0) + rememberedMs;
    const leftMs = dueAtMs - (await ctx.date.now());
    if (leftMs > 0) selfOf(ctx).forget(restate.rpc.sendOpts({ delay: leftMs }));
    else ctx.clearAll();
  }

  return restate.implement(paymentNotifierInterface, {
    handlers: {
      look: async (ctx, request) => {
        try {
          await look(withState<State>(ctx), request);
        } catch (error) {
          // A connected account has left: there is nothing to read any more, and so nothing to tell.
          if (!(error instanceof AccountGone)) throw error;
          ctx.console.info(`Nothing is told: ${error.message}`);
        }
      },
      deliver: async (ctx, notification) => await deliver(withState<State>(ctx), notification),
      forget: async (ctx) => await forget(withState<State>(ctx)),
    },
    options: {
      ...running(options),
      ingressPrivate: true,
      journalRetention: 0,
      // A delivery that was given up stays to be seen, and to be started again.
      handlers: { deliver: { journalRetention: deliveryRetentionMs } },
    },
  });
}

/** Reads what a look has a reason to read; each page of a list is a request to Stripe. */
async function readChanges(call: Call, paymentIntentId: string, changes: readonly LaterChange[]) {
  let refunds: readonly SeenRefund[] = [];
  let disputes: readonly SeenDispute[] = [];
  let warnings: readonly SeenWarning[] = [];
  for (const change of changes) {
    switch (change) {
      case "refunds":
        refunds = await everything((after) =>
          call.ask("list refunds", (stripe) => stripe.observeRefunds(paymentIntentId, after)),
        );
        break;
      case "disputes":
        disputes = await everything((after) =>
          call.ask("list disputes", (stripe) => stripe.observeDisputes(paymentIntentId, after)),
        );
        break;
      case "warnings":
        warnings = await everything((after) =>
          call.ask("list fraud warnings", (stripe) => stripe.observeWarnings(paymentIntentId, after)),
        );
        break;
    }
  }
  return { refunds, disputes, warnings };
}

/** Newest first, as Stripe lists it. */
async function everything<Item>(page: (after: string | null) => Promise<Page<Item>>): Promise<readonly Item[]> {
  return ((await throughPages(page)) ?? []).toReversed();
}

function selfOf(ctx: restate.ObjectContext<State>) {
  return ctx.sendClient(paymentNotifierInterface, ctx.key);
}
