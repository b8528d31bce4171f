/** How a refund is made once. */
import type { Call } from "../durable/call.ts";
import { throughPages, type CreatedKind } from "../durable/createOnce.ts";
import { creatorCallbackKey, makersMarks, type Maker } from "../stripe/metadata.ts";
import { clockToleranceMs } from "../stripe/request.ts";
import { readOwnRefund } from "./object.ts";
import { refundsOfCall, type RefundSnapshot } from "./rules.ts";
import type { RefundParameters } from "./stripe.ts";

export const refundCreation: CreatedKind<RefundParameters, RefundSnapshot> = {
  noun: "refund",
  step: "create refund",
  send: (stripe, request) => stripe.createRefund(request),
  read: readOwnRefund,
  detailsOf: (refundId) => ({ refundId }),

  /** A payment's list of refunds is no search: it shows at once what exists. */
  async find(call, creation, parameters) {
    const refunds = await listRefunds(call, parameters.payment_intent);
    return refundsOfCall(refunds, creation, creation.fixedAtMs - clockToleranceMs).map(({ refundId }) => refundId);
  },

  /** Money that is on its way to a customer is not called back. */
  undoAllButOne: async (_call, ids) => ({
    keptId: ids[0] ?? "",
    message: "All are left as they are: Stripe's dashboard shows whether too much was given back.",
  }),
};

/** Every refund of a payment, whoever made it, newest first. */
export async function listRefunds(call: Call, paymentIntentId: string): Promise<readonly RefundSnapshot[]> {
  const refunds = await throughPages((after) =>
    call.ask("list refunds", (stripe) => stripe.listRefunds(paymentIntentId, after)),
  );
  return (refunds ?? []).toReversed();
}

/** The notes that a refund is found and rung by. */
export function refundOrigin(maker: Maker, callbackId: string): Record<string, string> {
  return { [creatorCallbackKey]: callbackId, ...makersMarks(maker) };
}
