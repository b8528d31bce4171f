/** Debits that wait, and settle almost at once, while new card payments come: what Stripe sees of it, and what the callers are told. */
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { LimitsInput } from "../../src/sandbox/world/limits.ts";
import { quantile } from "../bench/statistics.ts";
import type { Answer, Rig } from "./rig.ts";

export type Storm = {
  readonly debits: number;
  /** In how long they settle. */
  readonly settleMs: number;
  readonly cardsPerSecond: number;
  readonly limits: LimitsInput;
  readonly requestsPerSecond: number;
  readonly onProgress: (words: string) => void;
};

export type StormReport = {
  /** From the first settlement to the last answer. */
  readonly tookMs: number;
  readonly requests: number;
  readonly refused: number;
  /** How often a call slept until its turn. */
  readonly sleeps: number;
  /** The calls whose answer isn't what the bank said, or whose payment isn't there once. */
  readonly wrong: readonly string[];
  readonly debits: { readonly succeeded: number; readonly declined: number };
  /** New card payments during the storm, and before it: the latter tell what the machine takes by itself. */
  readonly cards: Cards;
  readonly cardsBefore: Cards;
};

type Cards = { readonly count: number; readonly p50Ms: number; readonly p99Ms: number; readonly longestMs: number };

const patienceMs = 30 * 60_000;

/** One debit in ten fails. */
const outcomeOf = (index: number) => (index % 10 === 3 ? "failed" : "succeeded");
const orderOf = (index: number) => `debit-${index}`;

function debit(index: number): object {
  return {
    paymentMethodId: "pm_usBankAccount_success",
    amount: 4000,
    mandate: { type: "offline" },
    metadata: { orderId: orderOf(index) },
  };
}

export async function playStorm(rig: Rig, storm: Storm): Promise<StormReport> {
  const { debits, onProgress } = storm;
  const indexes = Array.from({ length: debits }, (_, index) => index);
  onProgress(`${debits} debits begin to wait`);
  await inParallel(32, indexes, async (index) => {
    const { status } = await rig.call(orderOf(index), debit(index), "for acceptance");
    if (status >= 300) throw new Error(`A debit was answered with ${status}.`);
  });
  // Every card payment comes later.
  const ofDebits = `from sys_invocation where target = 'payments/processPayment' and created_at < '${new Date().toISOString()}'`;
  await untilCount(() => rig.sql(`select count(1) as n ${ofDebits} and status = 'suspended'`), debits);

  onProgress("Stripe has limits from now on, and the service keeps below them");
  await rig.pace(storm.limits, storm.requestsPerSecond);
  const calmUntilMs = performance.now() + storm.settleMs / 4;
  const paidBefore = await payByCard(rig, "calm", storm.cardsPerSecond, () => performance.now() > calmUntilMs);
  const before = rig.statuses();
  const payments = rig.payments();
  const beganAtMs = performance.now();
  let isOver = false;
  const cards = payByCard(rig, "card", storm.cardsPerSecond, () => isOver);
  onProgress("the debits settle");
  await settleAll(rig, payments, storm);
  onProgress("all have settled");
  await untilCount(() => rig.sql(`select count(1) as n ${ofDebits} and status = 'completed'`), debits);
  const tookMs = performance.now() - beganAtMs;
  isOver = true;
  const paid = await cards;
  const after = rig.statuses();

  onProgress("all calls have ended; their answers are looked at");
  const answers = await inParallel(32, indexes, (index) => rig.call(orderOf(index), debit(index), "for the outcome"));
  const wrongDebits = indexes.flatMap((index) => wrongOf(index, payments.get(orderOf(index)), answers[index]));
  return {
    tookMs,
    requests: sumOf(after) - sumOf(before),
    refused: (after.get(429) ?? 0) - (before.get(429) ?? 0),
    sleeps: await rig.sql("select count(1) as n from sys_journal where name = 'turn at Stripe'"),
    wrong: [
      ...wrongDebits,
      ...[...paidBefore, ...paid].flatMap(({ wrong }) => wrong),
      ...madeTwice(rig, debits + paidBefore.length + paid.length),
    ],
    debits: {
      succeeded: answers.filter(({ status }) => status === 200).length,
      declined: answers.filter(({ status }) => status === 402).length,
    },
    cards: latenciesOf(paid),
    cardsBefore: latenciesOf(paidBefore),
  };
}

