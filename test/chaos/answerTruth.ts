/**
 * Whether an answer is true: what it says equals how Stripe's objects ended, or what was promised in its place was done.
 * An answer that the README's table doesn't allow for the handler is never true.
 */
import { addressee, type Books, netMinor } from "./books.ts";
import type { Answer, Call } from "./clientLog.ts";
import type { PaymentRecord } from "./records.ts";

/** What a caller sends who mistypes a payment method. */
export const mistyped = "pm_mistyped";

type Question = { readonly call: Call; readonly answer: Answer; readonly books: Books };

/** Gives what is wrong with an answer, or null. Only what is on the account that the call names can make it true. */
export function untruthOf(call: Call, answer: Answer, everyAccount: Books): string | null {
  const books = everyAccount.on(addressee(call));
  const question = { call, answer, books };
  switch (call.handler) {
    case "processPayment":
    case "awaitPayment":
      return answer.status === 200 ? untruthOfOutcome(question) : untruthOfFailure(question);
    case "capturePayment":
      return answer.status === 200 ? untruthOfOutcome(question) : untruthOfRefusal(question);
    case "cancelPayment":
    case "refundPayment":
      if (answer.status !== 200) return untruthOfRefusal(question);
      return answer.body.refundId === undefined
        ? untruthOfCancellation(answer.body.paymentIntentId, books)
        : untruthOfRefund(question);
    case "getPayment":
      // A state of that moment, which nobody can look up any more; or that there is no payment yet.
      return answer.status === 200 || ["not_found", "conflict", "needs_review"].includes(reasonOf(answer))
        ? null
        : unexpected(question);
    default:
      return `No check knows the handler ${call.handler}.`;
  }
}

function untruthOfOutcome({ call, answer, books }: Question): string | null {
  const { body } = answer;
  const payment = books.payment(body.paymentIntentId);
  if (payment === undefined) return `Stripe knows no PaymentIntent ${body.paymentIntentId}.`;
  if (payment.payment !== call.payment) return `${payment.id} belongs to another payment (${payment.payment}).`;
  switch (body.status ?? "none") {
    case "succeeded": {
      const captured = books.chargesOf(payment.id).reduce((sum, charge) => sum + charge.amountCaptured, 0);
      if (payment.status !== "succeeded") return differs("succeeded", payment);
      if (body.amountReceived !== payment.amountReceived || body.amountReceived !== captured) {
        return `It told ${body.amountReceived} received; Stripe has ${payment.amountReceived}, and captured ${captured}.`;
      }
      const paid = books.chargesOf(payment.id).find(({ id }) => id === body.chargeId);
      return paid?.status === "succeeded" ? null : `The charge ${body.chargeId} that it names did not succeed.`;
    }
    case "requires_capture":
      return reachedBy(payment, books, {
        requires_capture: null,
        succeeded: "capturePayment",
        canceled: "cancelPayment",
      });
    case "requires_action": {
      const expected = call.customer === "succeeded" ? "succeeded" : "canceled";
      return payment.status === expected
        ? null
        : `The customer ${call.customer ?? "did nothing"}: ${differs(expected, payment)}`;
    }
    default:
      return `"${body.status}" is no final status.`;
  }
}

/** Where a payment may have gone on to, and by whose call. */
function reachedBy(payment: PaymentRecord, books: Books, ways: Readonly<Record<string, string | null>>): string | null {
  const way = ways[payment.status];
  if (way === undefined) return differs(Object.keys(ways).join(" or "), payment);
  if (way === null) return null;
  return books.callsOf(payment.payment ?? "").some(({ handler }) => handler === way)
    ? null
    : `${payment.id} is ${payment.status}, and nobody called ${way}.`;
}

