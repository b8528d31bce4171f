import type { Stripe } from "stripe";
import { failure } from "../../http/apiError.ts";
import { fundsIn } from "../balance.ts";
import { printAmount } from "../../world/currencies.ts";
import type { ApiCall, Endpoint } from "../../http/endpoint.ts";
import { giveFeeBack } from "./collectedFees.ts";
import { makeReversal, unreversed } from "./makeReversal.ts";
import { mergeMetadata } from "../../http/parameters.ts";
import { listParts, retrievePart } from "./parts.ts";
import { feePartOf } from "./refundedParts.ts";
import { get, post, retrieve } from "../../http/resources.ts";
import { idOf } from "../../world/storedObjects.ts";

/** https://docs.stripe.com/api/transfer_reversals */
export const TRANSFER_REVERSALS: readonly Endpoint[] = [
  post("/v1/transfers/:id/reversals", createReversal),
  get("/v1/transfers/:id/reversals", (call) =>
    listParts(call, "transfer_reversal", "transfer", retrieve(call, "transfer").id),
  ),
  get("/v1/transfers/:id/reversals/:reversal", retrieveReversal),
  post("/v1/transfers/:id/reversals/:reversal", updateReversal),
];

function createReversal(call: ApiCall): Stripe.TransferReversal {
  const { parameters, unit } = call;
  const transfer = retrieve(call, "transfer");
  const left = unreversed(transfer);
  const amount = parameters.integer("amount") ?? left;
  if (amount > left) {
    const print = (minor: number) => printAmount(minor, transfer.currency);
    const message = `Transfer reversal amount (${print(amount)}) is greater than unreversed amount on transfer (${print(left)})`;
    throw failure(message, { param: "amount" });
  }
  checkFunds(call, transfer, amount);
  const feeRefund = parameters.boolean("refund_application_fee") === true ? feePart(call, transfer, amount) : null;
  const reversal = makeReversal(unit, transfer, {
    amount,
    metadata: mergeMetadata({}, parameters.metadata()),
    sourceRefund: null,
  });
  if (feeRefund !== null) giveFeeBack(unit, feeRefund.fee, feeRefund.amount);
  return reversal;
}

/**
 * The transfer of a destination charge is reversed whatever the destination has; any other one takes only what is there.
 * https://docs.stripe.com/api/transfer_reversals
 */
function checkFunds({ store, unit }: ApiCall, transfer: Stripe.Transfer, amount: number): void {
  const source = unit.find("charge", idOf(transfer.source_transaction) ?? "");
  if (source !== undefined && source.transfer_data !== null) return;
  const funds = fundsIn(store, unit.as(idOf(transfer.destination) ?? ""), transfer.currency);
  if (funds.availableMinor + funds.pendingMinor >= amount) return;
  const message = "Insufficient funds in the destination account's balance to reverse this transfer.";
  throw failure(message, { code: "balance_insufficient", param: "amount" });
}

function feePart({ unit }: ApiCall, transfer: Stripe.Transfer, amount: number): ReturnType<typeof feePartOf> {
  const destination = unit.as(idOf(transfer.destination) ?? "");
  const payment = destination.find("charge", idOf(transfer.destination_payment) ?? "");
  if (payment === undefined) return null;
  return feePartOf(unit, payment, amount, transfer.amount_reversed, transfer.amount);
}

function retrieveReversal(call: ApiCall): Stripe.TransferReversal {
  return retrievePart(call, "transfer_reversal", (one) => idOf(one.transfer) === call.id);
}

function updateReversal(call: ApiCall): Stripe.TransferReversal {
  const before = retrieveReversal(call);
  return call.unit.save<Stripe.TransferReversal>({
    ...before,
    metadata: mergeMetadata(before.metadata ?? {}, call.parameters.metadata()),
  });
}
