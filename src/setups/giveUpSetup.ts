/** How a call lets go of a SetupIntent that could still succeed: it is closed, or handed to the private watcher. */
import type { Compensation } from "../api/failures.ts";
import type { SetupOutcome } from "./contract.ts";
import { unlessStopped, type Call, type CallStopped } from "../durable/call.ts";
import { failure, type FailureDetails } from "../durable/failures.ts";
import type { PaymentFailure } from "../payments/rules/payment.ts";
import { addressOf } from "../merchants/rules.ts";
import { creatorCallbackKey } from "../stripe/metadata.ts";
import { closeSetup, type SetupClosing } from "./closeSetup.ts";
import { setupWatcherInterface } from "./interface.ts";
import { setupOutcome, type SettledSetup } from "./outcome.ts";
import { judgeSetup, type SetupSnapshot } from "./rules.ts";

/** The customer has to act: the watcher cancels the SetupIntent at its deadline unless it succeeded. */
export function leaveSetupToCustomer(call: Call, setupIntentId: string, deadlineAtMs: number): void {
  watcher(call).watch({ ...addressOf(call.account), setupIntentId, deadlineAtMs });
}

/** Answers a decline once the SetupIntent can't succeed any more. */
export async function settleDeclinedSetup(
  call: Call,
  setup: SetupSnapshot,
  cause: PaymentFailure,
  settledBy: SettledSetup["settledBy"],
): Promise<SetupOutcome> {
  const decision = { kind: "declined", failure: cause } as const;
  if (setup.status === "canceled") return setupOutcome({ setup, decision, settledBy }, "canceled");
  const closing = await closed(call, setup, cause);
  if (closing.kind === "succeeded") return succeededAfterAll(closing);
  return setupOutcome({ setup, decision, settledBy }, compensate(call, closing));
}

type Because = CallStopped["because"];

/** How long the end of a call may take while Stripe doesn't answer: then the watcher goes on. */
const patienceToEndMs = 10_000;

/** Ends a call whose set-up is still pending: at the deadline, or because somebody cancelled the call. */
export async function giveUpSetup(call: Call, setup: SetupSnapshot, because: Because): Promise<SetupOutcome> {
  const { setupIntentId } = setup;
  call.setDeadline(call.lastStepAtMs() + patienceToEndMs);
  const closing = await closed(call, setup, null);
  call.setDeadline(Infinity);
  if (closing.kind === "succeeded") return succeededAfterAll(closing);
  const compensation = compensate(call, closing);
  const fate =
    compensation === "watching"
      ? "Stripe can't cancel it now: it is being watched, and cancelled as soon as possible. It moves no money."
      : "The SetupIntent was cancelled.";
  call.ctx.console.warn(`${setupIntentId} was given up (${because}). ${fate}`);
  throw givenUp(because, fate, { setupIntentId, compensation });
}

/** Ends a call of which it is not known whether it made a SetupIntent, because Stripe did not answer. */
export function giveUpUnknownSetup(call: Call, customerId: string, fixedAtMs: number, because: Because): never {
  watcher(call).cancelUnknown({ ...addressOf(call.account), invocationId: call.invocationId, fixedAtMs, customerId });
  const fate = "Whether Stripe made a SetupIntent is not known: it is being looked for, and cancelled if it exists.";
  call.ctx.console.warn(`The call was given up (${because}). ${fate}`);
  throw givenUp(because, fate, { compensation: "watching" });
}

function givenUp(because: Because, fate: string, details: FailureDetails) {
  switch (because) {
    case "deadline":
      return failure("timed_out", `The set-up was still pending at its deadline. ${fate}`, details);
    case "cancellation":
      return failure("canceled", `The call was cancelled while the set-up was pending. ${fate}`, details);
  }
}

/** Closes it, or leaves that to the watcher where Stripe doesn't answer. */
async function closed(call: Call, setup: SetupSnapshot, cause: PaymentFailure | null): Promise<SetupClosing> {
  const closing = closeSetup(call, { setup, callbackKey: creatorCallbackKey, failure: cause });
  return await unlessStopped(closing, () => ({ kind: "open", setup }));
}

function succeededAfterAll({ setup }: SetupClosing): SetupOutcome {
  const decision = judgeSetup(setup, { attempted: true, customer: "decline" });
  if (decision.kind === "pending") throw new TypeError("A succeeded SetupIntent is not pending.");
  return setupOutcome({ setup, decision, settledBy: "poll" });
}

function compensate(call: Call, closing: SetupClosing): Compensation {
  if (closing.kind !== "open") return "canceled";
  // Its time is over already.
  watcher(call).watch({ ...addressOf(call.account), setupIntentId: closing.setup.setupIntentId, deadlineAtMs: 0 });
  return "watching";
}

function watcher(call: Call) {
  return call.ctx.sendClient(setupWatcherInterface);
}
