/** All objects of a platform and its accounts, and whether their money adds up. */
import type { Stripe } from "stripe";
import { idOf, on } from "./marketplace.ts";

type Ledger = {
  readonly account: string | null;
  readonly transactions: readonly Stripe.BalanceTransaction[];
  readonly balance: Stripe.Balance;
  readonly charges: readonly Stripe.Charge[];
  readonly refunds: readonly Stripe.Refund[];
  readonly disputes: readonly Stripe.Dispute[];
};

export type Books = {
  readonly ledgers: readonly Ledger[];
  readonly transfers: readonly Stripe.Transfer[];
  readonly fees: readonly Stripe.ApplicationFee[];
};

export async function readBooks(stripe: Stripe, accounts: readonly string[]): Promise<Books> {
  const all = { limit: 100 };
  const ledgers = [null, ...accounts].map(async (account): Promise<Ledger> => {
    const options = account === null ? {} : on(account);
    return {
      account,
      transactions: await Array.fromAsync(stripe.balanceTransactions.list(all, options)),
      balance: await stripe.balance.retrieve({}, options),
      charges: await Array.fromAsync(stripe.charges.list(all, options)),
      refunds: await Array.fromAsync(stripe.refunds.list(all, options)),
      disputes: await Array.fromAsync(stripe.disputes.list(all, options)),
    };
  });
  return {
    ledgers: await Promise.all(ledgers),
    transfers: await Array.fromAsync(stripe.transfers.list(all), async (transfer) => {
      const data = await Array.fromAsync(stripe.transfers.listReversals(transfer.id, all));
      return { ...transfer, reversals: { ...transfer.reversals, data } };
    }),
    fees: await Array.fromAsync(stripe.applicationFees.list(all), async (fee) => {
      const data = await Array.fromAsync(stripe.applicationFees.listRefunds(fee.id, all));
      return { ...fee, refunds: { ...fee.refunds, data } };
    }),
  };
}

/** Everything about the books that contradicts itself; none where each cent is somewhere, once. */
export function contradictionsIn(books: Books): string[] {
  return [
    ...unbalanced(books),
    ...books.ledgers.flatMap((ledger) => wrongTransactions(ledger, books)),
    ...books.ledgers.flatMap(wrongCharges),
    ...books.transfers.flatMap((transfer) => wrongTransfer(transfer, books)),
    ...books.fees.flatMap((fee) => wrongFee(fee, books)),
  ];
}

function total(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0);
}

function expectEqual(what: string, shown: unknown, right: unknown): string[] {
  return shown === right ? [] : [`${what}: ${String(shown)} and not ${String(right)}`];
}

/** What the customers paid and didn't get back is what the accounts have, and Stripe's fees. */
function unbalanced({ ledgers }: Books): string[] {
  const paid = total(ledgers.flatMap(({ charges }) => charges.filter(isOfCustomer).map((one) => one.amount_captured)));
  const returned = total(
    ledgers.flatMap(({ refunds }) =>
      refunds.filter((one) => one.status === "succeeded" && one.payment_intent !== null).map(({ amount }) => amount),
    ),
  );
  const withdrawn = total(
    ledgers.flatMap(({ disputes }) => disputes.filter(({ status }) => status !== "won").map(({ amount }) => amount)),
  );
  const transactions = ledgers.flatMap((ledger) => ledger.transactions);
  const stripeFees = total(
    transactions.flatMap(({ fee_details: fees }) => fees.filter(isOfStripe).map(({ amount }) => amount)),
  );
  const kept = total(transactions.map(({ net }) => net));
  return [
    ...expectEqual("what the customers paid in the end", kept + stripeFees, paid - returned - withdrawn),
    ...ledgers.flatMap(({ account, balance, transactions: own }) =>
      expectEqual(
        `the balance of ${account ?? "the platform"}`,
        total([...balance.available, ...balance.pending].map(({ amount }) => amount)),
        total(own.map(({ net }) => net)),
      ),
    ),
  ];
}

function isOfCustomer({ payment_intent, status }: Stripe.Charge): boolean {
  return payment_intent !== null && status === "succeeded";
}

function isOfStripe({ type }: Stripe.BalanceTransaction.FeeDetail): boolean {
  return type === "stripe_fee";
}

