import type { Context } from "@restatedev/restate-sdk";
import type { PaymentSnapshot } from "../domain/payment.ts";
import type { StripeGateway } from "../stripe/gateway.ts";
import { readOwnPayment } from "./readPayment.ts";
import { stripeStep } from "./stripeStep.ts";
import { createDoorbell, startWait, type Doorbell, type Wake } from "./wait.ts";

/** What woke the wait, and what Stripe said then. */
type Look = { readonly wake: Wake; readonly payment: PaymentSnapshot };

export type PaymentWait = {
  /**
   * Waits until something happens and reads the PaymentIntent. `isPending` tells whether to go on waiting for a webhook:
   * then a rung doorbell is replaced by a new one.
   */
  next(isPending: (payment: PaymentSnapshot) => boolean): Promise<Look>;
};

/** After this many rings that found nothing new, polling does: rings are cheap for whoever sends them. */
const maximumRings = 10;

/**
 * Starts to wait for news of one PaymentIntent.
 * @param from.callbackKey the metadata key that holds the address of `from.doorbell`
 * @param from.deadlineMs how long from now until the deadline, or null for none
 */
export function startPaymentWait(
  ctx: Context,
  stripe: StripeGateway,
  from: {
    readonly paymentIntentId: string;
    readonly callbackKey: string;
    readonly doorbell: Doorbell;
    readonly pollScheduleMs: readonly number[];
    readonly deadlineMs: number | null;
  },
): PaymentWait {
  const { paymentIntentId, callbackKey } = from;
  const { pollScheduleMs, deadlineMs } = from;
  const wait = startWait(ctx, { pollScheduleMs, deadlineMs, cancellable: true });
  let doorbell: Doorbell | null = from.doorbell;
  let rings = 0;
  return {
    async next(isPending) {
      const wake = await wait.next(doorbell);
      if (wake === "webhook") doorbell = null;
      let payment = await readOwnPayment(ctx, stripe, paymentIntentId);
      // Reading comes first: writing the new address erases the reason of a failure.
      if (wake === "webhook" && isPending(payment) && ++rings <= maximumRings) {
        doorbell = createDoorbell(ctx);
        payment = await hangDoorbell(ctx, stripe, paymentIntentId, callbackKey, doorbell);
      }
      return { wake, payment };
    },
  };
}

/**
 * Writes a doorbell's address to the PaymentIntent; Stripe's answer is a read as well. Where Stripe refuses, because the
 * metadata is full or the state allows no change, the wait goes on by polling.
 */
export async function hangDoorbell(
  ctx: Context,
  stripe: StripeGateway,
  paymentIntentId: string,
  callbackKey: string,
  doorbell: Doorbell,
): Promise<PaymentSnapshot> {
  const hung = await stripeStep(ctx, "hang the doorbell", () =>
    stripe.hangDoorbell(paymentIntentId, callbackKey, doorbell.address),
  );
  return hung.kind === "payment" ? hung.payment : await readOwnPayment(ctx, stripe, paymentIntentId);
}
