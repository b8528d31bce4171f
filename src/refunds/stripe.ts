/** The gateway's requests about refunds. */
import type { Stripe } from "stripe";
import { isKeyStillSafe } from "../stripe/idempotency.ts";
import type { RefundSnapshot } from "./rules.ts";
import type { Refusal } from "../stripe/errorMeaning.ts";
import { ask, expectObject, refusalMessage, unexpectedAnswer, type FixedRequest } from "../stripe/request.ts";
import { snapshotOfRefund } from "../payments/stripe/snapshot.ts";

export type RefundParameters = Stripe.RefundCreateParams & { readonly payment_intent: string };

type RefundResult =
  | { readonly kind: "refund"; readonly refund: RefundSnapshot }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** Whether it was made is not known, and the key can no longer tell: list the refunds. */
  | { readonly kind: "unknown" }
  | { readonly kind: "needs_review"; readonly message: string };

export function refundRequests(stripe: Stripe) {
  return {
    /** Lists a payment's refunds, whoever made them. https://docs.stripe.com/api/refunds/list */
    async listRefunds(paymentIntentId: string): Promise<readonly RefundSnapshot[]> {
      return await ask(
        async () => {
          const refunds: RefundSnapshot[] = [];
          const list = stripe.refunds.list({ payment_intent: paymentIntentId, limit: 100 });
          for await (const refund of list) refunds.push(snapshotOfRefund(expectObject("refund", refund)));
          return refunds;
        },
        (meaning) => unexpectedAnswer("list the refunds", meaning),
      );
    },

    /** Refunds a payment. Sends nothing once Stripe may have forgotten the key. https://docs.stripe.com/api/refunds/create */
    async createRefund(request: FixedRequest<RefundParameters>): Promise<RefundResult> {
      if (!isKeyStillSafe(request.fixedAtMs, Date.now())) return { kind: "unknown" };
      const { parameters, idempotencyKey } = request;
      return await ask<RefundResult>(
        async () => {
          const created = await stripe.refunds.create(parameters, { idempotencyKey });
          return { kind: "refund", refund: snapshotOfRefund(expectObject("refund", created)) };
        },
        (meaning) => {
          switch (meaning.kind) {
            case "saved_failure":
              return { kind: "unknown" };
            case "needs_review":
              return { kind: "needs_review", message: meaning.message };
            case "missing":
            case "refused":
              return { kind: "refused", refusal: meaning.refusal };
            case "declined":
            case "unexpected_state": {
              const message = refusalMessage("make the refund", meaning);
              return { kind: "refused", refusal: { stripeCode: null, param: null, message } };
            }
          }
        },
      );
    },

    /** Writes a doorbell's address into a refund's metadata; the answer is a read. https://docs.stripe.com/api/refunds/update */
    async hangRefundDoorbell(refundId: string, callbackKey: string, address: string): Promise<RefundSnapshot | null> {
      return await ask(
        async () => {
          const updated = await stripe.refunds.update(refundId, { metadata: { [callbackKey]: address } });
          return snapshotOfRefund(expectObject("refund", updated));
        },
        () => null,
      );
    },

    /** Reads a refund; null if there is none. https://docs.stripe.com/api/refunds/retrieve */
    async readRefund(refundId: string): Promise<RefundSnapshot | null> {
      return await ask(
        async () => snapshotOfRefund(expectObject("refund", await stripe.refunds.retrieve(refundId))),
        (meaning) => (meaning.kind === "missing" ? null : unexpectedAnswer("read the refund", meaning)),
      );
    },
  };
}
