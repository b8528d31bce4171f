/** Declares the service `payments` to the engine: each call of the registry with its handler, and how the engine runs it. */
import * as restate from "@restatedev/restate-sdk";
import { services } from "../api/calls.ts";
import { createCustomer } from "../customers/createCustomer.ts";
import { getCustomer } from "../customers/getCustomer.ts";
import { acceptDispute } from "../disputes/acceptDispute.ts";
import { getDispute } from "../disputes/getDispute.ts";
import { submitDisputeEvidence } from "../disputes/submitDisputeEvidence.ts";
import type { Call } from "../durable/call.ts";
import * as run from "../durable/policies.ts";
import type { HandlerOptions } from "../merchants/options.ts";
import { thenLook } from "../notifications/thenLook.ts";
import { awaitPayment } from "../payments/awaitPayment.ts";
import { payByReference, resolveReference } from "../payments/byReference.ts";
import { capturePayment } from "../payments/capturePayment.ts";
import type { PaymentRequest } from "../payments/contract.ts";
import { getPayment } from "../payments/getPayment.ts";
import { processPayment } from "../payments/processPayment.ts";
import { withPages } from "../payments/withPages.ts";
import { awaitRefund } from "../refunds/awaitRefund.ts";
import { awaitSetup } from "../setups/awaitSetup.ts";
import { setupPaymentMethod } from "../setups/setupPaymentMethod.ts";
import { withPage } from "../setups/withPage.ts";
import { callHandlers } from "./callHandler.ts";
import { handOn, keptCallsInterface } from "./keptCalls.ts";
import { webhookReceiptSchema } from "../webhooks/contract.ts";
import { processWebhook } from "../webhooks/processWebhook.ts";

const serviceName = "payments";
const calls = services[serviceName];

/** The handlers of this service, by name. */
export const paymentsHandlerNames: readonly string[] = [...Object.keys(calls), "processWebhook"];

export function createPaymentsService(options: HandlerOptions) {
  const { handler, keptElsewhere } = callHandlers(serviceName, options);

  const pay = thenLook([], (call: Call, request: PaymentRequest) => processPayment(call, request));
  return restate.service({
    name: serviceName,
    description:
      "Stripe payments as one call that returns the final outcome, whether Stripe knows it at once or days later.",
    handlers: {
      processPayment: handler(calls.processPayment, async (call, request) => {
        const { reference } = request;
        const outcome =
          reference === undefined ? await pay(call, request) : await payByReference(call, request, reference);
        return await withPages(call, outcome);
      }),
      awaitPayment: handler(
        calls.awaitPayment,
        thenLook([], async (call, request) => await awaitPayment(call, await resolveReference(call, request))),
      ),
      getPayment: handler(
        calls.getPayment,
        async (call, request) => await getPayment(call, await resolveReference(call, request)),
      ),
      capturePayment: handler(calls.capturePayment, thenLook([], capturePayment)),
      cancelPayment: handler(
        calls.cancelPayment,
        (call, request) =>
          handOn(call, request, (asked, key) => call.ctx.client(keptCallsInterface).cancelPayment(asked, key)),
        keptElsewhere,
      ),
      refundPayment: handler(
        calls.refundPayment,
        (call, request) =>
          handOn(call, request, (asked, key) => call.ctx.client(keptCallsInterface).refundPayment(asked, key)),
        keptElsewhere,
      ),
      awaitRefund: handler(calls.awaitRefund, thenLook(["refunds"], awaitRefund)),
      setupPaymentMethod: handler(
        calls.setupPaymentMethod,
        async (call, request) => await withPage(call, await setupPaymentMethod(call, request)),
      ),
      awaitSetup: handler(calls.awaitSetup, awaitSetup),
      createCustomer: handler(calls.createCustomer, createCustomer),
      getCustomer: handler(calls.getCustomer, getCustomer),
      getDispute: handler(
        calls.getDispute,
        async (call, request) =>
          request.awaitOutcome
            ? await handOn(call, request, (asked, key) => call.ctx.client(keptCallsInterface).getDispute(asked, key))
            : await getDispute(call, request),
        keptElsewhere,
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