function untruthOfFailure(question: Question): string | null {
  const { call, answer, books } = question;
  const { compensation, paymentIntentId } = answer.body.metadata ?? {};
  const isWait = call.handler === "awaitPayment";
  switch (reasonOf(answer)) {
    case "declined":
      return paymentIntentId === undefined ? nothingTaken(question) : closed(books, paymentIntentId, compensation);
    case "timed_out":
      return call.body["timeoutSeconds"] === undefined ? unexpected(question) : compensated(question);
    case "canceled":
      if (isWait && compensation === undefined) return untruthOfCancellation(paymentIntentId, books);
      if (isWait) return compensated(question);
      if (call.wasCancelled) return compensated(question);
      return wasAsked(question, "cancelPayment") ? untruthOfCancellation(paymentIntentId, books) : unexpected(question);
    case "needs_review":
      return untruthOfReview(question);
    case "not_found":
    case "conflict":
      // Others ask before there is a PaymentIntent. Whether a reference is stuck is checked by M3.
      if (isWait || call.isLastAsk) return null;
      if (isAnotherPurchase(question)) return null;
      return isAfterReview(question) || isAfterGivingUp(question) ? null : unexpected(question);
    case "invalid_request":
      return call.body["paymentMethodId"] === mistyped ? null : unexpected(question);
    default:
      return unexpected(question);
  }
}

/** What the caller was told is over must bring nothing any more. */
function compensated(question: Question): string | null {
  const { answer, books } = question;
  const { compensation, paymentIntentId } = answer.body.metadata ?? {};
  if (paymentIntentId === undefined) return nothingTaken(question);
  switch (compensation ?? "none named") {
    case "canceled": {
      const payment = books.payment(paymentIntentId);
      if (payment === undefined) return `Stripe knows no PaymentIntent ${paymentIntentId}.`;
      return payment.status === "canceled"
        ? closed(books, paymentIntentId, compensation)
        : differs("canceled", payment);
    }
    case "watching":
      return closed(books, paymentIntentId, compensation);
    case "none":
      // Only the call stopped waiting: another call of the payment has to answer for it.
      return null;
    default:
      return `It names no compensation that is known (${compensation}).`;
  }
}

/** Cancelled, or failed, or given back in full. */
function closed(books: Books, paymentIntentId: string, compensation: string | undefined): string | null {
  const payment = books.payment(paymentIntentId);
  if (payment === undefined) return `Stripe knows no PaymentIntent ${paymentIntentId}.`;
  const net = netMinor(books, paymentIntentId);
  if (net !== 0) return `The caller was told that it is over, and the merchant holds ${net} of ${paymentIntentId}.`;
  if (payment.status === "canceled") return null;
  if (payment.status === "requires_payment_method" && compensation !== "watching") return null;
  if (payment.status === "succeeded" && compensation === "watching") return null;
  return differs(compensation === "watching" ? "canceled, or succeeded and refunded" : "closed", payment);
}

function nothingTaken({ call, books }: Question): string | null {
  // What another attempt for the same reference brought, its own caller was told.
  const told = new Set(books.callsOf(call.payment).flatMap(({ answer }) => answer?.body.paymentIntentId ?? []));
  const made = books.paymentsOf(call.payment).filter(({ id }) => netMinor(books, id) !== 0 && !told.has(id));
  return made.length === 0 ? null : `It named no PaymentIntent, and ${made.map(({ id }) => id).join(", ")} took money.`;
}

/** Right only where Stripe hides what it did for good: there is nothing that a look-up could find. */
function untruthOfReview({ call, answer, books }: Question): string | null {
  const named = answer.body.metadata?.paymentIntentId;
  if (named !== undefined) return `It asks a person to look at ${named}, which can be read.`;
  // Another attempt for the same reference made what its own caller was told of.
  const attempts = books.callsOf(call.payment).filter(({ handler }) => handler === "processPayment");
  const told = new Set(attempts.flatMap((other) => idsToldBy(other.answer)));
  // The attempt that it is about, in the answer's own words. What another one made in an outage was told to nobody.
  const [, maker] = /restate_invocation_id=(inv_\w+)/.exec(answer.body.message ?? "") ?? [];
  const hidden = books
    .paymentsOf(call.payment)
    .filter(({ id, invocationId }) => !told.has(id) && (maker === undefined || invocationId === maker));
  return hidden.length === 0
    ? null
    : `It says that nothing was found, and ${hidden.map(({ id }) => id).join(", ")} can be found.`;
}

