import type { Stripe } from "stripe";
import { DAY_MS, SECOND_MS } from "../world/clock.ts";
import type { ApiCall, Endpoint } from "../http/endpoint.ts";
import { newId } from "../world/identifiers.ts";
import { listObjects } from "../http/lists.ts";
import { get, retrieve } from "../http/resources.ts";
import type { Store } from "../world/store.ts";
import { idOf } from "../world/storedObjects.ts";
import type { UnitOfWork } from "../world/unitOfWork.ts";

/**
 * The money that each charge, refund, dispute and transfer moved in the balance of an account. Stripe's fee is taken from
 * a charge and isn't given back. https://docs.stripe.com/api/balance_transactions
 */
type Transaction = Stripe.BalanceTransaction;
type Movement = Pick<Transaction, "amount" | "currency" | "description" | "reporting_category" | "source" | "type"> & {
  readonly fees?: readonly Stripe.BalanceTransaction.FeeDetail[];
  /** When the money can be paid out, in Unix seconds; by default at once. */
  readonly availableOn?: number;
};

/** 2.9 % and 30 of the smallest unit: Stripe's fee for US cards. https://stripe.com/pricing */
const FEE_SHARE = 0.029;
const FEE_MINOR = 30;
const DAYS_PENDING = 2;

export const BALANCES: readonly Endpoint[] = [
  get("/v1/balance", showBalance),
  get("/v1/balance_transactions", (call) => {
    const page = listObjects("balance_transaction")(call);
    return { ...page, data: page.data.map((found) => asOfNow(call, found as Transaction)) };
  }),
  get("/v1/balance_transactions/:id", (call) => asOfNow(call, retrieve(call, "balance_transaction"))),
];

/** Money becomes available as time passes, with no event of its own. */
export function asOfNow({ unit }: Pick<ApiCall, "unit">, transaction: Transaction): Transaction {
  return { ...transaction, status: transaction.available_on <= unit.nowSeconds ? "available" : "pending" };
}

/** What an account has in one currency, in its smallest unit: usable now, and from some later day on. */
type Funds = { readonly currency: string; readonly availableMinor: number; readonly pendingMinor: number };

/** https://docs.stripe.com/api/balance */
function showBalance({ store, unit }: ApiCall): Stripe.Balance {
  const funds = fundsOf(store, unit);
  const shown = funds.length === 0 ? [{ currency: "usd", availableMinor: 0, pendingMinor: 0 }] : funds;
  const amounts = (amountOf: (one: Funds) => number) =>
    shown.map((one) => ({ amount: amountOf(one), currency: one.currency, source_types: { card: amountOf(one) } }));
  return {
    object: "balance",
    available: amounts(({ availableMinor }) => availableMinor),
    livemode: false,
    pending: amounts(({ pendingMinor }) => pendingMinor),
  };
}

/** The account's funds by currency, with what the unit has moved so far. */
function fundsOf(store: Store, unit: UnitOfWork): Funds[] {
  const sums = new Map<string, { availableMinor: number; pendingMinor: number }>();
  const add = (currency: string, net: number, isAvailable: boolean) => {
    const sum = sums.get(currency) ?? { availableMinor: 0, pendingMinor: 0 };
    sum[isAvailable ? "availableMinor" : "pendingMinor"] += net;
    sums.set(currency, sum);
  };
  const sql = `SELECT json_extract(body, '$.currency') AS currency, json_extract(body, '$.available_on') <= ? AS available,
    sum(json_extract(body, '$.net')) AS net FROM objects WHERE account = ? AND kind = 'balance_transaction' GROUP BY 1, 2`;
  for (const row of store.rows(sql, unit.nowSeconds, unit.account)) {
    add(String(row["currency"]), Number(row["net"]), row["available"] === 1);
  }
  for (const { available_on, currency, net } of unit.staged("balance_transaction")) {
    add(currency, net, available_on <= unit.nowSeconds);
  }
  return [...sums].map(([currency, sum]) => ({ currency, ...sum }));
}

/** The account's funds in one currency. */
export function fundsIn(store: Store, unit: UnitOfWork, currency: string): Funds {
  const none = { currency, availableMinor: 0, pendingMinor: 0 };
  return fundsOf(store, unit).find((one) => one.currency === currency) ?? none;
}

/**
 * The money that a paid charge brings.
 * @param applicationFees taken from it for the platform, if the charge is a connected account's own
 */
export function postCharge(
  unit: UnitOfWork,
  charge: Stripe.Charge,
  availableOn: number,
  applicationFees: readonly Stripe.BalanceTransaction.FeeDetail[],
): string {
  const { amount_captured: amount, currency, description, id } = charge;
  const stripeFeeMinor = Math.round(amount * FEE_SHARE) + FEE_MINOR;
  return postMovement(unit, {
    amount,
    currency,
    description,
    fees: [...applicationFees, stripeFee(stripeFeeMinor, currency, "Stripe processing fees")],
    availableOn,
    reporting_category: "charge",
    source: id,
    type: charge.payment_method_details?.type === "card" ? "charge" : "payment",
  }).id;
}

/** When the money of a charge that is paid now can be used, in Unix seconds. */
export function availableFrom(unit: UnitOfWork, isAvailableAtOnce: boolean): number {
  return unit.nowSeconds + (isAvailableAtOnce ? 0 : (DAYS_PENDING * DAY_MS) / SECOND_MS);
}

export function stripeFee(amount: number, currency: string, description: string): Stripe.BalanceTransaction.FeeDetail {
  return { amount, application: null, currency, description, type: "stripe_fee" };
}

/** The money that a refund costs, or gives back when it fails. */
export function postRefund(unit: UnitOfWork, refund: Stripe.Refund, what: "refund" | "refund_failure"): string {
  const { amount, currency, id } = refund;
  const refundType = refund.destination_details?.type === "card" ? "refund" : "payment_refund";
  return postMovement(unit, {
    amount: what === "refund" ? -amount : amount,
    currency,
    description: what === "refund" ? `REFUND FOR CHARGE ${idOf(refund.charge)}` : `REFUND FAILURE ${id}`,
    reporting_category: what,
    source: id,
    type: what === "refund" ? refundType : "refund_failure",
  }).id;
}

export function postMovement(unit: UnitOfWork, movement: Movement): Transaction {
  const { availableOn = unit.nowSeconds, fees = [], ...shown } = movement;
  const fee = fees.reduce((sum, { amount }) => sum + amount, 0);
  return unit.save<Transaction>({
    id: newId("txn"),
    object: "balance_transaction",
    available_on: availableOn,
    balance_type: "payments",
    created: unit.nowSeconds,
    exchange_rate: null,
    fee,
    fee_details: [...fees],
    net: shown.amount - fee,
    status: availableOn > unit.nowSeconds ? "pending" : "available",
    ...shown,
  });
}
