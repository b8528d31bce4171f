/** The run's record, arranged by what the checks ask for. */
import { type Account, accountOf } from "../../src/merchants/rules.ts";
import type { Call } from "./clientLog.ts";
import type { ChargeRecord, PaymentRecord, Place, RefundRecord, RunRecord } from "./records.ts";

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
  /** The place of what is made on an account. */
  readonly placeOf: (account: Account) => Place;
  /** The same books with nothing in them that is on another account, or another merchant's. */
  readonly on: (account: Account) => Books;
};

export function openBooks(record: Pick<RunRecord, "merchants" | "stripe" | "calls" | "invocations">): Books {
  const { merchants, stripe, calls, invocations } = record;
  const payments = new Map(stripe.payments.map((payment) => [payment.id, payment]));
  const refunds = new Map(stripe.refunds.map((refund) => [refund.id, refund]));
  const paymentsByName = Map.groupBy(stripe.payments, ({ payment }) => payment ?? "");
  const callsByName = Map.groupBy(calls, ({ payment }) => payment);
  const charges = Map.groupBy(stripe.charges, ({ paymentIntentId }) => paymentIntentId ?? "");
  const refundsByPayment = Map.groupBy(stripe.refunds, ({ paymentIntentId }) => paymentIntentId ?? "");
  const byKey = new Map(invocations.map((invocation) => [invocation.idempotencyKey, invocation.id]));
  const placeOf = ({ merchant, stripeAccount }: Account): Place => {
    const own = merchants.find(({ id }) => id === merchant)?.ownAccount;
    return { merchant, stripeAccount: stripeAccount ?? own ?? "none" };
  };
  const books: Books = {
    payment: (id) => payments.get(id ?? ""),
    refund: (id) => refunds.get(id ?? ""),
    paymentsOf: (payment) => paymentsByName.get(payment) ?? [],
    callsOf: (payment) => callsByName.get(payment) ?? [],
    chargesOf: (id) => charges.get(id) ?? [],
    refundsOf: (id) => refundsByPayment.get(id) ?? [],
    invocationsOf: (payment) => new Set((callsByName.get(payment) ?? []).flatMap(({ key }) => byKey.get(key) ?? [])),
    names: [...callsByName.keys()],
    placeOf,
    on: (account) => booksOn(books, placeOf(account)),
  };
  return books;
}

function booksOn(books: Books, place: Place): Books {
  const here = <Kept extends { readonly place: Place }>(found: Kept | undefined) =>
    found !== undefined && isSamePlace(found.place, place) ? found : undefined;
  return {
    ...books,
    payment: (id) => here(books.payment(id)),
    refund: (id) => here(books.refund(id)),
    paymentsOf: (payment) => books.paymentsOf(payment).filter((one) => here(one) !== undefined),
    chargesOf: (id) => books.chargesOf(id).filter(({ stripeAccount }) => stripeAccount === place.stripeAccount),
    refundsOf: (id) => books.refundsOf(id).filter((one) => here(one) !== undefined),
  };
}

export function isSamePlace(one: Place, other: Place): boolean {
  return one.stripeAccount === other.stripeAccount && one.merchant === other.merchant;
}

/** The account that a call names. */
export function addressee({ body }: Pick<Call, "body">): Account {
  return accountOf(body);
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
