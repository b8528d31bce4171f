/** Waiting for a refund's end, whoever made it. */
import type { Context } from "@restatedev/restate-sdk";
import { creatorCallbackKey, waiterCallbackKey } from "../stripe/metadata.ts";
import { isRefundSettled, type RefundSnapshot } from "./rules.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import { canceled, needsReview, refundFailed, timedOut } from "../durable/failures.ts";
import { startObjectWait } from "../durable/objectWait.ts";
import type { RefundOutcome } from "../api/refundOutcome.ts";
import type { PaymentsOptions } from "../merchants/options.ts";
import { stripeStep } from "../durable/stripeStep.ts";
import { createDoorbell, type Doorbell } from "../durable/wait.ts";

/**
 * Gives how a refund ended, or waits for that. At its deadline, or when the call is cancelled, the refund is left as it is.
 * @param from.doorbell the one that the refund was made with, or null if somebody else made it: then one is hung
 * @throws TerminalError `refund_failed`, `timed_out`, `canceled` or `needs_review`
 */
export async function settleRefund(
  ctx: Context,
  { stripe, pollScheduleMs }: PaymentsOptions,
  from: {
    readonly first: RefundSnapshot;
    readonly seenBy: RefundOutcome["settledBy"];
    readonly doorbell: Doorbell | null;
    readonly paymentIntentId: string;
    readonly timeoutMs: number;
  },
): Promise<RefundOutcome> {
  const { first, paymentIntentId } = from;
  if (isRefundSettled(first)) return outcome(first, paymentIntentId, from.seenBy);

  const { refundId } = first;
  const callbackKey = from.doorbell === null ? waiterCallbackKey(ctx.request().id) : creatorCallbackKey;
  const read = () => readOwnRefund(ctx, stripe, first, paymentIntentId);
  const hang = async (next: Doorbell) => {
    const hung = await stripeStep(ctx, "hang the doorbell", () =>
      stripe.hangRefundDoorbell(refundId, callbackKey, next.address),
    );
    return hung ?? (await read());
  };
  let { doorbell } = from;
  if (doorbell === null) {
    doorbell = createDoorbell(ctx);
    // Its answer is a read: the refund may have ended before the doorbell hung.
    const hung = await hang(doorbell);
    if (isRefundSettled(hung)) return outcome(hung, paymentIntentId, "poll");
  }
  const wait = startObjectWait(ctx, { read, hang, doorbell, pollScheduleMs, deadlineMs: from.timeoutMs });
  for (;;) {
    const { wake, seen } = await wait.next((latest) => !isRefundSettled(latest));
    if (isRefundSettled(seen)) return outcome(seen, paymentIntentId, wake === "webhook" ? "webhook" : "poll");
    const fate = `The refund ${refundId} is still pending at Stripe and was left as it is.`;
    if (wake === "deadline") throw timedOut(paymentIntentId, fate, "none", refundId);
    if (wake === "cancellation") throw canceled(paymentIntentId, `The call was cancelled. ${fate}`, "none", refundId);
  }
}

/** Reads a refund that is known to exist. @throws TerminalError `needs_review` if it is gone */
async function readOwnRefund(
  ctx: Context,
  stripe: StripeGateway,
  { refundId }: RefundSnapshot,
  paymentIntentId: string,
): Promise<RefundSnapshot> {
  const refund = await stripeStep(ctx, "read refund", () => stripe.readRefund(refundId));
  if (refund === null) throw needsReview(`Stripe no longer knows the refund ${refundId}.`, paymentIntentId);
  return refund;
}

function outcome(
  refund: RefundSnapshot,
  paymentIntentId: string,
  settledBy: RefundOutcome["settledBy"],
): RefundOutcome {
  const { refundId, amount, currency } = refund;
  if (refund.status === "succeeded") {
    return { refundId, paymentIntentId, status: "succeeded", amount, currency, settledBy };
  }
  throw refundFailed(refund, paymentIntentId);
}
