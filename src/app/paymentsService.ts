/** Declares the service `payments` to the engine: each handler with its schemas, and how the engine runs it. */
import * as restate from "@restatedev/restate-sdk";
import type { z } from "zod";
import type { PaymentRequest } from "../payments/rules/paymentRequest.ts";
import { thenLook } from "../notifications/thenLook.ts";
import { named, payByReference } from "../payments/byReference.ts";
import { cancelPayment } from "../payments/cancelPayment.ts";
import { capturePayment } from "../payments/capturePayment.ts";
import { acceptDispute } from "../disputes/acceptDispute.ts";
import { awaitRefund } from "../refunds/awaitRefund.ts";
import { awaitSetup } from "../setups/awaitSetup.ts";
import * as contract from "../payments/contract.ts";
import { createCustomer } from "../customers/createCustomer.ts";
import * as customer from "../customers/contract.ts";
import * as dispute from "../disputes/contract.ts";
import { getCustomer } from "../customers/getCustomer.ts";
import { getDispute } from "../disputes/getDispute.ts";
import * as run from "../durable/policies.ts";
import * as lifecycle from "../refunds/contract.ts";
import { paymentHandlers } from "../payments/processPayment.ts";
import type { PaymentsOptions } from "../merchants/options.ts";
import { refundPayment } from "../refunds/refundPayment.ts";
import * as setup from "../setups/contract.ts";
import { setupPaymentMethod } from "../setups/setupPaymentMethod.ts";
import { submitDisputeEvidence } from "../disputes/submitDisputeEvidence.ts";

