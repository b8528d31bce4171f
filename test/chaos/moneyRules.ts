/**
 * The money's own rules, which know nothing of how the service does it: M1 nobody keeps what its caller was told is not paid,
 * M2 nothing is begun after a deadline or a cancellation, M3 no reference is stuck. M4 is in `leftBehind.ts`.
 */
import { referenceKey } from "../../src/orders/interface.ts";
import { addressee, type Books, netMinor, openBooks } from "./books.ts";
import { callerOf } from "./callersCall.ts";
import type { Call } from "./clientLog.ts";
import type { PaymentRecord, RunRecord, StripeRecord, InvocationRecord, Told, Trouble } from "./records.ts";
import { Findings, type Verdict } from "./verdict.ts";

export function moneyIsKeptOnlyWherePaid({ calls: all, stripe }: RunRecord, books: Books): Verdict {
  const findings = new Findings("M1", "money is kept only where a caller was told that it is paid");
  for (const name of books.names) {
    const calls = books.callsOf(name);
    const kept = books.paymentsOf(name).filter((payment) => isKept(payment, books));
    for (const { id } of kept) {
      const isTold = calls.some((call) => call.answer === null || tellsPaid(call, id) || asksForReview(call, id));
      findings.check(name, isTold ? null : `${id} keeps money, and no caller was told that it is paid.`);
    }
    for (const call of calls.filter(tellsOver)) {
      const id = call.answer?.body.metadata?.paymentIntentId;
      const problem = `${call.key} was told that it is not paid (${call.answer?.status}), and ${id} keeps money.`;
      findings.check(name, kept.some((payment) => payment.id === id) ? problem : null);
    }
  }
  // What no call of ours is named in is checked by I5.
  const isBlind = stripe.payments.length === 0 && all.some(({ answer }) => answer?.status === 200);
  findings.check(null, isBlind ? "Stripe has no payments." : null);
  return findings.verdict();
}

/** Taken and not given back, or held. */
function isKept(payment: PaymentRecord, books: Books): boolean {
  return payment.status === "requires_capture" || netMinor(books, payment.id) !== 0;
}

function tellsPaid({ answer, customer }: Call, id: string): boolean {
  if (answer?.status !== 200 || answer.body.paymentIntentId !== id) return false;
  const { status } = answer.body;
  return (
    status === "succeeded" ||
    status === "requires_capture" ||
    (status === "requires_action" && customer === "succeeded")
  );
}

/** A person decides what becomes of it. */
function asksForReview({ answer }: Call, id: string): boolean {
  const { reason, paymentIntentId } = answer?.body.metadata ?? {};
  return reason === "needs_review" && (paymentIntentId === undefined || paymentIntentId === id);
}

/** An answer after which nothing of the payment may stay. */
function tellsOver({ handler, answer }: Call): boolean {
  const { reason, compensation } = answer?.body.metadata ?? {};
  if (handler !== "processPayment") return false;
  return reason === "declined" || ((reason === "timed_out" || reason === "canceled") && compensation !== "none");
}

/** What a killed process costs beside the time of its death: until others reach it again. */
const recoveryMs = 4000;

export function nothingIsBegunAfterItsEnd({ calls, invocations, stripe, course }: RunRecord): Verdict {
  const findings = new Findings("M2", "nothing is sent for the first time after a deadline or a cancellation");
  const byKey = new Map(invocations.map((invocation) => [invocation.idempotencyKey, invocation]));
  const byId = new Map(invocations.map((invocation) => [invocation.id, invocation]));
  const made = Map.groupBy(stripe.payments, ({ invocationId }) => callerOf(invocationId, byId)?.id ?? "");
  for (const call of calls) {
    const invocation = byKey.get(call.key);
    if (call.handler !== "processPayment" || invocation === undefined) continue;
    for (const end of endsOf(call, invocation)) {
      const sentUntilMs = end.atMs + course.sendingMs;
      for (const { id, madeAtMs } of made.get(invocation.id) ?? []) {
        const isLate = madeAtMs !== null && madeAtMs > sentUntilMs;
        const lateMs = (madeAtMs ?? 0) - end.atMs;
        findings.check(call.payment, isLate ? `${call.key} made ${id} ${lateMs} ms after its ${end.what}.` : null);
      }
      const { endedAtMs } = invocation;
      if (endedAtMs === null) continue;
      const inOutage = course.outages.some(({ fromMs, toMs }) => fromMs <= end.atMs && end.atMs <= toMs);
      const allowedMs =
        course.answeringMs + (inOutage ? 0 : course.faultyMs) + lostMs(course.blows, end.atMs, endedAtMs);
      const lateMs = endedAtMs - end.atMs;
      findings.check(
        call.payment,
        lateMs > allowedMs ? `${call.key} was answered ${lateMs} ms after its ${end.what}.` : null,
      );
    }
  }
  return findings.verdict();
}

/** When a call should be over, whatever Stripe does. */
function endsOf(
  call: Call,
  { acceptedAtMs }: InvocationRecord,
): readonly { readonly what: string; readonly atMs: number }[] {
  const seconds = call.body["timeoutSeconds"];
  return [
    ...(typeof seconds === "number" ? [{ what: "deadline", atMs: acceptedAtMs + seconds * 1000 }] : []),
    ...(call.cancelledAtMs === null ? [] : [{ what: "cancellation", atMs: call.cancelledAtMs }]),
  ];
}

