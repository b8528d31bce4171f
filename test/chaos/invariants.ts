/** The guarantee, as checks over the run's record. Pure: each can be shown to fail on a record that was tampered with. */
import { untruthOf } from "./answerTruth.ts";
import { type Books, isHolding, netMinor, openBooks } from "./books.ts";
import { nothingReachesAnotherAccount } from "./isolation.ts";
import { nothingIsLeftBehind } from "./leftBehind.ts";
import { moneyIsKeptOnlyWherePaid, noReferenceIsStuck, nothingIsBegunAfterItsEnd } from "./moneyRules.ts";
import type { ChargeRecord, PaymentRecord, RefundRecord, RunRecord, SearchedPlace } from "./records.ts";
import { Findings, type Verdict } from "./verdict.ts";

/** I1 to I5, I7 and the money's own rules; I6 is checked when everything has stopped. */
export function checkRun(record: RunRecord): readonly Verdict[] {
  const books = openBooks(record);
  return [
    atMostOneCharge(record, books),
    everyCallEnded(record, books),
    moneyIsAsTold(record, books),
    nothingIsLeftWaiting(record),
    strangersChangedNothing(record, books),
    nothingReachesAnotherAccount(record, books),
    moneyIsKeptOnlyWherePaid(record, books),
    nothingIsBegunAfterItsEnd(record),
    noReferenceIsStuck(record, books),
    nothingIsLeftBehind(record, books),
  ];
}

function atMostOneCharge({ stripe }: RunRecord, books: Books): Verdict {
  const findings = new Findings("I1", "at most one charge per key and per reference");
  const charged = new Map<string, Set<string>>();
  for (const event of stripe.events) {
    if (event.kind !== "charge" || event.charge.status !== "succeeded") continue;
    const of = books.payment(event.charge.paymentIntentId ?? "");
    const name = of?.payment;
    if (of === undefined || name === undefined || name === null || isTakenBack(of, books)) continue;
    charged.set(name, (charged.get(name) ?? new Set()).add(event.charge.id));
  }
  // Every planned payment has one key, or one reference under many, so that one charge is all it may have.
  for (const name of books.names) {
    const ids = [...(charged.get(name) ?? [])];
    const over = books.paymentsOf(name).find((payment) => payment.amountReceived > payment.amount);
    findings.check(
      name,
      ids.length > 1
        ? `It was charged ${ids.length} times: ${ids.join(", ")}.`
        : over === undefined
          ? null
          : `${over.id} over ${over.amount} received ${over.amountReceived}.`,
    );
  }
  // The engine runs one invocation per key; under a reference, one per attempt.
  const byInvocation = Map.groupBy(stripe.payments, ({ invocationId }) => invocationId ?? "");
  for (const [invocationId, made] of byInvocation) {
    if (invocationId === "") continue;
    const ids = made.map(({ id }) => id).join(", ");
    findings.check(made[0]?.payment ?? null, made.length === 1 ? null : `The call ${invocationId} made ${ids}.`);
  }
  return findings.verdict();
}

/** Given back in full, or released, before anybody was told that it is paid: its caller had given it up. */
function isTakenBack({ id, payment, status, amountReceived }: PaymentRecord, books: Books): boolean {
  const isTold = books
    .callsOf(payment ?? "")
    .some(({ answer }) => answer?.status === 200 && answer.body.paymentIntentId === id);
  const isOver = status === "canceled" || amountReceived > 0;
  return isOver && netMinor(books, id) === 0 && !isTold;
}

function everyCallEnded({ calls, invocations, stripe }: RunRecord, books: Books): Verdict {
  const findings = new Findings("I2", "every accepted call ended, and its answer is what Stripe finally says");
  const byKey = new Map(invocations.map((invocation) => [invocation.idempotencyKey, invocation]));
  for (const call of calls) {
    const { payment, key, handler, answer } = call;
    const invocation = byKey.get(key);
    const says = `${handler} ${key}`;
    if (answer === null) findings.check(payment, `${says} has no answer.`);
    else if (invocation !== undefined && invocation.status !== "completed") {
      findings.check(payment, `${says} was answered, and is ${invocation.status} in the engine.`);
    } else {
      const untruth = untruthOf(call, answer, books);
      findings.check(payment, untruth === null ? null : `${says} answered ${answer.status}: ${untruth}`);
    }
  }
  for (const [handler, path] of reviewed) {
    const asked = calls.filter(
      (call) => call.handler === handler && call.answer?.body.metadata?.reason === "needs_review",
    );
    // Many callers of one reference hear of the same attempt; every refund is an attempt of its own.
    const attempts = handler === "processPayment" ? new Set(asked.map(({ payment }) => payment)).size : asked.length;
    const hidden = stripe.savedFailures.filter((failure) => failure.path === path && !failure.wasDone).length;
    const problem = `${attempts} times ${handler} asked for a review, and Stripe hid only ${hidden} failures for good.`;
    findings.check(null, attempts <= hidden ? null : problem);
  }
  return findings.verdict();
}

/** Who asks for a review when Stripe saved a failure of which request. */
const reviewed = [
  ["processPayment", "/v1/payment_intents"],
  ["refundPayment", "/v1/refunds"],
] as const;