function latenciesOf(paid: readonly { readonly latencyMs: number }[]): Cards {
  const latenciesMs = paid.map(({ latencyMs }) => latencyMs);
  return {
    count: paid.length,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    longestMs: Math.max(...latenciesMs),
  };
}

function sumOf(counts: ReadonlyMap<number, number>): number {
  return [...counts.values()].reduce((one, other) => one + other, 0);
}

/** A steady rain of them, and not all at once. */
async function settleAll(rig: Rig, payments: ReadonlyMap<string, string>, { debits, settleMs }: Storm): Promise<void> {
  const beganAtMs = performance.now();
  const all: Promise<void>[] = [];
  for (let index = 0; index < debits; index++) {
    const earlyMs = (index * settleMs) / debits - (performance.now() - beganAtMs);
    if (earlyMs > 5) await delay(earlyMs);
    all.push(rig.settle(payments.get(orderOf(index)) ?? "", outcomeOf(index)));
  }
  await Promise.all(all);
}

/** New payments come at their own rate, whether the others have been answered or not. */
async function payByCard(rig: Rig, name: string, perSecond: number, isOver: () => boolean) {
  const paying: Promise<{ readonly latencyMs: number; readonly wrong: readonly string[] }>[] = [];
  const pay = async (orderId: string) => {
    const sentAtMs = performance.now();
    const body = { paymentMethodId: "pm_card_visa", amount: 109, metadata: { orderId } };
    const answer = await rig.call(orderId, body, "for the outcome");
    const outcome = (answer.body as { readonly status?: unknown }).status;
    const isRight = answer.status === 200 && outcome === "succeeded";
    const wrong = isRight ? [] : [`${orderId}: ${answer.status} ${JSON.stringify(answer.body)}`];
    return { latencyMs: performance.now() - sentAtMs, wrong };
  };
  while (!isOver()) {
    paying.push(pay(`${name}-${paying.length}`));
    await delay(1000 / perSecond);
  }
  return await Promise.all(paying);
}

function wrongOf(index: number, paymentIntentId: string | undefined, answer: Answer | undefined): readonly string[] {
  type Outcome = {
    status?: string;
    paymentIntentId?: string;
    metadata?: { reason?: string; paymentIntentId?: string };
  };
  const { status, paymentIntentId: id, metadata } = (answer?.body ?? {}) as Outcome;
  const seen = [answer?.status, status ?? metadata?.reason, id ?? metadata?.paymentIntentId];
  const expected = outcomeOf(index) === "failed" ? [402, "declined"] : [200, "succeeded"];
  if (isDeepStrictEqual(seen, [...expected, paymentIntentId])) return [];
  return [`${orderOf(index)}: ${JSON.stringify(answer)} instead of ${expected.join(" ")} for ${paymentIntentId}`];
}

/** Each call makes one payment. */
function madeTwice(rig: Rig, calls: number): readonly string[] {
  const made = rig.paymentCount();
  return made === calls ? [] : [`${calls} calls made ${made} payments`];
}

async function untilCount(count: () => Promise<number>, wanted: number): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  for (let seen = await count(); seen !== wanted; seen = await count()) {
    if (performance.now() > untilMs) throw new Error(`Only ${seen} of ${wanted} calls came so far in half an hour.`);
    // The engine looks through all calls to count some.
    await delay(3000);
  }
}

/** So many at a time. */
async function inParallel<Item, Result>(
  width: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const left = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
