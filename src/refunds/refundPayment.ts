/** Gives a payment's money back: one call that returns how the refund ended, at once or days later. */
import type { RefundPaymentRequest } from "./contract.ts";
import type { RefundOutcome } from "../api/refundOutcome.ts";
import { planWait } from "../durable/awaitObject.ts";
import { makerOf, type Call } from "../durable/call.ts";
import { createOnce, fixRequest } from "../durable/createOnce.ts";
import { createDoorbell, type Doorbell } from "../durable/doorbell.ts";
import { failure, invalidField, refused } from "../durable/failures.ts";
import { readNamedPayment, readOwnPayment } from "../payments/object.ts";
import type { PaymentSnapshot } from "../payments/rules/payment.ts";
import { isLowBalance, type Refusal } from "../stripe/errorMeaning.ts";
import { clockToleranceMs } from "../stripe/request.ts";
import { listRefunds, refundCreation, refundOrigin } from "./creation.ts";
import { settleRefund } from "./outcome.ts";
import {
  amountLeftToRefund,
  decisiveRefund,
  refundObstacle,
  refundsOfCall,
  refundsOfCaptured,
  type RefundSnapshot,
} from "./rules.ts";
import type { RefundParameters } from "./stripe.ts";

type Found = {
  readonly refund: RefundSnapshot;
  readonly seenBy: RefundOutcome["settledBy"];
  readonly doorbell: Doorbell | null;
};

/** A refusal that a later look at the refunds contradicts is asked again, this often. */
const maximumAttempts = 3;

/**
 * Refunds a payment, or a part of it, and waits for the refund's end. Asked without an amount for a payment that is
 * refunded already, it gives the refund that did it. https://docs.stripe.com/api/refunds/create
 * @throws TerminalError `invalid_request`, `not_found`, `conflict`, `balance_insufficient`, `refund_failed`, `timed_out`, `canceled` or `needs_review`
 */
export async function refundPayment(call: Call, request: RefundPaymentRequest): Promise<RefundOutcome> {
  const { paymentIntentId } = request;
  const plan = await planWait(call, request.timeoutSeconds);
  const payment = await readNamedPayment(call, paymentIntentId);
  refuseWhatCannotBe(payment, request.amount);
  const { refund: first, seenBy, doorbell } = await makeRefund(call, payment, request);
  return await settleRefund(call, { first, seenBy, doorbell, paymentIntentId, plan });
}

/** Makes the refund once, whatever crashes when, or finds the one that this or an earlier call made. */
async function makeRefund(call: Call, payment: PaymentSnapshot, request: RefundPaymentRequest): Promise<Found> {
  const { paymentIntentId } = payment;
  const doorbell = createDoorbell(call.ctx);
  for (let attempt = 1; ; attempt++) {
    const fixed = await fixRequest(call, (_surroundings, maker) => ({
      parameters: refundParameters(request, refundOrigin(maker, doorbell.address)),
    }));
    const made = await createOnce(call, { ...refundCreation, detailsOf }, fixed);
    if (made.kind === "created") return { refund: made.made, seenBy: made.seenBy, doorbell };
    const refusal: Refusal =
      made.kind === "refused" ? made.refusal : { stripeCode: null, param: null, message: made.failure.message };

    const refunds = await listRefunds(call, paymentIntentId);
    const [ours] = refundsOfCall(refunds, await makerOf(call), fixed.request.fixedAtMs - clockToleranceMs);
    if (ours !== undefined) return { refund: ours, seenBy: "poll", doorbell };
    if (isAboutAmountLeft(refusal)) {
      // Reading comes after the list: what is left then is left after every refund that the list shows.
      const latest = await readOwnPayment(call, paymentIntentId);
      const leftMinor = amountLeftToRefund(latest);
      if (leftMinor === 0 && isRefundedAlready(refusal) && request.amount === undefined) {
        const earlier = decisiveRefund(refundsOfCaptured(refunds, latest));
        if (earlier !== null) return { refund: earlier, seenBy: "poll", doorbell: null };
      }
      if (leftMinor < (request.amount ?? 1)) {
        const message = `Only ${leftMinor} of ${latest.amountCaptured} is left to refund.`;
        throw failure("conflict", message, { paymentIntentId });
      }
      // Enough is left now: a refund that held the money has failed since Stripe refused.
      if (attempt < maximumAttempts) continue;
    }
    if (isLowBalance(refusal)) {
      const { message, stripeCode } = refusal;
      throw failure("balance_insufficient", message, { paymentIntentId, stripeCode });
    }
    if (refusal.stripeCode === "charge_disputed") throw failure("conflict", refusal.message, { paymentIntentId });
    throw refused(refusal, { paymentIntentId });
  }

  function detailsOf(refundId: string | null) {
    return { paymentIntentId, refundId };
  }
}

function refuseWhatCannotBe(payment: PaymentSnapshot, amount: number | undefined): void {
  const { paymentIntentId } = payment;
  const obstacle = refundObstacle(payment, amount);
  switch (obstacle?.kind) {
    case "invalid":
      throw invalidField("amount", `amount ${obstacle.message}`, { paymentIntentId });
    case "conflict":
    case "needs_review":
      throw failure(obstacle.kind, obstacle.message, { paymentIntentId });
    case undefined:
      break;
  }
}

function isAboutAmountLeft(refusal: Refusal): boolean {
  return isRefundedAlready(refusal) || refusal.param === "amount";
}

/** Any other refusal says nothing about earlier refunds. https://docs.stripe.com/error-codes#charge-already-refunded */
function isRefundedAlready({ stripeCode }: Refusal): boolean {
  return stripeCode === "charge_already_refunded";
}

function refundParameters(request: RefundPaymentRequest, origin: Readonly<Record<string, string>>): RefundParameters {
  return {
    payment_intent: request.paymentIntentId,
    ...(request.amount === undefined ? {} : { amount: request.amount }),
    ...(request.reason === undefined ? {} : { reason: request.reason }),
    ...(request.reverseTransfer === undefined ? {} : { reverse_transfer: request.reverseTransfer }),
    ...(request.refundApplicationFee === undefined ? {} : { refund_application_fee: request.refundApplicationFee }),
    metadata: { ...request.metadata, ...origin },
  };
}
