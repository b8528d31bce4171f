import type { SetupOutcome } from "./contract.ts";
import { unlessStopped, type Call } from "../durable/call.ts";
import { failure } from "../durable/failures.ts";
import { setupOutcome } from "./outcome.ts";
import { judgeSetup } from "./rules.ts";

/** Puts the page into an answer that sends the customer to it, as `withPages` does for a payment. */
export async function withPage(call: Call, outcome: SetupOutcome): Promise<SetupOutcome> {
  if (outcome.status !== "requires_action") return outcome;
  const { setupIntentId } = outcome;
  const read = await unlessStopped(
    call.peek((stripe) => stripe.readSetupWithPage(setupIntentId)),
    () => {
      const message = "The customer's page could not be read before the deadline. The set-up is being cancelled.";
      throw failure("timed_out", message, { setupIntentId, compensation: "watching" });
    },
  );
  if (read === null) return outcome;
  const decision = judgeSetup(read.setup, { attempted: true, customer: "answer" });
  if (decision.kind === "requires_action") return { ...outcome, nextAction: read.nextAction ?? outcome.nextAction };
  if (decision.kind === "pending") return outcome;
  return setupOutcome({ setup: read.setup, decision, settledBy: "poll" });
}
