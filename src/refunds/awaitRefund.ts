/** Waits for the end of a refund that exists: one whose call stopped waiting, or one made elsewhere. */
import type { AwaitRefundRequest } from "./contract.ts";
import type { RefundOutcome } from "../api/refundOutcome.ts";
import { planWait } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { failure, invalidField } from "../durable/failures.ts";
import { settleRefund } from "./outcome.ts";

/** @throws TerminalError `not_found`, `invalid_request`, `refund_failed`, `timed_out`, `canceled` or `needs_review` */
export async function awaitRefund(
  call: Call,
  { refundId, timeoutSeconds }: AwaitRefundRequest,
): Promise<RefundOutcome> {
  const plan = await planWait(call, timeoutSeconds);
  const first = await call.ask("read refund", (stripe) => stripe.readRefund(refundId));
  if (first === null) throw failure("not_found", `Stripe knows no refund ${refundId}.`, { refundId });
  const { paymentIntentId } = first;
  if (paymentIntentId === null) {
    const message = `The refund ${refundId} belongs to a charge without a PaymentIntent, which this service doesn't serve.`;
    throw invalidField("refundId", message, {});
  }
  return await settleRefund(call, { first, seenBy: "poll", doorbell: null, paymentIntentId, plan });
}
