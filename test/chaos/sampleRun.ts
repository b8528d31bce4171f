/** The record of a small run in which everything went well: tests damage one thing of it at a time. */
import type { Answer, Call, CallBody } from "./clientLog.ts";
import type { ChargeRecord, InvocationRecord, MoneyEvent, PaymentRecord, RefundRecord, RunRecord } from "./records.ts";

import {
  doorbellOfBooks,
  ofSeller,
  ownPlace,
  placeOfBooks,
  placeOfSeller,
  placeOfToys,
  sampleMerchants,
  sampleRings,
  tellOf,
  waiterOfBooks,
} from "./sampleAccounts.ts";

export function sampleRun(): RunRecord {
  const payments = [
    payment("paid"),
    payment("declined", { status: "requires_payment_method", amountReceived: 0 }),
    // Its call was cancelled while the bank had it: it succeeded later and was given back.
    payment("taken back"),
    payment("held", { status: "requires_capture", amountReceived: 0 }),
    payment("expired", { status: "canceled", amountReceived: 0 }),
    payment("authenticated"),
    payment("given up", { status: "canceled", amountReceived: 0 }),
    payment("paid instead", { payment: "given up", invocationId: "inv last ask" }),
    payment("another's", { payment: null, invocationId: null }),
    payment("of books", {
      place: placeOfBooks,
      invocationId: waiterOfBooks,
      metadata: { restate_callback_id: doorbellOfBooks },
    }),
    payment("of a seller", { place: placeOfSeller }),
    // They have the Stripe account of the default merchant.
    payment("of toys", { place: placeOfToys }),
  ];
  const charges = [
    charge("paid"),
    charge("declined", { status: "failed", amountCaptured: 0 }),
    charge("taken back"),
    charge("held", { amountCaptured: 0 }),
    charge("authenticated"),
    charge("paid instead"),
    charge("of books", { stripeAccount: placeOfBooks.stripeAccount }),
    charge("of a seller", { stripeAccount: placeOfSeller.stripeAccount }),
    charge("of toys"),
  ];
  const refunds = [refund("paid", 300), refund("taken back", 1000), refund("of toys", 200, { place: placeOfToys })];
  const calls = [
    call("paid", "processPayment", succeeded("paid")),
    call("paid", "refundPayment", refunded("paid", 300), { paymentIntentId: "pi_paid", amount: 300 }),
    call("declined", "processPayment", failed(402, "declined", { paymentIntentId: "pi_declined" })),
    {
      ...call(
        "taken back",
        "processPayment",
        failed(409, "canceled", { paymentIntentId: "pi_taken back", compensation: "watching" }),
      ),
      wasCancelled: true,
      cancelledAtMs: 1000,
    },
    call("held", "processPayment", outcome("held", "requires_capture")),
    call(
      "expired",
      "processPayment",
      failed(408, "timed_out", { paymentIntentId: "pi_expired", compensation: "canceled" }),
      { timeoutSeconds: 1 },
    ),
    call("hidden", "processPayment", failed(502, "needs_review", {})),
    {
      ...call("authenticated", "processPayment", outcome("authenticated", "requires_action")),
      customer: "succeeded",
    },
    call("authenticated", "awaitPayment", succeeded("authenticated"), { paymentIntentId: "pi_authenticated" }),
    call(
      "given up",
      "processPayment",
      failed(408, "timed_out", { paymentIntentId: "pi_given up", compensation: "watching" }),
      { reference: "given up", timeoutSeconds: 2 },
    ),
    {
      ...call("given up", "processPayment", succeeded("paid instead"), { reference: "given up" }),
      key: "last ask",
      sentAtMs: 60_000,
      isLastAsk: true,
    },
    call("of books", "processPayment", succeeded("of books"), { merchant: "books" }),
    // A reference of the same text as one of another account.
    call("of a seller", "processPayment", succeeded("of a seller"), { ...ofSeller, reference: "given up" }),
    call("of toys", "processPayment", succeeded("of toys"), { merchant: "toys" }),
    call("of toys", "refundPayment", refunded("of toys", 200), { merchant: "toys", paymentIntentId: "pi_of toys" }),
  ];
  return {
    merchants: sampleMerchants,
    rings: sampleRings,
    told: [
      tellOf("of books", { merchant: "books", stripeAccount: null }),
      tellOf("of a seller", ofSeller),
      tellOf("of toys", { merchant: "toys", stripeAccount: null }),
    ],
    calls,
    stripe: {
      payments,
      charges,
      refunds,
      events: [...charges.map(eventOfCharge), ...refunds.map(eventOfRefund)],
      savedFailures: [{ path: "/v1/payment_intents", wasDone: false }],
    },
    invocations: [
      ...calls.map(({ key, handler, payment: name, isLastAsk }) =>
        invocation(handler, key, isLastAsk ? "inv last ask" : idOfCall(name, handler)),
      ),
      { ...invocation("watch", null, "inv_taken back watch"), service: "paymentWatcher" },
    ],
    openWebhooks: 0,
    bystanders: [{ id: "pi_another's", status: "succeeded", metadata: {} }],
    attempts: [
      { trick: "wrong secret", status: 400 },
      { trick: "genuine event replayed", status: 200 },
      { trick: "another merchant's secret", status: 400 },
    ],
    course: { sendingMs: 6000, answeringMs: 8000, faultyMs: 0, blows: [], outages: [] },
    leftovers: {
      sinceMs: 50_000,
      states: [
        { service: "paymentReference", key: "platform:used before" },
        { service: "webhookReconciler", key: "platform" },
        { service: "webhookReconciler", key: "merchant:toys/acct_connected" },
        { service: "paymentNotifier", key: "books/own/pi_of books" },
      ],
      timers: [
        tick,
        { ...tick, key: "merchant:books" },
        { ...tick, key: "merchant:toys/acct_connected", handler: "reconcile", timer: "last look" },
      ],
      timersBefore: [tick, forget],
    },
  };
}

