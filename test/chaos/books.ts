/** The run's record, arranged by what the checks ask for. */
import type { Call } from "./clientLog.ts";
import type { ChargeRecord, PaymentRecord, RefundRecord, RunRecord } from "./records.ts";

export type Books = {
  readonly payment: (id: string | undefined) => PaymentRecord | undefined;
  readonly refund: (id: string | undefined) => RefundRecord | undefined;
  readonly paymentsOf: (payment: string) => readonly PaymentRecord[];
  readonly callsOf: (payment: string) => readonly Call[];
  readonly chargesOf: (paymentIntentId: string) => readonly ChargeRecord[];
  readonly refundsOf: (paymentIntentId: string) => readonly RefundRecord[];
  /** The engine's ids of the calls of a payment. */
  readonly invocationsOf: (payment: string) => ReadonlySet<string>;
  readonly names: readonly string[];
};

export function openBooks(record: Pick<RunRecord, "stripe" | "calls" | "invocations">): Books {
  const { stripe, calls, invocations } = record;
  const payments = new Map(stripe.payments.map((payment) => [payment.id, payment]));
  const refunds = new Map(stripe.refunds.map((refund) => [refund.id, refund]));
  const paymentsByName = Map.groupBy(stripe.payments, ({ payment }) => payment ?? "");
  const callsByName = Map.groupBy(calls, ({ payment }) => payment);
  const charges = Map.groupBy(stripe.charges, ({ paymentIntentId }) => paymentIntentId ?? "");
  const refundsByPayment = Map.groupBy(stripe.refunds, ({ paymentIntentId }) => paymentIntentId ?? "");
  const byKey = new Map(invocations.map((invocation) => [invocation.idempotencyKey, invocation.id]));
  return {
    payment: (id) => payments.get(id ?? ""),
    refund: (id) => refunds.get(id ?? ""),
    paymentsOf: (payment) => paymentsByName.get(payment) ?? [],
    callsOf: (payment) => callsByName.get(payment) ?? [],
    chargesOf: (id) => charges.get(id) ?? [],
    refundsOf: (id) => refundsByPayment.get(id) ?? [],
    invocationsOf: (payment) => new Set((callsByName.get(payment) ?? []).flatMap(({ key }) => byKey.get(key) ?? [])),
    names: [...callsByName.keys()],
  };
}

/** What a payment has brought the merchant and not given back, in minor units, by Stripe's objects. */
export function netMinor(books: Books, paymentIntentId: string): number {
  const captured = books.chargesOf(paymentIntentId).reduce((sum, charge) => sum + charge.amountCaptured, 0);
  const refunded = books
    .refundsOf(paymentIntentId)
    .filter(isHolding)
    .reduce((sum, refund) => sum + refund.amount, 0);
  return captured - refunded;
}

/** A refund that failed or was cancelled gave nothing back. */
export function isHolding({ status }: RefundRecord): boolean {
  return status !== "failed" && status !== "canceled";
}
