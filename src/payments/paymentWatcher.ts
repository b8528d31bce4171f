/**
 * The private watch over a PaymentIntent that no caller waits for any more. It cancels what the merchant gave up as soon
 * as Stripe lets it, and gives the money back if the payment succeeds after all.
 */
import * as restate from "@restatedev/restate-sdk";
import { creatorCallbackKey, invocationIdKey, waiterCallbackKey } from "../stripe/metadata.ts";
import type { PaymentSnapshot } from "./rules/payment.ts";
import { amountLeftToRefund, isRefundSettled, type RefundSnapshot } from "../refunds/rules.ts";
import { nextWatchStep, type WatchMode } from "./rules/watch.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import type { RefundParameters } from "../refunds/stripe.ts";
import { closePayment } from "./closePayment.ts";
import { needsReview } from "../durable/failures.ts";
import { abortTimeoutMs, untilAnOperatorLooks, watchJournalRetentionMs } from "../durable/policies.ts";
import { thenLook } from "../notifications/thenLook.ts";
import type { NotificationsOptions } from "../notifications/options.ts";
import { hangDoorbell, startPaymentWait } from "./object.ts";
import { readOwnPayment } from "./readPayment.ts";
import { stripeStep } from "../durable/stripeStep.ts";
import { createDoorbell, startWait, type Doorbell, type Wait } from "../durable/wait.ts";

export type WatchRequest = {
  readonly paymentIntentId: string;
  /** `customer`: the caller sent the customer to act. `abandoned`: the caller was told that the payment is over. */
  readonly mode: Extract<WatchMode, "customer" | "abandoned">;
  /** When a customer's time is over, in epoch milliseconds. Null for a payment that is already abandoned. */
  readonly deadlineAtMs: number | null;
};

/** How a watch ended, for the operator who looks at the invocation's result. */
export type WatchResult = {
  readonly paymentIntentId: string;
  readonly status: string;
  readonly compensation: "none" | "canceled" | "refunded";
  readonly refundIds: readonly string[];
};

export type WatcherOptions = {
  readonly stripe: StripeGateway;
  readonly pollScheduleMs: readonly number[];
  readonly inactivityTimeoutMs: number;
  readonly notifications: NotificationsOptions;
};

const maximumRefundAttempts = 10;

export type PaymentWatcher = ReturnType<typeof createPaymentWatcher>;