function idsToldBy(answer: Answer | null): readonly string[] {
  const id = answer?.body.paymentIntentId ?? answer?.body.metadata?.paymentIntentId;
  return id === undefined ? [] : [id];
}

function wasAsked({ call, books }: Question, handler: string): boolean {
  return books.callsOf(call.payment).some((other) => other.handler === handler);
}

/** A reference whose attempt ended unclear takes no other means. */
function isAfterReview({ call, books }: Question): boolean {
  return books
    .callsOf(call.payment)
    .some((other) => other.handler === "processPayment" && other.answer?.body.metadata?.reason === "needs_review");
}

/** Nor another amount than it was asked for at first. */
function isAnotherPurchase({ call, books }: Question): boolean {
  const [first] = books.callsOf(call.payment);
  return call.body["reference"] !== undefined && call.body["amount"] !== first?.body["amount"];
}

/** Nor does one whose attempt is still being taken back; that this comes to an end is checked by M3. */
function isAfterGivingUp({ call, books }: Question): boolean {
  return books
    .callsOf(call.payment)
    .some(({ handler, answer }) => handler === "processPayment" && answer?.body.metadata?.compensation === "watching");
}

function untruthOfRefund({ call, answer, books }: Question): string | null {
  const { refundId, amount, paymentIntentId } = answer.body;
  const refund = books.refund(refundId);
  if (refund === undefined) return `Stripe knows no refund ${refundId}.`;
  if (refund.status !== "succeeded") return `It told that ${refundId} succeeded; at Stripe it is ${refund.status}.`;
  if (refund.amount !== amount) return `It told a refund of ${amount}; Stripe refunded ${refund.amount}.`;
  if (refund.paymentIntentId !== paymentIntentId) return `${refundId} refunds ${refund.paymentIntentId}.`;
  const asked = call.body["amount"];
  return asked === undefined || asked === amount ? null : `Asked for ${JSON.stringify(asked)}, it refunded ${amount}.`;
}

function untruthOfCancellation(paymentIntentId: string | undefined, books: Books): string | null {
  const payment = books.payment(paymentIntentId);
  if (payment === undefined) return `Stripe knows no PaymentIntent ${paymentIntentId}.`;
  return payment.status === "canceled" ? null : differs("canceled", payment);
}

/** A call about a payment that failed must have changed nothing. */
function untruthOfRefusal(question: Question): string | null {
  const { call, answer, books } = question;
  const id = String(call.body["paymentIntentId"]);
  const reason = reasonOf(answer);
  const isRefund = call.handler === "refundPayment" || call.body["refundIfSucceeded"] === true;
  if (!isRefund || (reason !== "conflict" && reason !== "needs_review")) return unexpected(question);
  if (reason === "conflict") {
    // The rivals together asked for more than there is.
    const left = netMinor(books, id);
    return left < Number(call.body["amount"] ?? 1) ? null : `It told of a conflict, and ${left} is left to refund.`;
  }
  const mine = books.callsOf(call.payment).filter(({ handler }) => handler === call.handler);
  const told = new Set(mine.map((other) => other.answer?.body.refundId));
  const untold = books.refundsOf(id).filter((refund) => !told.has(refund.id));
  return untold.length === 0
    ? null
    : `It says that no refund was found, and ${untold.map((refund) => refund.id).join(", ")} can be found.`;
}

function reasonOf({ body }: Answer): string {
  return body.metadata?.reason ?? "none";
}

function differs(expected: string, payment: PaymentRecord): string {
  return `${payment.id} should be ${expected}, and is ${payment.status} at Stripe.`;
}

function unexpected({ call, answer }: Question): string {
  return `${call.handler} may not answer ${answer.status} ${reasonOf(answer)} here: ${answer.body.message ?? JSON.stringify(answer.body)}`;
}
