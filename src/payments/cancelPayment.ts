/** Ends a payment on the merchant's word: cancels it, or, if the money has come meanwhile and is to go back, refunds it. */
import type { Context } from "@restatedev/restate-sdk";
import { nextCancelStep } from "./rules/cancel.ts";
import { waiterCallbackKey } from "../stripe/metadata.ts";
import type { PaymentSnapshot } from "./rules/payment.ts";
import { paymentFields } from "./outcome.ts";
import { canceled, conflict, needsReview, timedOut } from "../durable/failures.ts";
import type { CancelOutcome, CancelPaymentRequest } from "./contract.ts";
import type { RefundPaymentRequest } from "../refunds/contract.ts";
import { hangDoorbell, startPaymentWait } from "./object.ts";
import type { ObjectWait } from "../durable/objectWait.ts";
import { type PaymentsOptions, timeoutMsOf } from "../merchants/options.ts";
import { readNamedPayment, readOwnPayment } from "./readPayment.ts";
import { refundPayment } from "../refunds/refundPayment.ts";
import { stripeStep } from "../durable/stripeStep.ts";
import { createDoorbell } from "../durable/wait.ts";

/** A refusal is answered by reading; a state that can be cancelled and isn't, this often, needs a person. */
const maximumRefusals = 3;

/**
 * Cancels a payment. One that is cancelled already is a success; what Stripe can't cancel yet is waited for.
 * @throws TerminalError `not_found`, `conflict`, `timed_out`, `canceled` (the call, not the payment) or `needs_review`,
 *   and with `refundIfSucceeded` those of `refundPayment`
 */
export async function cancelPayment(
  ctx: Context,
  options: PaymentsOptions,
  request: CancelPaymentRequest,
): Promise<CancelOutcome> {
  const { stripe } = options;
  const { paymentIntentId, reason } = request;
  let payment = await readNamedPayment(ctx, stripe, paymentIntentId);
  let settledBy: CancelOutcome["settledBy"] = "poll";
  let wait: ObjectWait<PaymentSnapshot> | null = null;
  let refusals = 0;
  for (;;) {
    const step = nextCancelStep(payment, request.refundIfSucceeded ?? false);
    switch (step.kind) {
      case "canceled":
        return { ...paymentFields(payment, "canceled"), settledBy };
      case "refund":
        return await refundPayment(ctx, options, {
          paymentIntentId,
          timeoutSeconds: request.timeoutSeconds,
          ...refundReason(reason),
        });
      case "conflict":
        throw conflict(paymentIntentId, step.message);
      case "needs_review":
        throw needsReview(step.message, paymentIntentId);
      case "cancel":
        break;
    }
    const cancelKey = ctx.rand.uuidv4();
    const change = await stripeStep(ctx, "cancel PaymentIntent", () =>
      stripe.cancelPayment(paymentIntentId, cancelKey, reason ?? "requested_by_customer"),
    );
    if (change.kind === "payment" && !isCancelable(change.payment)) {
      payment = change.payment;
      settledBy = "response";
      continue;
    }
    const expireKey = ctx.rand.uuidv4();
    const session = await stripeStep(ctx, "expire its Checkout Session", () =>
      stripe.expireSession(paymentIntentId, expireKey),
    );
    payment = await readOwnPayment(ctx, stripe, paymentIntentId);
    if (session === "expired") settledBy = "response";
    if (!isCancelable(payment)) continue;
    if (payment.status !== "processing") {
      if (session === "complete") throw conflict(paymentIntentId, sessionIsComplete(payment));
      if (++refusals >= maximumRefusals) {
        const refusal = change.kind === "payment" ? `it stays ${payment.stripeStatus}.` : change.message;
        throw needsReview(`Stripe refuses to cancel it: ${refusal}`, paymentIntentId);
      }
      continue;
    }
    if (wait === null) {
      const begun = await startToWait(ctx, options, paymentIntentId, timeoutMsOf(request, options));
      wait = begun.wait;
      payment = begun.payment;
      // It may have ended before the doorbell hung.
      if (payment.status !== "processing") continue;
    }
    const { wake, seen } = await wait.next((latest) => latest.status === "processing");
    payment = seen;
    settledBy = wake === "webhook" ? "webhook" : "poll";
    if (payment.status !== "processing") continue;
    const fate = "The payment is processing and can't be cancelled yet; it was left as it is.";
    if (wake === "deadline") throw timedOut(paymentIntentId, fate, "none");
    if (wake === "cancellation") throw canceled(paymentIntentId, `The call was cancelled. ${fate}`, "none");
  }
}

/** A voucher may still be paid then; a debit that failed can't succeed any more. */
function sessionIsComplete({ status }: PaymentSnapshot): string {
  const hope = status === "requires_payment_method" ? " Its attempt to pay failed, and there is no other." : "";
  return `Its Checkout Session is complete, so Stripe doesn't let it be cancelled (${status}).${hope}`;
}

function isCancelable(payment: PaymentSnapshot): boolean {
  return nextCancelStep(payment, false).kind === "cancel";
}

async function startToWait(
  ctx: Context,
  { stripe, pollScheduleMs }: PaymentsOptions,
  paymentIntentId: string,
  deadlineMs: number,
): Promise<{ readonly wait: ObjectWait<PaymentSnapshot>; readonly payment: PaymentSnapshot }> {
  const doorbell = createDoorbell(ctx);
  const callbackKey = waiterCallbackKey(ctx.request().id);
  const payment = await hangDoorbell(ctx, stripe, paymentIntentId, callbackKey, doorbell);
  const wait = startPaymentWait(ctx, stripe, { paymentIntentId, callbackKey, doorbell, pollScheduleMs, deadlineMs });
  return { wait, payment };
}

/** Stripe's reasons for a refund are those for a cancellation, but for one. */
function refundReason(reason: CancelPaymentRequest["reason"]): Pick<RefundPaymentRequest, "reason"> {
  return reason === undefined || reason === "abandoned" ? {} : { reason };
}
