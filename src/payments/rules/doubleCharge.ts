/**
 * One call makes one PaymentIntent. Should a look-up ever find several of one call, none of them may be taken for granted: a
 * person reviews it. Meanwhile only one of them may hold the customer's money.
 */
import type { PaymentSnapshot, PaymentStatus } from "./payment.ts";

/** The further a payment has come, the lower its rank: undoing it would cost the customer or the merchant the most. */
const rankOfStatus: Readonly<Record<PaymentStatus, number>> = {
  succeeded: 0,
  requires_capture: 1,
  processing: 2,
  unrecognized: 3,
  requires_action: 4,
  requires_confirmation: 5,
  requires_payment_method: 6,
  canceled: 7,
};

export type DoubleCharge = {
  /** The one that stays as it is. */
  readonly kept: PaymentSnapshot;
  /** Those that are to be cancelled or refunded. */
  readonly extra: readonly PaymentSnapshot[];
};

/**
 * Tells which of several PaymentIntents of one call stays. One that is being taken back already stays only if all are: it may
 * come further than the one that was kept, before it is refunded.
 * @param payments oldest first; of two that have come equally far the older one stays
 * @throws RangeError without any
 */
export function resolveDoubleCharge(payments: readonly PaymentSnapshot[]): DoubleCharge {
  const [kept, ...others] = payments.toSorted(
    (a, b) => Number(a.isAbandoned) - Number(b.isAbandoned) || rankOfStatus[a.status] - rankOfStatus[b.status],
  );
  if (kept === undefined) throw new RangeError("A double charge has at least one payment.");
  return { kept, extra: others.filter(({ status }) => status !== "canceled") };
}