/** What the callers of a payment were told that it brought and gave back, each PaymentIntent and refund once. */
function toldMinor(books: Books, name: string): number {
  const received = new Map<string, number>();
  const refunded = new Map<string, number>();
  for (const { handler, answer } of books.callsOf(name)) {
    if (answer?.status !== 200 || handler === "getPayment") continue;
    const { paymentIntentId = "", refundId, amount = 0, amountReceived = 0, status } = answer.body;
    if (refundId !== undefined) refunded.set(refundId, amount);
    else if (status === "succeeded") received.set(paymentIntentId, amountReceived);
  }
  return sum(received.values()) - sum(refunded.values());
}

function moneyIsAsTold({ stripe }: RunRecord, books: Books): Verdict {
  const findings = new Findings("I3", "captured − refunded equals the sum of what callers were told");
  for (const name of books.names) {
    const told = toldMinor(books, name);
    const held = sum(books.paymentsOf(name).map(({ id }) => netMinor(books, id)));
    findings.check(name, held === told ? null : `The callers were told ${told}, and the merchant holds ${held}.`);
  }
  // The objects say what the append-only record says, or one of them lies.
  const charges = new Map<string, ChargeRecord>();
  const refunds = new Map<string, RefundRecord>();
  for (const event of stripe.events) {
    if (event.kind === "charge") charges.set(event.charge.id, event.charge);
    else refunds.set(event.refund.id, event.refund);
  }
  for (const charge of stripe.charges) {
    const recorded = charges.get(charge.id)?.amountCaptured ?? 0;
    const name = books.payment(charge.paymentIntentId ?? "")?.payment ?? null;
    const problem = `${charge.id} has ${charge.amountCaptured} captured; the record of events says ${recorded}.`;
    findings.check(name, recorded === charge.amountCaptured ? null : problem);
  }
  for (const refund of stripe.refunds) {
    const recorded = refunds.get(refund.id);
    const agrees = recorded?.amount === refund.amount && isHolding(recorded) === isHolding(refund);
    const name = books.payment(refund.paymentIntentId ?? "")?.payment ?? null;
    findings.check(name, agrees ? null : `${refund.id} is not as the record of events says.`);
  }
  return findings.verdict();
}

function nothingIsLeftWaiting({ invocations, openWebhooks, stripe }: RunRecord): Verdict {
  const findings = new Findings("I4", "nothing is left waiting that Stripe has finished");
  const names = new Map(stripe.payments.map((payment) => [payment.invocationId, payment.payment]));
  for (const { id, service, handler, status, lastFailure } of invocations) {
    const why = lastFailure === null ? "" : ` (${lastFailure})`;
    findings.check(
      names.get(id) ?? null,
      status === "completed" ? null : `${service}/${handler} ${id} is still ${status}${why}.`,
    );
  }
  findings.check(null, openWebhooks === 0 ? null : `${openWebhooks} webhooks are not dealt with.`);
  for (const { id, payment, status } of stripe.payments) {
    if (payment === null) continue;
    const isOver = !["processing", "requires_action", "requires_confirmation"].includes(status);
    findings.check(payment, isOver ? null : `${id} is still ${status} at Stripe, and nobody waits for it.`);
  }
  return findings.verdict();
}

/** What Stripe never sent, and has to be refused. */
const forgeries: readonly string[] = [
  "wrong secret",
  "changed body",
  "cut body",
  "no signature",
  "another's signature",
  "another merchant's secret",
];

function strangersChangedNothing(
  { attempts, bystanders, invocations, stripe, calls }: RunRecord,
  books: Books,
): Verdict {
  const findings = new Findings("I5", "forged and foreign input changed nothing");
  for (const { trick, status } of attempts) {
    if (status === null) continue;
    const isTaken = forgeries.includes(trick) && status < 300;
    findings.check(null, isTaken ? `A webhook with ${trick} was taken (${status}).` : null);
  }
  for (const then of bystanders) {
    const now = books.payment(then.id);
    const isSame = now?.status === then.status && JSON.stringify(now.metadata) === JSON.stringify(then.metadata);
    findings.check(
      null,
      isSame && books.refundsOf(then.id).length === 0 ? null : `${then.id}, which is another's, was changed.`,
    );
  }
  const known = new Set(bystanders.map(({ id }) => id));
  const made = new Set(invocations.map(({ id }) => id));
  for (const payment of stripe.payments) {
    if (known.has(payment.id)) continue;
    const isAsked = payment.payment !== null && made.has(payment.invocationId ?? "");
    findings.check(payment.payment, isAsked ? null : `${payment.id} was made, and by no call of a caller.`);
  }
  for (const refund of stripe.refunds) {
    const name = books.payment(refund.paymentIntentId ?? "")?.payment ?? null;
    findings.check(name, made.has(refund.invocationId ?? "") ? null : `${refund.id} was made, and by no call.`);
  }
  const keys = new Set(calls.map(({ key }) => key));
  for (const { id, service, handler, idempotencyKey } of invocations) {
    if (service !== "payments" || handler === "getPayment") continue;
    const isAsked = keys.has(idempotencyKey ?? "");
    findings.check(null, isAsked ? null : `${handler} ${id} was called, and by no caller.`);
  }
  return findings.verdict();
}

/** I6. A place that was empty, or where the search did not see what is there, proves nothing. */
export function noSecretIsKept(places: readonly SearchedPlace[]): Verdict {
  const findings = new Findings("I6", "no secret in logs, journal, state, metadata and the engine's files");
  for (const { place, bytes, markers, found } of places) {
    findings.check(null, bytes > 0 && markers !== 0 ? null : `The search for secrets saw nothing in ${place}.`);
    for (const { secret, around } of found) findings.check(null, `The ${secret} is in ${place}: …${around}…`);
  }
  return findings.verdict();
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
