/** Declares the service `payments` to the engine: each call of the registry with its handler, and how the engine runs it. */
import * as restate from "@restatedev/restate-sdk";
import type { z } from "zod";
import { services } from "../api/calls.ts";
import { createCustomer } from "../customers/createCustomer.ts";
import { getCustomer } from "../customers/getCustomer.ts";
import { acceptDispute } from "../disputes/acceptDispute.ts";
import { getDispute } from "../disputes/getDispute.ts";
import { submitDisputeEvidence } from "../disputes/submitDisputeEvidence.ts";
import { acceptanceOf } from "../durable/acceptance.ts";
import { answerSerde } from "../durable/answerSerde.ts";
import type { Call } from "../durable/call.ts";
import { openCall } from "../durable/openCall.ts";
import { asFailure, failure, withFingerprint } from "../durable/failures.ts";
import { emptyKeyTest } from "../durable/idempotencyKey.ts";
import * as run from "../durable/policies.ts";
import { requestSerde } from "../durable/requestSerde.ts";
import type { HandlerOptions } from "../merchants/options.ts";
import { accountOf, type Addressed } from "../merchants/rules.ts";
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
import { handOn, keptCallsInterface } from "./keptCalls.ts";
import { webhookReceiptSchema } from "../webhooks/contract.ts";
import { processWebhook } from "../webhooks/processWebhook.ts";

const serviceName = "payments";
const calls = services[serviceName];

/** The handlers of this service, by name. */
export const paymentsHandlerNames: readonly string[] = [...Object.keys(calls), "processWebhook"];

function nameOf(declared: unknown): string {
  const [name] = Object.entries(calls).find(([, call]) => call === declared) ?? [];
  if (name === undefined) throw new TypeError("A handler of a call that the registry does not have.");
  return name;
}

export function createPaymentsService(options: HandlerOptions) {
  /** How the engine keeps the answer of a call. */
  const kept = {
    moves: {
      // What was sent to Stripe is recorded before a cancellation is looked at; only the waits look at it.
      explicitCancellation: true,
      idempotencyRetention: options.idempotencyRetentionMs,
      journalRetention: run.paymentJournalRetentionMs,
    },
    reads: run.keepingNothing,
  } as const;
  /** A call that hands on what is to be kept hands a cancellation on, too. */
  const keptElsewhere = { ...run.keepingNothing, explicitCancellation: true } as const;

  function handler<Request extends Addressed, Answer>(
    declared: {
      readonly description: string;
      readonly input: z.ZodType<Request>;
      readonly output: z.ZodType<Answer>;
      readonly effect: keyof typeof kept;
    },
    handle: (call: Call, request: Request) => Promise<Answer>,
    keeping: (typeof kept)[keyof typeof kept] | typeof keptElsewhere = kept[declared.effect],
  ) {
    const { description, input, output } = declared;
    const target = { service: serviceName, handler: nameOf(declared) };
    const hasEmptyKey = emptyKeyTest(target.service, target.handler);
    return restate.handlers.handler(
      {
        ...run.running(options),
        description,
        input: requestSerde(input),
        output: answerSerde(output),
        ...keeping,
      },
      async (ctx: restate.Context, request: Request) => {
        if (hasEmptyKey(ctx.request().id)) {
          throw failure("invalid_request", "The idempotency-key header is empty: send a key, or no header.", {});
        }
        const acceptance = acceptanceOf(ctx, target, options.edgeSecrets ?? []);
        const call = openCall(ctx, options, { account: accountOf(request), acceptance, isAsked: true });
        try {
          const answer = await handle(call, request);
          return { answer, fingerprint: call.answeredFingerprint() };
        } catch (error) {
          throw withFingerprint(asFailure(error, request), call.answeredFingerprint());
        }
      },
    );
  }

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
