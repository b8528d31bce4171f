import type { AwaitSetupRequest, SetupOutcome } from "./contract.ts";
import { awaitObject, planWait, settledBy } from "../durable/awaitObject.ts";
import type { Call } from "../durable/call.ts";
import { failure, lastAttempt } from "../durable/failures.ts";
import type { PaymentFailure } from "../payments/rules/payment.ts";
import { awaitedSetup, readNamedSetup } from "./object.ts";
import { setupOutcome } from "./outcome.ts";
import { awaitsSetupAttempt, judgeAwaitedSetup, type SetupSnapshot } from "./rules.ts";

/**
 * Waits for the outcome of any SetupIntent, also through its customer's action, and through failed attempts on one that no
 * call of ours made. It never cancels.
 * @throws TerminalError `declined`, `not_found`, `timed_out`, `canceled` or `needs_review`
 */
export async function awaitSetup(
  call: Call,
  { setupIntentId, timeoutSeconds }: AwaitSetupRequest,
): Promise<SetupOutcome> {
  let lastFailure: PaymentFailure | null = null;
  const judge = (seen: SetupSnapshot) => {
    // Hanging the doorbell erases the reason of a failed attempt.
    lastFailure = awaitsSetupAttempt(seen) ? (seen.failure ?? lastFailure) : null;
    return judgeAwaitedSetup(seen);
  };
  const plan = await planWait(call, timeoutSeconds);
  const found = await readNamedSetup(call, setupIntentId);
  const first = judge(found);
  if (first.kind !== "pending") return setupOutcome({ setup: found, decision: first, settledBy: "poll" });

  const look = await awaitObject(call, awaitedSetup, setupIntentId, { plan, first: found, judge });
  if (look.judgement.kind !== "pending") {
    return setupOutcome({ setup: look.seen, decision: look.judgement, settledBy: settledBy(look) });
  }
  const { told, codes } = lastAttempt(lastFailure);
  const details = { ...codes, setupIntentId, compensation: "none" } as const;
  throw look.wake === "cancellation"
    ? failure("canceled", `The wait was cancelled; the set-up was left as it is.${told}`, details)
    : failure("timed_out", `The set-up is still pending; it was left as it is.${told}`, details);
}
