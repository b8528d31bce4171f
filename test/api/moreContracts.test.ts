/** What the calls about saved payment methods, customers and disputes take. */
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { createCustomerRequestSchema, getCustomerRequestSchema } from "../../src/customers/contract.ts";
import {
  acceptDisputeRequestSchema,
  getDisputeRequestSchema,
  submitDisputeEvidenceRequestSchema,
} from "../../src/disputes/contract.ts";
import {
  awaitSetupRequestSchema,
  setupOutcomeSchema,
  setupPaymentMethodRequestSchema,
} from "../../src/setups/contract.ts";

/** The paths of everything that the schema finds wrong. */
function wrongFields(schema: z.ZodType, body: unknown): string[] {
  const result = schema.safeParse(body);
  return result.success ? [] : result.error.issues.map((issue) => issue.path.join(".") || `(${issue.code})`);
}

const setup = { customerId: "cus_1", paymentMethodId: "pm_1" };
const customer = { email: "jenny@example.com" };
const submission = { disputeId: "du_1", evidence: { uncategorizedText: "It arrived." } };

describe("the requests", () => {
  it.each<[string, z.ZodType, object]>([
    ["a set-up", setupPaymentMethodRequestSchema, setup],
    [
      "a set-up with everything",
      setupPaymentMethodRequestSchema,
      {
        ...setup,
        returnUrl: "https://shop.example/back",
        mandate: { type: "online", ipAddress: "192.0.2.1", userAgent: "Browser" },
        metadata: { orderId: "4004" },
        timeoutSeconds: 3600,
      },
    ],
    ["a wait", awaitSetupRequestSchema, { setupIntentId: "seti_1", timeoutSeconds: 1 }],
    ["a customer", createCustomerRequestSchema, customer],
    ["a customer with everything", createCustomerRequestSchema, { ...customer, name: "Jenny", metadata: { a: "b" } }],
    ["a look at a customer", getCustomerRequestSchema, { customerId: "cus_1" }],
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
    ["an empty set-up", setupPaymentMethodRequestSchema, {}, ["customerId", "paymentMethodId"]],
    ["a set-up with an amount", setupPaymentMethodRequestSchema, { ...setup, amount: 1 }, ["(unrecognized_keys)"]],
    ["a set-up for a path", setupPaymentMethodRequestSchema, { ...setup, customerId: "../x" }, ["customerId"]],
    [
      "metadata that is ours",
      setupPaymentMethodRequestSchema,
      { ...setup, metadata: { restate_failure: "x" } },
      ["metadata.restate_failure"],
    ],
    [
      "a return URL that runs code",
      setupPaymentMethodRequestSchema,
      { ...setup, returnUrl: "javascript:1" },
      ["returnUrl"],
    ],
    ["a client secret", awaitSetupRequestSchema, { setupIntentId: "seti_1_secret_2" }, ["setupIntentId"]],
    ["a PaymentIntent", awaitSetupRequestSchema, { setupIntentId: "pi_1" }, ["setupIntentId"]],
    ["nobody's mail", createCustomerRequestSchema, {}, ["email"]],
    ["no mail", createCustomerRequestSchema, { email: "nobody" }, ["email"]],
    ["half a character", createCustomerRequestSchema, { ...customer, name: "\ud800" }, ["name"]],
    ["an endless name", createCustomerRequestSchema, { ...customer, name: "n".repeat(257) }, ["name"]],
    ["a customer with a phone", createCustomerRequestSchema, { ...customer, phone: "1" }, ["(unrecognized_keys)"]],
    ["a customer's path", getCustomerRequestSchema, { customerId: "cus_1/x" }, ["customerId"]],
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

it("The answer of a set-up leaves a mandate out where there is none", () => {
  const outcome = { setupIntentId: "seti_1", paymentMethodId: "pm_1", customerId: "cus_1", settledBy: "poll" };
  expect(setupOutcomeSchema.parse({ ...outcome, status: "succeeded" })).toEqual({ ...outcome, status: "succeeded" });
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
