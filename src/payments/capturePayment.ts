/** Takes the money that an authorization holds: all of it, or a part, which releases the rest. */
import type { Context } from "@restatedev/restate-sdk";
import { nextCaptureStep, totalAfterCapture } from "./rules/capture.ts";
import type { CaptureParameters } from "./stripe/requests.ts";
import { answer } from "./outcome.ts";
import { canceled, conflict, declined, invalidRequest, needsReview } from "../durable/failures.ts";
import type { CapturePaymentRequest, PaymentOutcome } from "./contract.ts";
import type { PaymentById } from "./processPayment.ts";
import type { PaymentsOptions } from "../merchants/options.ts";
import { readNamedPayment, readOwnPayment } from "./readPayment.ts";
import { stripeStep } from "../durable/stripeStep.ts";

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
  awaitPayment: (ctx: Context, request: PaymentById) => Promise<PaymentOutcome>,
): Promise<PaymentOutcome> {
  const { paymentIntentId } = request;
  const final = request.final ?? true;
  let payment = await readNamedPayment(ctx, stripe, paymentIntentId);
  let settledBy: PaymentOutcome["settledBy"] = "poll";
  let totalMinor: number | undefined;
  let attempts = 0;
  while (attempts < captureAttempts) {
    if (payment.status === "requires_capture") totalMinor ??= totalAfterCapture(payment, request.amount);
    const step = nextCaptureStep(payment, { amount: request.amount, final, totalMinor });
    switch (step.kind) {
      case "captured":
        return answer({ payment, decision: { kind: "succeeded" }, settledBy });
      case "wait":
        // How it ends says whether it is as the caller wants it, or can be captured only now.
        ({ settledBy } = await awaitPayment(ctx, { paymentIntentId, timeoutSeconds: request.timeoutSeconds }));
        payment = await readOwnPayment(ctx, stripe, paymentIntentId);
        continue;
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
    attempts++;
    const idempotencyKey = ctx.rand.uuidv4();
    const fixed = await ctx.run("fix the capture", () =>
      stripe.fixRequest(captureParameters(request.amount, final), idempotencyKey),
    );
    const captured = await stripeStep(ctx, "capture PaymentIntent", () =>
      stripe.capturePayment(paymentIntentId, fixed),
    );
    switch (captured.kind) {
      case "payment":
        payment = captured.payment;
        settledBy = "response";
        if (payment.status === "succeeded" || payment.status === "requires_capture") {
          return answer({ payment, decision: { kind: payment.status }, settledBy });
        }
        break;
      case "declined":
        throw declined(captured.failure, { paymentIntentId });
      case "refused":
        // Stripe's reason may be a state that came after the read, an authorization that has expired for one.
        payment = await readOwnPayment(ctx, stripe, paymentIntentId);
        if (payment.status === "requires_capture") throw invalidRequest(captured.refusal, paymentIntentId);
        break;
      case "unexpected_state":
        payment = await readOwnPayment(ctx, stripe, paymentIntentId);
        break;
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
