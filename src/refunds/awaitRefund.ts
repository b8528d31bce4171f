/** Waits for the end of a refund that exists: one whose call stopped waiting, or one made elsewhere. */
import type { Context } from "@restatedev/restate-sdk";
import { invalidRequest, refundNotFound } from "../durable/failures.ts";
import type { RefundOutcome } from "../api/refundOutcome.ts";
import type { AwaitRefundRequest } from "./contract.ts";
import { type PaymentsOptions, timeoutMsOf } from "../merchants/options.ts";
import { settleRefund } from "./settleRefund.ts";
import { stripeStep } from "../durable/stripeStep.ts";

/** @throws TerminalError `not_found`, `invalid_request`, `refund_failed`, `timed_out`, `canceled` or `needs_review` */
export async function awaitRefund(
  ctx: Context,
  options: PaymentsOptions,
  request: AwaitRefundRequest,
): Promise<RefundOutcome> {
  const { refundId } = request;
  const first = await stripeStep(ctx, "read refund", () => options.stripe.readRefund(refundId));
  if (first === null) throw refundNotFound(refundId);
  const { paymentIntentId } = first;
  if (paymentIntentId === null) {
    const message = `The refund ${refundId} belongs to a charge without a PaymentIntent, which this service doesn't serve.`;
    throw invalidRequest({ message, param: "refundId", stripeCode: null });
  }
  const timeoutMs = timeoutMsOf(request, options);
  return await settleRefund(ctx, options, { first, seenBy: "poll", doorbell: null, paymentIntentId, timeoutMs });
}
