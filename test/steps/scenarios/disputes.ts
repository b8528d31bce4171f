/** Disputes: answered, accepted, waited for; and what the merchant is told of them. */
import { expect } from "vitest";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

const evidence = { uncategorizedText: "The parcel arrived.", customerName: "Jenny Rosen" };

/** A payment that somebody else made, and its dispute. */
async function disputed(stage: Stage, payment_method = "pm_card_createDispute") {
  const { id: paymentIntentId } = await stage.stripe.paymentIntents.create({
    amount: 1000,
    currency: "usd",
    confirm: true,
    payment_method,
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    metadata: { orderId: stage.order },
  });
  const { id: disputeId } = await stage.until("the dispute", async () => {
    return (await stage.stripe.disputes.list({ payment_intent: paymentIntentId })).data[0];
  });
  return { paymentIntentId, disputeId };
}

export const disputes: readonly Scenario[] = [
  {
    name: "a dispute is read",
    async play(stage) {
      const { disputeId } = await disputed(stage);
      const answer = await stage.call("getDispute", { disputeId });
      return () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "needs_response" } });
      };
    },
  },
  {
    name: "evidence is submitted, and the bank believes it",
    async play(stage) {
      const { disputeId, paymentIntentId } = await disputed(stage);
      const request = { disputeId, evidence, submit: true, awaitOutcome: true };
      const call = stage.call("submitDisputeEvidence", request);
      await stage.hung(1, () => stage.stripe.disputes.retrieve(disputeId));
      await stage.settle(disputeId, "succeeded");
      await stage.deliver("charge.dispute.closed", disputeId);
      const answer = await call;
      return async () => {
        const dispute = await stage.stripe.disputes.retrieve(disputeId);
        expect(answer).toMatchObject({ status: 200, body: { status: "won", submissionCount: 1 } });
        expect([dispute.status, dispute.evidence_details.submission_count]).toEqual(["won", 1]);
        expect(stage.told(paymentIntentId)).toContain("payment.dispute_won");
      };
    },
  },
  {
    name: "the answer to submitted evidence is lost",
    async play(stage) {
      const { disputeId } = await disputed(stage);
      stage.faultOn("POST", /^\/v1\/disputes\/[^/]+$/, "error_500_saved_after");
      const answer = await stage.call("submitDisputeEvidence", { disputeId, evidence, submit: true });
      return async () => {
        const dispute = await stage.stripe.disputes.retrieve(disputeId);
        expect(answer).toMatchObject({ status: 200, body: { status: "under_review", submissionCount: 1 } });
        expect(dispute.evidence_details.submission_count).toBe(1);
      };
    },
  },
  {
    name: "a dispute is awaited",
    async play(stage) {
      const { disputeId } = await disputed(stage);
      const call = stage.call("getDispute", { disputeId, awaitOutcome: true });
      await stage.hung(1, () => stage.stripe.disputes.retrieve(disputeId));
      await stage.settle(disputeId, "failed");
      await stage.deliver("charge.dispute.closed", disputeId);
      const answer = await call;
      return () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "lost" } });
      };
    },
  },
  {
    name: "a dispute is accepted",
    async play(stage) {
      const { disputeId, paymentIntentId } = await disputed(stage);
      const answer = await stage.call("acceptDispute", { disputeId });
      return async () => {
        expect(answer).toMatchObject({ status: 200, body: { status: "lost" } });
        expect((await stage.stripe.disputes.retrieve(disputeId)).status).toBe("lost");
        expect(stage.told(paymentIntentId)).toEqual(["payment.succeeded", "payment.disputed", "payment.dispute_lost"]);
      };
    },
  },
  {
    name: "an acceptance comes too late, and its note is taken back",
    async play(stage) {
      const { disputeId } = await disputed(stage);
      stage.beforeRequest("POST", /\/close$/, async () => {
        await stage.direct.disputes.update(disputeId, { evidence: { uncategorized_text: "It came." }, submit: true });
      });
      const answer = await stage.call("acceptDispute", { disputeId });
      return async () => {
        const dispute = await stage.stripe.disputes.retrieve(disputeId);
        expect(answer).toMatchObject({ status: 409, body: { metadata: { reason: "conflict" } } });
        expect([dispute.status, dispute.metadata["restate_accepted_by"]]).toEqual(["under_review", undefined]);
      };
    },
  },
  {
    name: "the merchant is told of a fraud warning",
    async play(stage) {
      const { id } = await stage.stripe.paymentIntents.create({
        amount: 1000,
        currency: "usd",
        confirm: true,
        payment_method: "pm_card_createIssuerFraudRecord",
        automatic_payment_methods: { enabled: true, allow_redirects: "never" },
        metadata: { orderId: stage.order },
      });
      // From now on the payment has to do with us.
      await stage.call("awaitPayment", { paymentIntentId: id });
      const warning = await stage.until("the warning", async () => {
        return (await stage.stripe.radar.earlyFraudWarnings.list({ payment_intent: id })).data[0];
      });
      await stage.deliver("radar.early_fraud_warning.created", warning.id);
      return () => {
        expect(stage.told(id)).toEqual(["payment.succeeded", "payment.fraud_warning"]);
      };
    },
  },
];
