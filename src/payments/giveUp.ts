/** How a call gives up a PaymentIntent that could still move money: it is closed, or handed to the private watcher. */
import type { Compensation } from "../api/failures.ts";
import type { PaymentOutcome } from "./contract.ts";
import { unlessStopped, type Call, type CallStopped } from "../durable/call.ts";
import { failure, type FailureDetails } from "../durable/failures.ts";
import { addressOf } from "../merchants/rules.ts";
import { creatorCallbackKey } from "../stripe/metadata.ts";
import { closePayment, decideAbandonment, withdrawAbandonment, type Closing } from "./closePayment.ts";
import { paymentWatcherInterface } from "./interface.ts";
import { readOwnPayment } from "./object.ts";
import { paymentOutcome, type SettledPayment } from "./outcome.ts";
import type { PaymentFailure, PaymentSnapshot } from "./rules/payment.ts";

/** The customer has to act: the watcher cancels the payment at its deadline unless it succeeded. */
export function leaveToCustomer(call: Call, paymentIntentId: string, deadlineAtMs: number): void {
  watcher(call).watch({ ...addressOf(call.account), paymentIntentId, mode: "customer", deadlineAtMs });
}

/** Answers a decline once the PaymentIntent can't succeed any more. */
export async function settleDecline(
  call: Call,
  payment: PaymentSnapshot,
  cause: PaymentFailure,
  settledBy: SettledPayment["settledBy"],
): Promise<PaymentOutcome> {
  const decision = { kind: "declined", failure: cause } as const;
  if (payment.status === "canceled") return paymentOutcome({ payment, decision, settledBy }, "canceled");
  const closing = await unlessStopped(closeOrAbandon(call, payment, cause), () => abandonUnseen(call, payment));
  if (closing.kind === "succeeded") return succeededAfterAll(closing);
  return paymentOutcome({ payment, decision, settledBy }, compensationOf(closing));
}

type Because = CallStopped["because"];

/** How long the end of a call may take while Stripe doesn't answer: then the watcher goes on. */
const patienceToEndMs = 10_000;

/** Ends a call whose payment is still pending: at the deadline, or because somebody cancelled the call. */
export async function giveUp(call: Call, payment: PaymentSnapshot, because: Because): Promise<PaymentOutcome> {
  const { paymentIntentId } = payment;
  call.setDeadline(call.lastStepAtMs() + patienceToEndMs);
  const closing = await unlessStopped(closeOrAbandon(call, payment, null), () => abandonUnseen(call, payment));
  call.setDeadline(Infinity);
  if (closing.kind === "succeeded") return succeededAfterAll(closing);
  const compensation = compensationOf(closing);
  const fate =
    compensation === "watching"
      ? "Stripe can't cancel it now: it is being watched, and refunded if it succeeds after all."
      : "The PaymentIntent was cancelled.";
  call.ctx.console.warn(`${paymentIntentId} was given up (${because}). ${fate}`);
  throw givenUp(because, fate, { paymentIntentId, compensation });
}

/**
 * Ends a call of which it is not known whether it made a PaymentIntent, because Stripe did not answer: the watcher looks for it, and
 * cancels or refunds what it finds.
 * @param fixedAtMs when the request was fixed, in epoch milliseconds
 */
export function giveUpUnknown(call: Call, fixedAtMs: number, because: Because): never {
  watcher(call).takeBackUnknown({ ...addressOf(call.account), invocationId: call.invocationId, fixedAtMs });
  const fate =
    "Whether Stripe made a PaymentIntent is not known: it is being looked for, and cancelled or refunded if it exists.";
  call.ctx.console.warn(`The call was given up (${because}). ${fate}`);
  throw givenUp(because, fate, { compensation: "watching" });
}

function givenUp(because: Because, fate: string, details: FailureDetails) {
  switch (because) {
    case "deadline":
      return failure("timed_out", `The payment was still pending at its deadline. ${fate}`, details);
    case "cancellation":
      return failure("canceled", `The call was cancelled while the payment was pending. ${fate}`, details);
  }
}

/** Stripe doesn't answer: the watcher notes the abandonment, and does what this call can't. */
function abandonUnseen(call: Call, payment: PaymentSnapshot): Closing {
  const { paymentIntentId } = payment;
  watcher(call).watch({
    ...addressOf(call.account),
    paymentIntentId,
    mode: "abandoned",
    isUntried: true,
    deadlineAtMs: null,
  });
  return { kind: "open", payment };
}

function succeededAfterAll(closing: Closing): PaymentOutcome {
  return paymentOutcome({ payment: closing.payment, decision: { kind: "succeeded" }, settledBy: "poll" });
}

/**
 * Closes a PaymentIntent. One that Stripe doesn't let go of yet is abandoned: that is noted on it, so that whoever sees it
 * succeed later knows that it is taken back, and it is watched. Stripe's answer to the note says whether the payment was
 * faster: one that succeeded before stays a success, and its caller is told so.
 *
 * ```
 *   note (undecided) ─┬─ succeeded before ─▶ take the note back ─▶ a success
 *                     └─ still pending ────▶ the watcher decides the note ─▶ a success is taken back
 * ```
 *
 * Whoever else looks while the note is undecided (the notifier, another call that waits) says nothing of a success yet, and
 * looks again: so the merchant and every caller hear one truth, whatever comes between the note and its answer.
 */
async function closeOrAbandon(call: Call, payment: PaymentSnapshot, cause: PaymentFailure | null): Promise<Closing> {
  const { paymentIntentId } = payment;
  const closing = await closePayment(call, { payment, callbackKey: creatorCallbackKey, failure: cause });
  if (closing.kind === "canceled") return closing;
  if (closing.kind === "succeeded") return await stand(call, closing.payment);
  const noted = await call.ask("note that it is given up", (stripe) =>
    stripe.noteAbandonment(paymentIntentId, call.invocationId, creatorCallbackKey),
  );
  // Where Stripe takes no note, a read is the last chance of the payment.
  const latest = noted.kind === "payment" ? noted.payment : await readOwnPayment(call, paymentIntentId);
  if (latest.status === "succeeded") return await stand(call, latest);
  watcher(call).watch({ ...addressOf(call.account), paymentIntentId, mode: "abandoned", deadlineAtMs: null });
  return closing;
}

/** Lets a success stand: a note that it is given up, by this call or by one that was killed, is taken back. */
async function stand(call: Call, payment: PaymentSnapshot): Promise<Closing> {
  const { paymentIntentId } = payment;
  if (payment.isBeingAbandoned) {
    await unlessStopped(withdrawAbandonment(call, paymentIntentId), () => {
      watcher(call).watch({ ...addressOf(call.account), paymentIntentId, mode: "stands", deadlineAtMs: null });
    });
  }
  return { kind: "succeeded", payment };
}

/** Takes back a PaymentIntent that should not be, whatever its state: cancels it, or leaves it to the watcher to refund. */
export async function takeBack(call: Call, payment: PaymentSnapshot): Promise<void> {
  const { paymentIntentId } = payment;
  if (payment.status !== "succeeded") {
    const closing = await closePayment(call, { payment, callbackKey: creatorCallbackKey, failure: null });
    if (closing.kind === "canceled") return;
  }
  await decideAbandonment(call, paymentIntentId);
  watcher(call).watch({ ...addressOf(call.account), paymentIntentId, mode: "abandoned", deadlineAtMs: null });
}

function compensationOf(closing: Closing): Compensation {
  return closing.kind === "open" ? "watching" : "canceled";
}

function watcher(call: Call) {
  return call.ctx.sendClient(paymentWatcherInterface);
}
