import type { Stripe } from "stripe";
import { DAY_MS, SECOND_MS } from "../world/clock.ts";
import type { ApiCall, Endpoint } from "../http/endpoint.ts";
import { newId } from "../world/identifiers.ts";
import { listObjects } from "../http/lists.ts";
import { get, retrieve } from "../http/resources.ts";
import { idOf } from "../world/storedObjects.ts";
import type { UnitOfWork } from "../world/unitOfWork.ts";

/**
 * The money that each charge, refund and dispute moved in the merchant's balance. Stripe's fee is taken from a charge
 * and isn't given back. https://docs.stripe.com/api/balance_transactions
 */
type Transaction = Stripe.BalanceTransaction;
type Movement = Pick<Transaction, "amount" | "currency" | "description" | "reporting_category" | "source" | "type"> & {
  readonly fee: number;
  readonly feeDescription: string;
  /** When the money can be paid out; money that leaves the balance is gone at once. */
  readonly daysPending: number;
};

/** 2.9 % and 30 of the smallest unit: Stripe's fee for US cards. https://stripe.com/pricing */
const FEE_SHARE = 0.029;
const FEE_MINOR = 30;
const DAYS_PENDING = 2;

export const BALANCE_TRANSACTIONS: readonly Endpoint[] = [
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

/** The money that a paid charge brings. */
export function postCharge(unit: UnitOfWork, charge: Stripe.Charge, isAvailableAtOnce: boolean): string {
  const { amount_captured: amount, currency, description, id } = charge;
  return postMovement(unit, {
    amount,
    currency,
    description,
    fee: Math.round(amount * FEE_SHARE) + FEE_MINOR,
    feeDescription: "Stripe processing fees",
    daysPending: isAvailableAtOnce ? 0 : DAYS_PENDING,
    reporting_category: "charge",
    source: id,
    type: charge.payment_method_details?.type === "card" ? "charge" : "payment",
  }).id;
}

/** The money that a refund costs, or gives back when it fails. */
export function postRefund(unit: UnitOfWork, refund: Stripe.Refund, what: "refund" | "refund_failure"): string {
  const { amount, currency, id } = refund;
  const refundType = refund.destination_details?.type === "card" ? "refund" : "payment_refund";
  return postMovement(unit, {
    amount: what === "refund" ? -amount : amount,
    currency,
    description: what === "refund" ? `REFUND FOR CHARGE ${idOf(refund.charge)}` : `REFUND FAILURE ${id}`,
    fee: 0,
    feeDescription: "",
    daysPending: 0,
    reporting_category: what,
    source: id,
    type: what === "refund" ? refundType : "refund_failure",
  }).id;
}

export function postMovement(unit: UnitOfWork, movement: Movement): Transaction {
  const { daysPending, fee, feeDescription, ...shown } = movement;
  const { amount, currency } = shown;
  return unit.save<Transaction>({
    id: newId("txn"),
    object: "balance_transaction",
    available_on: unit.nowSeconds + (daysPending * DAY_MS) / SECOND_MS,
    balance_type: "payments",
    created: unit.nowSeconds,
    exchange_rate: null,
    fee,
    fee_details:
      fee === 0 ? [] : [{ amount: fee, application: null, currency, description: feeDescription, type: "stripe_fee" }],
    net: amount - fee,
    status: daysPending > 0 ? "pending" : "available",
    ...shown,
  });
}
