import type { Stripe } from "stripe";
import { failure } from "../../http/apiError.ts";
import { postMovement } from "../balance.ts";
import { embedList } from "./embedded.ts";
import { newId } from "../../world/identifiers.ts";
import { applicationOf } from "../../world/platforms.ts";
import { idOf } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/**
 * The fees that a platform takes off the payments of its connected accounts, and gives back to them.
 * https://docs.stripe.com/api/application_fees
 */
type NewFee = {
  /** The connected account that pays the fee. */
  readonly account: string;
  readonly amount: number;
  /** The charge on that account. */
  readonly charge: string;
  readonly currency: string;
  /** The platform's charge, of which that one is a part. */
  readonly originating: string | null;
  readonly availableOn: number;
};

/** The platform gets the fee. Its payer's side is a part of what the payer gets. @param unit the platform's */
export function collectFee(unit: UnitOfWork, fee: NewFee): Stripe.ApplicationFee {
  const { account, amount, availableOn, charge, currency, originating } = fee;
  const id = newId("fee");
  const posted = postMovement(unit, {
    amount,
    availableOn,
    currency,
    description: "Application fee",
    reporting_category: "platform_earning",
    source: id,
    type: "application_fee",
  });
  const collected = unit.save<Stripe.ApplicationFee>({
    id,
    object: "application_fee",
    account,
    amount,
    amount_refunded: 0,
    application: applicationOf(unit.account).id,
    balance_transaction: posted.id,
    charge,
    created: unit.nowSeconds,
    currency,
    fee_source: { charge, type: "charge" },
    livemode: false,
    originating_transaction: originating,
    refunded: false,
    refunds: embedList(refundsPath(id), []),
  });
  unit.fire("application_fee_created", [collected]);
  return collected;
}

/** The platform's fee as the balance transaction of its payer shows it. */
export function feeDetail(amount: number, currency: string, platform: string): Stripe.BalanceTransaction.FeeDetail {
  const { id: application } = applicationOf(platform);
  return { amount, application, currency, description: "Application fee", type: "application_fee" };
}

/** The part of the fee that isn't given back yet; throws Stripe's 400 where nothing is left. */
export function unrefunded({ amount, amount_refunded, id }: Stripe.ApplicationFee): number {
  const left = amount - amount_refunded;
  if (left > 0) return left;
  throw failure(`Application fee ${id} has already been refunded.`, { code: "charge_already_refunded" });
}

/** Gives a part of the fee back to the account that paid it. @param unit the platform's */
export function giveFeeBack(
  unit: UnitOfWork,
  fee: Stripe.ApplicationFee,
  amount: number,
  metadata: Record<string, string> = {},
): Stripe.FeeRefund {
  const { currency } = fee;
  const id = newId("fr");
  const collected = unit.find("balance_transaction", idOf(fee.balance_transaction) ?? "");
  const shared = {
    availableOn: Math.max(unit.nowSeconds, collected?.available_on ?? 0),
    currency,
    description: "Application fee refund",
    type: "application_fee_refund" as const,
  };
  const posted = postMovement(unit, {
    ...shared,
    amount: -amount,
    reporting_category: "platform_earning_refund",
    source: id,
  });
  postMovement(unit.as(idOf(fee.account) ?? ""), {
    ...shared,
    amount,
    reporting_category: "fee",
    source: idOf(fee.charge),
  });
  const refund = unit.save<Stripe.FeeRefund>({
    id,
    object: "fee_refund",
    amount,
    balance_transaction: posted.id,
    created: unit.nowSeconds,
    currency,
    fee: fee.id,
    metadata,
  });
  const refundedMinor = fee.amount_refunded + amount;
  const changed = unit.save<Stripe.ApplicationFee>({
    ...fee,
    amount_refunded: refundedMinor,
    refunded: refundedMinor === fee.amount,
    refunds: embedList(refundsPath(fee.id), [refund, ...fee.refunds.data]),
  });
  unit.fire("application_fee_refunded", [changed]);
  return refund;
}

function refundsPath(feeId: string): string {
  return `/v1/application_fees/${feeId}/refunds`;
}
