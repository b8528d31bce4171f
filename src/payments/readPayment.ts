import type { Context } from "@restatedev/restate-sdk";
import type { PaymentSnapshot } from "./rules/payment.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import { needsReview, notFound } from "../durable/failures.ts";
import { stripeStep } from "../durable/stripeStep.ts";

/** Reads a PaymentIntent that the caller named. @throws TerminalError `not_found` */
export async function readNamedPayment(
  ctx: Context,
  stripe: StripeGateway,
  paymentIntentId: string,
): Promise<PaymentSnapshot> {
  const read = await stripeStep(ctx, "read PaymentIntent", () => stripe.readPayment(paymentIntentId));
  if (read.kind === "missing") throw notFound(paymentIntentId);
  return read.payment;
}

/** Reads a PaymentIntent that is known to exist. @throws TerminalError `needs_review` if it is gone */
export async function readOwnPayment(
  ctx: Context,
  stripe: StripeGateway,
  paymentIntentId: string,
): Promise<PaymentSnapshot> {
  const read = await stripeStep(ctx, "read PaymentIntent", () => stripe.readPayment(paymentIntentId));
  if (read.kind === "missing") {
    throw needsReview(`Stripe no longer knows the PaymentIntent: ${read.refusal.message}`, paymentIntentId);
  }
  return read.payment;
}
