import type { Stripe } from "stripe";
import { failure, refusal } from "../../http/apiError.ts";
import { giveFeeBack, unrefunded } from "./collectedFees.ts";
import type { Parameters } from "../../http/parameters.ts";
import { makeReversal, unreversed } from "./makeReversal.ts";
import { shareOf } from "./proportion.ts";
import { idOf } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/**
 * A refund may take back the parts of others as well: `reverse_transfer` that of the destination, `refund_application_fee`
 * that of the platform. Each is in proportion to the refund, and never more than is left of it.
 * https://docs.stripe.com/connect/destination-charges#issue-refunds
 */
export type RefundedParts = {
  readonly reversal: { readonly transfer: Stripe.Transfer; readonly amount: number } | null;
  readonly feeRefund: { readonly fee: Stripe.ApplicationFee; readonly amount: number } | null;
};

export function asksForParts(parameters: Parameters): boolean {
  return parameters.boolean("reverse_transfer") === true || parameters.boolean("refund_application_fee") === true;
}

/** Throws Stripe's 400 where the charge has no such part, or nothing is left of it. */
export function readRefundedParts(
  unit: UnitOfWork,
  parameters: Parameters,
  charge: Stripe.Charge,
  amount: number,
): RefundedParts {
  const reverses = parameters.boolean("reverse_transfer") === true;
  const returnsFee = parameters.boolean("refund_application_fee") === true;
  const transfer = unit.find("transfer", idOf(charge.transfer) ?? "");
  if (reverses && transfer === undefined) {
    const message = `Cannot reverse transfer on charge ${charge.id} because it does not have an associated transfer.`;
    throw failure(message, { param: "reverse_transfer" });
  }
  if (returnsFee && transfer !== undefined && !reverses) {
    const message = "If you refund the application fee for a destination charge, you must also reverse the transfer.";
    throw refusal(message, { param: "reverse_transfer" });
  }
  const { amount_captured: whole, amount_refunded: before } = charge;
  return {
    reversal: reverses && transfer !== undefined ? partOf(transfer, unreversed(transfer), amount, before, whole) : null,
    feeRefund: returnsFee ? feePartOf(unit, charge, amount, before, whole) : null,
  };
}

/** Carries the plan out, and gives what the refund shows of it. */
export function refundParts(
  unit: UnitOfWork,
  { feeRefund, reversal }: RefundedParts,
  refundId: string,
): Pick<Stripe.Refund, "transfer_reversal"> {
  const made =
    reversal === null
      ? null
      : makeReversal(unit, reversal.transfer, { amount: reversal.amount, metadata: {}, sourceRefund: refundId });
  if (feeRefund !== null) giveFeeBack(ownersUnit(unit, feeRefund.fee.id), feeRefund.fee, feeRefund.amount);
  return { transfer_reversal: made?.id ?? null };
}

/** The part of the fee of a charge or payment that goes back with `amount` of `whole`. */
export function feePartOf(
  unit: UnitOfWork,
  charge: Stripe.Charge,
  amount: number,
  before: number,
  whole: number,
): RefundedParts["feeRefund"] {
  const feeId = idOf(charge.application_fee) ?? "";
  const fee = ownersUnit(unit, feeId).find("application_fee", feeId);
  if (fee === undefined) {
    const message = `Attempting to refund_application_fee on ${charge.id}, but it has no application fee`;
    throw failure(message, { param: "refund_application_fee" });
  }
  const part = Math.min(unrefunded(fee), shareOf(fee.amount, amount, before, whole));
  return part === 0 ? null : { fee, amount: part };
}

function partOf(
  transfer: Stripe.Transfer,
  left: number,
  amount: number,
  before: number,
  whole: number,
): RefundedParts["reversal"] {
  const part = Math.min(left, shareOf(transfer.amount, amount, before, whole));
  return part === 0 ? null : { transfer, amount: part };
}

/** Fees are the platform's, whichever account the charge is on. */
function ownersUnit(unit: UnitOfWork, id: string): UnitOfWork {
  return unit.as(unit.ownerOf(id) ?? unit.account);
}
