/**
 * The private watch over a PaymentIntent that no caller waits for any more. It cancels what the merchant gave up as soon
 * as Stripe lets it, and gives the money back if the payment succeeds after all.
 */
import { implement, TerminalError, type Context } from "@restatedev/restate-sdk";
import { awaitObject, openWait, type WaitPlan } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { openCall } from "../durable/openCall.ts";
import { createOnce, fixRequest } from "../durable/createOnce.ts";
import { createDoorbell, type Doorbell } from "../durable/doorbell.ts";
import { declined, failure, refused } from "../durable/failures.ts";
import { running, watchJournalRetentionMs } from "../durable/policies.ts";
import { pollDelayMs } from "../durable/pollSchedule.ts";
import type { HandlerOptions } from "../merchants/options.ts";
import { accountOf } from "../merchants/rules.ts";
import { askForLook, thenLook } from "../notifications/thenLook.ts";
import { listRefunds, refundCreation, refundOrigin } from "../refunds/creation.ts";
import { awaitedRefund } from "../refunds/object.ts";
import { amountLeftToRefund, judgeRefund, refundsOfCaptured, type RefundSnapshot } from "../refunds/rules.ts";
import type { RefundParameters } from "../refunds/stripe.ts";
import { waiterCallbackKey } from "../stripe/metadata.ts";
import { closePayment, decideAbandonment, withdrawAbandonment } from "./closePayment.ts";
import { paymentsMadeBy } from "./creation.ts";
import { takeBack } from "./giveUp.ts";
import { paymentWatcherInterface, type UnknownPayment, type WatchRequest, type WatchResult } from "./interface.ts";
import { awaitedPayment, readOwnPayment } from "./object.ts";
import type { PaymentSnapshot } from "./rules/payment.ts";
import { sharesToTakeBack } from "./rules/sharing.ts";
import { nextWatchStep, type WatchMode } from "./rules/watch.ts";

const maximumRefundAttempts = 10;

export function createPaymentWatcher(options: HandlerOptions) {
  const watched = thenLook(["refunds"], watch);
  return implement(paymentWatcherInterface, {
    handlers: {
      watch: async (ctx: Context, request) =>
        await watched(openCall(ctx, options, { account: accountOf(request) }), request),
      takeBackUnknown: async (ctx: Context, request) =>
        await takeBackUnknown(openCall(ctx, options, { account: accountOf(request) }), request),
    },
    options: {
      ...running(options),
      ingressPrivate: true,
      explicitCancellation: true,
      journalRetention: watchJournalRetentionMs,
    },
  });
}

/**
 * Watches one PaymentIntent to its end. A Restate cancellation ends the customer's time at once; an abandoned payment is
 * watched on, because it could succeed unseen otherwise (`restate inv kill` stops even that).
 */
async function watch(call: Call, request: WatchRequest): Promise<WatchResult> {
  const { paymentIntentId, deadlineAtMs } = request;
  const callbackKey = waiterCallbackKey(call.invocationId);
  const plan = await call.fix("fix the wait", ({ settings }) => ({
    pollScheduleMs: settings.pollScheduleMs,
    deadlineAtMs,
  }));
  // Reading comes before hanging the doorbell, which erases the reason of a failure.
  let payment = await readOwnPayment(call, paymentIntentId);
  if (request.mode === "stands") {
    // Stripe did not answer the call that was about to give it up, and learnt that the payment was faster.
    await withdrawAbandonment(call, paymentIntentId);
    return report(payment, "none", []);
  }
  let mode: WatchMode = request.mode;
  // The call that gave it up has decided: from now on, everybody may know by the note.
  if (mode === "abandoned" && !payment.isAbandoned && payment.status !== "canceled") {
    await decideAbandonment(call, paymentIntentId);
  }
  const wait = openWait(call, awaitedPayment, paymentIntentId, { plan, first: payment });
  let isUntried = request.isUntried ?? false;
  for (;;) {
    const next = nextWatchStep(payment, mode);
    // Some methods can be cancelled while they are processing: only Stripe's refusal says that this one can't.
    const step = next === "wait" && isUntried ? "cancel" : next;
    isUntried = false;
    if (step === "done" || step === "refund") {
      await wait.end();
      return step === "refund"
        ? await refund(call, payment, plan)
        : report(payment, payment.status === "canceled" ? "canceled" : "none", []);
    }
    if (step === "cancel") {
      const closing = await closePayment(call, { payment, callbackKey, failure: null });
      call.ctx.console.info(`Watch of ${paymentIntentId}: cancelling it ended in "${closing.kind}".`);
      payment = closing.payment;
      // What Stripe doesn't let go of yet is waited for; anything else is decided at once.
      if (closing.kind !== "open") continue;
    }
    const look = await wait.until((latest) => ({ kind: nextWatchStep(latest, mode) === "wait" ? "pending" : "over" }));
    payment = look.seen;
    if (mode === "customer" && (look.wake === "deadline" || look.wake === "cancellation")) mode = "expired";
  }
}

/**
 * Takes back every PaymentIntent that a call made whose answer never came: at once and again later, because search lags and a request
 * may still have been under way. A new one is never made.
 * @returns the ids that were found
 */
