/** Every invariant holds for a run that went well, and each can be seen to fail: one damage at a time. */
import { describe, expect, it } from "vitest";
import { openBooks } from "./books.ts";
import type { Call } from "./clientLog.ts";
import {
  addCall,
  addCharge,
  addPayment,
  addRefund,
  answer,
  changeCall,
  changePayment,
  changeRefund,
  type Damage,
  decline,
  id,
  withAttempt,
  withLeftovers,
  withState,
} from "./damages.ts";
import { checkRun, noSecretIsKept } from "./invariants.ts";
import { oneTruthIsTold } from "./moneyRules.ts";
import type { RunRecord, SearchedPlace } from "./records.ts";
import { isHeld } from "./report.ts";
import { ownPlace } from "./sampleAccounts.ts";
import {
  call,
  charge,
  failed,
  invocation,
  outcome,
  payment,
  refund,
  refunded,
  forget,
  sampleRun,
  succeeded,
  tick,
} from "./sampleRun.ts";

describe("a run that went well", () => {
  it("holds every invariant, and each looked at something", () => {
    const verdicts = checkRun(sampleRun());
    expect(verdicts.flatMap(({ violations }) => violations)).toEqual([]);
    expect(verdicts.map(({ name, checked }) => [name, checked > 0])).toEqual(
      ["I1", "I2", "I3", "I4", "I5", "I7", "M1", "M2", "M3", "M4"].map((name) => [name, true]),
    );
  });

  it("holds them where an attempt is hidden for good, and another one for the same reference was declined before", () => {
    const first = { id: "pi_first", status: "requires_payment_method", amountReceived: 0, invocationId: "inv first" };
    const heard = failed(402, "declined", { paymentIntentId: "pi_first" });
    const run = addCall(addPayment(sampleRun(), payment("hidden", first)), {
      ...call("hidden", "processPayment", heard),
      key: "first",
    });
    expect(checkRun(run).flatMap(({ violations }) => violations)).toEqual([]);
  });
});

