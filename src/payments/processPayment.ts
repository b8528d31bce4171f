/**
 * One call, one final outcome. A payment is created with an idempotency key; if Stripe can't say yet how it ends, the call
 * waits durably, woken by a webhook, a poll or its deadline. Whatever wakes it, it reads the PaymentIntent from Stripe
 * again and decides by what it reads: a webhook rings the doorbell, Stripe's API tells the truth.
 */
import type { Context } from "@restatedev/restate-sdk";
import { creatorCallbackKey, doorbellAddresses, waiterCallbackKey } from "../stripe/metadata.ts";
import { judgePayment, provesAttempt, type Judgement, type PaymentSnapshot } from "./rules/payment.ts";
import type { PaymentOutcome, PaymentRequest, PaymentState } from "./contract.ts";
import { verifyWebhook } from "../webhooks/verification.ts";
import { answer, captureBeforeOf, paymentFields } from "./outcome.ts";
import { createPayment, type CreatedPayment } from "./createPayment.ts";
import { canceled, invalidRequest, timedOut } from "../durable/failures.ts";
import { askForLook } from "../notifications/thenLook.ts";
import { giveUp, leaveToCustomer, settleDecline } from "./giveUp.ts";
import { type PaymentsOptions, timeoutMsOf } from "../merchants/options.ts";
import { createReconcilerAlarm } from "../webhooks/reconcilerAlarm.ts";
import { hangDoorbell, startPaymentWait } from "./object.ts";
import { readNamedPayment, readOwnPayment } from "./readPayment.ts";
import { createDoorbell, wasCancelled, type Doorbell } from "../durable/wait.ts";

/** A payment by its id, and how long to wait for it. */
export type PaymentById = { readonly paymentIntentId: string; readonly timeoutSeconds?: number | undefined };

