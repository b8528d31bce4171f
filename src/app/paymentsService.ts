/** Declares the service `payments` to the engine: each handler with its schemas, and how the engine runs it. */
import * as restate from "@restatedev/restate-sdk";
import type { z } from "zod";
import { services } from "../api/calls.ts";
import type { PaymentRequest } from "../payments/contract.ts";
import { thenLook } from "../notifications/thenLook.ts";
import { named, payByReference } from "../payments/byReference.ts";
import { cancelPayment } from "../payments/cancelPayment.ts";
import { capturePayment } from "../payments/capturePayment.ts";
import { acceptDispute } from "../disputes/acceptDispute.ts";
import { awaitRefund } from "../refunds/awaitRefund.ts";
import { awaitSetup } from "../setups/awaitSetup.ts";
import { createCustomer } from "../customers/createCustomer.ts";
import { getCustomer } from "../customers/getCustomer.ts";
import { getDispute } from "../disputes/getDispute.ts";
import * as run from "../durable/policies.ts";
import { paymentHandlers } from "../payments/processPayment.ts";
import type { PaymentsOptions } from "../merchants/options.ts";
import { refundPayment } from "../refunds/refundPayment.ts";
import { setupPaymentMethod } from "../setups/setupPaymentMethod.ts";
import { webhookReceiptSchema } from "../webhooks/contract.ts";
import { submitDisputeEvidence } from "../disputes/submitDisputeEvidence.ts";

const calls = services.payments;

export function createPaymentsService(options: PaymentsOptions) {
  const { notifications } = options;
  const payments = paymentHandlers(options);
  const processPayment = thenLook(notifications, [], (ctx: restate.Context, request: PaymentRequest) =>
    payments.processPayment(ctx, request),
  );
  const awaitDispute = thenLook(notifications, ["disputes"], (ctx, request: z.output<typeof calls.getDispute.input>) =>
    getDispute(ctx, options, request),
  );

  const pausing = {
    retryPolicy: run.untilAnOperatorLooks,
    inactivityTimeout: options.inactivityTimeoutMs,
    abortTimeout: run.abortTimeoutMs,
  } as const;

  /** How the engine keeps what a call answered. */
  const kept = {
    moves: {
      // What was sent to Stripe is recorded before a cancellation is looked at; only the waits look at it.
      explicitCancellation: true,
      idempotencyRetention: options.idempotencyRetentionMs,
      journalRetention: run.paymentJournalRetentionMs,
    },
    reads: { idempotencyRetention: run.shortRetentionMs, journalRetention: 0 },
  } as const;

  function declared<Request, Answer>(call: {
    readonly description: string;
    readonly input: z.ZodType<Request>;
    readonly output: z.ZodType<Answer>;
    readonly effect: keyof typeof kept;
  }) {
    const { description, input, output, effect } = call;
    return {
      ...pausing,
      description,
      input: restate.serde.schema(input),
      output: restate.serde.schema(output),
      ...kept[effect],
    };
  }

  return restate.service({
    name: "payments",
    description:
      "Stripe payments as one call that returns the final outcome, whether Stripe knows it at once or days later.",
    handlers: {
      /** Charges a payment method and returns the final outcome. https://docs.stripe.com/api/payment_intents/create */
      processPayment: restate.handlers.handler(declared(calls.processPayment), async (ctx: restate.Context, request) =>
        request.reference === undefined
          ? await processPayment(ctx, request)
          : await payByReference(ctx, request, request.reference),
      ),
      /** Waits for the outcome of any PaymentIntent, also one made elsewhere. Never cancels it. */
      awaitPayment: restate.handlers.handler(
        declared(calls.awaitPayment),
        thenLook(notifications, [], async (ctx, request) => payments.awaitPayment(ctx, await named(ctx, request))),
      ),
      /** Reads the state of a PaymentIntent at once. https://docs.stripe.com/api/payment_intents/retrieve */
      getPayment: restate.handlers.handler(declared(calls.getPayment), async (ctx: restate.Context, request) =>
        payments.getPayment(ctx, await named(ctx, request)),
      ),
      /** Captures what an authorization holds. https://docs.stripe.com/api/payment_intents/capture */
      capturePayment: restate.handlers.handler(
        declared(calls.capturePayment),
        thenLook(notifications, [], (ctx, request) => capturePayment(ctx, options, request, payments.awaitPayment)),
      ),
      /** Cancels a payment, or refunds it if it has succeeded. https://docs.stripe.com/api/payment_intents/cancel */
      cancelPayment: restate.handlers.handler(
        declared(calls.cancelPayment),
        thenLook(notifications, ["refunds"], (ctx, request) => cancelPayment(ctx, options, request)),
      ),
      /** Refunds a payment and waits for the refund's end. https://docs.stripe.com/api/refunds/create */
      refundPayment: restate.handlers.handler(
        declared(calls.refundPayment),
        thenLook(notifications, ["refunds"], (ctx, request) => refundPayment(ctx, options, request)),
      ),
      /** Waits for the end of any refund. https://docs.stripe.com/api/refunds/retrieve */
      awaitRefund: restate.handlers.handler(
        declared(calls.awaitRefund),
        thenLook(notifications, ["refunds"], (ctx, request) => awaitRefund(ctx, options, request)),
      ),
      /** Saves a payment method for later payments. https://docs.stripe.com/api/setup_intents/create */
      setupPaymentMethod: restate.handlers.handler(
        declared(calls.setupPaymentMethod),
        (ctx: restate.Context, request) => setupPaymentMethod(ctx, options, request),
      ),
      /** Waits for the outcome of any SetupIntent. Never cancels it. */
      awaitSetup: restate.handlers.handler(declared(calls.awaitSetup), (ctx: restate.Context, request) =>
        awaitSetup(ctx, options, request),
      ),
      /** Creates a Customer. https://docs.stripe.com/api/customers/create */
      createCustomer: restate.handlers.handler(declared(calls.createCustomer), (ctx: restate.Context, request) =>
        createCustomer(ctx, options, request),
      ),
      /** Reads a Customer at once. https://docs.stripe.com/api/customers/retrieve */
      getCustomer: restate.handlers.handler(declared(calls.getCustomer), (ctx: restate.Context, request) =>
        getCustomer(ctx, options, request),
      ),
      /** Reads a dispute, or waits for its end. https://docs.stripe.com/api/disputes/retrieve */
      getDispute: restate.handlers.handler(declared(calls.getDispute), async (ctx: restate.Context, request) =>
        request.awaitOutcome ? await awaitDispute(ctx, request) : await getDispute(ctx, options, request),
      ),
      /** Stages or submits evidence. https://docs.stripe.com/api/disputes/update */
      submitDisputeEvidence: restate.handlers.handler(
        declared(calls.submitDisputeEvidence),
        thenLook(notifications, ["disputes"], (ctx, request) => submitDisputeEvidence(ctx, options, request)),
      ),
      /** Accepts a dispute, for good. https://docs.stripe.com/api/disputes/close */
      acceptDispute: restate.handlers.handler(
        declared(calls.acceptDispute),
        thenLook(notifications, ["disputes"], (ctx, request) => acceptDispute(ctx, options, request)),
      ),
      /** Takes Stripe's webhooks: verifies the signature over the raw body, rings whoever waits. https://docs.stripe.com/webhooks */
      processWebhook: restate.handlers.handler(
        {
          description: "Takes Stripe's webhooks: the raw body and the stripe-signature header.",
          input: restate.serde.binary,
          output: restate.serde.schema(webhookReceiptSchema),
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
        payments.processWebhook,
      ),
    },
  });
}
