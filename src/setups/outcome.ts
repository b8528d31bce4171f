/** Turns what a set-up came to into the call's answer, or the failure it ends with. */
import type { Compensation } from "../api/failures.ts";
import type { SetupOutcome } from "./contract.ts";
import { declined, failure } from "../durable/failures.ts";
import type { SetupDecision, SetupSnapshot } from "./rules.ts";

/** A set-up about which a decision was made, and what brought the news. */
export type SettledSetup = {
  readonly setup: SetupSnapshot;
  readonly decision: SetupDecision;
  readonly settledBy: SetupOutcome["settledBy"];
};

/**
 * The outcome of a settled set-up.
 * @param compensation what was done about a failed one, if anything
 * @throws TerminalError `declined`, `canceled` or `needs_review`
 */
export function setupOutcome({ setup, decision, settledBy }: SettledSetup, compensation?: Compensation): SetupOutcome {
  const { setupIntentId, customerId, mandateId } = setup;
  const details = { setupIntentId, compensation };
  const fields = { setupIntentId, customerId, ...(mandateId !== null && { mandateId }), settledBy };
  switch (decision.kind) {
    case "succeeded":
      return { ...fields, status: "succeeded", paymentMethodId: decision.paymentMethodId };
    case "requires_action":
      return {
        ...fields,
        status: "requires_action",
        paymentMethodId: decision.paymentMethodId,
        nextAction: setup.nextAction ?? { type: "unknown", redirectUrl: null, stripeType: null },
      };
    case "declined":
      throw declined(decision.failure, details);
    case "canceled":
      throw failure("canceled", "The SetupIntent was cancelled.", details);
    case "needs_review":
      throw failure("needs_review", decision.message, details);
  }
}
