/** The calls that name a payment by the merchant's own reference. */
import { RestatePromise, TerminalError } from "@restatedev/restate-sdk";
import type { PaymentOutcome } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { cancellationOf } from "../durable/cancellation.ts";
import { failure, thrownAgain } from "../durable/failures.ts";
import { paymentReferenceInterface, referenceKey, type Recalled } from "../orders/interface.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { isSoft, nextReferenceStep } from "../orders/rules.ts";
import { readOwnPayment } from "./object.ts";
import type { PaymentRequest } from "./contract.ts";

/**
 * Charges a reference at most once: joins the attempt under way, repeats what became of an earlier one, or begins one.
 * A cancellation of the call ends the attempt, as that of a payment without a reference does.
 */
export async function payByReference(call: Call, request: PaymentRequest, reference: string): Promise<PaymentOutcome> {
  const { ctx } = call;
  const object = ctx.client(paymentReferenceInterface, referenceKey(call.account, reference));
  // An attempt may take weeks, and what contradicts it needn't wait for its end.
  const known = await object.recall();
  const triesAgainAfter = softlyDeclined(known);
  const step = nextReferenceStep(known?.record ?? null, fingerprintOf(request), {
    triesAgain: triesAgainAfter !== undefined,
  });
  const paymentIntentId = known?.record.paymentIntentId ?? null;
  if (step.kind === "conflict" && !(step.isUnderWay && (await isOver(call, paymentIntentId)))) {
    throw failure("conflict", step.message, { paymentIntentId });
  }
  const acceptedAtMs = call.acceptance.isClaimed
    ? await call.fix("fix the time of acceptance", (surroundings) => surroundings.acceptedAtMs)
    : undefined;
  const payment = object.pay({
    ...request,
    ...(triesAgainAfter !== undefined && { triesAgainAfter }),
    ...(acceptedAtMs !== undefined && { acceptedAtMs }),
  });
  const wake = await RestatePromise.race([payment.map(() => "ended" as const), cancellationOf(ctx)]);
  if (wake === "cancellation") ctx.cancel(await payment.invocationId);
  try {
    return await payment;
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    // A call that was still queued behind another one had no attempt to end.
    if (wake === "cancellation" && error.metadata?.["reason"] === undefined) {
      const message = "The call was cancelled; it had made no payment.";
      throw failure("canceled", message, { paymentIntentId, compensation: "none" });
    }
    throw error;
  }
}

/** The last attempt, by the call that made it, if it ended in a decline after which the same means may be tried again. */
function softlyDeclined(known: Recalled): string | undefined {
  return known?.kept?.kind === "failure" && isSoft(known.kept.failure.metadata) ? known.record.invocationId : undefined;
}

/**
 * Tells whether the attempt that seems to be under way has nothing more to wait for at Stripe: then it ends in a moment, unless
 * an operator killed it, and the object of the reference knows which.
 */
async function isOver(call: Call, paymentIntentId: string | null): Promise<boolean> {
  if (paymentIntentId === null) return false;
  const { status } = await readOwnPayment(call, paymentIntentId);
  return status === "canceled" || status === "requires_payment_method";
}

/** An attempt makes its PaymentIntent within a second, or Stripe is out of order: about 25 seconds in all. */
const looksMs: readonly number[] = [200, 400, 800, 1600, 3200, 6400, 12_800];

/**
 * The PaymentIntent of a reference, also while an attempt is about to make it.
 * @throws TerminalError `not_found`, `conflict` while there is none yet, or the failure of an attempt that made none
 */
async function findByReference(call: Call, reference: string): Promise<string> {
  for (const waitMs of [...looksMs, 0]) {
    const known = await recall(call, reference);
    if (known === null) throw failure("not_found", `No payment was made for the reference ${reference}.`, {});
    const { paymentIntentId, end } = known.record;
    if (paymentIntentId !== null) return paymentIntentId;
    if (end !== null && known.kept?.kind === "failure") throw thrownAgain(known.kept.failure);
    if (waitMs > 0) await call.ctx.sleep(waitMs, "until the payment is made");
  }
  throw failure("conflict", `The payment of the reference ${reference} is not made yet: ask again later.`, {});
}

async function recall(call: Call, reference: string): Promise<Recalled> {
  return await call.ctx.client(paymentReferenceInterface, referenceKey(call.account, reference)).recall();
}

/** The PaymentIntent that a request names by its id or by its reference. */
export async function resolveReference<
  Request extends { readonly paymentIntentId?: string | undefined; readonly reference?: string | undefined },
>(call: Call, request: Request): Promise<Request & { readonly paymentIntentId: string }> {
  const paymentIntentId = request.paymentIntentId ?? (await findByReference(call, request.reference ?? ""));
  call.concern({ paymentIntentId });
  return { ...request, paymentIntentId };
}