describe.each<readonly [invariant: string, damages: readonly (readonly [string, Damage])[]]>([
  [
    "I1",
    [
      ["a second charge that was captured", (good) => addCharge(good, charge("paid", { id: "ch_second" }))],
      ["a second charge that only holds", (good) => addCharge(good, charge("paid", { id: "ch_2", amountCaptured: 0 }))],
      ["two PaymentIntents of one call", (good) => addPayment(good, payment("paid", { id: "pi_second" }))],
      ["more received than was asked", (good) => changePayment(good, "paid", { amountReceived: 1001 })],
    ],
  ],
  [
    "I2",
    [
      ["a call without an answer", (good) => changeCall(good, "paid", { answer: null })],
      ["a call that still runs after its answer", (good) => changeStatus(good, "inv_paid", "running")],
      ["success told of a cancelled payment", (good) => changePayment(good, "paid", { status: "canceled" })],
      ["success told of an unknown PaymentIntent", (good) => answer(good, "paid", succeeded("nothing"))],
      ["success told of a payment on another account", (good) => changePayment(good, "of books", elsewhere)],
      ["success told of what another merchant made", (good) => changePayment(good, "of toys", elsewhere)],
      ["success told with another payment's id", (good) => answer(good, "paid", succeeded("authenticated"))],
      ["another amount told than received", (good) => changePayment(good, "paid", { amountReceived: 999 })],
      ["success told without a charge", (good) => answer(good, "paid", outcome("paid", "succeeded"))],
      ["success told that is not final", (good) => answer(good, "paid", outcome("paid", "processing"))],
      ["a decline told of a paid one", (good) => answer(good, "authenticated", decline("authenticated"))],
      ["a decline told of one still processing", (good) => changePayment(good, "declined", { status: "processing" })],
      ["a watched payment that was kept", (good) => ({ ...good, stripe: { ...good.stripe, refunds: [] } })],
      ["a watched payment that nobody ended", (good) => changePayment(good, "taken back", { status: "processing" })],
      ["a cancellation told of an open payment", (good) => changePayment(good, "expired", { status: "processing" })],
      ["a cancellation nobody asked for", (good) => changeCall(good, "taken back", { wasCancelled: false })],
      ["a deadline nobody set", (good) => changeCall(good, "expired", { body: {} })],
      ["an authorization that nobody captured", (good) => changePayment(good, "held", { status: "succeeded" })],
      ["an authorization that nobody released", (good) => changePayment(good, "held", { status: "canceled" })],
      ["a customer who did not pay and has", (good) => changeCall(good, "authenticated", { customer: null })],
      ["a review of what can be found", (good) => addPayment(good, payment("hidden", { amountReceived: 0 }))],
      ["a review where Stripe hid nothing", (good) => ({ ...good, stripe: { ...good.stripe, savedFailures: [] } })],
      ["a review of what is named", (good) => answer(good, "hidden", failed(502, "needs_review", id("pi_paid")))],
      ["an answer the README doesn't know", (good) => answer(good, "paid", { status: 500, body: { message: "?" } })],
      ["a refusal of a good request", (good) => answer(good, "paid", failed(400, "invalid_request", {}))],
      ["a refund told that failed", (good) => changeRefund(good, "paid", { status: "failed" })],
      ["a refund told with another amount", (good) => changeRefund(good, "paid", { amount: 200 })],
      ["a conflict although enough is left", (good) => answerRefund(good, failed(409, "conflict", {}))],
      ["a review of a refund that can be found", (good) => answerRefund(good, failed(502, "needs_review", {}))],
      [
        "a payment told cancelled that succeeded",
        (good) =>
          addCall(good, call("paid", "cancelPayment", outcome("paid", "canceled"), { paymentIntentId: "pi_paid" })),
      ],
      [
        "a capture told with less than captured",
        (good) =>
          addCall(good, {
            ...call("paid", "capturePayment", succeeded("paid")),
            answer: { status: 200, body: { ...succeeded("paid").body, amountReceived: 900 } },
          }),
      ],
    ],
  ],
  [
    "I3",
    [
      ["a refund nobody was told of", (good) => addRefund(good, refund("authenticated", 1))],
      ["a charge nobody was told of", (good) => addCharge(good, charge("declined", { id: "ch_second" }))],
      ["a refund told that was none", (good) => changeRefund(good, "paid", { status: "failed" })],
      ["a charge that the record lacks", (good) => withEvents(good, (events) => events.slice(1))],
      ["a refund that the record lacks", (good) => withEvents(good, (events) => events.slice(0, -1))],
    ],
  ],
  [
    "I4",
    [
      ["a call that waits", (good) => changeStatus(good, "inv_paid", "suspended")],
      ["a call that is paused", (good) => changeStatus(good, "inv_taken back watch", "paused")],
      ["a webhook that is not dealt with", (good) => ({ ...good, openWebhooks: 1 })],
      ["a payment nobody waits for", (good) => changePayment(good, "held", { status: "requires_action" })],
    ],
  ],
  [
    "I5",
    [
      ["a forged webhook that was taken", (good) => withAttempt(good, 200)],
      ["another merchant's secret that was taken", (good) => withAttempt(good, 200, "another merchant's secret")],
      ["another's payment that was cancelled", (good) => changePayment(good, "another's", { status: "canceled" })],
      ["another's payment that was written to", (good) => changePayment(good, "another's", { metadata: { a: "b" } })],
      ["another's payment that was refunded", (good) => addRefund(good, refund("another's", 1))],
      ["a payment that nobody asked for", (good) => addPayment(good, payment("stranger", { invocationId: "inv_x" }))],
      ["a payment without a name", (good) => addPayment(good, payment("x", { payment: null, invocationId: null }))],
      ["a refund that nobody asked for", (good) => changeRefund(good, "paid", { invocationId: null })],
      [
        "a call that no caller made",
        (good) => ({
          ...good,
          invocations: [...good.invocations, invocation("refundPayment", "key of nobody", "inv_nobody")],
        }),
      ],
    ],
  ],
  [
    "M1",
    [
      ["money of a payment that was told declined", (good) => addCharge(good, charge("declined", { id: "ch_2" }))],
      ["a hold that was told given up", (good) => changePayment(good, "given up", { status: "requires_capture" })],
      ["money given up and never refunded", (good) => ({ ...good, stripe: { ...good.stripe, refunds: [] } })],
      ["money of an attempt that nobody was told of", (good) => addCharge(good, charge("expired"))],
      ["a hold that nobody was told of", (good) => answer(good, "held", failed(400, "invalid_request", {}))],
      ["money told paid to one and over to another", (good) => addCall(good, { ...over("paid"), key: "another" })],
      ["a run without payments", (good) => ({ ...good, stripe: { ...good.stripe, payments: [] } })],
    ],
  ],
  [
    "M2",
    [
      ["a payment made after the deadline", (good) => changePayment(good, "given up", { madeAtMs: 9000 })],
      ["a payment made after the cancellation", (good) => changePayment(good, "taken back", { madeAtMs: 9000 })],
      ["an answer long after the deadline", (good) => changeInvocation(good, "inv_given up", { endedAtMs: 12_000 })],
      [
        "an answer long after the cancellation",
        (good) => changeInvocation(good, "inv_taken back", { endedAtMs: 12_000 }),
      ],
      [
        "an answer that waited for the end of an outage",
        (good) => ({
          ...changeInvocation(good, "inv_given up", { endedAtMs: 15_000 }),
          course: { ...good.course, faultyMs: 20_000, outages: [{ fromMs: 0, toMs: 14_000 }] },
        }),
      ],
      [
        "a payment that its reference's object made too late",
        (good) => ({
          ...changePayment(good, "given up", { madeAtMs: 9000, invocationId: "inv pay" }),
          invocations: [
            ...good.invocations,
            { ...invocation("pay", null, "inv pay"), service: "paymentReference", invokedBy: "inv_given up" },
          ],
        }),
      ],
    ],
  ],
  [
    "M3",
    [
      ["a reference that takes no other means", (good) => takeBackLast(good, failed(409, "conflict", {}))],
      ["a reference that nobody asked for again", (good) => takeBackLast(good, null)],
      ["two purchases of one reference", (good) => changePayment(good, "paid instead", { amount: 77 })],
      ["a soft decline that is only repeated", (good) => addCall(addCall(good, soft("first", 1)), soft("second", 2))],
    ],
  ],
  [
    "M4",
    [
      ["the state of a reference", (good) => withState(good, "paymentReference", "platform:given up")],
      ["the state of a private object", (good) => withState(good, "paymentNotifier", "pi_paid")],
      ["the state of a reconciler of another's account", (good) => withState(good, "webhookReconciler", strangersKey)],
      [
        "what is remembered of who is told nothing",
        (good) => withState(good, "paymentNotifier", "default/acct_1/pi_1"),
      ],
      ["a reference of another account", (good) => keptOnAccount(good)],
      ["the state of a stranger's reconciler", (good) => withState(good, "webhookReconciler", "acct_1")],
      ["a timer that is still to come", (good) => withLeftovers(good, { timers: [forget] })],
      [
        "a look at a stranger's account that is still to come",
        (good) =>
          withLeftovers(good, {
            timers: [{ ...forget, service: "webhookReconciler", key: "acct_1", handler: "reconcile" }],
          }),
      ],
      [
        "a schedule of a connected account's own",
        (good) => withLeftovers(good, { timers: [{ ...tick, key: "acct_connected" }] }),
      ],
      ["two timers of one reference", (good) => withLeftovers(good, { timersBefore: [forget, forget] })],
      ["a short retention that nothing met", (good) => withLeftovers(good, { sinceMs: 100_000 })],
    ],
  ],
])("%s", (invariant, damages) => {
  it.each(damages)("sees %s", (_what, damage) => {
    const verdict = checkRun(damage(sampleRun())).find(({ name }) => name === invariant);
    expect(verdict).toBeDefined();
    expect(verdict?.violations).not.toEqual([]);
    expect(verdict === undefined || isHeld(verdict)).toBe(false);
  });
});

