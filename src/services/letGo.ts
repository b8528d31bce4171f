/** How a call lets go of a PaymentIntent that could still move money: it is closed, or handed to the private watcher. */
import type { Context } from "@restatedev/restate-sdk";
import { creatorCallbackKey } from "../domain/doorbell.ts";
import type { PaymentFailure, PaymentSnapshot } from "../domain/payment.ts";
import type { StripeGateway } from "../stripe/gateway.ts";
import { answer, type Settled } from "./answer.ts";
import { closePayment, type Closing } from "./closePayment.ts";
import type { Compensation, PaymentOutcome } from "./paymentApi.ts";
import { canceled, timedOut } from "./failures.ts";
import type { PaymentWatcher } from "./paymentWatcher.ts";

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
  const closing = await closePayment(ctx, stripe, { payment, callbackKey: creatorCallbackKey, failure });
  if (closing.kind === "succeeded") return succeededAfterAll(closing);
  return answer({ payment, decision, settledBy }, compensate(ctx, closing));
}

/** Ends a call whose payment is still pending: at the deadline, or because somebody cancelled the call. */
export async function giveUp(
  ctx: Context,
  stripe: StripeGateway,
  payment: PaymentSnapshot,
  because: "deadline" | "cancellation",
): Promise<PaymentOutcome> {
  const { paymentIntentId } = payment;
  const closing = await closePayment(ctx, stripe, { payment, callbackKey: creatorCallbackKey, failure: null });
  if (closing.kind === "succeeded") return succeededAfterAll(closing);
  const compensation = compensate(ctx, closing);
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

function compensate(ctx: Context, closing: Closing): Compensation {
  if (closing.kind !== "open") return "canceled";
  watcher(ctx).watch({ paymentIntentId: closing.payment.paymentIntentId, mode: "abandoned", deadlineAtMs: null });
  return "watching";
}

function watcher(ctx: Context) {
  return ctx.serviceSendClient<PaymentWatcher>({ name: "paymentWatcher" });
}