async function takeBackUnknown(call: Call, { invocationId, fixedAtMs }: UnknownPayment): Promise<readonly string[]> {
  const delaysMs = await call.fix("fix the look-ups", ({ settings }) => settings.lookUpDelaysMs);
  const creation = { invocationId, installationId: await call.installationId(), fixedAtMs };
  const known = new Set<string>();
  for (const delayMs of delaysMs) {
    if (delayMs > 0) await call.pause(delayMs, "next look-up");
    for (const paymentIntentId of await paymentsMadeBy(call, creation)) {
      if (known.has(paymentIntentId)) continue;
      known.add(paymentIntentId);
      call.ctx.console.warn(
        `${paymentIntentId} was made by a call that was given up without an answer; it is taken back.`,
      );
      await takeBack(call, await readOwnPayment(call, paymentIntentId));
      // The call that made it could not name it.
      if (call.isMerchantTold()) askForLook(call, paymentIntentId, { changes: [], askedBy: "ours", abandoned: true });
    }
  }
  return [...known];
}

/** Gives back what is left of the payment, after every refund that somebody else made, and waits for each refund's end. */
async function refund(call: Call, payment: PaymentSnapshot, { pollScheduleMs }: WaitPlan): Promise<WatchResult> {
  const { paymentIntentId } = payment;
  for (let attempt = 0; ; attempt++) {
    const latest = await readOwnPayment(call, paymentIntentId);
    const refunds = refundsOfCaptured(await listRefunds(call, paymentIntentId), latest);
    const leftMinor = amountLeftToRefund(latest);
    const open = refunds.find((existing) => judgeRefund(existing).kind === "pending");
    for (const existing of refunds) {
      const judgement = judgeRefund(existing);
      if (judgement.kind !== "needs_review") continue;
      throw failure("needs_review", judgement.message, { paymentIntentId, refundId: existing.refundId });
    }
    if (leftMinor === 0 && open === undefined) {
      call.ctx.console.info(`Watch of ${paymentIntentId}: it succeeded after it was given up, and is refunded.`);
      const refundIds = refunds.filter(({ status }) => status === "succeeded").map(({ refundId }) => refundId);
      return report(payment, "refunded", refundIds);
    }
    // The look comes first: the last attempt may be the one that succeeded.
    if (attempt === maximumRefundAttempts) {
      const message = `The payment succeeded after it was given up, and ${maximumRefundAttempts} attempts to refund it failed. Refund it in Stripe's dashboard.`;
      throw failure("needs_review", message, { paymentIntentId });
    }
    try {
      const plan = { pollScheduleMs, deadlineAtMs: null };
      const ended =
        leftMinor === 0 && open !== undefined
          ? await endOf(call, open, null, plan)
          : await endOfNew(call, latest, leftMinor, plan);
      // The next look says that it is done, or that a person has to judge what this version doesn't know.
      if (judgeRefund(ended).kind !== "failed") continue;
      const why = ended.failureReason ?? "no reason";
      call.ctx.console.warn(`Refund ${ended.refundId} ended as ${ended.status} (${why}).`);
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      call.ctx.console.warn(
        `Watch of ${paymentIntentId}: the refund was not made, trying again later. ${error.message}`,
      );
    }
    if (attempt + 1 === maximumRefundAttempts) continue;
    // A refund that failed, was refused or is not known rarely fares better at once, and the attempts are few.
    await call.ctx.sleep(pollDelayMs(pollScheduleMs, attempt, call.ctx.rand.random()), "next refund");
  }
}

/** Makes a refund and gives how it ended. @throws TerminalError if Stripe refuses it, or if what became of it is not known */
async function endOfNew(
  call: Call,
  payment: PaymentSnapshot,
  amountMinor: number,
  plan: WaitPlan,
): Promise<RefundSnapshot> {
  const { paymentIntentId } = payment;
  const { reverseTransfer, refundApplicationFee } = sharesToTakeBack(payment);
  const doorbell = createDoorbell(call.ctx);
  const fixed = await fixRequest<RefundParameters>(call, (_surroundings, maker) => ({
    parameters: {
      payment_intent: paymentIntentId,
      amount: amountMinor,
      ...(reverseTransfer !== undefined && { reverse_transfer: reverseTransfer }),
      ...(refundApplicationFee !== undefined && { refund_application_fee: refundApplicationFee }),
      metadata: refundOrigin(maker, doorbell.address),
    },
  }));
  const made = await createOnce(call, refundCreation, fixed);
  switch (made.kind) {
    case "created":
      return await endOf(call, made.made, doorbell, plan);
    case "declined":
      throw declined(made.failure, { paymentIntentId });
    case "refused":
      throw refused(made.refusal, { paymentIntentId });
  }
}

/** Waits for the end of a refund. A cancellation must not use up the attempts: the money is owed. */
async function endOf(
  call: Call,
  first: RefundSnapshot,
  hanging: Doorbell | null,
  plan: WaitPlan,
): Promise<RefundSnapshot> {
  if (judgeRefund(first).kind !== "pending") return first;
  const from = { plan, first, hanging, isCancellable: false, judge: judgeRefund };
  return (await awaitObject(call, awaitedRefund, first.refundId, from)).seen;
}

function report(
  payment: PaymentSnapshot,
  compensation: WatchResult["compensation"],
  refundIds: readonly string[],
): WatchResult {
  return { paymentIntentId: payment.paymentIntentId, status: payment.stripeStatus, compensation, refundIds };
}
