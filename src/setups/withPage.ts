import type { SetupOutcome } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { setupOutcome } from "./outcome.ts";
import { judgeSetup } from "./rules.ts";

/** Puts the page into an answer that sends the customer to it, as `withPages` does for a payment. */
export async function withPage(call: Call, outcome: SetupOutcome): Promise<SetupOutcome> {
  if (outcome.status !== "requires_action") return outcome;
  const read = await call.peek((stripe) => stripe.readSetupWithPage(outcome.setupIntentId));
  if (read === null) return outcome;
  const decision = judgeSetup(read.setup, { attempted: true, customer: "answer" });
  if (decision.kind === "requires_action") return { ...outcome, nextAction: read.nextAction ?? outcome.nextAction };
  if (decision.kind === "pending") return outcome;
  return setupOutcome({ setup: read.setup, decision, settledBy: "poll" });
}
