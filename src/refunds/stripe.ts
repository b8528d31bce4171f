/** The gateway's requests about refunds. */
import type { Stripe } from "stripe";
import { installationKey, invocationIdKey } from "../stripe/metadata.ts";
import {
  ask,
  expectObject,
  pageOfPayment,
  readPage,
  refusalMessage,
  sendOnce,
  unexpectedAnswer,
  type FixedRequest,
  type Page,
  type Sent,
} from "../stripe/request.ts";
import { idOf } from "../stripe/snapshot.ts";
import type { RefundSnapshot, RefundStatus } from "./rules.ts";

const refundStatuses: ReadonlySet<string> = new Set<RefundStatus>([
  "pending",
  "requires_action",
  "succeeded",
  "failed",
  "canceled",
]);

export type RefundParameters = Stripe.RefundCreateParams & { readonly payment_intent: string };

type HangRefundResult =
  | { readonly kind: "hung"; readonly seen: RefundSnapshot }
  | { readonly kind: "refused"; readonly message: string };

export function refundRequests(stripe: Stripe) {
  return {
    /**
     * Lists a page of a payment's refunds, whoever made them, newest first. https://docs.stripe.com/api/refunds/list
     * @param after the `next` of the page before, or null for the first page
     */
    async listRefunds(paymentIntentId: string, after: string | null): Promise<Page<RefundSnapshot>> {
      return await readPage(
        "list the refunds",
        async () => await stripe.refunds.list(pageOfPayment(paymentIntentId, after)),
        seen,
      );
    },

    /** Refunds a payment. https://docs.stripe.com/api/refunds/create */
    async createRefund(request: FixedRequest<RefundParameters>): Promise<Sent<RefundSnapshot>> {
      return await sendOnce(request, async (parameters, options) =>
        seen(await stripe.refunds.create(parameters, options)),
      );
    },

    /** Writes a doorbell's address into a refund's metadata; the answer is a read. https://docs.stripe.com/api/refunds/update */
    async hangRefundDoorbell(refundId: string, callbackKey: string, address: string): Promise<HangRefundResult> {
      return await ask<HangRefundResult>(
        async () => ({
          kind: "hung",
          seen: seen(await stripe.refunds.update(refundId, { metadata: { [callbackKey]: address } })),
        }),
        (meaning) => ({ kind: "refused", message: refusalMessage("update the refund", meaning) }),
      );
    },

    /** Reads a refund; null if there is none, or if Stripe takes the id for none. https://docs.stripe.com/api/refunds/retrieve */
    async readRefund(refundId: string): Promise<RefundSnapshot | null> {
      return await ask(
        async () => seen(await stripe.refunds.retrieve(refundId)),
        (meaning) =>
          meaning.kind === "missing" || meaning.kind === "refused"
            ? null
            : unexpectedAnswer("read the refund", meaning),
      );
    },
  };
}

function seen(refund: Stripe.Refund): RefundSnapshot {
  return snapshotOfRefund(expectObject("refund", refund));
}

export function snapshotOfRefund(refund: Stripe.Refund): RefundSnapshot {
  const status = refund.status ?? "unrecognized";
  return {
    refundId: refund.id,
    paymentIntentId: idOf(refund.payment_intent),
    status: isRefundStatus(status) ? status : "unrecognized",
    stripeStatus: status,
    amount: refund.amount,
    currency: refund.currency,
    failureReason: refund.failure_reason ?? null,
    invocationId: refund.metadata?.[invocationIdKey] ?? null,
    installationId: refund.metadata?.[installationKey] ?? null,
    createdAtMs: refund.created * 1000,
  };
}

function isRefundStatus(status: string): status is RefundStatus {
  return refundStatuses.has(status);
}
