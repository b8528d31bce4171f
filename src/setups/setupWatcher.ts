/**
 * The private watch over a SetupIntent that no caller waits for any more: it is cancelled when its customer's time is over,
 * or as soon as Stripe lets go of it.
 */
import { implement, type Context } from "@restatedev/restate-sdk";
import { openWait } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { openCall } from "../durable/openCall.ts";
import { running, watchJournalRetentionMs } from "../durable/policies.ts";
import type { HandlerOptions } from "../merchants/options.ts";
import { accountOf, addressOf } from "../merchants/rules.ts";
import { waiterCallbackKey } from "../stripe/metadata.ts";
import { closeSetup } from "./closeSetup.ts";
import { setupsMadeBy } from "./creation.ts";
import {
  setupWatcherInterface,
  type SetupWatchRequest,
  type SetupWatchResult,
  type UnknownSetup,
} from "./interface.ts";
import { awaitedSetup, readOwnSetup } from "./object.ts";
import { nextSetupWatchStep } from "./rules.ts";

export function createSetupWatcher(options: HandlerOptions) {
  return implement(setupWatcherInterface, {
    handlers: {
      watch: async (ctx: Context, request) =>
        await watch(openCall(ctx, options, { account: accountOf(request) }), request),
      cancelUnknown: async (ctx: Context, request) =>
        await cancelUnknown(openCall(ctx, options, { account: accountOf(request) }), request),
    },
    options: {
      ...running(options),
      ingressPrivate: true,
      explicitCancellation: true,
      journalRetention: watchJournalRetentionMs,
    },
  });
}

/** Watches one SetupIntent to its end. A Restate cancellation ends the customer's time at once. */
async function watch(call: Call, { setupIntentId, deadlineAtMs }: SetupWatchRequest): Promise<SetupWatchResult> {
  const callbackKey = waiterCallbackKey(call.invocationId);
  const plan = await call.fix("fix the wait", ({ settings }) => ({
    pollScheduleMs: settings.pollScheduleMs,
    deadlineAtMs,
  }));
  let isOver = false;
  let setup = await readOwnSetup(call, setupIntentId);
  const wait = openWait(call, awaitedSetup, setupIntentId, { plan, first: setup });
  for (;;) {
    const step = nextSetupWatchStep(setup, isOver);
    if (step === "done") {
      await wait.end();
      return { setupIntentId, status: setup.stripeStatus };
    }
    if (step === "cancel") {
      const closing = await closeSetup(call, { setup, callbackKey, failure: null });
      call.ctx.console.info(`Watch of ${setupIntentId}: cancelling it ended in "${closing.kind}".`);
      setup = closing.setup;
      // What Stripe doesn't let go of yet is waited for; anything else is decided at once.
      if (closing.kind !== "open") continue;
    }
    const look = await wait.until((latest) => ({
      kind: nextSetupWatchStep(latest, isOver) === "wait" ? "pending" : "over",
    }));
    setup = look.seen;
    if (look.wake === "deadline" || look.wake === "cancellation") isOver = true;
  }
}

/** Cancels every SetupIntent that a call made whose answer never came: at once and again later. @returns the ids that were found */
async function cancelUnknown(
  call: Call,
  { invocationId, fixedAtMs, customerId }: UnknownSetup,
): Promise<readonly string[]> {
  const delaysMs = await call.fix("fix the look-ups", ({ settings }) => settings.lookUpDelaysMs);
  const creation = { invocationId, installationId: await call.installationId(), fixedAtMs };
  const known = new Set<string>();
  for (const delayMs of delaysMs) {
    if (delayMs > 0) await call.pause(delayMs, "next look-up");
    for (const setupIntentId of await setupsMadeBy(call, creation, customerId)) {
      if (known.has(setupIntentId)) continue;
      known.add(setupIntentId);
      // Its time is over already.
      call.ctx.sendClient(setupWatcherInterface).watch({ ...addressOf(call.account), setupIntentId, deadlineAtMs: 0 });
    }
  }
  return [...known];
}
