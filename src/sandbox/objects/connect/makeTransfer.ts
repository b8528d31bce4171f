import type { Stripe } from "stripe";
import { postMovement } from "../balance.ts";
import { collectFee, feeDetail } from "./collectedFees.ts";
import { embedList } from "./embedded.ts";
import { newId } from "../../world/identifiers.ts";
import { applicationOf } from "../../world/platforms.ts";
import { blankCharge } from "../payments/blankCharge.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

type Described = { readonly description: string | null; readonly metadata: Record<string, string> };

export type NewTransfer = Described & {
  readonly amount: number;
  readonly currency: string;
  readonly destination: string;
  /** The platform's fee, taken off at the destination; 0 for none. */
  readonly applicationFeeMinor: number;
  readonly availableOn: number;
  readonly payment: Described;
  /** The charge whose money this is. */
  readonly source: Stripe.Charge | null;
  readonly transferGroup: string | null;
};

type Made = { readonly transfer: Stripe.Transfer; readonly fee: Stripe.ApplicationFee | null };

/**
 * Moves money from the platform to a connected account, where it comes in as a payment with no customer.
 * @param unit the platform's
 */
export function makeTransfer(unit: UnitOfWork, order: NewTransfer): Made {
  const { amount, availableOn, currency, destination, source } = order;
  const id = newId("tr");
  const paymentId = newId("py");
  const posted = postMovement(unit, {
    amount: -amount,
    availableOn,
    currency,
    description: order.description,
    reporting_category: "transfer",
    source: id,
    type: "transfer",
  });
  const transfer = unit.save<Stripe.Transfer>({
    id,
    object: "transfer",
    amount,
    amount_reversed: 0,
    balance_transaction: posted.id,
    created: unit.nowSeconds,
    currency,
    description: order.description,
    destination,
    destination_payment: paymentId,
    livemode: false,
    metadata: order.metadata,
    reversals: embedList(reversalsPath(id), []),
    reversed: false,
    source_transaction: source?.id ?? null,
    source_type: "card",
    transfer_group: order.transferGroup,
  });
  unit.fire("transfer_created", [transfer]);
  const isDestinationCharge = source !== null && source.transfer_data !== null;
  const fee =
    order.applicationFeeMinor === 0
      ? null
      : collectFee(unit, {
          account: destination,
          amount: order.applicationFeeMinor,
          charge: paymentId,
          currency,
          originating: isDestinationCharge ? source.id : null,
          availableOn,
        });
  receive(unit, order, transfer, paymentId, fee);
  return { transfer, fee };
}

export function reversalsPath(transferId: string): string {
  return `/v1/transfers/${transferId}/reversals`;
}

/** The payment that the transfer is to the account which gets it. @param platform its unit */
function receive(
  platform: UnitOfWork,
  { availableOn, destination, payment: { description, metadata } }: NewTransfer,
  transfer: Stripe.Transfer,
  id: string,
  fee: Stripe.ApplicationFee | null,
): void {
  const { amount, currency } = transfer;
  const unit = platform.as(destination);
  const posted = postMovement(unit, {
    amount,
    availableOn,
    currency,
    description,
    fees: fee === null ? [] : [feeDetail(fee.amount, currency, platform.account)],
    reporting_category: "charge",
    source: id,
    type: "payment",
  });
  const payment = unit.save<Stripe.Charge>({
    ...blankCharge(unit, id, amount, currency),
    amount_captured: amount,
    application: applicationOf(platform.account).id,
    application_fee: fee?.id ?? null,
    application_fee_amount: fee?.amount ?? null,
    balance_transaction: posted.id,
    captured: true,
    description,
    metadata,
    paid: true,
    payment_method_details: { type: "stripe_account", stripe_account: {} },
    source_transfer: transfer.id,
    status: "succeeded",
  });
  unit.fire("payment_created", [payment]);
}