export const tick = { service: "webhookReconciler", key: "platform", handler: "tick" };
export const forget = { service: "paymentReference", key: "platform:given up", handler: "forget" };

export function payment(name: string, other: Partial<PaymentRecord> = {}): PaymentRecord {
  return {
    id: `pi_${name}`,
    place: ownPlace,
    payment: name,
    invocationId: idOfCall(name, "processPayment"),
    status: "succeeded",
    amount: 1000,
    amountReceived: 1000,
    metadata: {},
    madeAtMs: 100,
    ...other,
  };
}

export function charge(name: string, other: Partial<ChargeRecord> = {}): ChargeRecord {
  return {
    id: `ch_${name}`,
    stripeAccount: ownPlace.stripeAccount,
    paymentIntentId: `pi_${name}`,
    status: "succeeded",
    amount: 1000,
    amountCaptured: 1000,
    ...other,
  };
}

export function refund(name: string, amount: number, other: Partial<RefundRecord> = {}): RefundRecord {
  const handler = name === "taken back" ? "watch" : "refundPayment";
  return {
    id: `re_${name}`,
    place: ownPlace,
    paymentIntentId: `pi_${name}`,
    status: "succeeded",
    amount,
    invocationId: idOfCall(name, handler),
    ...other,
  };
}

export function eventOfCharge(of: ChargeRecord): MoneyEvent {
  return { type: `charge.${of.status}`, kind: "charge", charge: of };
}

export function eventOfRefund(of: RefundRecord): MoneyEvent {
  return { type: "refund.created", kind: "refund", refund: of };
}

export function call(name: string, handler: string, answer: Answer | null, body: CallBody = {}): Call {
  return {
    payment: name,
    key: `key ${name} ${handler}`,
    sentAs: `key ${name} ${handler}`,
    handler,
    body,
    sentAtMs: 0,
    isLastAsk: false,
    wasCancelled: false,
    cancelledAtMs: null,
    customer: null,
    attempts: 1,
    answer,
    answeredAtMs: 0,
  };
}

export function outcome(name: string, status: string): Answer {
  return { status: 200, body: { paymentIntentId: `pi_${name}`, status, amount: 1000, amountReceived: 0 } };
}

export function succeeded(name: string): Answer {
  const { body } = outcome(name, "succeeded");
  return { status: 200, body: { ...body, amountReceived: 1000, chargeId: `ch_${name}` } };
}

export function refunded(name: string, amount: number): Answer {
  return {
    status: 200,
    body: { paymentIntentId: `pi_${name}`, refundId: `re_${name}`, status: "succeeded", amount },
  };
}

export function failed(status: number, reason: string, metadata: Readonly<Record<string, string>>): Answer {
  return { status, body: { metadata: { reason, ...metadata } } };
}

export function invocation(handler: string, idempotencyKey: string | null, id: string): InvocationRecord {
  return {
    id,
    service: "payments",
    handler,
    idempotencyKey,
    status: "completed",
    lastFailure: null,
    invokedBy: null,
    acceptedAtMs: 0,
    endedAtMs: 3000,
  };
}

function idOfCall(name: string, handler: string): string {
  if (name === "of books") return waiterOfBooks;
  return handler === "processPayment" ? `inv_${name}` : `inv_${name} ${handler}`;
}