export function createPaymentWatcher(options: WatcherOptions) {
  const { stripe, pollScheduleMs, inactivityTimeoutMs, notifications } = options;

  /**
   * Watches one PaymentIntent to its end. A Restate cancellation ends the customer's time at once; an abandoned payment is
   * watched on, because it could succeed unseen otherwise (`restate inv kill` stops even that).
   */
  async function watch(ctx: restate.Context, request: WatchRequest): Promise<WatchResult> {
    const { paymentIntentId } = request;
    const callbackKey = waiterCallbackKey(ctx.request().id);
    const nowMs = request.deadlineAtMs === null ? 0 : await ctx.date.now();
    const deadlineMs = request.deadlineAtMs === null ? null : Math.max(0, request.deadlineAtMs - nowMs);

    let mode: WatchMode = request.mode;
    const doorbell = createDoorbell(ctx);
    const wait = startPaymentWait(ctx, stripe, { paymentIntentId, callbackKey, doorbell, pollScheduleMs, deadlineMs });
    // Reading comes before hanging the doorbell, which erases the reason of a failure.
    let payment = await readOwnPayment(ctx, stripe, paymentIntentId);
    let hung = false;
    for (;;) {
      const step = nextWatchStep(payment, mode);
      if (step === "done") return report(payment, payment.status === "canceled" ? "canceled" : "none", []);
      if (step === "refund") return await refund(ctx, payment);
      if (step === "cancel") {
        const closing = await closePayment(ctx, stripe, { payment, callbackKey, failure: null });
        ctx.console.info(`Watch of ${paymentIntentId}: cancelling it ended in "${closing.kind}".`);
        payment = closing.payment;
        // What Stripe doesn't let go of yet is waited for; anything else is decided at once.
        if (closing.kind !== "open") continue;
      }
      if (!hung) {
        hung = true;
        payment = await hangDoorbell(ctx, stripe, paymentIntentId, callbackKey, doorbell);
        continue;
      }
      const look = await wait.next((latest) => nextWatchStep(latest, mode) === "wait");
      payment = look.seen;
      if (mode === "customer" && (look.wake === "deadline" || look.wake === "cancellation")) mode = "expired";
    }
  }

  /** Gives back what is left of the payment, after every refund that somebody else made, and waits for each refund's end. */
  async function refund(ctx: restate.Context, payment: PaymentSnapshot): Promise<WatchResult> {
    const { paymentIntentId } = payment;
    // A cancellation must not use up the attempts: the money is owed.
    const wait = startWait(ctx, { pollScheduleMs, deadlineMs: null, cancellable: false });
    for (let attempt = 0; attempt < maximumRefundAttempts; attempt++) {
      const refunds = await stripeStep(ctx, "list refunds", () => stripe.listRefunds(paymentIntentId));
      const leftMinor = amountLeftToRefund(payment.amountReceived, refunds);
      const open = refunds.find((existing) => !isRefundSettled(existing));
      if (leftMinor === 0 && open === undefined) {
        ctx.console.info(`Watch of ${paymentIntentId}: it succeeded after it was given up, and is refunded.`);
        return report(
          payment,
          "refunded",
          refunds.filter((existing) => existing.status === "succeeded").map((existing) => existing.refundId),
        );
      }
      if (leftMinor === 0 && open !== undefined) {
        await untilRefundSettled(ctx, open, null, wait);
        continue;
      }
      const doorbell = createDoorbell(ctx);
      const idempotencyKey = ctx.rand.uuidv4();
      const parameters: RefundParameters = {
        payment_intent: paymentIntentId,
        amount: leftMinor,
        metadata: { [creatorCallbackKey]: doorbell.address, [invocationIdKey]: ctx.request().id },
      };
      const fixed = await ctx.run("fix the refund", () => stripe.fixRequest(parameters, idempotencyKey));
      const created = await stripeStep(ctx, "create refund", () => stripe.createRefund(fixed));
      if (created.kind === "refund") {
        await untilRefundSettled(ctx, created.refund, doorbell, wait);
      } else {
        // Unknown or refused: what exists is listed again before a fresh key is used, later, not at once.
        ctx.console.warn(`Watch of ${paymentIntentId}: the refund was not made (${created.kind}); trying again later.`);
        await wait.next(null);
      }
    }
    throw needsReview(
      `The payment succeeded after it was given up, and ${maximumRefundAttempts} attempts to refund it failed. Refund it in Stripe's dashboard.`,
      paymentIntentId,
    );
  }

  async function untilRefundSettled(
    ctx: restate.Context,
    created: RefundSnapshot,
    doorbell: Doorbell | null,
    wait: Wait,
  ): Promise<void> {
    let latest = created;
    let unrung = doorbell;
    while (!isRefundSettled(latest)) {
      if ((await wait.next(unrung)) === "webhook") unrung = null;
      const read = await stripeStep(ctx, "read refund", () => stripe.readRefund(created.refundId));
      // One that is gone gave nothing back: whoever lists the refunds next sees what is left.
      if (read === null) return;
      latest = read;
    }
    if (latest.status === "succeeded") return;
    ctx.console.warn(`Refund ${latest.refundId} ended as ${latest.status} (${latest.failureReason ?? "no reason"}).`);
    // What made it fail rarely passes at once, and the attempts are few.
    await wait.next(null);
  }

  return restate.service({
    name: "paymentWatcher",
    description: "Private: looks after payments that no caller waits for any more.",
    handlers: {
      watch: restate.handlers.handler(
        {
          description: "Watches one PaymentIntent to its end; cancels or refunds what the merchant gave up.",
          ingressPrivate: true,
          explicitCancellation: true,
          retryPolicy: untilAnOperatorLooks,
          inactivityTimeout: inactivityTimeoutMs,
          abortTimeout: abortTimeoutMs,
          journalRetention: watchJournalRetentionMs,
        },
        thenLook(notifications, ["refunds"], watch),
      ),
    },
  });
}

function report(
  payment: PaymentSnapshot,
  compensation: WatchResult["compensation"],
  refundIds: readonly string[],
): WatchResult {
  return { paymentIntentId: payment.paymentIntentId, status: payment.stripeStatus, compensation, refundIds };
}
