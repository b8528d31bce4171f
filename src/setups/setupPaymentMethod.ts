import type { Context } from "@restatedev/restate-sdk";
import { creatorCallbackKey } from "../stripe/metadata.ts";
import { judgeSetup, type SetupSnapshot } from "./rules.ts";
import { createSetup } from "./createSetup.ts";
import { giveUpSetup, leaveSetupToCustomer, settleDeclinedSetup } from "./giveUpSetup.ts";
import type { SetupOutcome, SetupPaymentMethodRequest } from "./contract.ts";
import { type PaymentsOptions, timeoutMsOf } from "../merchants/options.ts";
import { setupAnswer } from "./outcome.ts";
import { startSetupWait } from "./object.ts";
import { createDoorbell, wasCancelled } from "../durable/wait.ts";

/**
 * Saves a payment method for a customer's later payments and returns the final outcome, as `processPayment` does for a
 * payment: create once, then wait, re-read and decide. https://docs.stripe.com/payments/save-and-reuse
 */
export async function setupPaymentMethod(
  ctx: Context,
  options: PaymentsOptions,
  request: SetupPaymentMethodRequest,
): Promise<SetupOutcome> {
  const { stripe, pollScheduleMs } = options;
  const deadlineMs = timeoutMsOf(request, options);
  const customer = request.returnUrl === undefined ? "decline" : "answer";
  const judge = (seen: SetupSnapshot) => judgeSetup(seen, { attempted: true, customer });

  const doorbell = createDoorbell(ctx);
  const created = await createSetup(ctx, stripe, request, doorbell);
  const { setupIntentId } = created.setup;
  const deadlineAtMs = created.fixedAtMs + deadlineMs;
  const first = judge(created.setup);
  if (first.kind === "requires_action") {
    // This answer comes without a wait, so a cancellation is looked for here.
    if (await wasCancelled(ctx)) return await giveUpSetup(ctx, stripe, created.setup, "cancellation");
    leaveSetupToCustomer(ctx, setupIntentId, deadlineAtMs);
  }
  if (first.kind === "declined" && created.setup.status !== "requires_payment_method") {
    return await settleDeclinedSetup(ctx, stripe, created.setup, first.failure, created.seenBy);
  }
  if (first.kind !== "pending") {
    return setupAnswer({ setup: created.setup, decision: first, settledBy: created.seenBy });
  }

  const callbackKey = creatorCallbackKey;
  const wait = startSetupWait(ctx, stripe, { setupIntentId, callbackKey, doorbell, pollScheduleMs, deadlineMs });
  for (;;) {
    const { wake, seen: setup } = await wait.next((latest) => judge(latest).kind === "pending");
    const judgement = judge(setup);
    const settledBy = wake === "webhook" ? "webhook" : "poll";
    const unsettled = judgement.kind === "pending" || judgement.kind === "requires_action";
    if (unsettled && (wake === "deadline" || wake === "cancellation")) {
      return await giveUpSetup(ctx, stripe, setup, wake);
    }
    if (judgement.kind === "pending") continue;
    if (judgement.kind === "declined") {
      return await settleDeclinedSetup(ctx, stripe, setup, judgement.failure, settledBy);
    }
    if (judgement.kind === "requires_action") leaveSetupToCustomer(ctx, setupIntentId, deadlineAtMs);
    return setupAnswer({ setup, decision: judgement, settledBy });
  }
}
