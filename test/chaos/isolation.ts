/** I7: no fact of one account reaches another, be it another merchant's or another connected account of the same one. */
import { type Account, labelOf, readKey } from "../../src/merchants/rules.ts";
import { creatorCallbackKey } from "../../src/stripe/metadata.ts";
import { addressee, type Books, isSamePlace } from "./books.ts";
import { type CallFinder, callFinder } from "./callersCall.ts";
import type { Answer, Call } from "./clientLog.ts";
import { invocationOf } from "./doorbells.ts";
import type { MerchantRecord, PaymentRecord, Place, RunRecord } from "./records.ts";
import { webhooksRingTheirOwn } from "./rings.ts";
import { Findings, type Verdict } from "./verdict.ts";

export function nothingReachesAnotherAccount(record: RunRecord, books: Books): Verdict {
  const findings = new Findings("I7", "no fact of one account reaches another");
  const callOf = callFinder(record);
  objectsAreWhereAsked(record, books, callOf, findings);
  answersNameTheirOwn(record, books, findings);
  doorbellsAreTheirOwn(record, books, callOf, findings);
  webhooksRingTheirOwn(record, books, callOf, findings);
  secretsAreOfTheirOwn(record, books, findings);
  merchantsAreToldTheirOwn(record, books, findings);
  return findings.verdict();
}

/** What a call made is on the account that its request named, with the mark of its merchant; and so is what is charged and refunded of it. */
function objectsAreWhereAsked({ stripe }: RunRecord, books: Books, callOf: CallFinder, findings: Findings): void {
  for (const { id, payment, place, invocationId } of stripe.payments) {
    if (payment === null) continue;
    const maker = callOf(invocationId);
    // Its name and its maker are two witnesses of whose it is.
    for (const call of [books.callsOf(payment)[0], maker]) {
      if (call !== undefined) findings.check(payment, misplaced(id, place, addressee(call), books));
    }
    const isOfMaker = maker === undefined || maker.payment === payment;
    findings.check(payment, isOfMaker ? null : `${id} was made by ${maker.key}, a call of another payment.`);
  }
  for (const { id, paymentIntentId, stripeAccount } of stripe.charges) {
    const of = books.payment(paymentIntentId ?? "");
    if (of === undefined) continue;
    const isThere = stripeAccount === of.place.stripeAccount;
    findings.check(of.payment, isThere ? null : `${id} charges ${of.id}, and is on ${stripeAccount}.`);
  }
  for (const { id, paymentIntentId, place, invocationId } of stripe.refunds) {
    const of = books.payment(paymentIntentId ?? "");
    const call = callOf(invocationId);
    if (call !== undefined) findings.check(call.payment, misplaced(id, place, addressee(call), books));
    if (of === undefined || of.payment === null) continue;
    const isThere = isSamePlace(place, of.place);
    findings.check(of.payment, isThere ? null : `${id} refunds ${of.id}, and is ${shown(place)}.`);
  }
}

function misplaced(id: string, place: Place, asked: Account, books: Books): string | null {
  const expected = books.placeOf(asked);
  return isSamePlace(place, expected) ? null : `${id} is ${shown(place)}, and was asked for ${shown(expected)}.`;
}

function shown({ merchant, stripeAccount }: Place): string {
  return `of ${merchant} on ${stripeAccount}`;
}

/** No answer names an object of another account, in whatever field or message. */
function answersNameTheirOwn({ calls, stripe }: RunRecord, books: Books, findings: Findings): void {
  const payments = new Map(stripe.payments.map((payment) => [payment.id, payment]));
  const refunds = new Map(stripe.refunds.map((refund) => [refund.id, refund]));
  const charges = new Map(stripe.charges.map((charge) => [charge.id, charge]));
  const placeOfId = (id: string): Place | undefined => {
    const charge = charges.get(id);
    const payment = payments.get(id) ?? payments.get(charge?.paymentIntentId ?? "");
    return refunds.get(id)?.place ?? payment?.place;
  };
  for (const call of calls) {
    if (call.answer === null) continue;
    const own = books.placeOf(addressee(call));
    for (const id of textsIn(call.answer)) {
      const place = placeOfId(id);
      if (place === undefined) continue;
      const problem = `${call.handler} ${call.key}, which is ${shown(own)}, was told ${id}, which is ${shown(place)}.`;
      findings.check(call.payment, isSamePlace(place, own) ? null : problem);
    }
  }
}

