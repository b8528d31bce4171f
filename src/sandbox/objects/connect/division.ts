import type { Stripe } from "stripe";
import { connectedAccount } from "./destination.ts";
import { collectFee, feeDetail } from "./collectedFees.ts";
import { makeTransfer } from "./makeTransfer.ts";
import { idOf } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/**
 * How the money of a charge is divided when it is taken. Of a direct charge, the platform's application fee is taken off at
 * the connected account. A destination charge is the platform's, which transfers it, or a part of it, to the connected
 * account, and collects its fee there. https://docs.stripe.com/connect/charges
 */
export function isDivided(charge: Stripe.Charge): boolean {
  return charge.transfer_data !== null || (charge.application_fee_amount ?? 0) > 0;
}

type Divided = {
  readonly divided: Stripe.Charge;
  readonly fees: readonly Stripe.BalanceTransaction.FeeDetail[];
};

/**
 * Takes the application fee of a direct charge, which is never more than was captured, for the platform that the account is
 * connected to. An account that has left meanwhile owes it none.
 */
export function takeApplicationFee(unit: UnitOfWork, charge: Stripe.Charge, availableOn: number): Divided {
  const feeMinor = feeOf(charge);
  const { platform } = unit;
  if (feeMinor === 0 || charge.transfer_data !== null || platform === null) return { divided: charge, fees: [] };
  const fee = collectFee(unit.as(platform), {
    account: unit.account,
    amount: feeMinor,
    charge: charge.id,
    currency: charge.currency,
    originating: null,
    availableOn,
  });
  return { divided: withFee(charge, fee.id, feeMinor), fees: [feeDetail(feeMinor, charge.currency, platform)] };
}

/** Transfers the destination's part of a charge. Of an account that has left meanwhile, the money stays where it is. */
export function transferPart(unit: UnitOfWork, charge: Stripe.Charge, availableOn: number): Stripe.Charge {
  const destination = idOf(charge.transfer_data?.destination);
  if (destination === null || connectedAccount(unit, destination) === undefined) return charge;
  const amount = Math.min(charge.transfer_data?.amount ?? charge.amount_captured, charge.amount_captured);
  if (amount === 0) return charge;
  const feeMinor = feeOf(charge);
  const data = unit.find("payment_intent", idOf(charge.payment_intent) ?? "")?.transfer_data;
  const { transfer, fee } = makeTransfer(unit, {
    amount,
    currency: charge.currency,
    destination,
    applicationFeeMinor: feeMinor,
    availableOn,
    description: data?.description ?? null,
    metadata: data?.metadata ?? {},
    payment: { description: data?.payment_data?.description ?? null, metadata: data?.payment_data?.metadata ?? {} },
    source: charge,
    transferGroup: charge.transfer_group,
  });
  const transferred = { ...charge, transfer: transfer.id };
  return fee === null ? transferred : withFee(transferred, fee.id, feeMinor);
}

function feeOf({ amount_captured, application_fee_amount }: Stripe.Charge): number {
  return Math.min(application_fee_amount ?? 0, amount_captured);
}

function withFee(charge: Stripe.Charge, feeId: string, feeMinor: number): Stripe.Charge {
  return { ...charge, application_fee: feeId, application_fee_amount: feeMinor };
}
