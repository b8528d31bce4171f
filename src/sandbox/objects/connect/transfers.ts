import type { Stripe } from "stripe";
import { failure, missing, parameterMissing, refusal } from "../../http/apiError.ts";
import { fundsIn } from "../balance.ts";
import { checkDestination } from "./destination.ts";
import { printAmount } from "../../world/currencies.ts";
import type { ApiCall, Endpoint } from "../../http/endpoint.ts";
import { makeTransfer } from "./makeTransfer.ts";
import { mergeMetadata } from "../../http/parameters.ts";
import { postBalance } from "../payments/charges.ts";
import { readCurrency } from "../payments/paymentIntentParameters.ts";
import { post, readable, retrieve } from "../../http/resources.ts";
import { groupOf } from "./split.ts";
import { idOf } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/**
 * Transfers of a platform's money to its connected accounts: from its available balance, or from a charge whose money may
 * still be pending. https://docs.stripe.com/connect/separate-charges-and-transfers
 */
export const TRANSFERS: readonly Endpoint[] = [
  ...readable("transfer", "/v1/transfers"),
  post("/v1/transfers", createTransfer),
  post("/v1/transfers/:id", updateTransfer),
];

/** https://docs.stripe.com/api/transfers/create */
function createTransfer(call: ApiCall): Stripe.Transfer {
  const { parameters, unit } = call;
  const currency = readCurrency(parameters);
  const destination = parameters.string("destination") ?? "";
  checkDestination(unit, destination, "destination");
  const source = readSource(unit, parameters.string("source_transaction"), currency);
  const amount = source === null ? fromBalance(call, currency) : fromSource(unit, source, parameters.integer("amount"));
  const transferGroup = parameters.string("transfer_group") ?? (source === null ? null : groupWith(unit, source));
  const { transfer } = makeTransfer(unit, {
    amount,
    currency,
    destination,
    applicationFeeMinor: 0,
    availableOn: source === null ? unit.nowSeconds : availableOnOf(unit, source),
    description: parameters.string("description") ?? null,
    metadata: mergeMetadata({}, parameters.metadata()),
    payment: { description: null, metadata: {} },
    source,
    transferGroup,
  });
  return transfer;
}

/** The amount, which must be available; money that was taken a moment ago is booked first. */
function fromBalance({ parameters, store, unit }: ApiCall, currency: string): number {
  const amount = parameters.integer("amount");
  if (amount === undefined) throw parameterMissing("amount");
  const isCovered = () => fundsIn(store, unit, currency).availableMinor >= amount;
  if (isCovered()) return amount;
  for (const chargeId of unit.waiting("post_balance")) postBalance(unit, chargeId);
  if (isCovered()) return amount;
  const message =
    "You have insufficient available funds in your Stripe account. Try adding funds directly to your available balance by creating Charges using the 4000000000000077 test card. See: https://stripe.com/docs/testing#available-balance";
  throw failure(message, { code: "balance_insufficient" });
}

function readSource(unit: UnitOfWork, id: string | undefined, currency: string): Stripe.Charge | null {
  if (id === undefined) return null;
  postBalance(unit, id);
  const charge = unit.find("charge", id);
  if (charge === undefined) throw missing("charge", id, "source_transaction");
  if (charge.status !== "succeeded" || charge.balance_transaction === null) {
    const message = `The charge ${id} can't be the source of a transfer: its status is ${charge.status}${charge.captured ? "" : " and it isn't captured"}. (Stripe also takes a pending charge; this sandbox transfers what was paid.)`;
    throw failure(message, { param: "source_transaction" });
  }
  if (charge.currency === currency) return charge;
  const message = `The currency of source_transaction's balance transaction (${charge.currency}) must be the same as the transfer currency (${currency})`;
  throw refusal(message, { param: "currency" });
}

/** The amount, by default all that is left of the charge; reversals put money back. */
function fromSource(unit: UnitOfWork, source: Stripe.Charge, asked: number | undefined): number {
  const made = unit.findByField("transfer", "source_transaction", source.id);
  const transferredMinor = made.reduce((sum, { amount, amount_reversed }) => sum + amount - amount_reversed, 0);
  const left = source.amount_captured - transferredMinor;
  const amount = asked ?? left;
  if (amount <= left && amount > 0) return amount;
  const print = (minor: number) => printAmount(minor, source.currency);
  const [verb, noun] = made.length === 1 ? ["is", "a transfer"] : ["are", "transfers"];
  const already =
    made.length === 0
      ? ""
      : ` (There ${verb} already ${noun} using this source, amounting to ${print(transferredMinor)}.)`;
  const message = `Transfers using this transaction as a source must not exceed the source amount of ${print(source.amount_captured)}.${already}`;
  throw failure(message, { param: "source_transaction" });
}

/** The group that the transfer gets from its source, which is in it from then on. */
function groupWith(unit: UnitOfWork, source: Stripe.Charge): string {
  if (source.transfer_group !== null) return source.transfer_group;
  const group = groupOf(idOf(source.payment_intent) ?? source.id);
  unit.save<Stripe.Charge>({ ...source, transfer_group: group });
  return group;
}

function availableOnOf(unit: UnitOfWork, { balance_transaction }: Stripe.Charge): number {
  const posted = unit.find("balance_transaction", idOf(balance_transaction) ?? "");
  return Math.max(unit.nowSeconds, posted?.available_on ?? 0);
}

/** https://docs.stripe.com/api/transfers/update */
function updateTransfer(call: ApiCall): Stripe.Transfer {
  const { parameters, unit } = call;
  const before = retrieve(call, "transfer");
  const transfer = unit.save<Stripe.Transfer>({
    ...before,
    description: parameters.text("description", before.description),
    metadata: mergeMetadata(before.metadata, parameters.metadata()),
  });
  unit.fire("transfer_updated", [transfer]);
  return transfer;
}