/** Every text of an answer, and every id within one. */
function textsIn({ body }: Answer): ReadonlySet<string> {
  const texts = new Set<string>();
  const look = (value: unknown): void => {
    if (typeof value === "string") {
      texts.add(value);
      for (const [id] of value.matchAll(/\b(?:pi|ch|py|re|pyr)_\w+/g)) texts.add(id);
    } else if (typeof value === "object" && value !== null) {
      for (const part of Object.values(value)) look(part);
    }
  };
  look(body);
  return texts;
}

/** The doorbells in a payment's metadata are those of calls about its own account. */
function doorbellsAreTheirOwn({ stripe }: RunRecord, books: Books, callOf: CallFinder, findings: Findings): void {
  let known = 0;
  let unknown = 0;
  for (const { id, payment, place, metadata } of stripe.payments) {
    if (payment === null) continue;
    for (const [key, address] of Object.entries(metadata)) {
      if (!key.startsWith(creatorCallbackKey)) continue;
      const waiter = callOf(invocationOf(address));
      if (waiter === undefined) {
        unknown++;
        continue;
      }
      known++;
      const isOwn = isSamePlace(books.placeOf(addressee(waiter)), place);
      const problem = `${id}, which is ${shown(place)}, has the doorbell of ${waiter.key}, a call for ${shownAccount(waiter)}.`;
      findings.check(payment, isOwn ? null : problem);
    }
  }
  // The calls that the engine has forgotten are few.
  findings.check(null, unknown > known ? `Of ${unknown} doorbells it is not known whose they are.` : null);
}

function shownAccount(call: Call): string {
  const account = addressee(call);
  return `${account.merchant} ${labelOf({ ...account, merchant: "default" })}`.trim();
}

/** The edge takes no secret of another merchant, and no payment is looked at for another one: the engine remembers for whom it looked. */
function secretsAreOfTheirOwn({ attempts, leftovers, merchants }: RunRecord, books: Books, findings: Findings): void {
  for (const { trick, status } of attempts) {
    if (trick !== "another merchant's secret" || status === null) continue;
    findings.check(null, status < 300 ? "The edge took a webhook with the secret of another merchant." : null);
  }
  for (const { service, key } of leftovers.states) {
    if (service !== "paymentNotifier") continue;
    const { account, name } = readKey(key);
    findings.check(null, strangerOf(name, account, merchants, books));
  }
}

/** The systems of the merchants are told of their own payments alone, each with its account. */
function merchantsAreToldTheirOwn({ told, merchants }: RunRecord, books: Books, findings: Findings): void {
  for (const { receiver, paymentIntentId, account } of told) {
    const problem =
      receiver === account.merchant
        ? strangerOf(paymentIntentId, account, merchants, books)
        : `The receiver of ${receiver} was told of ${paymentIntentId}, a payment of ${account.merchant}.`;
    findings.check(books.payment(paymentIntentId)?.payment ?? null, problem);
  }
}

/** Why a payment is none of an account's; null where it is. */
function strangerOf(
  paymentIntentId: string,
  account: Account,
  merchants: readonly MerchantRecord[],
  books: Books,
): string | null {
  const payment: PaymentRecord | undefined = books.payment(paymentIntentId);
  if (payment === undefined) return `Stripe knows no ${paymentIntentId}, of which ${account.merchant} is told.`;
  if (!merchants.some(({ id }) => id === account.merchant)) return `There is no merchant ${account.merchant}.`;
  const expected = books.placeOf(account);
  return isSamePlace(payment.place, expected)
    ? null
    : `${paymentIntentId} is ${shown(payment.place)}, and is looked at as ${shown(expected)}.`;
}
