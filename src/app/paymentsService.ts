/** Declares the service `payments` to the engine: each call of the registry with its handler, and how the engine runs it. */
import * as restate from "@restatedev/restate-sdk";
import type { z } from "zod";
import { services } from "../api/calls.ts";
import { createCustomer } from "../customers/createCustomer.ts";
import { getCustomer } from "../customers/getCustomer.ts";
import { acceptDispute } from "../disputes/acceptDispute.ts";
import { getDispute } from "../disputes/getDispute.ts";
import { submitDisputeEvidence } from "../disputes/submitDisputeEvidence.ts";
import { CallStopped, openCall, type Call } from "../durable/call.ts";
import { stopped } from "../durable/failures.ts";
import * as run from "../durable/policies.ts";
import type { HandlerOptions } from "../merchants/options.ts";
import { thenLook } from "../notifications/thenLook.ts";
import { awaitPayment } from "../payments/awaitPayment.ts";
import { payByReference, resolveReference } from "../payments/byReference.ts";
import { cancelPayment } from "../payments/cancelPayment.ts";
import { capturePayment } from "../payments/capturePayment.ts";
import type { PaymentRequest } from "../payments/contract.ts";
import { getPayment } from "../payments/getPayment.ts";
import { processPayment } from "../payments/processPayment.ts";
import { awaitRefund } from "../refunds/awaitRefund.ts";
import { refundPayment } from "../refunds/refundPayment.ts";
import { awaitSetup } from "../setups/awaitSetup.ts";
import { setupPaymentMethod } from "../setups/setupPaymentMethod.ts";
import { webhookReceiptSchema } from "../webhooks/contract.ts";
import { processWebhook } from "../webhooks/processWebhook.ts";

const calls = services.payments;

/** The handlers of this service, by name. */
export const paymentsHandlerNames: readonly string[] = [...Object.keys(calls), "processWebhook"];

export function createPaymentsService(options: HandlerOptions) {
  /** How the engine keeps the answer of a call. */
  const kept = {
    moves: {
      // What was sent to Stripe is recorded before a cancellation is looked at; only the waits look at it.
      explicitCancellation: true,
      idempotencyRetention: options.idempotencyRetentionMs,
      journalRetention: run.paymentJournalRetentionMs,
    },
    reads: { idempotencyRetention: run.shortRetentionMs, journalRetention: 0 },
  } as const;

  function handler<Request, Answer>(
    declared: {
      readonly description: string;
      readonly input: z.ZodType<Request>;
      readonly output: z.ZodType<Answer>;
      readonly effect: keyof typeof kept;
    },
    handle: (call: Call, request: Request) => Promise<Answer>,
  ) {
    const { description, input, output, effect } = declared;
    return restate.handlers.handler(
      {
        ...run.running(options),
        description,
        input: restate.serde.schema(input),
        output: restate.serde.schema(output),
        ...kept[effect],
      },
      async (ctx: restate.Context, request: Request) => {
        try {
          return await handle(openCall(ctx, options), request);
        } catch (error) {
          throw error instanceof CallStopped ? stopped(error, request) : error;
        }
      },
    );
  }

  const pay = thenLook([], (call: Call, request: PaymentRequest) => processPayment(call, request));
  const awaitDispute = thenLook(["disputes"], getDispute);
  return restate.service({
    name: "payments",
    description:
      "Stripe payments as one call that returns the final outcome, whether Stripe knows it at once or days later.",
    handlers: {
      processPayment: handler(calls.processPayment, async (call, request) =>
        request.reference === undefined
          ? await pay(call, request)
          : await payByReference(call, request, request.reference),
      ),
      awaitPayment: handler(
        calls.awaitPayment,
        thenLook([], async (call, request) => await awaitPayment(call, await resolveReference(call, request))),
      ),
      getPayment: handler(
        calls.getPayment,
        async (call, request) => await getPayment(call, await resolveReference(call, request)),
      ),
      capturePayment: handler(calls.capturePayment, thenLook([], capturePayment)),
      cancelPayment: handler(calls.cancelPayment, thenLook(["refunds"], cancelPayment)),
      refundPayment: handler(calls.refundPayment, thenLook(["refunds"], refundPayment)),
      awaitRefund: handler(calls.awaitRefund, thenLook(["refunds"], awaitRefund)),
      setupPaymentMethod: handler(calls.setupPaymentMethod, setupPaymentMethod),
      awaitSetup: handler(calls.awaitSetup, awaitSetup),
      createCustomer: handler(calls.createCustomer, createCustomer),
      getCustomer: handler(calls.getCustomer, getCustomer),
      getDispute: handler(calls.getDispute, (call, request) =>
        request.awaitOutcome ? awaitDispute(call, request) : getDispute(call, request),
      ),
      submitDisputeEvidence: handler(calls.submitDisputeEvidence, thenLook(["disputes"], submitDisputeEvidence)),
      acceptDispute: handler(calls.acceptDispute, thenLook(["disputes"], acceptDispute)),
      processWebhook: restate.handlers.handler(
        {
          description: "Takes Stripe's webhooks: the raw body and the stripe-signature header.",
          input: restate.serde.binary,
          output: restate.serde.schema(webhookReceiptSchema),
          // With a binary input alone, the ingress would refuse Stripe's `application/json; charset=utf-8`.
          accept: "*/*",
          ...run.running(options),
          retryPolicy: run.backToStripe,
          // Webhooks come without an idempotency key, so the engine makes one up and keeps every answer this long.
          idempotencyRetention: run.shortRetentionMs,
          // The raw event holds the PaymentIntent's client secret.
          journalRetention: 0,
        },
        (ctx: restate.Context, rawBody) => processWebhook(ctx, options, rawBody),
      ),
    },
  });
}
