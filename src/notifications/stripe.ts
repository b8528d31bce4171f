/** The gateway's requests about what became of a payment, as far as the merchant is told of it. */
import type { Stripe } from "stripe";
import type { SeenDispute, SeenPayment, SeenRefund, SeenWarning } from "./rules/dueNotifications.ts";
import { installationKey, makersMerchant, merchantMetadata } from "../stripe/metadata.ts";
import { ask, expectObject, pageOfPayment, readPage, unexpectedAnswer, type Page } from "../stripe/request.ts";
import { snapshotOfPayment } from "../payments/stripe/snapshot.ts";
import { snapshotOfRefund } from "../refunds/stripe.ts";
import { momentOf } from "../stripe/snapshot.ts";

/** Payment methods that take money from a bank account, which the bank may take back. https://docs.stripe.com/payments/bank-debits */
const bankDebits: ReadonlySet<string> = new Set([
  "acss_debit",
  "au_becs_debit",
  "bacs_debit",
  "nz_bank_account",
  "sepa_debit",
  "us_bank_account",
]);

/** A payment as Stripe shows it: which installation made it, if one did; whether that is this one, the look knows. */
type ObservedPayment = Omit<SeenPayment, "isOurs"> & {
  readonly installationId: string | null;
  readonly merchant: string | null;
};

export function laterChanges(stripe: Stripe) {
  return {
    /** Reads a PaymentIntent with what the merchant is told of it; null if there is none. https://docs.stripe.com/api/payment_intents/retrieve */
    async observePayment(paymentIntentId: string): Promise<ObservedPayment | null> {
      return await ask<ObservedPayment | null>(
        async () => {
          const found = await stripe.paymentIntents.retrieve(paymentIntentId, { expand: ["latest_charge"] });
          return seenPayment(expectObject("payment_intent", found));
        },
        (meaning) =>
          meaning.kind === "missing" || meaning.kind === "refused"
            ? null
            : unexpectedAnswer("read the PaymentIntent", meaning),
      );
    },

    /**
     * Lists a page of a payment's refunds, whoever made them. https://docs.stripe.com/api/refunds/list
     * @param after the `next` of the page before, or null for the first page
     */
    async observeRefunds(paymentIntentId: string, after: string | null): Promise<Page<SeenRefund>> {
      return await readPage(
        "list the refunds",
        async () => await stripe.refunds.list(pageOfPayment(paymentIntentId, after)),
        (refund) => seenRefund(expectObject("refund", refund)),
      );
    },

    /** Lists a page of a payment's disputes. https://docs.stripe.com/api/disputes/list */
    async observeDisputes(paymentIntentId: string, after: string | null): Promise<Page<SeenDispute>> {
      return await readPage(
        "list the disputes",
        async () => await stripe.disputes.list(pageOfPayment(paymentIntentId, after)),
        (dispute) => seenDispute(expectObject("dispute", dispute)),
      );
    },

    /** Lists a page of what a card's bank reported about a payment. https://docs.stripe.com/api/radar/early_fraud_warnings/list */
    async observeWarnings(paymentIntentId: string, after: string | null): Promise<Page<SeenWarning>> {
      return await readPage(
        "list the early fraud warnings",
        async () => await stripe.radar.earlyFraudWarnings.list(pageOfPayment(paymentIntentId, after)),
        (warning) => seenWarning(expectObject("radar.early_fraud_warning", warning)),
      );
    },
  };
}

function seenPayment(paymentIntent: Stripe.PaymentIntent): ObservedPayment {
  const charge = paymentIntent.latest_charge;
  const methodType = typeof charge === "string" ? undefined : charge?.payment_method_details?.type;
  const chargedAt = typeof charge === "string" ? 0 : (charge?.created ?? 0);
  return {
    payment: snapshotOfPayment(paymentIntent),
    installationId: paymentIntent.metadata[installationKey] ?? null,
    merchant: makersMerchant(paymentIntent.metadata),
    isBankDebit: methodType !== undefined && bankDebits.has(methodType),
    metadata: merchantMetadata(paymentIntent.metadata),
    cancellationReason: paymentIntent.cancellation_reason,
    datedAtMs: 1000 * Math.max(paymentIntent.created, chargedAt, paymentIntent.canceled_at ?? 0),
  };
}

function seenRefund(refund: Stripe.Refund): SeenRefund {
  const { refundId, status, amount, failureReason } = snapshotOfRefund(refund);
  return {
    refundId,
    status,
    amount,
    failureReason,
    stripeStatus: refund.status ?? "unrecognized",
    currency: refund.currency,
    reason: refund.reason,
    createdAtMs: refund.created * 1000,
  };
}

function seenDispute(dispute: Stripe.Dispute): SeenDispute {
  const { id: disputeId, status, amount, currency, reason } = dispute;
  const respondBy = momentOf(dispute.evidence_details.due_by);
  return { disputeId, status, amount, currency, reason, respondBy, createdAtMs: dispute.created * 1000 };
}

function seenWarning(warning: Stripe.Radar.EarlyFraudWarning): SeenWarning {
  return {
    warningId: warning.id,
    fraudType: warning.fraud_type,
    isActionable: warning.actionable,
    chargeId: typeof warning.charge === "string" ? warning.charge : warning.charge.id,
    createdAtMs: warning.created * 1000,
  };
}
