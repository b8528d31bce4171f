/**
 * One call, one final outcome. A payment is created with an idempotency key; if Stripe can't say yet how it ends, the call
 * waits durably, woken by a webhook, a poll or its deadline. Whatever wakes it, it reads the PaymentIntent from Stripe
 * again and decides by what it reads: a webhook rings the doorbell, Stripe's API tells the truth.
 */
import * as restate from "@restatedev/restate-sdk";
import { creatorCallbackKey, doorbellAddresses, waiterCallbackKey } from "../domain/doorbell.ts";
import { judgePayment, provesAttempt, type Judgement, type PaymentSnapshot } from "../domain/payment.ts";
import type { PaymentRequest } from "../domain/paymentRequest.ts";
import type { StripeGateway } from "../stripe/gateway.ts";
import { verifyWebhook } from "../stripe/webhook.ts";
import { answer, paymentFields } from "./answer.ts";
import * as contract from "./contract.ts";
import { createPayment } from "./createPayment.ts";
import { canceled, invalidRequest, timedOut } from "./failures.ts";
import * as run from "./handlerOptions.ts";
import { giveUp, leaveToCustomer, settleDecline } from "./letGo.ts";
import type { AwaitPaymentRequest, GetPaymentRequest, PaymentOutcome, PaymentState } from "./paymentApi.ts";
import { hangDoorbell, startPaymentWait } from "./paymentWait.ts";
import { readNamedPayment } from "./readPayment.ts";
import { createDoorbell, wasCancelled } from "./wait.ts";

export type PaymentsOptions = {
  readonly stripe: StripeGateway;
  readonly mode: "test" | "live";
  readonly webhookSecrets: readonly string[];
  readonly pollScheduleMs: readonly number[];
  readonly timeoutMs: number;
  readonly idempotencyRetentionMs: number;
  readonly inactivityTimeoutMs: number;
  /** When to look up a create whose outcome is unknown: at once, and again when search has caught up. */
  readonly lookUpDelaysMs: readonly number[];
};

