/** The last attempt for a reference, as Stripe shows it: which PaymentIntent it made, and whether that one is over. */
import type { Call } from "../durable/call.ts";
import { theOnly, throughPages } from "../durable/createOnce.ts";
import { failure } from "../durable/failures.ts";
import { closePayment } from "../payments/closePayment.ts";
import { paymentCreation, paymentsMadeBy } from "../payments/creation.ts";
import { readOwnPayment } from "../payments/object.ts";
import type { PaymentSnapshot } from "../payments/rules/payment.ts";
import { listRefunds } from "../refunds/creation.ts";
import { isGivenBack, isUnsettled } from "../refunds/rules.ts";
import { creatorCallbackKey } from "../stripe/metadata.ts";
import { holdingOf, type ReferenceRecord } from "./rules.ts";

/** Search may lag by an hour in outages. https://docs.stripe.com/search#data-freshness */
export const searchLagMs = 60 * 60 * 1000;

type Attempt = Pick<ReferenceRecord, "invocationId" | "begunAtMs" | "paymentIntentId">;

/** Finds what an attempt made. @throws TerminalError `needs_review` if that is several */
export async function findAttempt(call: Call, record: Attempt): Promise<string | null> {
  const { invocationId, begunAtMs: fixedAtMs } = record;
  const creation = { invocationId, installationId: await call.installationId(), fixedAtMs };
  return await theOnly(call, paymentCreation, await paymentsMadeBy(call, creation));
}

/**
 * Makes sure that an attempt neither has money nor can get any, so that another one may begin.
 * @param from.paymentIntentId null if the attempt made none, as far as Stripe shows
 * @param from.sinceMs when the attempt was last heard of
 * @param from.isOver whether its caller was told that it is over: then it is cancelled where it is still open
 * @throws TerminalError `conflict`
 */
export async function refuseUnlessClosed(
  call: Call,
  from: { readonly paymentIntentId: string | null; readonly sinceMs: number; readonly isOver: boolean },
): Promise<void> {
  const { paymentIntentId } = from;
  if (paymentIntentId === null) {
    if (call.lastStepAtMs() - from.sinceMs > searchLagMs) return;
    const message = "Whether the last attempt for the reference made a payment is not known yet: ask again in an hour.";
    throw failure("conflict", message, {});
  }
  const payment = await readOwnPayment(call, paymentIntentId);
  if (await isClosed(call, payment, from.isOver)) return;
  throw failure("conflict", `The last attempt for the reference ${whyNot(payment, from.isOver)}`, { paymentIntentId });
}

function whyNot(payment: PaymentSnapshot, isOver: boolean): string {
  if (holdingOf(payment) !== "money") return `is not closed yet (${payment.stripeStatus}): try again later.`;
  return isOver
    ? "succeeded after it was given up, and not all of it was given back yet: try again later."
    : "has succeeded, by other means of payment.";
}

async function isClosed(call: Call, payment: PaymentSnapshot, isOver: boolean): Promise<boolean> {
  switch (holdingOf(payment)) {
    case "none":
      return true;
    case "money":
      // A payment that its caller took for a success stays one, also after a refund.
      return isOver && (await isReturned(call, payment));
    case "open": {
      if (!isOver) return false;
      const closing = await closePayment(call, { payment, callbackKey: creatorCallbackKey, failure: null });
      return closing.kind === "canceled";
    }
    case "unsettled":
      return false;
  }
}

/** Tells whether all that a payment received has gone back, whoever sent it back. */
async function isReturned(call: Call, payment: PaymentSnapshot): Promise<boolean> {
  const { paymentIntentId } = payment;
  const refunds = await listRefunds(call, paymentIntentId);
  if (isGivenBack(payment, refunds, 0)) return true;
  if (refunds.some(isUnsettled)) return false;
  const disputes = await throughPages((after) =>
    call.ask("list disputes", (stripe) => stripe.observeDisputes(paymentIntentId, after)),
  );
  const lostMinor = (disputes ?? [])
    .filter(({ status }) => status === "lost")
    .reduce((sum, { amount }) => sum + amount, 0);
  return isGivenBack(payment, refunds, lostMinor);
}

/** Tells whether a PaymentIntent has come to its end, and nobody has to look after it any more. One that is gone has, too. */
export async function hasEnded(call: Call, paymentIntentId: string): Promise<boolean> {
  const read = await call.ask("read PaymentIntent", (stripe) => stripe.readPayment(paymentIntentId));
  if (read.kind === "missing") return true;
  switch (holdingOf(read.payment)) {
    case "none":
      return true;
    case "money":
      return !read.payment.isAbandoned || (await isReturned(call, read.payment));
    case "open":
    case "unsettled":
      return false;
  }
}
