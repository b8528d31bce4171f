import type { Stripe } from "stripe";
import { failure } from "../../http/apiError.ts";
import { postMovement } from "../balance.ts";
import { embedList } from "./embedded.ts";
import { newId } from "../../world/identifiers.ts";
import { reversalsPath } from "./makeTransfer.ts";
import { idOf } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

export type NewReversal = {
  readonly amount: number;
  readonly metadata: Record<string, string>;
  /** The refund of the platform's charge that asked for the reversal. */
  readonly sourceRefund: string | null;
};

/** The part of the transfer that isn't reversed yet; throws Stripe's 400 where nothing is left. */
export function unreversed({ amount, amount_reversed, id }: Stripe.Transfer): number {
  const left = amount - amount_reversed;
  if (left > 0) return left;
  throw failure(`The transfer ${id} is already fully reversed.`);
}

/**
 * Takes a part of a transfer back: the platform gets it, and the payment at the destination is refunded. The balance of
 * the destination may become negative by it. @param unit the platform's
 */
export function makeReversal(
  unit: UnitOfWork,
  transfer: Stripe.Transfer,
  { amount, metadata, sourceRefund }: NewReversal,
): Stripe.TransferReversal {
  const { currency } = transfer;
  const id = newId("trr");
  const transferred = unit.find("balance_transaction", idOf(transfer.balance_transaction) ?? "");
  // Money that wasn't usable yet comes back as such.
  const availableOn = Math.max(unit.nowSeconds, transferred?.available_on ?? 0);
  const posted = postMovement(unit, {
    amount,
    availableOn,
    currency,
    description: `REVERSAL OF TRANSFER ${transfer.id}`,
    reporting_category: "transfer_reversal",
    source: id,
    type: "transfer_refund",
  });
  const refund = refundPayment(unit.as(idOf(transfer.destination) ?? ""), transfer, { amount, availableOn, id });
  const reversal = unit.save<Stripe.TransferReversal>({
    id,
    object: "transfer_reversal",
    amount,
    balance_transaction: posted.id,
    created: unit.nowSeconds,
    currency,
    destination_payment_refund: refund,
    metadata,
    source_refund: sourceRefund,
    transfer: transfer.id,
  });
  const reversedMinor = transfer.amount_reversed + amount;
  const changed = unit.save<Stripe.Transfer>({
    ...transfer,
    amount_reversed: reversedMinor,
    reversals: embedList(reversalsPath(transfer.id), [reversal, ...transfer.reversals.data]),
    reversed: reversedMinor === transfer.amount,
  });
  unit.fire("transfer_reversed", [changed]);
  return reversal;
}

type Part = { readonly amount: number; readonly availableOn: number; readonly id: string };

/** The other side of the reversal `id`: at the destination, the payment is refunded. An account that has left pays it too. */
function refundPayment(unit: UnitOfWork, transfer: Stripe.Transfer, { amount, availableOn, id }: Part): string | null {
  const payment = unit.find("charge", idOf(transfer.destination_payment) ?? "");
  if (payment === undefined) return null;
  const { currency } = transfer;
  const refundId = newId("pyr");
  const posted = postMovement(unit, {
    amount: -amount,
    availableOn,
    currency,
    description: `REFUND FOR PAYMENT ${payment.id}`,
    reporting_category: "refund",
    source: refundId,
    type: "payment_refund",
  });
  const refund = unit.save<Stripe.Refund>({
    id: refundId,
    object: "refund",
    amount,
    balance_transaction: posted.id,
    charge: payment.id,
    created: unit.nowSeconds,
    currency,
    customer: null,
    customer_account: null,
    metadata: {},
    payment_intent: null,
    payment_method: null,
    reason: null,
    receipt_number: null,
    source_transfer_reversal: id,
    status: "succeeded",
    transfer_reversal: null,
  });
  const refundedMinor = payment.amount_refunded + amount;
  const refunded = unit.save<Stripe.Charge>({
    ...payment,
    amount_refunded: refundedMinor,
    refunded: refundedMinor === payment.amount,
  });
  unit.fire("refunded", [refund, refunded]);
  return refundId;
}
