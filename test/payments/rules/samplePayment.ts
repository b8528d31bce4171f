import type { PaymentSnapshot, PaymentStatus } from "../../../src/payments/rules/payment.ts";

/** A payment in a status, with nothing remarkable about it but what `more` says. */
export function samplePayment(status: PaymentStatus, more: Partial<PaymentSnapshot> = {}): PaymentSnapshot {
  return {
    paymentIntentId: "pi_1",
    isMadeByCall: true,
    status,
    stripeStatus: status,
    amount: 109,
    amountReceived: 0,
    amountCaptured: more.amountReceived ?? 0,
    amountRefunded: 0,
    amountCapturable: 0,
    currency: "usd",
    chargeId: null,
    captureBefore: null,
    cancellationReason: null,
    failure: null,
    closedAfterFailure: false,
    isAbandoned: false,
    isBeingAbandoned: false,
    nextAction: null,
    ...more,
  };
}
