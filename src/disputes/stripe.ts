/** The gateway's requests about disputes. */
import type { Stripe } from "stripe";
import { isKeyStillSafe } from "../stripe/idempotency.ts";
import { acceptanceNoteKey } from "../stripe/metadata.ts";
import { disputeStatuses, type DisputeSnapshot, type DisputeStatus } from "./rules/dispute.ts";
import { evidenceFields, type Evidence, type EvidenceField } from "./rules/evidence.ts";
import type { Refusal } from "../stripe/errorMeaning.ts";
import { momentOf } from "../payments/stripe/nextAction.ts";
import { ask, expectObject, refusalMessage, unexpectedAnswer, type FixedRequest } from "../stripe/request.ts";
import { idOf } from "../setups/stripe/snapshot.ts";

export type EvidenceParameters = { readonly disputeId: string; readonly evidence: Evidence; readonly submit: boolean };

type ReadDisputeResult = { readonly kind: "dispute"; readonly dispute: DisputeSnapshot } | { readonly kind: "missing" };

/** `refused`: the state, or anything else, does not allow it. `unknown`: the key can't tell any more. Re-read either way. */
type ChangeDisputeResult =
  | { readonly kind: "dispute"; readonly dispute: DisputeSnapshot }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "unknown" };

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
    async submitEvidence(request: FixedRequest<EvidenceParameters>): Promise<ChangeDisputeResult> {
      const { evidence, submit } = request.parameters;
      return await change(request, evidence, (disputeId, options) =>
        stripe.disputes.update(disputeId, { evidence: stripeEvidence(evidence), submit }, options),
      );
    },

    /** Accepts a dispute, for good. https://docs.stripe.com/api/disputes/close */
    async closeDispute(request: FixedRequest<{ readonly disputeId: string }>): Promise<ChangeDisputeResult> {
      return await change(request, noEvidence, (disputeId, options) => stripe.disputes.close(disputeId, {}, options));
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
        (meaning) => ({
          kind: "refused",
          refusal: { stripeCode: null, param: null, message: refusalMessage("update the dispute", meaning) },
        }),
      );
    },
  };
}

/** Sends a change that was fixed before, and tells what became of it. */
async function change(
  request: FixedRequest<{ readonly disputeId: string }>,
  evidence: Evidence,
  send: (disputeId: string, options: { idempotencyKey: string }) => Promise<Stripe.Dispute>,
): Promise<ChangeDisputeResult> {
  const { idempotencyKey, fixedAtMs, parameters } = request;
  if (!isKeyStillSafe(fixedAtMs, Date.now())) return { kind: "unknown" };
  return await ask<ChangeDisputeResult>(
    async () => ({ kind: "dispute", dispute: seen(await send(parameters.disputeId, { idempotencyKey }), evidence) }),
    (meaning) => {
      if (meaning.kind === "saved_failure") return { kind: "unknown" };
      if (meaning.kind === "refused" || meaning.kind === "missing") {
        return { kind: "refused", refusal: meaning.refusal };
      }
      const message = refusalMessage("change the dispute", meaning);
      return { kind: "refused", refusal: { stripeCode: null, param: null, message } };
    },
  );
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
