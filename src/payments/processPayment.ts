/**
 * One call, one final outcome. A payment is created with an idempotency key; if Stripe can't say yet how it ends, the call
 * waits durably, woken by a webhook, a poll or its deadline. Whatever wakes it, it reads the PaymentIntent from Stripe
 * again and decides by what it reads: a webhook rings the doorbell, Stripe's API tells the truth.
 */
import type { PaymentOutcome } from "./contract.ts";
import { openWait, settledBy, waitPlan, type ObjectWait, type WaitPlan } from "../durable/awaitObject.ts";
import { unlessStopped, type Call } from "../durable/call.ts";
import { wasCancelled } from "../durable/cancellation.ts";
import { createFirst, isFinalAtOnce } from "../durable/createFirst.ts";
import { createDoorbell } from "../durable/doorbell.ts";
import { declined, refused } from "../durable/failures.ts";
import type { Refusal } from "../stripe/errorMeaning.ts";
import { wakeReconciler } from "../webhooks/interface.ts";
import { limitProblem } from "../merchants/rules.ts";
import { paymentCreation } from "./creation.ts";
import { giveUp, giveUpUnknown, leaveToCustomer, settleDecline } from "./giveUp.ts";
import { awaitedPayment, readOwnPayment } from "./object.ts";
import { paymentOutcome } from "./outcome.ts";
import { judgePayment, type PaymentSnapshot } from "./rules/payment.ts";
import type { PaymentRequest } from "./contract.ts";
import { paymentParameters } from "./stripe/parameters.ts";

const finalStatuses: readonly PaymentSnapshot["status"][] = ["succeeded", "requires_payment_method"];

const delayedStatusRefusal: Refusal = {
  param: "delayedStatus",
  stripeCode: null,
  message: "delayedStatus is for tests: it is refused with a live key.",
};

/**
 * Charges a payment method. https://docs.stripe.com/api/payment_intents/create
 * @param onCreated told at once which PaymentIntent the call made
 * @throws TerminalError `invalid_request`, `declined`, `timed_out`, `canceled` or `needs_review`
 */
export async function processPayment(
  call: Call,
  request: PaymentRequest,
  onCreated: (paymentIntentId: string) => void = () => {},
): Promise<PaymentOutcome> {
  const doorbell = createDoorbell(call.ctx);
  const first = await unlessStopped(
    createFirst(call, paymentCreation, {
      parameters: (maker) => paymentParameters(request, { ...maker, callbackId: doorbell.address }),
      extra: (surroundings) => ({
        plan: waitPlan(surroundings, request.timeoutSeconds),
        isLive: surroundings.merchant.mode === "live",
        ...beyondLimits(limitProblem(surroundings.merchant.limits, request)),
        wakesReconciler: surroundings.settings.reconcilerAlarm.isDue(
          surroundings.nowMs,
          call.invocationId,
          call.account.merchant,
        ),
      }),
      deadlineAtMs: ({ plan }) => plan.deadlineAtMs,
      refusal: ({ isLive, beyond = null }) => (request.delayedStatus && isLive ? delayedStatusRefusal : beyond),
    }),
    async (because, fixedAtMs) => giveUpUnknown(call, fixedAtMs ?? call.lastStepAtMs(), because),
  );
  const { fixed, outcome: created } = first;
  const isFinal = !request.delayedStatus && isFinalAtOnce(created, finalStatuses);
  if (!isFinal || call.isMerchantTold() || fixed.wakesReconciler) await first.recorded();
  if (fixed.wakesReconciler) wakeReconciler(call);
  switch (created.kind) {
    case "declined":
      throw declined(created.failure, {});
    case "refused":
      throw refused(created.refusal, { paymentIntentId: created.id });
    case "created":
      break;
  }
  const payment = created.made;
  onCreated(payment.paymentIntentId);
  const wait = openWait(call, awaitedPayment, payment.paymentIntentId, {
    plan: fixed.plan,
    first: payment,
    hanging: doorbell,
  });
  return await settle(call, request, { payment, seenBy: created.seenBy, wait, plan: fixed.plan });
}

/**
 * Goes on with a payment whose call was lost after it was made, as that call would have.
 * @param begunAtMs when the lost call began, in epoch milliseconds: its deadline counts from then
 */
export async function resumePayment(
  call: Call,
  request: PaymentRequest,
  paymentIntentId: string,
  begunAtMs: number,
): Promise<PaymentOutcome> {
  const plan = await call.fix("fix the wait", ({ settings }) =>
    waitPlan({ settings, acceptedAtMs: begunAtMs }, request.timeoutSeconds),
  );
  const payment = await readOwnPayment(call, paymentIntentId);
  const wait = openWait(call, awaitedPayment, paymentIntentId, { plan, first: payment });
  return await settle(call, { ...request, delayedStatus: false }, { payment, seenBy: "poll", wait, plan });
}

/** What is fixed where the merchant's own limits forbid the charge. Most merchants have none. */
function beyondLimits(problem: ReturnType<typeof limitProblem>): { readonly beyond?: Refusal } {
  if (problem === null) return {};
  return { beyond: { param: problem.field, stripeCode: null, message: problem.message } };
}

type Begun = {
  readonly payment: PaymentSnapshot;
  readonly seenBy: PaymentOutcome["settledBy"];
  readonly wait: ObjectWait<PaymentSnapshot>;
  readonly plan: WaitPlan;
};

/** Brings a payment that exists to its end: decides by the first look, or waits, re-reads and decides. */
async function settle(
  call: Call,
  request: PaymentRequest,
  { payment: first, seenBy, wait, plan }: Begun,
): Promise<PaymentOutcome> {
  const { paymentIntentId } = first;
  call.concern({ paymentIntentId });
  const deadlineAtMs = plan.deadlineAtMs ?? Infinity;
  const customer = request.returnUrl === undefined ? "decline" : "answer";
  const judge = (seen: PaymentSnapshot) => judgePayment(seen, { attempted: true, customer });

  const atOnce = request.delayedStatus ? ({ kind: "pending" } as const) : judge(first);
  // These answers come without a wait, so a cancellation and the deadline are looked for here.
  if (atOnce.kind === "requires_action" || atOnce.kind === "requires_capture") {
    if (call.takeCancellation() || (await wasCancelled(call.ctx))) return await giveUp(call, first, "cancellation");
    if (call.lastStepAtMs() >= deadlineAtMs) return await giveUp(call, first, "deadline");
  }
  if (atOnce.kind === "requires_action") {
    leaveToCustomer(call, paymentIntentId, deadlineAtMs);
  }
  if (atOnce.kind === "declined" && first.status !== "requires_payment_method") {
    return await settleDecline(call, first, atOnce.failure, seenBy);
  }
  if (atOnce.kind !== "pending") return paymentOutcome({ payment: first, decision: atOnce, settledBy: seenBy });

  const look = await wait.until(judge);
  await wait.end();
  const { wake, seen: payment, judgement } = look;
  const unpaid = judgement.kind === "pending" || judgement.kind === "requires_action";
  if (unpaid && (wake === "deadline" || wake === "cancellation")) return await giveUp(call, payment, wake);
  if (judgement.kind === "pending") throw new TypeError("A wait ends without a decision only when it is given up.");
  if (judgement.kind === "declined") return await settleDecline(call, payment, judgement.failure, settledBy(look));
  if (judgement.kind === "requires_action") leaveToCustomer(call, paymentIntentId, deadlineAtMs);
  return paymentOutcome({ payment, decision: judgement, settledBy: settledBy(look) });
}
