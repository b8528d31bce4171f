import { describe, expect, it } from "vitest";
import {
  disputeStatuses,
  hasReachedBank,
  isClosedDispute,
  judgeAcceptance,
  judgeDispute,
  judgeSubmission,
  type DisputeSnapshot,
  type DisputeStatus,
  type DisputeTask,
} from "../../src/disputes/rules/dispute.ts";
import { evidenceFields, evidenceLength } from "../../src/disputes/rules/evidence.ts";

function dispute(status: DisputeStatus, more: Partial<DisputeSnapshot> = {}): DisputeSnapshot {
  return {
    disputeId: "du_1",
    status,
    stripeStatus: status,
    reason: "fraudulent",
    amount: 109,
    currency: "usd",
    chargeId: "ch_1",
    paymentIntentId: "pi_1",
    isChargeRefundable: false,
    hasEvidence: false,
    submissionCount: 0,
    respondBy: null,
    acceptanceNoted: false,
    holdsEvidence: false,
    ...more,
  };
}

const staged = { hasEvidence: true, holdsEvidence: true };
const submitted = { ...staged, submissionCount: 1 };

// status; to who waits; accepting it, and with our note; evidence: new, staged there already, submitted there already
type Row = readonly [
  DisputeStatus,
  ReturnType<typeof judgeDispute>["kind"],
  ...[
    accept: DisputeTask,
    noted: DisputeTask,
    submit: DisputeTask,
    stagedBefore: DisputeTask,
    submittedBefore: DisputeTask,
  ],
];
const table: readonly Row[] = [
  ["warning_needs_response", "pending", "ask", "ask", "ask", "ask", "ask"],
  ["needs_response", "pending", "ask", "ask", "ask", "ask", "ask"],
  ["appeal_needs_response", "pending", "ask", "ask", "ask", "ask", "ask"],
  ["warning_under_review", "pending", "conflict", "conflict", "conflict", "conflict", "done"],
  ["under_review", "pending", "conflict", "conflict", "conflict", "conflict", "done"],
  ["appeal_under_review", "pending", "conflict", "conflict", "conflict", "conflict", "done"],
  ["warning_closed", "closed", "conflict", "done", "conflict", "conflict", "done"],
  ["lost", "closed", "conflict", "done", "conflict", "conflict", "done"],
  ["won", "closed", "conflict", "conflict", "conflict", "conflict", "done"],
  ["prevented", "closed", "conflict", "conflict", "conflict", "conflict", "done"],
  ["unrecognized", "needs_review", "needs_review", "needs_review", "needs_review", "needs_review", "done"],
];

describe("a dispute", () => {
  it("is judged in every status that Stripe documents, and in one that we don't know", () => {
    expect(new Set(table.map(([status]) => status))).toEqual(new Set([...disputeStatuses, "unrecognized"]));
  });

  it.each(table)("that is %s", (status, waiting, accepted, noted, ...submissions) => {
    expect(judgeDispute(dispute(status)).kind).toBe(waiting);
    expect(judgeAcceptance(dispute(status))).toBe(accepted);
    expect(judgeAcceptance(dispute(status, { acceptanceNoted: true }))).toBe(noted);
    const cases = [{}, staged, submitted].map((more) => judgeSubmission(dispute(status, more), true));
    expect(cases).toEqual(submissions);
    expect(isClosedDispute(status)).toBe(waiting === "closed");
  });

  it.each(["needs_response", "under_review", "lost"] as const)(
    "that is %s and holds the evidence needs no staging",
    (status) => {
      expect(judgeSubmission(dispute(status, staged), false)).toBe("done");
    },
  );

  it.each([
    ["needs_response", "ask"],
    ["under_review", "conflict"],
    ["won", "conflict"],
  ] as const)("that is %s and holds other evidence: %s", (status, task) => {
    expect(judgeSubmission(dispute(status, { ...submitted, holdsEvidence: false }), true)).toBe(task);
    expect(judgeSubmission(dispute(status, { hasEvidence: true }), false)).toBe(task);
  });

  it.each([
    ["needs_response", 1, false],
    ["needs_response", 2, true],
    ["under_review", 1, true],
    ["won", 1, true],
  ] as const)("that is %s after %i submissions has reached the bank: %s", (status, submissionCount, reached) => {
    const before = dispute("warning_needs_response", { submissionCount: 1 });
    expect(hasReachedBank(dispute(status, { submissionCount }), before)).toBe(reached);
  });

  it("is not closed in a status that nobody knows", () => {
    expect(isClosedDispute("teleported")).toBe(false);
    expect(isClosedDispute("")).toBe(false);
  });
});

describe("evidence", () => {
  it("has Stripe's names in camel case", () => {
    for (const [ours, theirs] of Object.entries(evidenceFields)) {
      expect(ours.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)).toBe(theirs);
    }
  });

  it("is as long as all its texts", () => {
    expect(evidenceLength({})).toBe(0);
    expect(evidenceLength({ customerName: "abc", uncategorizedText: "de", billingAddress: undefined })).toBe(5);
  });
});
