/** Turns Stripe's SetupIntents into the snapshots that decisions and the journal need. */
import type { Stripe } from "stripe";
import { failureNoteKey } from "../../stripe/metadata.ts";
import type { PaymentFailure } from "../../payments/rules/payment.ts";
import type { SetupSnapshot, SetupStatus } from "../rules.ts";
import { nextActionOf, withoutPages } from "../../stripe/nextAction.ts";
import { failureNote, idOf } from "../../stripe/snapshot.ts";

const setupStatuses: ReadonlySet<string> = new Set<SetupStatus>([
  "requires_payment_method",
  "requires_confirmation",
  "requires_action",
  "processing",
  "succeeded",
  "canceled",
]);

export function snapshotOfSetup(setupIntent: Stripe.SetupIntent): SetupSnapshot {
  const { status } = setupIntent;
  const note = failureNote(setupIntent.metadata?.[failureNoteKey]);
  return {
    setupIntentId: setupIntent.id,
    status: isSetupStatus(status) ? status : "unrecognized",
    stripeStatus: status,
    customerId: idOf(setupIntent.customer),
    paymentMethodId: idOf(setupIntent.payment_method),
    mandateId: idOf(setupIntent.mandate),
    failure: failureOf(setupIntent.last_setup_error) ?? note,
    closedAfterFailure: note !== null,
    nextAction: withoutPages(nextActionOf(setupIntent.next_action)),
  };
}

function failureOf(error: Stripe.SetupIntent.LastSetupError | null): PaymentFailure | null {
  if (error === null) return null;
  return {
    stripeCode: error.code ?? null,
    declineCode: error.decline_code ?? null,
    message: error.message ?? "The payment method was not saved.",
  };
}

function isSetupStatus(status: string): status is SetupStatus {
  return setupStatuses.has(status);
}
