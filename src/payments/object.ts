import type { Context } from "@restatedev/restate-sdk";
import type { PaymentSnapshot } from "./rules/payment.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import { type ObjectWait, startObjectWait } from "../durable/objectWait.ts";
import { readOwnPayment } from "./readPayment.ts";
import { stripeStep } from "../durable/stripeStep.ts";
import type { Doorbell } from "../durable/wait.ts";

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
    /** Null where none hangs: then it is polled. */
    readonly doorbell: Doorbell | null;
    readonly pollScheduleMs: readonly number[];
    readonly deadlineMs: number | null;
  },
): ObjectWait<PaymentSnapshot> {
  const { paymentIntentId, callbackKey } = from;
  return startObjectWait(ctx, {
    ...from,
    read: () => readOwnPayment(ctx, stripe, paymentIntentId),
    hang: (doorbell) => hangDoorbell(ctx, stripe, paymentIntentId, callbackKey, doorbell),
  });
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
