/** Takes the money that an authorization holds: all of it, or a part, which releases the rest. */
import type { Context } from "@restatedev/restate-sdk";
import { nextCaptureStep } from "../domain/capture.ts";
import type { CaptureParameters } from "../stripe/paymentRequests.ts";
import { answer } from "./answer.ts";
import { canceled, conflict, declined, invalidRequest, needsReview } from "./failures.ts";
import type { AwaitPaymentRequest, CapturePaymentRequest, PaymentOutcome } from "./paymentApi.ts";
import type { PaymentsOptions } from "./paymentsOptions.ts";
import { readNamedPayment, readOwnPayment } from "./readPayment.ts";
import { stripeStep } from "./stripeStep.ts";

const captureAttempts = 3;

/**
 * Captures an authorized payment. One that is captured already with the same amount is a success.
 * @param awaitPayment waits for the end of a capture that Stripe doesn't know at once
 * @throws TerminalError `invalid_request`, `declined`, `not_found`, `canceled`, `conflict` or `needs_review`
 */
export async function capturePayment(
  ctx: Context,
  { stripe }: PaymentsOptions,
  request: CapturePaymentRequest,
  awaitPayment: (ctx: Context, request: AwaitPaymentRequest) => Promise<PaymentOutcome>,
): Promise<PaymentOutcome> {
  const { paymentIntentId } = request;
  const final = request.final ?? true;
  let payment = await readNamedPayment(ctx, stripe, paymentIntentId);
  for (let attempt = 0; attempt < captureAttempts; attempt++) {
    const step = nextCaptureStep(payment, { amount: request.amount, final });
    switch (step.kind) {
      case "captured":
        return answer({ payment, decision: { kind: "succeeded" }, settledBy: "poll" });
      case "wait":
        return await awaitPayment(ctx, { paymentIntentId, timeoutSeconds: request.timeoutSeconds });
      case "invalid":
        throw invalidRequest({ message: `amount ${step.message}`, param: "amount", stripeCode: null }, paymentIntentId);
      case "canceled":
        throw canceled(paymentIntentId, step.message);
      case "conflict":
        throw conflict(paymentIntentId, step.message);
      case "needs_review":
        throw needsReview(step.message, paymentIntentId);
      case "capture":
        break;
    }
    const idempotencyKey = ctx.rand.uuidv4();
    const fixed = await ctx.run("fix the capture", () =>
      stripe.fixRequest(captureParameters(request.amount, final), idempotencyKey),
    );
    const captured = await stripeStep(ctx, "capture PaymentIntent", () =>
      stripe.capturePayment(paymentIntentId, fixed),
    );
    switch (captured.kind) {
      case "payment": {
        payment = captured.payment;
        if (payment.status === "processing") return await awaitPayment(ctx, { paymentIntentId });
        const kind = payment.status === "requires_capture" ? "requires_capture" : "succeeded";
        return answer({ payment, decision: { kind }, settledBy: "response" });
      }
      case "declined":
        throw declined(captured.failure, { paymentIntentId });
      case "refused":
        throw invalidRequest(captured.refusal, paymentIntentId);
      case "needs_review":
        throw needsReview(captured.message, paymentIntentId);
      case "unknown":
        payment = await readOwnPayment(ctx, stripe, paymentIntentId);
        // A second final capture is refused by the state; one of several would take the money twice.
        if (!final) throw needsReview("Whether Stripe made this capture, one of several, is unknown.", paymentIntentId);
    }
  }
  throw needsReview("Stripe refuses to capture a payment that it shows as capturable.", paymentIntentId);
}

function captureParameters(amount: number | undefined, final: boolean): CaptureParameters {
  return { ...(amount === undefined ? {} : { amount_to_capture: amount }), ...(final ? {} : { final_capture: false }) };
}
