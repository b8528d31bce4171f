import type { SetupOutcome, SetupPaymentMethodRequest } from "./contract.ts";
import { openWait, settledBy, waitPlan } from "../durable/awaitObject.ts";
import { unlessStopped, type Call } from "../durable/call.ts";
import { wasCancelled } from "../durable/cancellation.ts";
import { createFirst, isFinalAtOnce } from "../durable/createFirst.ts";
import { createDoorbell } from "../durable/doorbell.ts";
import { declined, refused } from "../durable/failures.ts";
import { setupCreation } from "./creation.ts";
import { giveUpSetup, giveUpUnknownSetup, leaveSetupToCustomer, settleDeclinedSetup } from "./giveUpSetup.ts";
import { awaitedSetup } from "./object.ts";
import { setupOutcome } from "./outcome.ts";
import { judgeSetup, type SetupSnapshot } from "./rules.ts";
import { setupParameters } from "./stripe/requests.ts";

const finalStatuses: readonly SetupSnapshot["status"][] = ["succeeded", "requires_payment_method"];

/**
 * Saves a payment method for a customer's later payments and returns the final outcome, as `processPayment` does for a
 * payment: create once, then wait, re-read and decide. https://docs.stripe.com/payments/save-and-reuse
 * @throws TerminalError `invalid_request`, `declined`, `timed_out`, `canceled` or `needs_review`
 */
export async function setupPaymentMethod(call: Call, request: SetupPaymentMethodRequest): Promise<SetupOutcome> {
  const customer = request.returnUrl === undefined ? "decline" : "answer";
  const judge = (seen: SetupSnapshot) => judgeSetup(seen, { attempted: true, customer });

  const doorbell = createDoorbell(call.ctx);
  const begun = await unlessStopped(
    createFirst(call, setupCreation, {
      parameters: (maker) => setupParameters(request, { ...maker, callbackId: doorbell.address }),
      extra: (surroundings) => ({ plan: waitPlan(surroundings, request.timeoutSeconds) }),
      deadlineAtMs: ({ plan }) => plan.deadlineAtMs,
    }),
    async (because, fixedAtMs) =>
      giveUpUnknownSetup(call, request.customerId, fixedAtMs ?? call.lastStepAtMs(), because),
  );
  const { fixed, outcome: created } = begun;
  if (!isFinalAtOnce(created, finalStatuses)) await begun.recorded();
  switch (created.kind) {
    case "declined":
      throw declined(created.failure, {});
    case "refused":
      throw refused(created.refusal, { setupIntentId: created.id });
    case "created":
      break;
  }
  const { made: first, seenBy } = created;
  const { setupIntentId } = first;
  call.concern({ setupIntentId });
  const deadlineAtMs = fixed.plan.deadlineAtMs ?? Infinity;
  const atOnce = judge(first);
  if (atOnce.kind === "requires_action") {
    // This answer comes without a wait, so a cancellation and the deadline are looked for here.
    if (call.takeCancellation() || (await wasCancelled(call.ctx)))
      return await giveUpSetup(call, first, "cancellation");
    if (call.lastStepAtMs() >= deadlineAtMs) return await giveUpSetup(call, first, "deadline");
    leaveSetupToCustomer(call, setupIntentId, deadlineAtMs);
  }
  if (atOnce.kind === "declined" && first.status !== "requires_payment_method") {
    return await settleDeclinedSetup(call, first, atOnce.failure, seenBy);
  }
  if (atOnce.kind !== "pending") return setupOutcome({ setup: first, decision: atOnce, settledBy: seenBy });

  const wait = openWait(call, awaitedSetup, setupIntentId, { plan: fixed.plan, first, hanging: doorbell });
  const look = await wait.until(judge);
  const { wake, seen: setup, judgement } = look;
  const unsettled = judgement.kind === "pending" || judgement.kind === "requires_action";
  if (unsettled && (wake === "deadline" || wake === "cancellation")) return await giveUpSetup(call, setup, wake);
  if (judgement.kind === "pending") throw new TypeError("A wait ends without a decision only when it is given up.");
  if (judgement.kind === "declined") {
    return await settleDeclinedSetup(call, setup, judgement.failure, settledBy(look));
  }
  if (judgement.kind === "requires_action") leaveSetupToCustomer(call, setupIntentId, deadlineAtMs);
  return setupOutcome({ setup, decision: judgement, settledBy: settledBy(look) });
}
