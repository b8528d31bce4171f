import type { PaymentFailure } from "../payments/rules/payment.ts";
import { setupFailureWithoutReason, type SetupSnapshot } from "./rules.ts";
import type { Call } from "../durable/call.ts";
import { readOwnSetup } from "./object.ts";

/** How an attempt to close a SetupIntent ended. `open`: Stripe doesn't let go of it yet. */
export type SetupClosing = { readonly kind: "canceled" | "succeeded" | "open"; readonly setup: SetupSnapshot };

const closingAttempts = 3;

/**
 * Cancels a SetupIntent so that it can't succeed behind the caller's back. If the attempt failed, that is noted on it
 * first, so that whoever reads it later learns that it was declined and not merely cancelled.
 * @param from.callbackKey the closer's own doorbell, which nobody needs any more: the note takes its place
 * @param from.failure the failed attempt, if the closer knows one that the snapshot doesn't show
 */
export async function closeSetup(
  call: Call,
  from: { readonly setup: SetupSnapshot; readonly callbackKey: string; readonly failure: PaymentFailure | null },
): Promise<SetupClosing> {
  const { setupIntentId } = from.setup;
  let latest = from.setup;
  let noted = false;
  for (let attempt = 0; attempt < closingAttempts; attempt++) {
    const failure = from.failure ?? failureOf(latest);
    if (failure !== null && !noted) {
      await call.ask("note the failure", (stripe) => stripe.noteSetupFailure(setupIntentId, failure, from.callbackKey));
      noted = true;
    }
    const idempotencyKey = await call.nextIdempotencyKey();
    const cancel = await call.ask("cancel SetupIntent", (stripe) => stripe.cancelSetup(setupIntentId, idempotencyKey));
    latest = cancel.kind === "setup" ? cancel.setup : await readOwnSetup(call, setupIntentId);
    switch (latest.status) {
      case "canceled":
        return { kind: "canceled", setup: latest };
      case "succeeded":
        return { kind: "succeeded", setup: latest };
      case "processing":
      case "unrecognized":
        return { kind: "open", setup: latest };
      case "requires_payment_method":
      case "requires_confirmation":
      case "requires_action":
        // It can be cancelled in these states: the refusal was about a state that has passed.
        break;
    }
  }
  return { kind: "open", setup: latest };
}

/** Only SetupIntents that were confirmed are closed, so one without a payment method has failed. */
function failureOf(setup: SetupSnapshot): PaymentFailure | null {
  return setup.status === "requires_payment_method" ? (setup.failure ?? setupFailureWithoutReason) : null;
}
