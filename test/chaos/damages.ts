/** What tests damage in the record of a run that went well, one thing at a time. */
import type { Call } from "./clientLog.ts";
import type { PaymentRecord, RunRecord } from "./records.ts";
import { type charge, eventOfCharge, eventOfRefund, failed, invocation, type refund } from "./sampleRun.ts";

/** Damages one thing of a good record. */
export type Damage = (good: RunRecord) => RunRecord;

export function id(paymentIntentId: string) {
  return { paymentIntentId };
}

export function decline(name: string) {
  return failed(402, "declined", id(`pi_${name}`));
}

export function addCharge(good: RunRecord, more: ReturnType<typeof charge>): RunRecord {
  const { stripe } = good;
  return {
    ...good,
    stripe: { ...stripe, charges: [...stripe.charges, more], events: [...stripe.events, eventOfCharge(more)] },
  };
}

export function addRefund(good: RunRecord, more: ReturnType<typeof refund>): RunRecord {
  const { stripe } = good;
  return {
    ...good,
    stripe: { ...stripe, refunds: [...stripe.refunds, more], events: [...stripe.events, eventOfRefund(more)] },
  };
}

export function addPayment(good: RunRecord, more: PaymentRecord): RunRecord {
  return { ...good, stripe: { ...good.stripe, payments: [...good.stripe.payments, more] } };
}

export function changePayment(good: RunRecord, name: string, change: Partial<PaymentRecord>): RunRecord {
  const payments = good.stripe.payments.map((one) => (one.id === `pi_${name}` ? { ...one, ...change } : one));
  return { ...good, stripe: { ...good.stripe, payments } };
}

export function changeRefund(good: RunRecord, name: string, change: Partial<ReturnType<typeof refund>>): RunRecord {
  const refunds = good.stripe.refunds.map((one) => (one.id === `re_${name}` ? { ...one, ...change } : one));
  return { ...good, stripe: { ...good.stripe, refunds } };
}

export function changeCall(good: RunRecord, name: string, change: Partial<Call>): RunRecord {
  const isIt = (one: Call) => one.payment === name && one.handler === "processPayment";
  return { ...good, calls: good.calls.map((one) => (isIt(one) ? { ...one, ...change } : one)) };
}

export function answer(good: RunRecord, name: string, given: Call["answer"]): RunRecord {
  return changeCall(good, name, { answer: given });
}

export function addCall(good: RunRecord, more: Call): RunRecord {
  return {
    ...good,
    calls: [...good.calls, more],
    invocations: [...good.invocations, invocation(more.handler, more.key, `inv ${more.key}`)],
  };
}

export function withLeftovers(good: RunRecord, change: Partial<RunRecord["leftovers"]>): RunRecord {
  return { ...good, leftovers: { ...good.leftovers, ...change } };
}

export function withState(good: RunRecord, service: string, key: string): RunRecord {
  return withLeftovers(good, { states: [...good.leftovers.states, { service, key }] });
}

export function withAttempt(
  good: RunRecord,
  status: number,
  trick: RunRecord["attempts"][number]["trick"] = "changed body",
): RunRecord {
  return { ...good, attempts: [...good.attempts, { trick, status }] };
}
