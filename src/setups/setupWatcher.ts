/**
 * The private watch over a SetupIntent that no caller waits for any more: it is cancelled when its customer's time is over,
 * or as soon as Stripe lets go of it.
 */
import * as restate from "@restatedev/restate-sdk";
import { waiterCallbackKey } from "../stripe/metadata.ts";
import { nextSetupWatchStep } from "./rules.ts";
import { closeSetup } from "./closeSetup.ts";
import { abortTimeoutMs, untilAnOperatorLooks, watchJournalRetentionMs } from "../durable/policies.ts";
import type { WatcherOptions } from "../payments/paymentWatcher.ts";
import { readOwnSetup } from "./readSetup.ts";
import { hangSetupDoorbell, startSetupWait } from "./object.ts";
import { createDoorbell } from "../durable/wait.ts";

type SetupWatchRequest = {
  readonly setupIntentId: string;
  /** When the customer's time is over, in epoch milliseconds. */
  readonly deadlineAtMs: number;
};

/** How a watch ended, for the operator who looks at the invocation's result. */
type SetupWatchResult = { readonly setupIntentId: string; readonly status: string };

export type SetupWatcher = ReturnType<typeof createSetupWatcher>;

export function createSetupWatcher({ stripe, pollScheduleMs, inactivityTimeoutMs }: WatcherOptions) {
  /** Watches one SetupIntent to its end. A Restate cancellation ends the customer's time at once. */
  async function watch(ctx: restate.Context, request: SetupWatchRequest): Promise<SetupWatchResult> {
    const { setupIntentId } = request;
    const callbackKey = waiterCallbackKey(ctx.request().id);
    const deadlineMs = Math.max(0, request.deadlineAtMs - (await ctx.date.now()));
    const doorbell = createDoorbell(ctx);
    const wait = startSetupWait(ctx, stripe, { setupIntentId, callbackKey, doorbell, pollScheduleMs, deadlineMs });
    let isOver = false;
    let setup = await readOwnSetup(ctx, stripe, setupIntentId);
    let hung = false;
    for (;;) {
      const step = nextSetupWatchStep(setup, isOver);
      if (step === "done") return { setupIntentId, status: setup.stripeStatus };
      if (step === "cancel") {
        const closing = await closeSetup(ctx, stripe, { setup, callbackKey, failure: null });
        ctx.console.info(`Watch of ${setupIntentId}: cancelling it ended in "${closing.kind}".`);
        setup = closing.setup;
        // What Stripe doesn't let go of yet is waited for; anything else is decided at once.
        if (closing.kind !== "open") continue;
      }
      if (!hung) {
        hung = true;
        setup = await hangSetupDoorbell(ctx, stripe, setupIntentId, callbackKey, doorbell);
        continue;
      }
      const look = await wait.next((latest) => nextSetupWatchStep(latest, isOver) === "wait");
      setup = look.seen;
      if (look.wake === "deadline" || look.wake === "cancellation") isOver = true;
    }
  }

  return restate.service({
    name: "setupWatcher",
    description: "Private: looks after set-ups that no caller waits for any more.",
    handlers: {
      watch: restate.handlers.handler(
        {
          description: "Watches one SetupIntent to its end, and cancels it when its customer's time is over.",
          ingressPrivate: true,
          explicitCancellation: true,
          retryPolicy: untilAnOperatorLooks,
          inactivityTimeout: inactivityTimeoutMs,
          abortTimeout: abortTimeoutMs,
          journalRetention: watchJournalRetentionMs,
        },
        watch,
      ),
    },
  });
}
