/** Turns Stripe's SetupIntents into the snapshots that decisions and the journal need. */
import type { Stripe } from "stripe";
import { failureNoteKey, invocationIdKey } from "../../stripe/metadata.ts";
import type { SetupSnapshot, SetupStatus } from "../rules.ts";
import { nextActionOf, withoutPages } from "../../stripe/nextAction.ts";
import { failureNote, failureOfAttempt, idOf } from "../../stripe/snapshot.ts";

const setupStatuses: ReadonlySet<string> = new Set<SetupStatus>([
  "requires_payment_method",
  "requires_confirmation",
  "requires_action",
  "processing",
  "succeeded",
  "canceled",
]);

export function snapshotOfSetup(setupIntent: Stripe.SetupIntent): SetupSnapshot {
  const { status, last_setup_error: lastError } = setupIntent;
  const note = failureNote(setupIntent.metadata?.[failureNoteKey]);
  return {
    setupIntentId: setupIntent.id,
    isMadeByCall: setupIntent.metadata !== null && invocationIdKey in setupIntent.metadata,
    status: isSetupStatus(status) ? status : "unrecognized",
    stripeStatus: status,
    customerId: idOf(setupIntent.customer),
    paymentMethodId: idOf(setupIntent.payment_method),
    mandateId: idOf(setupIntent.mandate),
    failure: lastError === null ? note : failureOfAttempt(lastError, "The payment method was not saved."),
    closedAfterFailure: note !== null,
    nextAction: withoutPages(nextActionOf(setupIntent.next_action)),
  };
}

function isSetupStatus(status: string): status is SetupStatus {
  return setupStatuses.has(status);
}
