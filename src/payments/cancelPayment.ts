/** Ends a payment on the merchant's word: cancels it, or, if the money has come meanwhile and is to go back, refunds it. */
import type { CancelOutcome, CancelPaymentRequest } from "./contract.ts";
import type { RefundPaymentRequest } from "../refunds/contract.ts";
import { openWait, planWait, settledBy as settledByOf } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { failure } from "../durable/failures.ts";
import { refundPayment } from "../refunds/refundPayment.ts";
import { awaitedPayment, readNamedPayment, readOwnPayment } from "./object.ts";
import { paymentFields } from "./outcome.ts";
import { nextCancelStep } from "./rules/cancel.ts";
import type { PaymentSnapshot } from "./rules/payment.ts";
import { sharesToTakeBack } from "./rules/sharing.ts";

/** A refusal is answered by reading; a state that can be cancelled and isn't, this often, needs a person. */
const maximumRefusals = 3;

/**
 * Cancels a payment. One that is cancelled already is a success; a payment that Stripe can't cancel yet is waited for.
 * https://docs.stripe.com/api/payment_intents/cancel
 * @throws TerminalError `not_found`, `conflict`, `timed_out`, `canceled` (the call, not the payment) or `needs_review`,
 *   and with `refundIfSucceeded` those of `refundPayment`
 */
export async function cancelPayment(call: Call, request: CancelPaymentRequest): Promise<CancelOutcome> {
  const { paymentIntentId, reason } = request;
  const plan = await planWait(call, request.timeoutSeconds);
  let payment = await readNamedPayment(call, paymentIntentId);
  const wait = openWait(call, awaitedPayment, paymentIntentId, { plan, first: payment });
  let settledBy: CancelOutcome["settledBy"] = "poll";
  let refusals = 0;
  for (;;) {
    const step = nextCancelStep(payment, request.refundIfSucceeded ?? false);
    if (step.kind !== "cancel") await wait.end();
    switch (step.kind) {
      case "canceled":
        return { ...paymentFields(payment, "canceled"), settledBy };
      case "refund":
        return await refundPayment(call, {
          paymentIntentId,
          timeoutSeconds: request.timeoutSeconds,
          ...refundReason(reason),
          ...sharesToTakeBack(payment),
        });
      case "conflict":
      case "needs_review":
        throw failure(step.kind, step.message, { paymentIntentId });
      case "cancel":
        break;
    }
    const cancelKey = await call.nextIdempotencyKey();
    const change = await call.ask("cancel PaymentIntent", (stripe) =>
      stripe.cancelPayment(paymentIntentId, cancelKey, reason ?? "requested_by_customer"),
    );
    if (change.kind === "payment" && !isCancelable(change.payment)) {
      payment = change.payment;
      settledBy = "response";
      continue;
    }
    const expireKey = await call.nextIdempotencyKey();
    const session = await call.ask("expire its Checkout Session", (stripe) =>
      stripe.expireSession(paymentIntentId, expireKey),
    );
    payment = await readOwnPayment(call, paymentIntentId);
    if (session === "expired") settledBy = "response";
    if (!isCancelable(payment)) continue;
    if (payment.status !== "processing") {
      const refusal = change.kind === "payment" ? `it stays ${payment.stripeStatus}.` : change.message;
      const failed =
        session === "complete"
          ? failure("conflict", sessionIsComplete(payment), { paymentIntentId })
          : ++refusals >= maximumRefusals
            ? failure("needs_review", `Stripe refuses to cancel it: ${refusal}`, { paymentIntentId })
            : null;
      if (failed === null) continue;
      await wait.end();
      throw failed;
    }
    const look = await wait.until(judgeProcessing);
    payment = look.seen;
    settledBy = settledByOf(look);
    if (look.judgement.kind !== "pending") continue;
    await wait.end();
    const fate = "The payment is processing and can't be cancelled yet; it was left as it is.";
    const details = { paymentIntentId, compensation: "none" } as const;
    throw look.wake === "cancellation"
      ? failure("canceled", `The call was cancelled. ${fate}`, details)
      : failure("timed_out", fate, details);
  }
}

/** A debit under way can't be called back; whatever else it becomes is decided anew. */
function judgeProcessing({ status }: PaymentSnapshot): { readonly kind: "pending" | "over" } {
  return { kind: status === "processing" ? "pending" : "over" };
}

/** A voucher may still be paid then; a debit that failed can't succeed any more. */
function sessionIsComplete({ status }: PaymentSnapshot): string {
  const hope = status === "requires_payment_method" ? " Its attempt to pay failed, and there is no other." : "";
  return `Its Checkout Session is complete, so Stripe doesn't let it be cancelled (${status}).${hope}`;
}

function isCancelable(payment: PaymentSnapshot): boolean {
  return nextCancelStep(payment, false).kind === "cancel";
}

/** Stripe's reasons for a refund are those for a cancellation, but for one. */
function refundReason(reason: CancelPaymentRequest["reason"]): Pick<RefundPaymentRequest, "reason"> {
  return reason === undefined || reason === "abandoned" ? {} : { reason };
}