/** Makes the service `payments`. Tests make it with other timings; nothing else differs. */
export function createPaymentsService(options: PaymentsOptions) {
  const { stripe, pollScheduleMs } = options;

  async function processPayment(ctx: restate.Context, request: PaymentRequest): Promise<PaymentOutcome> {
    if (request.delayedStatus && options.mode === "live") throw delayedStatusIsForTests;
    const deadlineMs = timeoutOf(request.timeoutSeconds);
    const customer = request.returnUrl === undefined ? "decline" : "answer";
    const judge = (seen: PaymentSnapshot) => judgePayment(seen, { attempted: true, customer });

    // Create: one request with a key that is fixed in the journal, so that it charges once whatever crashes.
    const doorbell = createDoorbell(ctx);
    const created = await createPayment(ctx, stripe, request, doorbell, options.lookUpDelaysMs);
    const { paymentIntentId } = created.payment;
    const deadlineAtMs = created.fixedAtMs + deadlineMs;
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

    // Wait, re-read, decide.
    const wait = startPaymentWait(ctx, stripe, {
      paymentIntentId,
      callbackKey: creatorCallbackKey,
      doorbell,
      pollScheduleMs,
      deadlineMs,
    });
    for (;;) {
      const { wake, payment } = await wait.next((seen) => judge(seen).kind === "pending");
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

  async function awaitPayment(ctx: restate.Context, request: AwaitPaymentRequest): Promise<PaymentOutcome> {
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

    const deadlineMs = timeoutOf(request.timeoutSeconds);
    const wait = startPaymentWait(ctx, stripe, { paymentIntentId, callbackKey, doorbell, pollScheduleMs, deadlineMs });
    for (;;) {
      const { wake, payment } = await wait.next((seen) => judge(seen).kind === "pending");
      const judgement = judge(payment);
      const settledBy = wake === "webhook" ? "webhook" : "poll";
      if (judgement.kind !== "pending") return answer({ payment, decision: judgement, settledBy });
      if (wake === "deadline")
        throw timedOut(paymentIntentId, "The payment is still pending; it was left as it is.", "none");
      if (wake === "cancellation")
        throw canceled(paymentIntentId, "The wait was cancelled; the payment was left as it is.", "none");
    }
  }

  async function processWebhook(ctx: restate.Context, rawBody: Uint8Array): Promise<{ received: true }> {
    const webhook = verifyWebhook(rawBody, ctx.request().headers.get("stripe-signature"), options.webhookSecrets);
    if (webhook.kind === "refused") {
      throw invalidRequest({ message: webhook.message, param: "stripe-signature", stripeCode: null });
    }
    for (const address of doorbellAddresses(webhook.metadata)) ctx.resolveAwakeable(address);
    return { received: true };
  }

  async function getPayment(ctx: restate.Context, request: GetPaymentRequest): Promise<PaymentState> {
    const payment = await readNamedPayment(ctx, stripe, request.paymentIntentId);
    const { stripeStatus, nextAction, failure } = payment;
    return { ...paymentFields(payment, stripeStatus), nextAction, failure };
  }

  function timeoutOf(timeoutSeconds: number | undefined): number {
    return timeoutSeconds === undefined ? options.timeoutMs : timeoutSeconds * 1000;
  }

  const pausing = {
    retryPolicy: run.untilAnOperatorLooks,
    inactivityTimeout: options.inactivityTimeoutMs,
    abortTimeout: run.abortTimeoutMs,
  } as const;

  const waiting = {
    ...pausing,
    // What was sent to Stripe is recorded before a cancellation is looked at; only the waits look at it.
    explicitCancellation: true,
    idempotencyRetention: options.idempotencyRetentionMs,
    journalRetention: run.paymentJournalRetentionMs,
  } as const;

  return restate.service({
    name: "payments",
    description:
      "Stripe payments as one call that returns the final outcome, whether Stripe knows it at once or days later.",
    handlers: {
      /** Charges a payment method and returns the final outcome. https://docs.stripe.com/api/payment_intents/create */
      processPayment: restate.handlers.handler(
        {
          ...waiting,
          description:
            "Charges a payment method and returns the final outcome, also when Stripe knows it days later. Send an idempotency-key header.",
          input: restate.serde.schema(contract.paymentRequestSchema),
          output: restate.serde.schema(contract.paymentOutcomeSchema),
        },
        processPayment,
      ),
      /** Waits for the outcome of any PaymentIntent, also one made elsewhere. Never cancels it. */
      awaitPayment: restate.handlers.handler(
        {
          ...waiting,
          description: "Waits for the final outcome of a PaymentIntent, whoever made it.",
          input: restate.serde.schema(contract.awaitPaymentRequestSchema),
          output: restate.serde.schema(contract.paymentOutcomeSchema),
        },
        awaitPayment,
      ),
      /** Reads the state of a PaymentIntent at once. https://docs.stripe.com/api/payment_intents/retrieve */
      getPayment: restate.handlers.handler(
        {
          ...pausing,
          description: "Returns the state of a PaymentIntent at Stripe now.",
          input: restate.serde.schema(contract.getPaymentRequestSchema),
          output: restate.serde.schema(contract.paymentStateSchema),
          // A read is worth nothing once it was answered.
          idempotencyRetention: run.shortRetentionMs,
          journalRetention: 0,
        },
        getPayment,
      ),
      /** Takes Stripe's webhooks: verifies the signature over the raw body, rings whoever waits. https://docs.stripe.com/webhooks */
      processWebhook: restate.handlers.handler(
        {
          description: "Takes Stripe's webhooks: the raw body and the stripe-signature header.",
          input: restate.serde.binary,
          output: restate.serde.schema(contract.webhookReceiptSchema),
          // With a binary input alone, the ingress would refuse Stripe's `application/json; charset=utf-8`.
          accept: "*/*",
          retryPolicy: run.backToStripe,
          inactivityTimeout: options.inactivityTimeoutMs,
          abortTimeout: run.abortTimeoutMs,
          // Webhooks come without an idempotency key, so the engine makes one up and keeps every answer this long.
          idempotencyRetention: run.shortRetentionMs,
          // The raw event holds the PaymentIntent's client secret.
          journalRetention: 0,
        },
        processWebhook,
      ),
    },
  });
}

const delayedStatusIsForTests = invalidRequest({
  message: "delayedStatus is for tests: it is refused with a live key.",
  param: "delayedStatus",
  stripeCode: null,
});