/** Each balance transaction belongs to one object, and moves that object's amount. */
function wrongTransactions({ account, charges, disputes, refunds, transactions }: Ledger, books: Books): string[] {
  const amounts = new Map<string, readonly number[]>();
  const know = (id: string, ...expected: number[]) => amounts.set(id, expected);
  for (const charge of charges) know(charge.id, charge.amount_captured);
  for (const refund of refunds) know(refund.id, -refund.amount, refund.amount);
  for (const dispute of disputes) know(dispute.id, -dispute.amount, dispute.amount);
  if (account === null) {
    for (const transfer of books.transfers) {
      know(transfer.id, -transfer.amount);
      for (const reversal of transfer.reversals.data) know(reversal.id, reversal.amount);
    }
  }
  for (const fee of books.fees) {
    if (account === null) know(fee.id, fee.amount);
    for (const refund of fee.refunds.data) if (account === null) know(refund.id, -refund.amount);
    if (fee.account === account) know(`fee of ${idOf(fee.charge)}`, ...fee.refunds.data.map(({ amount }) => amount));
  }
  return transactions.flatMap(({ amount, fee, fee_details, id, net, source, type }) => {
    const isReturnedFee = account !== null && type === "application_fee_refund";
    const expected = amounts.get(isReturnedFee ? `fee of ${idOf(source)}` : idOf(source)) ?? [];
    return [
      ...expectEqual(`the net of ${id}`, net, amount - fee),
      ...expectEqual(`the fees of ${id}`, total(fee_details.map((one) => one.amount)), fee),
      ...(expected.includes(amount)
        ? []
        : [`${id} (${type} ${amount}) isn't what ${idOf(source)} moves: ${expected.join()}`]),
    ];
  });
}

function wrongCharges({ charges, disputes, refunds, transactions }: Ledger): string[] {
  return charges.flatMap((charge) => {
    const own = refunds.filter((refund) => refund.charge === charge.id && refund.status !== "failed");
    const withdrawals = transactions.filter(({ source }) =>
      disputes.some((one) => one.charge === charge.id && one.id === source),
    );
    return [
      ...expectEqual(`the refunds of ${charge.id}`, charge.amount_refunded, total(own.map(({ amount }) => amount))),
      ...(charge.amount_refunded <= charge.amount_captured ? [] : [`${charge.id} is refunded beyond its amount`]),
      ...(charge.captured === (charge.balance_transaction !== null) ? [] : [`${charge.id} is booked wrongly`]),
      ...expectEqual(`the dispute of ${charge.id}`, charge.disputed, withdrawals.length > 0),
    ];
  });
}

function wrongTransfer(transfer: Stripe.Transfer, { ledgers, transfers }: Books): string[] {
  const { amount, amount_reversed, id, source_transaction: source } = transfer;
  const payment = ledgers.flatMap(({ charges }) => charges).find((one) => one.source_transfer === id);
  const siblings = transfers.filter((one) => source !== null && one.source_transaction === source);
  const origin = ledgers.flatMap(({ charges }) => charges).find((one) => one.id === source);
  return [
    ...expectEqual(`the reversals of ${id}`, amount_reversed, total(transfer.reversals.data.map((one) => one.amount))),
    ...(amount_reversed <= amount ? [] : [`${id} is reversed beyond its amount`]),
    ...expectEqual(`whether ${id} is reversed`, transfer.reversed, amount_reversed === amount),
    ...expectEqual(`the payment of ${id}`, payment?.amount, amount),
    ...expectEqual(`what the payment of ${id} gave back`, payment?.amount_refunded, amount_reversed),
    ...(total(siblings.map((one) => one.amount - one.amount_reversed)) <= (origin?.amount_captured ?? 0) ||
    source === null
      ? []
      : [`more is transferred from ${idOf(source)} than it has`]),
  ];
}

function wrongFee(fee: Stripe.ApplicationFee, { ledgers }: Books): string[] {
  const { account, amount, amount_refunded, charge, id, refunds } = fee;
  const payer = ledgers.find((one) => one.account === account);
  const paid = payer?.charges.find((one) => one.id === charge);
  const booked = payer?.transactions.find(({ source, type }) => source === charge && type !== "application_fee_refund");
  const details = booked?.fee_details.filter(({ type }) => type === "application_fee") ?? [];
  return [
    ...expectEqual(`the refunds of ${id}`, amount_refunded, total(refunds.data.map((one) => one.amount))),
    ...(amount_refunded <= amount ? [] : [`${id} is refunded beyond its amount`]),
    ...(amount <= (paid?.amount_captured ?? 0) ? [] : [`${id} is more than was paid`]),
    ...expectEqual(`whether ${id} is refunded`, fee.refunded, amount_refunded === amount),
    ...expectEqual(`what ${idOf(charge)} paid of ${id}`, total(details.map((one) => one.amount)), amount),
  ];
}