it.each<readonly [what: string, damage: Damage]>([
  [
    "an answer that is late because a process was dead",
    (good) => ({
      ...changeInvocation(good, "inv_given up", { endedAtMs: 17_000 }),
      course: { ...good.course, blows: [{ fromMs: 1000, toMs: 5000 }] },
    }),
  ],
  ["a payment that a person is asked to look at", (good) => answer(good, "held", failed(502, "needs_review", {}))],
  [
    "a reference whose end is not known, and so takes no other means",
    (good) => answer(takeBackLast(good, failed(409, "conflict", {})), "given up", failed(502, "needs_review", {})),
  ],
])("the money's rules excuse %s", (_what, damage) => {
  const rules = checkRun(damage(sampleRun())).filter(({ name }) => name.startsWith("M"));
  expect(rules.flatMap(({ violations }) => violations)).toEqual([]);
});

describe("M5", () => {
  it.each([
    ["holds where each payment has one end", [...facts("paid", "payment.succeeded"), ...facts("taken back", back)], 0],
    ["sees two ends of one payment", facts("taken back", back, "payment.succeeded"), 1],
    ["sees what is told taken back, and kept", facts("paid", back), 1],
    ["sees what is told taken back, and held", facts("held", back), 1],
  ])("%s", (_what, heard, violations) => {
    expect(oneTruthIsTold(heard, openBooks(sampleRun())).violations).toHaveLength(violations);
  });
});

