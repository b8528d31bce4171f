/** The contract of the calls about disputes: the bodies that they take, and those that they refuse. */
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import {
  acceptDisputeRequestSchema,
  getDisputeRequestSchema,
  submitDisputeEvidenceRequestSchema,
} from "../../src/disputes/contract.ts";
import { wrongFields } from "../api/wrongFields.ts";

const submission = { disputeId: "du_1", evidence: { uncategorizedText: "It arrived." } };

describe("the requests about disputes", () => {
  it.each<[string, z.ZodType, object]>([
    ["a look at an old dispute", getDisputeRequestSchema, { disputeId: "dp_1" }],
    [
      "a wait for a dispute",
      getDisputeRequestSchema,
      { disputeId: "du_1", awaitOutcome: true, timeoutSeconds: 7_776_000 },
    ],
    ["an acceptance", acceptDisputeRequestSchema, { disputeId: "du_1" }],
    ["evidence", submitDisputeEvidenceRequestSchema, submission],
    ["what was staged", submitDisputeEvidenceRequestSchema, { ...submission, evidence: {}, submit: true }],
    [
      "as much evidence as Stripe takes",
      submitDisputeEvidenceRequestSchema,
      { ...submission, evidence: longEvidence(10_000) },
    ],
  ])("take %s", (_what, schema, body) => {
    expect(wrongFields(schema, body)).toEqual([]);
  });

  it.each<[string, z.ZodType, unknown, string[]]>([
    ["a charge", getDisputeRequestSchema, { disputeId: "ch_1" }, ["disputeId"]],
    ["a wait of no time", acceptDisputeRequestSchema, { disputeId: "du_1", timeoutSeconds: 0 }, ["timeoutSeconds"]],
    ["nothing said", submitDisputeEvidenceRequestSchema, { ...submission, evidence: {} }, ["evidence"]],
    [
      "spaces for evidence",
      submitDisputeEvidenceRequestSchema,
      { ...submission, evidence: { customerName: " \n" }, submit: true },
      ["evidence.customerName"],
    ],
    ["nothing at all", submitDisputeEvidenceRequestSchema, { disputeId: "du_1" }, ["evidence"]],
    [
      "a field in Stripe's words",
      submitDisputeEvidenceRequestSchema,
      { ...submission, submit: true, evidence: { uncategorized_text: "x" } },
      ["evidence"],
    ],
    [
      "a text too long",
      submitDisputeEvidenceRequestSchema,
      { ...submission, evidence: { customerName: "x".repeat(20_001) } },
      ["evidence.customerName"],
    ],
    [
      "texts too long together",
      submitDisputeEvidenceRequestSchema,
      { ...submission, evidence: longEvidence(10_001) },
      ["evidence"],
    ],
  ])("refuse %s and say where", (_what, schema, body, fields) => {
    expect(wrongFields(schema, body)).toEqual(fields);
  });

  it("fill in the defaults", () => {
    expect(submitDisputeEvidenceRequestSchema.parse(submission)).toEqual({
      ...submission,
      submit: false,
      awaitOutcome: false,
    });
  });
});

function longEvidence(length: number): object {
  const names = [
    "accessActivityLog",
    "billingAddress",
    "cancellationPolicyDisclosure",
    "cancellationRebuttal",
    "customerEmailAddress",
    "customerName",
    "customerPurchaseIp",
    "duplicateChargeExplanation",
    "duplicateChargeId",
    "productDescription",
    "refundPolicyDisclosure",
    "refundRefusalExplanation",
    "serviceDate",
    "shippingAddress",
    "shippingCarrier",
  ];
  return Object.fromEntries(names.map((name) => [name, "x".repeat(length)]));
}
