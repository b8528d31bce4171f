import type { Stripe } from "stripe";
import { failure } from "../../http/apiError.ts";
import { giveFeeBack, unrefunded } from "./collectedFees.ts";
import { printAmount } from "../../world/currencies.ts";
import type { ApiCall, Endpoint } from "../../http/endpoint.ts";
import { connectedAccount } from "./destination.ts";
import { mergeMetadata } from "../../http/parameters.ts";
import { listParts, retrievePart } from "./parts.ts";
import { get, post, readable, retrieve } from "../../http/resources.ts";
import { idOf } from "../../world/storedObjects.ts";

/** https://docs.stripe.com/api/application_fees */
export const APPLICATION_FEES: readonly Endpoint[] = [
  ...readable("application_fee", "/v1/application_fees"),
  post("/v1/application_fees/:id/refunds", createFeeRefund),
  get("/v1/application_fees/:id/refunds", (call) =>
    listParts(call, "fee_refund", "fee", retrieve(call, "application_fee").id),
  ),
  get("/v1/application_fees/:id/refunds/:refund", retrieveFeeRefund),
  post("/v1/application_fees/:id/refunds/:refund", updateFeeRefund),
];

function createFeeRefund(call: ApiCall): Stripe.FeeRefund {
  const { parameters, unit } = call;
  const fee = retrieve(call, "application_fee");
  const left = unrefunded(fee);
  const payer = idOf(fee.account) ?? "";
  if (connectedAccount(unit, payer) === undefined) {
    throw failure(`The account ${payer}, which paid the fee, is no longer connected to your platform.`);
  }
  const amount = parameters.integer("amount") ?? left;
  if (amount > left) {
    const print = (minor: number) => printAmount(minor, fee.currency);
    const message = `Refund amount (${print(amount)}) is greater than unrefunded amount on fee (${print(left)})`;
    throw failure(message, { param: "amount" });
  }
  return giveFeeBack(unit, fee, amount, mergeMetadata({}, parameters.metadata()));
}

function retrieveFeeRefund(call: ApiCall): Stripe.FeeRefund {
  return retrievePart(call, "fee_refund", (one) => idOf(one.fee) === call.id);
}

function updateFeeRefund(call: ApiCall): Stripe.FeeRefund {
  const before = retrieveFeeRefund(call);
  const refund = call.unit.save<Stripe.FeeRefund>({
    ...before,
    metadata: mergeMetadata(before.metadata ?? {}, call.parameters.metadata()),
  });
  call.unit.fire("fee_refund_updated", [refund]);
  return refund;
}
