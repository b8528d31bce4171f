/** The calls that name a payment by the merchant's own reference. */
import { RestatePromise, TerminalError, type Context } from "@restatedev/restate-sdk";
import type { PaymentOutcome, PaymentRequest } from "./contract.ts";
import { nextReferenceStep } from "../orders/rules.ts";
import { canceled, conflict, failure } from "../durable/failures.ts";
import type { PaymentReference } from "../orders/paymentReference.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { paymentReferenceName, type Recalled, referenceKey, thrownAgain } from "../orders/interface.ts";
import { cancellationOf } from "../durable/wait.ts";

/**
 * Charges a reference at most once: joins the attempt under way, repeats what became of an earlier one, or begins one.
 * A cancellation of the call ends the attempt, as that of a payment without a reference does.
 */
export async function payByReference(
  ctx: Context,
  request: PaymentRequest,
  reference: string,
): Promise<PaymentOutcome> {
  const object = ctx.objectClient<PaymentReference>(paymentReferenceName, referenceKey(reference));
  // An attempt may take weeks, and what contradicts it needn't wait for its end.
  const known = await object.recall();
  const step = nextReferenceStep(known?.record ?? null, fingerprintOf(request));
  if (step.kind === "conflict") throw conflict(known?.record.paymentIntentId ?? null, step.message);
  const call = object.pay(request);
  const wake = await RestatePromise.race([call.map(() => "ended" as const), cancellationOf(ctx)]);
  if (wake === "cancellation") ctx.cancel(await call.invocationId);
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    // A call that was still queued behind another one had no attempt to end.
    if (wake === "cancellation" && error.metadata?.["reason"] === undefined) {
      throw canceled(known?.record.paymentIntentId ?? null, "The call was cancelled; it had made no payment.", "none");
    }
    throw error;
  }
}

/** An attempt makes its PaymentIntent within a second, or Stripe is out of order: about 25 seconds in all. */
const looksMs: readonly number[] = [200, 400, 800, 1600, 3200, 6400, 12_800];

/**
 * The PaymentIntent of a reference, also while an attempt is about to make it.
 * @throws TerminalError `not_found`, `conflict` while there is none yet, or the failure of an attempt that made none
 */
async function findByReference(ctx: Context, reference: string): Promise<string> {
  for (const waitMs of [...looksMs, 0]) {
    const known = await recall(ctx, reference);
    if (known === null) throw failure("not_found", `No payment was made for the reference ${reference}.`, {});
    const { paymentIntentId, end } = known.record;
    if (paymentIntentId !== null) return paymentIntentId;
    if (end !== null && known.kept?.kind === "failure") throw thrownAgain(known.kept.failure);
    if (waitMs > 0) await ctx.sleep(waitMs);
  }
  throw conflict(null, `The payment of the reference ${reference} is not made yet: ask again later.`);
}

async function recall(ctx: Context, reference: string): Promise<Recalled> {
  return await ctx.objectClient<PaymentReference>(paymentReferenceName, referenceKey(reference)).recall();
}

/** The PaymentIntent that a request names by its id or by its reference. */
export async function named<
  Request extends { readonly paymentIntentId?: string | undefined; readonly reference?: string | undefined },
>(ctx: Context, request: Request): Promise<Request & { readonly paymentIntentId: string }> {
  const paymentIntentId = request.paymentIntentId ?? (await findByReference(ctx, request.reference ?? ""));
  return { ...request, paymentIntentId };
}
