/** How a call lets go of a PaymentIntent that could still move money: it is closed, or handed to the private watcher. */
import type { Context } from "@restatedev/restate-sdk";
import { creatorCallbackKey } from "../stripe/metadata.ts";
import type { PaymentFailure, PaymentSnapshot } from "./rules/payment.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import { answer, type Settled } from "./outcome.ts";
import { closePayment, type Closing } from "./closePayment.ts";
import type { Compensation } from "../api/failures.ts";
import type { PaymentOutcome } from "./contract.ts";
import { canceled, timedOut } from "../durable/failures.ts";
import type { PaymentWatcher } from "./paymentWatcher.ts";
import { stripeStep } from "../durable/stripeStep.ts";

/** The customer has to act: the watcher cancels the payment at its deadline unless it succeeded. */
export function leaveToCustomer(ctx: Context, paymentIntentId: string, deadlineAtMs: number): void {
  watcher(ctx).watch({ paymentIntentId, mode: "customer", deadlineAtMs });
}

/** Answers a decline once the PaymentIntent can't succeed any more. */
export async function settleDecline(
  ctx: Context,
  stripe: StripeGateway,
  payment: PaymentSnapshot,
  failure: PaymentFailure,
  settledBy: Settled["settledBy"],
): Promise<PaymentOutcome> {
  const decision = { kind: "declined", failure } as const;
  if (payment.status === "canceled") return answer({ payment, decision, settledBy }, "canceled");
  const closing = await closeOrAbandon(ctx, stripe, payment, failure);
  if (closing.kind === "succeeded") return succeededAfterAll(closing);
  return answer({ payment, decision, settledBy }, compensationOf(closing));
}

/** Ends a call whose payment is still pending: at the deadline, or because somebody cancelled the call. */
export async function giveUp(
  ctx: Context,
  stripe: StripeGateway,
  payment: PaymentSnapshot,
  because: "deadline" | "cancellation",
): Promise<PaymentOutcome> {
  const { paymentIntentId } = payment;
  const closing = await closeOrAbandon(ctx, stripe, payment, null);
  if (closing.kind === "succeeded") return succeededAfterAll(closing);
  const compensation = compensationOf(closing);
  const fate =
    compensation === "watching"
      ? "Stripe can't cancel it now: it is being watched, and refunded if it succeeds after all."
      : "The PaymentIntent was cancelled.";
  ctx.console.warn(`${paymentIntentId} was given up (${because}). ${fate}`);
  switch (because) {
    case "deadline":
      throw timedOut(paymentIntentId, `The payment was still pending at its deadline. ${fate}`, compensation);
    case "cancellation":
      throw canceled(paymentIntentId, `The call was cancelled while the payment was pending. ${fate}`, compensation);
  }
}

function succeededAfterAll(closing: Closing): PaymentOutcome {
  return answer({ payment: closing.payment, decision: { kind: "succeeded" }, settledBy: "poll" });
}

/**
 * Closes a PaymentIntent. One that Stripe doesn't let go of yet is abandoned: that is noted on it, so that whoever sees it
 * succeed later knows that it is taken back, and it is watched. Stripe's answer to the note says whether the payment was
 * faster: one that succeeded before stays a success, and its caller is told so.
 */
async function closeOrAbandon(
  ctx: Context,
  stripe: StripeGateway,
  payment: PaymentSnapshot,
  failure: PaymentFailure | null,
): Promise<Closing> {
  const { paymentIntentId } = payment;
  const closing = await closePayment(ctx, stripe, { payment, callbackKey: creatorCallbackKey, failure });
  if (closing.kind !== "open") return closing;
  const noted = await noteAbandonment(ctx, stripe, paymentIntentId);
  if (noted.kind === "payment" && noted.payment.status === "succeeded") {
    await stripeStep(ctx, "take the note back", () => stripe.withdrawAbandonment(paymentIntentId));
    return { kind: "succeeded", payment: noted.payment };
  }
  watcher(ctx).watch({ paymentIntentId, mode: "abandoned", deadlineAtMs: null });
  return closing;
}

/** Takes back a PaymentIntent that should not be, whatever its state: cancels it, or leaves it to the watcher to refund. */
export async function takeBack(ctx: Context, stripe: StripeGateway, payment: PaymentSnapshot): Promise<void> {
  const { paymentIntentId } = payment;
  if (payment.status !== "succeeded") {
    const closing = await closePayment(ctx, stripe, { payment, callbackKey: creatorCallbackKey, failure: null });
    if (closing.kind === "canceled") return;
  }
  await noteAbandonment(ctx, stripe, paymentIntentId);
  watcher(ctx).watch({ paymentIntentId, mode: "abandoned", deadlineAtMs: null });
}

/** Whoever sees the payment succeed later knows by the note that it is taken back. */
async function noteAbandonment(ctx: Context, stripe: StripeGateway, paymentIntentId: string) {
  const invocationId = ctx.request().id;
  return await stripeStep(ctx, "note that it is abandoned", () =>
    stripe.noteAbandonment(paymentIntentId, invocationId, creatorCallbackKey),
  );
}

function compensationOf(closing: Closing): Compensation {
  return closing.kind === "open" ? "watching" : "canceled";
}

function watcher(ctx: Context) {
  return ctx.serviceSendClient<PaymentWatcher>({ name: "paymentWatcher" });
}