/** The handlers at the heart of the service `payments`; `paymentsService.ts` declares them to the engine. */
export function paymentHandlers(options: PaymentsOptions) {
  const { stripe, pollScheduleMs, notifications } = options;
  const reconcilerAlarm = createReconcilerAlarm(options.reconcileIntervalMs);

  /** @param onCreated told at once which PaymentIntent the call made */
  async function processPayment(
    ctx: Context,
    request: PaymentRequest,
    onCreated: (paymentIntentId: string) => void = () => {},
  ): Promise<PaymentOutcome> {
    if (request.delayedStatus && options.mode === "live") throw delayedStatusIsForTests;
    // Create: one request with a key that is fixed in the journal, so that it charges once whatever crashes.
    const doorbell = createDoorbell(ctx);
    const created = await createPayment(ctx, { ...options, reconcilerAlarm }, request, doorbell);
    onCreated(created.payment.paymentIntentId);
    const deadlineMs = timeoutMsOf(request, options);
    return await settle(ctx, request, created, { callbackKey: creatorCallbackKey, doorbell, deadlineMs });
  }

  /**
   * Goes on with a payment whose call was lost after it was made, as that call would have.
   * @param begunAtMs when the lost call began, in epoch milliseconds: its deadline counts from then
   */
  async function resumePayment(
    ctx: Context,
    request: PaymentRequest,
    paymentIntentId: string,
    begunAtMs: number,
  ): Promise<PaymentOutcome> {
    const callbackKey = waiterCallbackKey(ctx.request().id);
    let payment = await readOwnPayment(ctx, stripe, paymentIntentId);
    let doorbell: Doorbell | null = null;
    if (payment.status === "processing") {
      doorbell = createDoorbell(ctx);
      payment = await hangDoorbell(ctx, stripe, paymentIntentId, callbackKey, doorbell);
    }
    const deadlineMs = Math.max(0, begunAtMs + timeoutMsOf(request, options) - (await ctx.date.now()));
    const found = { payment, seenBy: "poll", fixedAtMs: begunAtMs } as const;
    return await settle(ctx, { ...request, delayedStatus: false }, found, { callbackKey, doorbell, deadlineMs });
  }

  /** Brings a payment that exists to its end: decides by the first look, or waits, re-reads and decides. */
  async function settle(
    ctx: Context,
    request: PaymentRequest,
    created: CreatedPayment,
    from: { readonly callbackKey: string; readonly doorbell: Doorbell | null; readonly deadlineMs: number },
  ): Promise<PaymentOutcome> {
    const { paymentIntentId } = created.payment;
    const customer = request.returnUrl === undefined ? "decline" : "answer";
    const judge = (seen: PaymentSnapshot) => judgePayment(seen, { attempted: true, customer });
    const deadlineAtMs = created.fixedAtMs + timeoutMsOf(request, options);
    const first: Judgement = request.delayedStatus ? { kind: "pending" } : judge(created.payment);
    if (first.kind === "requires_action") {
      // This answer comes without a wait, so a cancellation is looked for here.
      if (await wasCancelled(ctx)) return await giveUp(ctx, stripe, created.payment, "cancellation");
      leaveToCustomer(ctx, paymentIntentId, deadlineAtMs);
    }
    if (first.kind === "declined" && created.payment.status !== "requires_payment_method") {
      return await settleDecline(ctx, stripe, created.payment, first.failure, created.seenBy);
    }
    if (first.kind !== "pending") {
      return answer({ payment: created.payment, decision: first, settledBy: created.seenBy });
    }

    const wait = startPaymentWait(ctx, stripe, { ...from, paymentIntentId, pollScheduleMs });
    for (;;) {
      const { wake, seen: payment } = await wait.next((latest) => judge(latest).kind === "pending");
      const judgement = judge(payment);
      const settledBy = wake === "webhook" ? "webhook" : "poll";
      const unpaid = judgement.kind === "pending" || judgement.kind === "requires_action";
      if (unpaid && (wake === "deadline" || wake === "cancellation")) return await giveUp(ctx, stripe, payment, wake);
      if (judgement.kind === "pending") continue;
      if (judgement.kind === "declined") return await settleDecline(ctx, stripe, payment, judgement.failure, settledBy);
      if (judgement.kind === "requires_action") leaveToCustomer(ctx, paymentIntentId, deadlineAtMs);
      return answer({ payment, decision: judgement, settledBy });
    }
  }

  async function awaitPayment(ctx: Context, request: PaymentById): Promise<PaymentOutcome> {
    const { paymentIntentId } = request;
    let attempted = false;
    const judge = (seen: PaymentSnapshot) => {
      const judgement = judgePayment(seen, { attempted, customer: "wait" });
      attempted ||= provesAttempt(seen);
      return judgement;
    };

    const found = await readNamedPayment(ctx, stripe, paymentIntentId);
    const first = judge(found);
    if (first.kind !== "pending") return answer({ payment: found, decision: first, settledBy: "poll" });

    const doorbell = createDoorbell(ctx);
    const callbackKey = waiterCallbackKey(ctx.request().id);
    const hung = await hangDoorbell(ctx, stripe, paymentIntentId, callbackKey, doorbell);
    const second = judge(hung);
    if (second.kind !== "pending") return answer({ payment: hung, decision: second, settledBy: "poll" });

    const deadlineMs = timeoutMsOf(request, options);
    const wait = startPaymentWait(ctx, stripe, { paymentIntentId, callbackKey, doorbell, pollScheduleMs, deadlineMs });
    for (;;) {
      const { wake, seen: payment } = await wait.next((latest) => judge(latest).kind === "pending");
      const judgement = judge(payment);
      const settledBy = wake === "webhook" ? "webhook" : "poll";
      if (judgement.kind !== "pending") return answer({ payment, decision: judgement, settledBy });
      if (wake === "deadline")
        throw timedOut(paymentIntentId, "The payment is still pending; it was left as it is.", "none");
      if (wake === "cancellation")
        throw canceled(paymentIntentId, "The wait was cancelled; the payment was left as it is.", "none");
    }
  }

  async function processWebhook(ctx: Context, rawBody: Uint8Array): Promise<{ received: true }> {
    const webhook = verifyWebhook(rawBody, ctx.request().headers.get("stripe-signature"), options.webhookSecrets);
    if (webhook.kind === "refused") {
      throw invalidRequest({ message: webhook.message, param: "stripe-signature", stripeCode: null });
    }
    for (const address of doorbellAddresses(webhook.metadata)) ctx.resolveAwakeable(address);
    if (webhook.telltale !== null) {
      const { paymentIntentId, changes } = webhook.telltale;
      askForLook(ctx, notifications, paymentIntentId, { changes, askedBy: "webhook", abandoned: false });
    }
    return { received: true };
  }

  async function getPayment(ctx: Context, request: PaymentById): Promise<PaymentState> {
    const payment = await readNamedPayment(ctx, stripe, request.paymentIntentId);
    const { stripeStatus, nextAction, failure } = payment;
    return { ...paymentFields(payment, stripeStatus), captureBefore: captureBeforeOf(payment), nextAction, failure };
  }

  return { processPayment, resumePayment, awaitPayment, getPayment, processWebhook };
}

const delayedStatusIsForTests = invalidRequest({
  message: "delayedStatus is for tests: it is refused with a live key.",
  param: "delayedStatus",
  stripeCode: null,
});
