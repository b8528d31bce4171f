/**
 * Tells the merchant's own system what became of a payment, at once or months later. One object per PaymentIntent, which
 * does one thing at a time: hence the order. To `look` is to read Stripe and to hand over what was not told yet; whoever asks
 * for it brings no news, only a reason to look. Each notification is then a call of its own to `deliver`, which repeats it
 * for days. What is given up is a failed call that an operator sees and can start again.
 */
import * as restate from "@restatedev/restate-sdk";
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
import type { StripeGateway } from "../merchants/gateway.ts";
import { deliverNotification, type Delivered } from "./deliverNotification.ts";
import { abortTimeoutMs, deliveryRetentionMs, untilAnOperatorLooks } from "../durable/policies.ts";
import type { NotificationsOptions } from "./options.ts";
import { stripeStep } from "../durable/stripeStep.ts";

export type LookRequest = {
  /** What may have changed, beside the payment itself. */
  readonly changes: readonly LaterChange[];
  /** `webhook`: whether the payment concerns us is still to be seen. `ours`: a call of ours has to do with it. */
  readonly askedBy: "webhook" | "ours";
  /** The caller was told that the payment is over, while it was still pending. */
  readonly abandoned: boolean;
};

/** Kept in the object's state for the operator: `npx restate kv get paymentNotifier pi_…`. */
type GivenUp = { readonly id: string; readonly at: string; readonly why: string };

type State = { memory: Memory; givenUp: readonly GivenUp[] };

export type NotifierOptions = {
  readonly stripe: StripeGateway;
  readonly notifications: NotificationsOptions;
  readonly inactivityTimeoutMs: number;
};

export type PaymentNotifier = ReturnType<typeof createPaymentNotifier>;

export function createPaymentNotifier({ stripe, notifications, inactivityTimeoutMs }: NotifierOptions) {
  const { rememberedMs } = notifications;

  async function look(ctx: restate.ObjectContext<State>, request: LookRequest): Promise<void> {
    const paymentIntentId = ctx.key;
    const known = await ctx.get("memory");
    const nowMs = await ctx.date.now();
    const begun: Memory = known ?? { begunAtMs: nowMs, changedAtMs: nowMs, abandoned: false, told: [] };
    const before: Memory = { ...begun, abandoned: begun.abandoned || request.abandoned };
    if (request.changes.length === 0 && isOutcomeTold(before, paymentIntentId)) return;

    const payment = await stripeStep(ctx, "read PaymentIntent", () => stripe.observePayment(paymentIntentId));
    const concernsUs = known !== null || request.askedBy === "ours" || payment?.isOurs === true;
    if (payment === null || !concernsUs) return;
    const seen = { payment, ...(await readChanges(ctx, paymentIntentId, request.changes)) };

    const now = await ctx.date.toJSON();
    const { due, memory } = dueNotifications(before, seen, { nowMs, now, rememberedMs });
    if (due.length === 0 && memory.abandoned === begun.abandoned) return;
    const self = selfOf(ctx);
    for (const notification of due) self.deliver(notification);
    // Handed over first: a call that is killed in between tells twice with the same id, and loses nothing.
    ctx.set("memory", memory);
    if (known === null) self.forget(restate.rpc.sendOpts({ delay: rememberedMs }));
  }

  /** Reads what a look has a reason to read; each list is a request to Stripe. */
  async function readChanges(
    ctx: restate.ObjectContext<State>,
    paymentIntentId: string,
    changes: readonly LaterChange[],
  ) {
    let refunds: readonly SeenRefund[] = [];
    let disputes: readonly SeenDispute[] = [];
    let warnings: readonly SeenWarning[] = [];
    for (const change of changes) {
      switch (change) {
        case "refunds":
          refunds = await stripeStep(ctx, "list refunds", () => stripe.observeRefunds(paymentIntentId));
          break;
        case "disputes":
          disputes = await stripeStep(ctx, "list disputes", () => stripe.observeDisputes(paymentIntentId));
          break;
        case "warnings":
          warnings = await stripeStep(ctx, "list fraud warnings", () => stripe.observeWarnings(paymentIntentId));
          break;
      }
    }
    return { refunds, disputes, warnings };
  }

  /** Delivers one notification, and notes in the state if it had to be given up. */
  async function deliver(ctx: restate.ObjectContext<State>, notification: PaymentNotification): Promise<Delivered> {
    const { id } = notification;
    const othersGivenUp = async () => ((await ctx.get("givenUp")) ?? []).filter((entry) => entry.id !== id);
    try {
      const delivered = await deliverNotification(ctx, notification, notifications);
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

  const running = {
    ingressPrivate: true,
    retryPolicy: untilAnOperatorLooks,
    inactivityTimeout: inactivityTimeoutMs,
    abortTimeout: abortTimeoutMs,
  } as const;

  return restate.object({
    name: "paymentNotifier",
    description: "Private: tells the merchant's own system what became of a payment.",
    handlers: {
      look: restate.handlers.object.exclusive(
        { ...running, description: "Reads the payment and hands over what was not told yet.", journalRetention: 0 },
        look,
      ),
      deliver: restate.handlers.object.exclusive(
        {
          ...running,
          description: "Delivers one notification, however often it takes. May be restarted as new.",
          // A delivery that was given up stays to be seen, and to be started again.
          journalRetention: deliveryRetentionMs,
        },
        deliver,
      ),
      forget: restate.handlers.object.exclusive(
        {
          ...running,
          description: "Clears the state of a payment that nothing happens to any more.",
          journalRetention: 0,
        },
        forget,
      ),
    },
  });
}

function selfOf(ctx: restate.ObjectContext<State>) {
  return ctx.objectSendClient<PaymentNotifier>({ name: "paymentNotifier" }, ctx.key);
}