export function createPaymentsService(options: PaymentsOptions) {
  const { notifications } = options;
  const payments = paymentHandlers(options);
  const processPayment = thenLook(notifications, [], (ctx: restate.Context, request: PaymentRequest) =>
    payments.processPayment(ctx, request),
  );
  const awaitDispute = thenLook(
    notifications,
    ["disputes"],
    (ctx, request: z.output<typeof dispute.getDisputeRequestSchema>) => getDispute(ctx, options, request),
  );

  const pausing = {
    retryPolicy: run.untilAnOperatorLooks,
    inactivityTimeout: options.inactivityTimeoutMs,
    abortTimeout: run.abortTimeoutMs,
  } as const;

  /** Moves money, or waits for it: the answer is kept under the caller's idempotency key. */
  function moves<Request, Outcome>(description: string, input: z.ZodType<Request>, output: z.ZodType<Outcome>) {
    return {
      ...pausing,
      description,
      input: restate.serde.schema(input),
      output: restate.serde.schema(output),
      // What was sent to Stripe is recorded before a cancellation is looked at; only the waits look at it.
      explicitCancellation: true,
      idempotencyRetention: options.idempotencyRetentionMs,
      journalRetention: run.paymentJournalRetentionMs,
    };
  }

  /** Only reads: its answer is worth nothing once it was given. */
  function reads<Request, State>(description: string, input: z.ZodType<Request>, output: z.ZodType<State>) {
    return {
      ...pausing,
      description,
      input: restate.serde.schema(input),
      output: restate.serde.schema(output),
      idempotencyRetention: run.shortRetentionMs,
      journalRetention: 0,
    };
  }

  return restate.service({
    name: "payments",
    description:
      "Stripe payments as one call that returns the final outcome, whether Stripe knows it at once or days later.",
    handlers: {
      /** Charges a payment method and returns the final outcome. https://docs.stripe.com/api/payment_intents/create */
      processPayment: restate.handlers.handler(
        moves(
          "Charges a payment method and returns the final outcome, also when Stripe knows it days later. Send an idempotency-key header.",
          contract.paymentRequestSchema,
          contract.paymentOutcomeSchema,
        ),
        async (ctx: restate.Context, request) =>
          request.reference === undefined
            ? await processPayment(ctx, request)
            : await payByReference(ctx, request, request.reference),
      ),
      /** Waits for the outcome of any PaymentIntent, also one made elsewhere. Never cancels it. */
      awaitPayment: restate.handlers.handler(
        moves(
          "Waits for the final outcome of a PaymentIntent, whoever made it.",
          contract.awaitPaymentRequestSchema,
          contract.paymentOutcomeSchema,
        ),
        thenLook(notifications, [], async (ctx, request) => payments.awaitPayment(ctx, await named(ctx, request))),
      ),
      /** Reads the state of a PaymentIntent at once. https://docs.stripe.com/api/payment_intents/retrieve */
      getPayment: restate.handlers.handler(
        reads(
          "Returns the state of a PaymentIntent at Stripe now.",
          contract.getPaymentRequestSchema,
          contract.paymentStateSchema,
        ),
        async (ctx: restate.Context, request) => payments.getPayment(ctx, await named(ctx, request)),
      ),
      /** Captures what an authorization holds. https://docs.stripe.com/api/payment_intents/capture */
      capturePayment: restate.handlers.handler(
        moves(
          "Captures an authorized payment, or a part of it, and returns the outcome.",
          lifecycle.capturePaymentRequestSchema,
          contract.paymentOutcomeSchema,
        ),
        thenLook(notifications, [], (ctx, request) => capturePayment(ctx, options, request, payments.awaitPayment)),
      ),
      /** Cancels a payment, or refunds it if it has succeeded. https://docs.stripe.com/api/payment_intents/cancel */
      cancelPayment: restate.handlers.handler(
        moves(
          "Cancels a payment; with refundIfSucceeded, gives the money back if it has come meanwhile.",
          lifecycle.cancelPaymentRequestSchema,
          lifecycle.cancelOutcomeSchema,
        ),
        thenLook(notifications, ["refunds"], (ctx, request) => cancelPayment(ctx, options, request)),
      ),
      /** Refunds a payment and waits for the refund's end. https://docs.stripe.com/api/refunds/create */
      refundPayment: restate.handlers.handler(
        moves(
          "Refunds a payment, or a part of it, and returns how the refund ended, also when Stripe knows it days later.",
          lifecycle.refundPaymentRequestSchema,
          lifecycle.refundOutcomeSchema,
        ),
        thenLook(notifications, ["refunds"], (ctx, request) => refundPayment(ctx, options, request)),
      ),
      /** Waits for the end of any refund. https://docs.stripe.com/api/refunds/retrieve */
      awaitRefund: restate.handlers.handler(
        moves(
          "Waits for the end of a refund, whoever made it.",
          lifecycle.awaitRefundRequestSchema,
          lifecycle.refundOutcomeSchema,
        ),
        thenLook(notifications, ["refunds"], (ctx, request) => awaitRefund(ctx, options, request)),
      ),
      /** Saves a payment method for later payments. https://docs.stripe.com/api/setup_intents/create */
      setupPaymentMethod: restate.handlers.handler(
        moves(
          "Saves a payment method for a customer's later payments and returns the final outcome. Send an idempotency-key header.",
          setup.setupPaymentMethodRequestSchema,
          setup.setupOutcomeSchema,
        ),
        (ctx: restate.Context, request) => setupPaymentMethod(ctx, options, request),
      ),
      /** Waits for the outcome of any SetupIntent. Never cancels it. */
      awaitSetup: restate.handlers.handler(
        moves(
          "Waits for the final outcome of a SetupIntent, whoever made it.",
          setup.awaitSetupRequestSchema,
          setup.setupOutcomeSchema,
        ),
        (ctx: restate.Context, request) => awaitSetup(ctx, options, request),
      ),
      /** Creates a Customer. https://docs.stripe.com/api/customers/create */
      createCustomer: restate.handlers.handler(
        moves(
          "Creates a Stripe Customer. Send an idempotency-key header.",
          customer.createCustomerRequestSchema,
          customer.customerStateSchema,
        ),
        (ctx: restate.Context, request) => createCustomer(ctx, options, request),
      ),
      /** Reads a Customer at once. https://docs.stripe.com/api/customers/retrieve */
      getCustomer: restate.handlers.handler(
        reads(
          "Returns a Stripe Customer as it is now.",
          customer.getCustomerRequestSchema,
          customer.customerStateSchema,
        ),
        (ctx: restate.Context, request) => getCustomer(ctx, options, request),
      ),
      /** Reads a dispute, or waits for its end. https://docs.stripe.com/api/disputes/retrieve */
      getDispute: restate.handlers.handler(
        moves(
          "Returns the state of a dispute now, or with awaitOutcome once it is closed.",
          dispute.getDisputeRequestSchema,
          dispute.disputeStateSchema,
        ),
        async (ctx: restate.Context, request) =>
          request.awaitOutcome ? await awaitDispute(ctx, request) : await getDispute(ctx, options, request),
      ),
      /** Stages or submits evidence. https://docs.stripe.com/api/disputes/update */
      submitDisputeEvidence: restate.handlers.handler(
        moves(
          "Gives evidence against a dispute, staged or submitted to the bank. Send an idempotency-key header.",
          dispute.submitDisputeEvidenceRequestSchema,
          dispute.disputeStateSchema,
        ),
        thenLook(notifications, ["disputes"], (ctx, request) => submitDisputeEvidence(ctx, options, request)),
      ),
      /** Accepts a dispute, for good. https://docs.stripe.com/api/disputes/close */
      acceptDispute: restate.handlers.handler(
        moves(
          "Accepts a dispute as lost, for good. Send an idempotency-key header.",
          dispute.acceptDisputeRequestSchema,
          dispute.disputeStateSchema,
        ),
        thenLook(notifications, ["disputes"], (ctx, request) => acceptDispute(ctx, options, request)),
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
        payments.processWebhook,
      ),
    },
  });
}
