/** Turns what a payment came to into the call's answer, or the failure it ends with. */
import type { Compensation } from "../api/failures.ts";
import type { PaymentOutcome } from "./contract.ts";
import { declined, failure } from "../durable/failures.ts";
import type { Decision, PaymentSnapshot } from "./rules/payment.ts";

/** A payment about which a decision was made, and what brought the news. */
export type SettledPayment = {
  readonly payment: PaymentSnapshot;
  readonly decision: Decision;
  readonly settledBy: PaymentOutcome["settledBy"];
};

/**
 * The outcome of a settled payment.
 * @param compensation what was done about a failed payment, if anything
 * @throws TerminalError `declined`, `canceled` or `needs_review`
 */
export function paymentOutcome(
  { payment, decision, settledBy }: SettledPayment,
  compensation?: Compensation,
): PaymentOutcome {
  const { paymentIntentId } = payment;
  switch (decision.kind) {
    case "succeeded":
      return { ...paymentFields(payment, "succeeded"), settledBy };
    case "taken_back": {
      const message = "It succeeded after it had been given up, so it is refunded.";
      throw failure("canceled", message, { paymentIntentId, compensation: "watching" });
    }
    case "requires_capture":
      return { ...paymentFields(payment, "requires_capture"), settledBy, captureBefore: captureBeforeOf(payment) };
    case "requires_action":
      return {
        ...paymentFields(payment, "requires_action"),
        settledBy,
        nextAction: payment.nextAction ?? { type: "unknown", redirectUrl: null, stripeType: null },
      };
    case "declined":
      throw declined(decision.failure, { paymentIntentId, compensation });
    case "canceled":
      throw failure("canceled", "The PaymentIntent was cancelled.", { paymentIntentId, compensation });
    case "needs_review":
      throw failure("needs_review", decision.message, { paymentIntentId });
  }
}

/** The fields that every answer about a payment has. */
export function paymentFields<Status extends string>(payment: PaymentSnapshot, status: Status) {
  const { paymentIntentId, amount, amountReceived, currency, chargeId } = payment;
  return { paymentIntentId, status, amount, amountReceived, currency, chargeId };
}

/** When an authorization ends; what is captured or released has no such time any more. */
export function captureBeforeOf({ captureBefore, status }: PaymentSnapshot): string | null {
  return status === "requires_capture" ? captureBefore : null;
}
