import type { Context } from "@restatedev/restate-sdk";
import type { PaymentSnapshot } from "./rules/payment.ts";
import type { PaymentOutcome, PaymentRequest } from "./contract.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import { paymentParameters } from "./stripe/parameters.ts";
import type { Creation } from "./stripe/search.ts";
import { declined, invalidRequest, needsReview } from "../durable/failures.ts";
import { lookUpPayment } from "./lookUpPayment.ts";
import { readOwnPayment } from "./readPayment.ts";
import { wakeReconciler, type ReconcilerAlarm } from "../webhooks/reconcilerAlarm.ts";
import { stripeStep } from "../durable/stripeStep.ts";
import type { Doorbell } from "../durable/wait.ts";

/** A PaymentIntent that exists, as it was first seen. */
export type CreatedPayment = {
  readonly payment: PaymentSnapshot;
  /** How it was seen: in the answer to its creation, or by a read after that answer was lost. */
  readonly seenBy: Extract<PaymentOutcome["settledBy"], "response" | "poll">;
  /** When the request was fixed, in epoch milliseconds: the beginning of the caller's deadline. */
  readonly fixedAtMs: number;
};

type CreateOptions = {
  readonly stripe: StripeGateway;
  readonly lookUpDelaysMs: readonly number[];
  readonly reconcilerAlarm: ReconcilerAlarm;
};

/**
 * Creates and confirms the PaymentIntent of this invocation, once, whatever crashes when, and gives Stripe's first answer:
 * also a declined one, as a snapshot that carries the failure.
 *
 * The parameters, the idempotency key and the time are fixed in the journal before anything is sent.
 * @throws TerminalError `invalid_request`, `declined` (no PaymentIntent was made) or `needs_review`
 */
export async function createPayment(
  ctx: Context,
  options: CreateOptions,
  request: PaymentRequest,
  doorbell: Doorbell,
): Promise<CreatedPayment> {
  const { stripe, lookUpDelaysMs, reconcilerAlarm } = options;
  const invocationId = ctx.request().id;
  const idempotencyKey = ctx.rand.uuidv4();
  const fixed = await ctx.run("fix the request", () => {
    const parameters = paymentParameters(request, { invocationId, callbackId: doorbell.address });
    const toSend = stripe.fixRequest(parameters, idempotencyKey);
    return reconcilerAlarm.isDue(toSend.fixedAtMs) ? { ...toSend, wakesReconciler: true } : toSend;
  });
  const { fixedAtMs } = fixed;
  if ("wakesReconciler" in fixed) wakeReconciler(ctx);
  const reread = async (paymentIntentId: string): Promise<CreatedPayment> => ({
    payment: await readOwnPayment(ctx, stripe, paymentIntentId),
    seenBy: "poll",
    fixedAtMs,
  });

  const created = await stripeStep(ctx, "create PaymentIntent", () => stripe.createPayment(fixed));
  switch (created.kind) {
    case "payment":
      return { payment: created.payment, seenBy: "response", fixedAtMs };
    case "exists":
      return await reread(created.paymentIntentId);
    case "declined":
      throw declined(created.failure, { paymentIntentId: null });
    case "refused":
      throw invalidRequest(created.refusal, created.paymentIntentId);
    case "needs_review":
      throw needsReview(created.message, await lookUpPayment(ctx, stripe, { invocationId, fixedAtMs }));
    case "unknown":
      return await reread(await findPayment(ctx, stripe, { invocationId, fixedAtMs }, lookUpDelaysMs));
  }
}

/**
 * Finds out what became of a create whose outcome is unknown and can't be asked for by its key any more: looks for the
 * PaymentIntent by the invocation id in its metadata, at once and again later, because search lags. Never creates, and
 * leaves a cancellation of the call to the wait, so that what is found is not orphaned.
 */
async function findPayment(
  ctx: Context,
  stripe: StripeGateway,
  creation: Creation,
  lookUpDelaysMs: readonly number[],
): Promise<string> {
  for (const delayMs of lookUpDelaysMs) {
    if (delayMs > 0) await ctx.sleep(delayMs);
    const found = await lookUpPayment(ctx, stripe, creation);
    if (found !== null) return found;
  }
  throw needsReview(
    `Whether Stripe created the PaymentIntent is unknown, and none with the metadata restate_invocation_id=${creation.invocationId} was found. Look for it in Stripe's dashboard before you charge again.`,
  );
}