/** How much of the time about an end was lost by troubles. */
function lostMs(troubles: readonly Trouble[], endMs: number, untilMs: number): number {
  return troubles
    .filter(({ fromMs, toMs }) => toMs > endMs - recoveryMs && fromMs < untilMs)
    .reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs + recoveryMs, 0);
}

/** Declines that say that the same card may do later. https://docs.stripe.com/declines/codes */
const softDeclines: ReadonlySet<string> = new Set([
  "issuer_not_available",
  "processing_error",
  "reenter_transaction",
  "try_again_later",
]);

export function noReferenceIsStuck({ calls }: RunRecord, books: Books): Verdict {
  const findings = new Findings("M3", "every reference has kept money, or takes a new attempt");
  // One reference names a payment on each account.
  const references = Map.groupBy(
    calls.filter(({ handler, body }) => handler === "processPayment" && body["reference"] !== undefined),
    (call) => referenceKey(addressee(call), String(call.body["reference"])),
  );
  for (const [reference, asked] of references) {
    const [first] = asked;
    if (first === undefined) continue;
    const name = first.payment;
    const isPaid = books.paymentsOf(name).some((payment) => isKept(payment, books));
    const last = asked.findLast(({ isLastAsk }) => isLastAsk)?.answer ?? null;
    const hasGoneWell = last?.status === 200 || asked.some(({ answer }) => answer?.body.status === "succeeded");
    const isReviewed = asked.some(({ answer }) => answer?.body.metadata?.reason === "needs_review");
    // What an outage hid is looked for as long as Stripe's search may lag behind: an hour.
    const isUnknown = asked.some(isUnknownTo);
    const isStuck = !isPaid && !hasGoneWell && !isReviewed && !isUnknown;
    const why = last === null ? "nobody asked" : `${last.status} ${last.body.metadata?.reason}: ${last.body.message}`;
    findings.check(
      name,
      isStuck ? `${JSON.stringify(reference)} keeps nothing and takes no new attempt (${why}).` : null,
    );
    findings.check(name, repeatedSoftDecline(asked));
    const amounts = new Set(books.paymentsOf(name).map(({ amount }) => amount));
    findings.check(name, amounts.size <= 1 ? null : `One reference paid for ${[...amounts].join(" and ")}.`);
  }
  return findings.verdict();
}

/** Who asks again, with a new key, after a decline that may pass gets a new attempt. */
function repeatedSoftDecline(asked: readonly Call[]): string | null {
  for (const { answer, body, answeredAtMs } of asked) {
    const { declineCode = "", paymentIntentId } = answer?.body.metadata ?? {};
    if (!softDeclines.has(declineCode)) continue;
    const again = asked.find(
      (later) =>
        later.sentAtMs > (answeredAtMs ?? Infinity) &&
        later.body["paymentMethodId"] === body["paymentMethodId"] &&
        later.answer?.body.metadata?.paymentIntentId === paymentIntentId,
    );
    if (again !== undefined) return `${again.key} got the old ${declineCode} of ${paymentIntentId} again.`;
  }
  return null;
}

/** The references that keep nothing, each with the first call for it: whether they take a new attempt is asked at the end. */
export function unpaidReferences(calls: readonly Call[], stripe: StripeRecord): readonly Call[] {
  const books = openBooks({ merchants: [], calls, stripe, invocations: [] });
  const asked = calls.filter(({ handler, body }) => handler === "processPayment" && body["reference"] !== undefined);
  return [...Map.groupBy(asked, ({ payment }) => payment)].flatMap(([name, mine]) => {
    const isPaid = books.paymentsOf(name).some((payment) => isKept(payment, books));
    const hasGoneWell = mine.some(({ answer }) => answer?.body.status === "succeeded");
    return isPaid || hasGoneWell ? [] : mine.slice(0, 1);
  });
}

/** M5, where the merchant's own system listens: of one payment it hears one end, and that one is true. */
export function oneTruthIsTold(told: readonly Told[], books: Books): Verdict {
  const findings = new Findings("M5", "the merchant is told one truth of a payment");
  for (const [id, mine] of Map.groupBy(told, ({ paymentIntentId }) => paymentIntentId)) {
    const payment = books.payment(id);
    const name = payment?.payment ?? null;
    const types = new Set(mine.map(({ type }) => type));
    const isTakenBack = types.has("payment.taken_back");
    // A success that was told before anybody could know of it that its caller had given it up.
    const isUnknown = books.callsOf(name ?? "").some(isUnknownTo);
    const isTwofold = isTakenBack && types.has("payment.succeeded") && !isUnknown;
    const isFalse = isTakenBack && payment !== undefined && isKept(payment, books);
    findings.check(
      name,
      isTwofold ? `Of ${id} the merchant was told that it is taken back, and that it succeeded.` : null,
    );
    findings.check(name, isFalse ? `${id} was told taken back, and keeps money.` : null);
  }
  return findings.verdict();
}

/** Its caller was told that it is over, while nobody knew whether Stripe had made anything. */
function isUnknownTo({ answer }: Call): boolean {
  const { compensation, paymentIntentId } = answer?.body.metadata ?? {};
  return compensation === "watching" && paymentIntentId === undefined;
}
