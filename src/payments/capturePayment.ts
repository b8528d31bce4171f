/** Takes the money that an authorization holds: all of it, or a part, which releases the rest. */
import type { CapturePaymentRequest, PaymentOutcome } from "./contract.ts";
import { planWait } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { fixRequest } from "../durable/createOnce.ts";
import { declined, failure, invalidField, refused } from "../durable/failures.ts";
import { awaitPaymentBy } from "./awaitPayment.ts";
import { readNamedPayment, readOwnPayment } from "./object.ts";
import { paymentOutcome } from "./outcome.ts";
import { nextCaptureStep, totalAfterCapture } from "./rules/capture.ts";
import type { CaptureParameters } from "./stripe/requests.ts";

const captureAttempts = 3;

/**
 * Captures an authorized payment. One that is captured already with the same amount is a success. A final capture of nothing
 * releases the rest that several captures left. https://docs.stripe.com/payments/multicapture
 * https://docs.stripe.com/api/payment_intents/capture
 * @throws TerminalError `invalid_request`, `declined`, `not_found`, `canceled`, `conflict` or `needs_review`
 */
export async function capturePayment(call: Call, request: CapturePaymentRequest): Promise<PaymentOutcome> {
  const { paymentIntentId } = request;
  const final = request.final ?? true;
  const plan = await planWait(call, request.timeoutSeconds);
  let payment = await readNamedPayment(call, paymentIntentId);
  let settledBy: PaymentOutcome["settledBy"] = "poll";
  let totalMinor: number | undefined;
  let attempts = 0;
  for (;;) {
    if (payment.status === "requires_capture") totalMinor ??= totalAfterCapture(payment, request.amount);
    const { amount, applicationFeeAmount, transferAmount } = request;
    const step = nextCaptureStep(payment, { amount, final, totalMinor, applicationFeeAmount, transferAmount });
    switch (step.kind) {
      case "captured":
        return paymentOutcome({ payment, decision: { kind: "succeeded" }, settledBy });
      case "wait":
        // How it ends says whether it is as the caller wants it, or can be captured only now.
        ({ settledBy } = await awaitPaymentBy(call, paymentIntentId, plan, "attempt"));
        payment = await readOwnPayment(call, paymentIntentId);
        continue;
      case "taken_back":
        throw failure("canceled", step.message, { paymentIntentId, compensation: "watching" });
      case "invalid":
        throw invalidField("amount", `amount ${step.message}`, { paymentIntentId });
      case "canceled":
      case "conflict":
      case "needs_review":
        throw failure(step.kind, step.message, { paymentIntentId });
      case "capture":
        break;
    }
    // The look comes first: the last attempt may be the one that captured, and lost its answer.
    if (attempts++ === captureAttempts) {
      const message = "Stripe refuses to capture a payment that it shows as capturable.";
      throw failure("needs_review", message, { paymentIntentId });
    }
    const { request: fixed } = await fixRequest(call, () => ({ parameters: captureParameters(request, final) }));
    const captured = await call.send("capture PaymentIntent", (stripe) => stripe.capturePayment(fixed));
    switch (captured.kind) {
      case "made":
        payment = captured.made;
        settledBy = "response";
        if (payment.isAbandoned || payment.isBeingAbandoned) break;
        if (payment.status === "succeeded" || payment.status === "requires_capture") {
          return paymentOutcome({ payment, decision: { kind: payment.status }, settledBy });
        }
        break;
      case "declined":
        throw declined(captured.failure, { paymentIntentId });
      case "refused":
        // Stripe's reason may be a state that came after the read, an authorization that has expired for one.
        payment = await readOwnPayment(call, paymentIntentId);
        if (payment.status === "requires_capture") throw refused(captured.refusal, { paymentIntentId });
        break;
      case "exists":
        payment = await readOwnPayment(call, paymentIntentId);
        break;
      case "needs_review":
        throw failure("needs_review", captured.message, { paymentIntentId });
      case "unknown":
        payment = await readOwnPayment(call, paymentIntentId);
        // A second final capture is refused by the state; one of several would take the money twice.
        if (!final) {
          const message = "Whether Stripe made this capture, one of several, is unknown.";
          throw failure("needs_review", message, { paymentIntentId });
        }
    }
  }
}

function captureParameters(request: CapturePaymentRequest, final: boolean): CaptureParameters {
  const { paymentIntentId, amount, applicationFeeAmount, transferAmount } = request;
  return {
    paymentIntentId,
    ...(applicationFeeAmount === undefined ? {} : { application_fee_amount: applicationFeeAmount }),
    ...(transferAmount === undefined ? {} : { transfer_data: { amount: transferAmount } }),
    ...(amount === undefined ? {} : { amount_to_capture: amount }),
    ...(final ? {} : { final_capture: false }),
  };
}