describe("I6", () => {
  const clean: SearchedPlace = { place: "journal", bytes: 100, markers: 1, found: [] };
  it.each<readonly [what: string, place: SearchedPlace, violations: number]>([
    ["holds where a search that sees found nothing", clean, 0],
    ["holds where no mark is needed", { ...clean, markers: null }, 0],
    ["sees a secret", { ...clean, found: [{ secret: "API key", around: "sk_test_…" }] }, 1],
    ["takes no blind search for a proof", { ...clean, markers: 0 }, 1],
    ["takes no empty place for a proof", { ...clean, bytes: 0 }, 1],
  ])("%s", (_what, place, violations) => {
    expect(noSecretIsKept([place]).violations).toHaveLength(violations);
  });
});

it("takes no check that looked at nothing for a proof", () => {
  expect(isHeld({ checked: 0, violations: [] })).toBe(false);
});

const back = "payment.taken_back";
const elsewhere = { place: ownPlace };
/** Of an account that is connected to another platform. */
const strangersKey = "merchant:books/acct_connected";

function facts(name: string, ...types: readonly string[]) {
  return types.map((type) => ({ paymentIntentId: `pi_${name}`, type }));
}

function withEvents(good: RunRecord, change: (events: RunRecord["stripe"]["events"]) => RunRecord["stripe"]["events"]) {
  return { ...good, stripe: { ...good.stripe, events: change(good.stripe.events) } };
}

function over(name: string): Call {
  return call(name, "processPayment", failed(408, "timed_out", { ...id(`pi_${name}`), compensation: "canceled" }));
}

/** A caller of one reference who is told of a decline that may pass. */
function soft(key: string, sentAtMs: number): Call {
  const heard = failed(402, "declined", { ...id("pi_soft"), declineCode: "processing_error" });
  return {
    ...call("given up", "processPayment", heard, { reference: "given up" }),
    key,
    sentAtMs,
    answeredAtMs: sentAtMs,
  };
}

/** The reference of the sample is not paid in the end. */
function takeBackLast(good: RunRecord, given: Call["answer"]): RunRecord {
  const { stripe } = good;
  const payments = stripe.payments.filter(({ id: one }) => one !== "pi_paid instead");
  const charges = stripe.charges.filter(({ paymentIntentId }) => paymentIntentId !== "pi_paid instead");
  const calls = good.calls.flatMap((one) =>
    one.isLastAsk ? (given === null ? [] : [{ ...one, answer: given }]) : [one],
  );
  return { ...good, calls, stripe: { ...stripe, payments, charges } };
}

function changeInvocation(
  good: RunRecord,
  invocationId: string,
  change: Partial<RunRecord["invocations"][number]>,
): RunRecord {
  const invocations = good.invocations.map((one) => (one.id === invocationId ? { ...one, ...change } : one));
  return { ...good, invocations };
}

function answerRefund(good: RunRecord, given: Call["answer"]): RunRecord {
  const calls = good.calls.map((one) => (one.handler === "refundPayment" ? { ...one, answer: given } : one));
  return { ...good, calls };
}

function changeStatus(good: RunRecord, invocationId: string, status: string): RunRecord {
  return {
    ...good,
    invocations: good.invocations.map((one) => (one.id === invocationId ? { ...one, status } : one)),
  };
}

/** The last ask for the reference is that of another account, whose object is left. */
function keptOnAccount(good: RunRecord): RunRecord {
  const calls = good.calls.map((one) => (one.payment === "of a seller" ? { ...one, sentAtMs: 60_000 } : one));
  return withState({ ...good, calls }, "paymentReference", "books/acct_seller/given up");
}

it("counts a refund that was told once, however many were told", () => {
  const twice = addCall(sampleRun(), {
    ...call("paid", "refundPayment", refunded("paid", 300), { paymentIntentId: "pi_paid", amount: 300 }),
    key: "another key",
  });
  expect(checkRun(twice).flatMap(({ violations }) => violations)).toEqual([]);
});
