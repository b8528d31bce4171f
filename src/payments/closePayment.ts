import type { Call } from "../durable/call.ts";
import { readOwnPayment } from "./object.ts";
import { failureWithoutReason, type PaymentFailure, type PaymentSnapshot } from "./rules/payment.ts";

/** How an attempt to close a PaymentIntent ended. `open`: Stripe doesn't let go of it yet, so somebody has to watch it. */
export type Closing = { readonly kind: "canceled" | "succeeded" | "open"; readonly payment: PaymentSnapshot };

const closingAttempts = 3;

/**
 * Cancels a PaymentIntent so that it can't succeed behind the caller's back. A refusal is a recorded answer, so the next
 * attempt has a fresh idempotency key, and what the refusal means is learnt by reading the PaymentIntent.
 *
 * If an attempt to pay failed, that is noted on the PaymentIntent first, because cancelling erases the reason.
 * @param from.callbackKey the closer's own doorbell, which nobody needs any more: the note takes its place
 * @param from.failure the failed attempt, if the closer knows one that the snapshot doesn't show
 */
export async function closePayment(
  call: Call,
  from: { readonly payment: PaymentSnapshot; readonly callbackKey: string; readonly failure: PaymentFailure | null },
): Promise<Closing> {
  const { paymentIntentId } = from.payment;
  let latest = from.payment;
  let noted = false;
  for (let attempt = 0; attempt < closingAttempts; attempt++) {
    const failure = from.failure ?? failureOf(latest);
    if (failure !== null && !noted) {
      await call.ask("note the failure", (stripe) => stripe.noteFailure(paymentIntentId, failure, from.callbackKey));
      noted = true;
    }
    const idempotencyKey = await call.nextIdempotencyKey();
    const cancel = await call.ask("cancel PaymentIntent", (stripe) =>
      stripe.cancelPayment(paymentIntentId, idempotencyKey),
    );
    latest = cancel.kind === "payment" ? cancel.payment : await readOwnPayment(call, paymentIntentId);
    switch (latest.status) {
      case "canceled":
        return { kind: "canceled", payment: latest };
      case "succeeded":
        return { kind: "succeeded", payment: latest };
      case "processing":
      case "unrecognized":
        // Some methods can be cancelled while they are processing: only Stripe's refusal says that this one can't, not its failure.
        if (cancel.kind === "failed") break;
        return { kind: "open", payment: latest };
      case "requires_payment_method":
      case "requires_confirmation":
      case "requires_action":
      case "requires_capture":
        // It can be cancelled in these states: the refusal was about a state that has passed.
        break;
    }
  }
  return { kind: "open", payment: latest };
}

/** Only payments that were confirmed are closed, so one without a payment method has failed. */
function failureOf(payment: PaymentSnapshot): PaymentFailure | null {
  return payment.status === "requires_payment_method" ? (payment.failure ?? failureWithoutReason) : null;
}

/** Notes for good that the payment is given up: whoever sees it succeed later knows by the note that it is taken back. */
export async function decideAbandonment(call: Call, paymentIntentId: string): Promise<void> {
  const noted = await call.ask("note that it is abandoned", (stripe) =>
    stripe.decideAbandonment(paymentIntentId, call.invocationId),
  );
  ringAll(call, noted);
}

/** Takes back the note that a payment is about to be given up: it was faster. */
export async function withdrawAbandonment(call: Call, paymentIntentId: string): Promise<void> {
  const noted = await call.ask("take the note back", (stripe) => stripe.withdrawAbandonment(paymentIntentId));
  ringAll(call, noted);
}

/** Calls that were woken while this was undecided wait on, and Stripe sends no event about a note. */
function ringAll(call: Call, noted: { readonly kind: string; readonly doorbells?: readonly string[] }): void {
  for (const address of noted.doorbells ?? []) call.ctx.resolveAwakeable(address);
}
