/** The gateway's requests about disputes. */
import type { Stripe } from "stripe";
import { acceptanceNoteKey } from "../stripe/metadata.ts";
import { disputeStatuses, type DisputeSnapshot, type DisputeStatus } from "./rules/dispute.ts";
import { evidenceFields, type Evidence, type EvidenceField } from "./rules/evidence.ts";
import {
  ask,
  expectObject,
  refusalMessage,
  sendOnce,
  unexpectedAnswer,
  type FixedRequest,
  type Sent,
} from "../stripe/request.ts";
import { idOf, momentOf } from "../stripe/snapshot.ts";

export type EvidenceParameters = { readonly disputeId: string; readonly evidence: Evidence; readonly submit: boolean };

type ReadDisputeResult = { readonly kind: "dispute"; readonly dispute: DisputeSnapshot } | { readonly kind: "missing" };

/** `refused`: the state, or anything else, does not allow it. */
type ChangeDisputeResult =
  | { readonly kind: "dispute"; readonly dispute: DisputeSnapshot }
  | { readonly kind: "refused"; readonly message: string };

const noEvidence: Evidence = {};

export function disputeRequests(stripe: Stripe) {
  return {
    /**
     * Reads a dispute.
     * @param evidence what to compare with the evidence there
     */
    async readDispute(disputeId: string, evidence: Evidence = noEvidence): Promise<ReadDisputeResult> {
      return await ask<ReadDisputeResult>(
        async () => ({ kind: "dispute", dispute: seen(await stripe.disputes.retrieve(disputeId), evidence) }),
        (meaning) =>
          meaning.kind === "missing" || meaning.kind === "refused"
            ? { kind: "missing" }
            : unexpectedAnswer("read the dispute", meaning),
      );
    },

    /** Gives evidence, staged or submitted to the bank. https://docs.stripe.com/api/disputes/update */
    async submitEvidence(request: FixedRequest<EvidenceParameters>): Promise<Sent<DisputeSnapshot>> {
      return await sendOnce(request, async ({ disputeId, evidence, submit }, options) =>
        seen(
          await stripe.disputes.update(disputeId, { evidence: stripeEvidence(evidence), submit }, options),
          evidence,
        ),
      );
    },

    /** Accepts a dispute, for good. https://docs.stripe.com/api/disputes/close */
    async closeDispute(request: FixedRequest<{ readonly disputeId: string }>): Promise<Sent<DisputeSnapshot>> {
      return await sendOnce(request, async ({ disputeId }, options) =>
        seen(await stripe.disputes.close(disputeId, {}, options), noEvidence),
      );
    },

    /**
     * Writes a doorbell's address, or another note of ours, into the metadata; the answer is a read as well. Without
     * `submit: false`, Stripe would send staged evidence to the bank with any update.
     */
    async noteOnDispute(disputeId: string, key: string, value: string): Promise<ChangeDisputeResult> {
      return await ask<ChangeDisputeResult>(
        async () => ({
          kind: "dispute",
          dispute: seen(
            await stripe.disputes.update(disputeId, { metadata: { [key]: value }, submit: false }),
            noEvidence,
          ),
        }),
        (meaning) => ({ kind: "refused", message: refusalMessage("update the dispute", meaning) }),
      );
    },
  };
}

/** The evidence under Stripe's names. */
function stripeEvidence(evidence: Evidence): Stripe.DisputeUpdateParams.Evidence {
  const entries = Object.entries(evidenceFields).map(([ours, theirs]) => [theirs, evidence[ours as EvidenceField]]);
  return Object.fromEntries(entries.filter(([, text]) => text !== undefined)) as Stripe.DisputeUpdateParams.Evidence;
}

function seen(dispute: Stripe.Dispute, evidence: Evidence): DisputeSnapshot {
  const { id, status, reason, amount, currency, evidence_details: details } = expectObject("dispute", dispute);
  return {
    disputeId: id,
    status: disputeStatuses.has(status) ? (status as DisputeStatus) : "unrecognized",
    stripeStatus: status,
    reason,
    amount,
    currency,
    chargeId: idOf(dispute.charge) ?? "",
    paymentIntentId: idOf(dispute.payment_intent),
    isChargeRefundable: dispute.is_charge_refundable,
    hasEvidence: details.has_evidence,
    submissionCount: details.submission_count,
    respondBy: momentOf(details.due_by),
    acceptanceNoted: dispute.metadata[acceptanceNoteKey] !== undefined,
    holdsEvidence: holds(dispute, evidence),
  };
}

/** Stripe may trim what it is given. */
function holds(dispute: Stripe.Dispute, evidence: Evidence): boolean {
  return Object.entries(stripeEvidence(evidence)).every(([name, text]) => {
    const there: unknown = dispute.evidence[name as keyof Stripe.Dispute.Evidence];
    return typeof there === "string" && typeof text === "string" && there.trim() === text.trim();
  });
}
