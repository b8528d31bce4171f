/** How a call lets go of a SetupIntent that could still succeed: it is closed, or handed to the private watcher. */
import type { Context } from "@restatedev/restate-sdk";
import { creatorCallbackKey } from "../stripe/metadata.ts";
import type { PaymentFailure } from "../payments/rules/payment.ts";
import { judgeSetup, type SetupSnapshot } from "./rules.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import { closeSetup, type SetupClosing } from "./closeSetup.ts";
import { failure as failed } from "../durable/failures.ts";
import type { Compensation } from "../api/failures.ts";
import type { SetupOutcome } from "./contract.ts";
import { setupAnswer, type SettledSetup } from "./outcome.ts";
import type { SetupWatcher } from "./setupWatcher.ts";

/** The customer has to act: the watcher cancels the SetupIntent at its deadline unless it succeeded. */
export function leaveSetupToCustomer(ctx: Context, setupIntentId: string, deadlineAtMs: number): void {
  watcher(ctx).watch({ setupIntentId, deadlineAtMs });
}

/** Answers a decline once the SetupIntent can't succeed any more. */
export async function settleDeclinedSetup(
  ctx: Context,
  stripe: StripeGateway,
  setup: SetupSnapshot,
  failure: PaymentFailure,
  settledBy: SettledSetup["settledBy"],
): Promise<SetupOutcome> {
  const decision = { kind: "declined", failure } as const;
  if (setup.status === "canceled") return setupAnswer({ setup, decision, settledBy }, "canceled");
  const closing = await closeSetup(ctx, stripe, { setup, callbackKey: creatorCallbackKey, failure });
  if (closing.kind === "succeeded") return succeededAfterAll(closing);
  return setupAnswer({ setup, decision, settledBy }, compensate(ctx, closing));
}

/** Ends a call whose set-up is still pending: at the deadline, or because somebody cancelled the call. */
export async function giveUpSetup(
  ctx: Context,
  stripe: StripeGateway,
  setup: SetupSnapshot,
  because: "deadline" | "cancellation",
): Promise<SetupOutcome> {
  const { setupIntentId } = setup;
  const closing = await closeSetup(ctx, stripe, { setup, callbackKey: creatorCallbackKey, failure: null });
  if (closing.kind === "succeeded") return succeededAfterAll(closing);
  const compensation = compensate(ctx, closing);
  const fate =
    compensation === "watching"
      ? "Stripe can't cancel it now: it is being watched, and cancelled as soon as possible. It moves no money."
      : "The SetupIntent was cancelled.";
  ctx.console.warn(`${setupIntentId} was given up (${because}). ${fate}`);
  switch (because) {
    case "deadline":
      throw failed("timed_out", `The set-up was still pending at its deadline. ${fate}`, {
        setupIntentId,
        compensation,
      });
    case "cancellation":
      throw failed("canceled", `The call was cancelled while the set-up was pending. ${fate}`, {
        setupIntentId,
        compensation,
      });
  }
}

function succeededAfterAll({ setup }: SetupClosing): SetupOutcome {
  const decision = judgeSetup(setup, { attempted: true, customer: "decline" });
  if (decision.kind === "pending") throw new TypeError("A succeeded SetupIntent is not pending.");
  return setupAnswer({ setup, decision, settledBy: "poll" });
}

function compensate(ctx: Context, closing: SetupClosing): Compensation {
  if (closing.kind !== "open") return "canceled";
  // Its time is over already.
  watcher(ctx).watch({ setupIntentId: closing.setup.setupIntentId, deadlineAtMs: 0 });
  return "watching";
}

function watcher(ctx: Context) {
  return ctx.serviceSendClient<SetupWatcher>({ name: "setupWatcher" });
}
