/** Gives a payment's money back: one call that returns how the refund ended, at once or days later. */
import type { Context } from "@restatedev/restate-sdk";
import { creatorCallbackKey, invocationIdKey } from "../stripe/metadata.ts";
import { amountLeftToRefund, decisiveRefund, refundObstacle, refundOfCall, type RefundSnapshot } from "./rules.ts";
import type { PaymentSnapshot } from "../payments/rules/payment.ts";
import type { Refusal } from "../stripe/errorMeaning.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import { clockToleranceMs } from "../stripe/request.ts";
import type { RefundParameters } from "./stripe.ts";
import { conflict, invalidRequest, needsReview } from "../durable/failures.ts";
import type { RefundOutcome } from "../api/refundOutcome.ts";
import type { RefundPaymentRequest } from "./contract.ts";
import { type PaymentsOptions, timeoutMsOf } from "../merchants/options.ts";
import { readNamedPayment } from "../payments/readPayment.ts";
import { settleRefund } from "./settleRefund.ts";
import { stripeStep } from "../durable/stripeStep.ts";
import { createDoorbell, type Doorbell } from "../durable/wait.ts";

type SettledBy = RefundOutcome["settledBy"];
type Found = { readonly refund: RefundSnapshot; readonly seenBy: SettledBy; readonly doorbell: Doorbell | null };

/** A refusal that a later look at the refunds contradicts is asked again, this often. */
const maximumAttempts = 3;

/**
 * Refunds a payment, or a part of it, and waits for the refund's end. Asked without an amount for a payment that is
 * refunded already, it gives the refund that did it.
 * @throws TerminalError `invalid_request`, `not_found`, `conflict`, `refund_failed`, `timed_out`, `canceled` or `needs_review`
 */
export async function refundPayment(
  ctx: Context,
  options: PaymentsOptions,
  request: RefundPaymentRequest,
): Promise<RefundOutcome> {
  const { stripe } = options;
  const { paymentIntentId } = request;
  const payment = await readNamedPayment(ctx, stripe, paymentIntentId);
  const { refund: first, seenBy, doorbell } = await makeRefund(ctx, stripe, payment, request);
  return await settleRefund(ctx, options, {
    first,
    seenBy,
    doorbell,
    paymentIntentId,
    timeoutMs: timeoutMsOf(request, options),
  });
}

/** Makes the refund once, whatever crashes when, or finds the one that this or an earlier call made. */
async function makeRefund(
  ctx: Context,
  stripe: StripeGateway,
  payment: PaymentSnapshot,
  request: RefundPaymentRequest,
): Promise<Found> {
  refuseWhatCannotBe(payment, request.amount);
  const { paymentIntentId } = payment;
  const invocationId = ctx.request().id;
  const doorbell = createDoorbell(ctx);
  for (let attempt = 1; ; attempt++) {
    const idempotencyKey = ctx.rand.uuidv4();
    const fixed = await ctx.run("fix the refund", () =>
      stripe.fixRequest(refundParameters(request, { invocationId, callbackId: doorbell.address }), idempotencyKey),
    );
    const made = await stripeStep(ctx, "create refund", () => stripe.createRefund(fixed));
    if (made.kind === "refund") return { refund: made.refund, seenBy: "response", doorbell };
    if (made.kind === "needs_review") throw needsReview(made.message, paymentIntentId);

    // The list isn't a search: it shows at once what exists.
    const refunds = await stripeStep(ctx, "list refunds", () => stripe.listRefunds(paymentIntentId));
    const ours = refundOfCall(refunds, invocationId, fixed.fixedAtMs - clockToleranceMs);
    if (ours !== null) return { refund: ours, seenBy: "poll", doorbell };
    const leftMinor = amountLeftToRefund(payment.amountReceived, refunds);
    if (leftMinor === 0 && request.amount === undefined) {
      const earlier = decisiveRefund(refunds);
      if (earlier !== null) return { refund: earlier, seenBy: "poll", doorbell: null };
    }
    if (made.kind === "unknown") {
      throw needsReview(
        `Whether Stripe made the refund is unknown, and none with the metadata restate_invocation_id=${invocationId} was found. Look for it in Stripe's dashboard before you refund again.`,
        paymentIntentId,
      );
    }
    if (leftMinor < (request.amount ?? 1)) {
      throw conflict(paymentIntentId, `Only ${leftMinor} of ${payment.amountReceived} is left to refund.`);
    }
    // Enough is left now: a refund that held the money has failed since Stripe refused.
    if (isAboutWhatIsLeft(made.refusal) && attempt < maximumAttempts) continue;
    if (made.refusal.stripeCode === "charge_disputed") throw conflict(paymentIntentId, made.refusal.message);
    throw invalidRequest(made.refusal, paymentIntentId);
  }
}

function refuseWhatCannotBe(payment: PaymentSnapshot, amount: number | undefined): void {
  const { paymentIntentId } = payment;
  const obstacle = refundObstacle(payment, amount);
  switch (obstacle?.kind) {
    case "invalid":
      throw invalidRequest(
        { message: `amount ${obstacle.message}`, param: "amount", stripeCode: null },
        paymentIntentId,
      );
    case "conflict":
      throw conflict(paymentIntentId, obstacle.message);
    case "needs_review":
      throw needsReview(obstacle.message, paymentIntentId);
    case undefined:
      break;
  }
}

function isAboutWhatIsLeft(refusal: Refusal): boolean {
  return refusal.stripeCode === "charge_already_refunded" || refusal.param === "amount";
}

function refundParameters(
  request: RefundPaymentRequest,
  origin: { readonly invocationId: string; readonly callbackId: string },
): RefundParameters {
  return {
    payment_intent: request.paymentIntentId,
    ...(request.amount === undefined ? {} : { amount: request.amount }),
    ...(request.reason === undefined ? {} : { reason: request.reason }),
    ...(request.reverseTransfer === undefined ? {} : { reverse_transfer: request.reverseTransfer }),
    ...(request.refundApplicationFee === undefined ? {} : { refund_application_fee: request.refundApplicationFee }),
    metadata: {
      ...request.metadata,
      [creatorCallbackKey]: origin.callbackId,
      [invocationIdKey]: origin.invocationId,
    },
  };
}
