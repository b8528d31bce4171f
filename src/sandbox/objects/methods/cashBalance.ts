import type { Stripe } from "stripe";
import { attemptPayment } from "../payments/confirmation.ts";
import type { ApiCall, Endpoint } from "../../http/endpoint.ts";
import { newId } from "../../world/identifiers.ts";
import { wholeList } from "../../http/lists.ts";
import { readCurrency } from "../payments/paymentIntentParameters.ts";
import { usePaymentMethod } from "./paymentMethods.ts";
import { BANK_TRANSFERS } from "./paymentMethodTypes.ts";
import { get, post, retrieve } from "../../http/resources.ts";
import { idOf } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/**
 * Money that a customer sent by bank transfer. Its transactions are all that is kept: the last one's `ending_balance` is
 * the balance. It pays the customer's waiting PaymentIntents, oldest first. https://docs.stripe.com/payments/bank-transfers
 */
type Transaction = Stripe.CustomerCashBalanceTransaction;
type Kind = Pick<Transaction, "type" | "funded" | "applied_to_payment" | "unapplied_from_payment">;

export const CASH_BALANCES: readonly Endpoint[] = [
  post("/v1/test_helpers/customers/:id/fund_cash_balance", fundCashBalance),
  get("/v1/customers/:id/cash_balance", (call) => showBalance(call.unit, retrieve(call, "customer").id)),
  get("/v1/customers/:id/cash_balance_transactions", (call) =>
    wholeList(call, transactionsOf(call.unit, retrieve(call, "customer").id).toReversed()),
  ),
];

function fundCashBalance(call: ApiCall): Transaction {
  const { parameters, unit } = call;
  const customer = retrieve(call, "customer").id;
  return fund(unit, customer, readCurrency(parameters), parameters.integer("amount") ?? 0);
}

/** Money arrives, and pays the PaymentIntents that wait for it. */
export function fund(unit: UnitOfWork, customer: string, currency: string, amountMinor: number): Transaction {
  const type = BANK_TRANSFERS[currency] ?? "us_bank_transfer";
  const funded = record(unit, customer, currency, amountMinor, {
    type: "funded",
    funded: { bank_transfer: { reference: null, type } },
  });
  for (const { id } of unit.list("payment_intent", "customer", customer)) payFromCashBalance(unit, id);
  if ((balancesOf(unit, customer)[currency] ?? 0) > 0) unit.fire("cash_balance_left", [showBalance(unit, customer)]);
  return funded;
}

/** Gives the balance's money to a payment that waits for a bank transfer; the money may cover only a part of it. */
export function payFromCashBalance(unit: UnitOfWork, id: string): void {
  const paymentIntent = unit.find("payment_intent", id);
  const instructions = paymentIntent?.next_action?.display_bank_transfer_instructions;
  const customer = idOf(paymentIntent?.customer);
  if (paymentIntent?.status !== "requires_action" || instructions === undefined || customer === null) return;
  const remaining = instructions.amount_remaining ?? 0;
  const spent = Math.min(remaining, balancesOf(unit, customer)[paymentIntent.currency] ?? 0);
  if (spent === 0) return;
  record(unit, customer, paymentIntent.currency, -spent, {
    type: "applied_to_payment",
    applied_to_payment: { payment_intent: id },
  });
  if (spent === remaining) {
    attemptPayment(unit, paymentIntent, usePaymentMethod(unit, idOf(paymentIntent.payment_method) ?? ""), null);
    return;
  }
  const left = { ...instructions, amount_remaining: remaining - spent };
  const next_action: Stripe.PaymentIntent.NextAction = {
    type: "display_bank_transfer_instructions",
    display_bank_transfer_instructions: left,
  };
  unit.fire("partially_funded", [unit.save<Stripe.PaymentIntent>({ ...paymentIntent, next_action })]);
}

/** The parts that were transferred for a payment that is cancelled go back to its customer's balance, and stay there. */
export function returnToCashBalance(unit: UnitOfWork, canceled: Stripe.PaymentIntent): void {
  const customer = idOf(canceled.customer);
  if (customer === null) return;
  const applied = transactionsOf(unit, customer)
    .filter(({ applied_to_payment }) => idOf(applied_to_payment?.payment_intent) === canceled.id)
    .reduce((sum, { net_amount }) => sum - net_amount, 0);
  if (applied === 0) return;
  record(unit, customer, canceled.currency, applied, {
    type: "unapplied_from_payment",
    unapplied_from_payment: { payment_intent: canceled.id },
  });
  unit.fire("cash_balance_left", [showBalance(unit, customer)]);
}

function record(unit: UnitOfWork, customer: string, currency: string, net_amount: number, kind: Kind): Transaction {
  const transaction: Transaction = {
    id: newId("ccsbtxn"),
    object: "customer_cash_balance_transaction",
    created: unit.nowSeconds,
    currency,
    customer,
    customer_account: null,
    ending_balance: (balancesOf(unit, customer)[currency] ?? 0) + net_amount,
    livemode: false,
    net_amount,
    ...kind,
  };
  unit.fire("cash_balance_changed", [unit.save(transaction)]);
  return transaction;
}

function transactionsOf(unit: UnitOfWork, customer: string): Transaction[] {
  return unit.list("customer_cash_balance_transaction", "customer", customer);
}

function balancesOf(unit: UnitOfWork, customer: string): Record<string, number> {
  const balances: Record<string, number> = {};
  for (const { currency, ending_balance } of transactionsOf(unit, customer)) balances[currency] = ending_balance;
  return balances;
}

function showBalance(unit: UnitOfWork, customer: string): Stripe.CashBalance {
  const available = balancesOf(unit, customer);
  return {
    object: "cash_balance",
    available: Object.keys(available).length === 0 ? null : available,
    customer,
    customer_account: null,
    livemode: false,
    settings: { reconciliation_mode: "automatic", using_merchant_default: true },
  };
}
