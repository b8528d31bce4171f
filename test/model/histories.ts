/**
 * Histories of payments under the money's own rules. The model says what exactly can be seen; here nothing is known of how the
 * service works, and every history is allowed in which no rule of money is broken. So they can hold what the model can't follow:
 * outages of Stripe that outlast a deadline, cancellations of a call that backs off, a bank that is faster by a moment.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Stripe } from "stripe";
import { mistyped } from "../chaos/answerTruth.ts";
import { openBooks } from "../chaos/books.ts";
import { Caller, type Door } from "../chaos/caller.ts";
import { callsOf, ClientLog, readClientLog, type CallBody } from "../chaos/clientLog.ts";
import { diceOf, type Dice } from "../chaos/dice.ts";
import { openWebhooks, readInvocations } from "../chaos/engineRecord.ts";
import { checkRun } from "../chaos/invariants.ts";
import { oneTruthIsTold, unpaidReferences } from "../chaos/moneyRules.ts";
import type { RunRecord } from "../chaos/records.ts";
import { otherMeans } from "../chaos/scripts.ts";
import type { Verdict } from "../chaos/verdict.ts";
import { defaultAccount } from "../../src/merchants/rules.ts";
import { invocationIdKey } from "../../src/stripe/metadata.ts";
import { openMerchant } from "../scene/merchant.ts";
import { openScene, secretKey, webhookSecret, type Scene } from "../scene/scene.ts";
import { startService } from "./serviceProcesses.ts";
import { openWeather, type Outage, type Weather } from "./weather.ts";

const means = {
  card: { paymentMethodId: "pm_card_visa" },
  "held card": { paymentMethodId: "pm_card_visa", captureMethod: "manual" },
  "declined card": { paymentMethodId: "pm_card_visa_chargeDeclined" },
  "card that asks the customer": {
    paymentMethodId: "pm_card_threeDSecure2Required",
    returnUrl: "https://shop.example/back",
  },
  debit: { paymentMethodId: "pm_usBankAccount_success", mandate: { type: "offline" } },
  "debit that can be stopped": { paymentMethodId: "pm_usBankAccount_processing", mandate: { type: "offline" } },
} satisfies Readonly<Record<string, CallBody>>;

type Kind = keyof typeof means;

export type History = {
  readonly name: string;
  readonly kind: Kind;
  readonly amount: number;
  readonly byReference: boolean;
  /** A second; null for none that matters. The first poll comes later. */
  readonly timeoutSeconds: number | null;
  /** Stripe is down for this payment from its beginning on, for longer than its deadline. */
  readonly outage: { readonly how: Outage; readonly lastsMs: number } | null;
  readonly cancelAfterMs: number | null;
  /** What the bank says of a debit, and when. */
  readonly bank: { readonly outcome: "succeeded" | "failed"; readonly afterMs: number };
  /** The debit succeeds in the moment in which it is given up. */
  readonly isFasterThanNote: boolean;
  /** After a decline, the reference is asked for with mistyped means, and then for another amount. */
  readonly isMistyped: boolean;
};

function drawHistory(dice: Dice, number: number): History {
  const kind = dice.pick(Object.keys(means) as readonly Kind[]);
  const hasOutage = dice.chance(0.4);
  const isFasterThanNote = kind === "debit" && !hasOutage && dice.chance(0.5);
  const isHurried = isFasterThanNote || kind === "card that asks the customer" || dice.chance(hasOutage ? 0.8 : 0.4);
  const isCancelled = dice.chance(0.3);
  return {
    name: `h${number}`,
    kind,
    amount: dice.integer(100, 9999),
    byReference: dice.chance(0.5),
    // An absent customer would be waited for.
    timeoutSeconds: isHurried ? 1 : null,
    outage: hasOutage
      ? { how: dice.pick(["refuses", "refuses", "swallows"] as const), lastsMs: dice.integer(3000, 7000) }
      : null,
    cancelAfterMs: isCancelled ? dice.integer(0, 900) : null,
    bank: { outcome: dice.chance(0.7) ? "succeeded" : "failed", afterMs: dice.integer(300, 2500) },
    isFasterThanNote,
    isMistyped: dice.chance(0.5),
  };
}

export type HistoriesOptions = {
  readonly count: number;
  readonly seed: number;
  readonly atOnce: number;
  /** A folder with an edited copy of `src`, for a service that is broken on purpose. */
  readonly source?: string;
  /** What every history has, whatever is drawn. */
  readonly focus?: Partial<History>;
};

export type HistoriesResult = {
  readonly verdicts: readonly Verdict[];
  /** What to read; null where every rule holds. */
  readonly failure: string | null;
};

/** There is one account. */
const place = { stripeAccount: "own", merchant: "default" };

const pollMs = 3000;
/** A busy machine takes seconds from the acceptance of a call to its first step. */
const patience = { sendingMs: 5000, answeringMs: 14_000 };

/** Long after any answer is due. */
const limitMs = 240_000;

export async function checkHistories(options: HistoriesOptions): Promise<HistoriesResult> {
  const { count, seed, atOnce } = options;
  const dice = diceOf(seed, "histories");
  const histories = Array.from({ length: count }, (_, number) => ({ ...drawHistory(dice, number), ...options.focus }));
  const marker = `histories${seed}`;
  const dir = mkdtempSync(join(tmpdir(), "restate-stripe-payments-histories-"));
  const logFile = join(dir, "callers.jsonl");
  const log = new ClientLog(logFile);
  const scene = await openScene(0);
  await scene.stopService();
  const merchant = await openMerchant();
  const weather = await openWeather(scene.sandboxUrl, (text) => /\[payment\]=(h\d+)/.exec(text)?.[1]);
  const service = await startService({
    port: scene.servicePort,
    apiBase: weather.url,
    secretKey,
    webhookSecrets: [webhookSecret],
    pollScheduleMs: [pollMs],
    inactivityTimeoutMs: 0,
    defect: null,
    receiver: merchant.receiver,
    source: options.source ?? null,
  });
  const bank = openBank(scene, histories);
  try {
    const around = {
      ingressUrl: scene.ingress,
      edgeUrl: scene.ingress,
      doorOf: (): Door => "ingress",
      accountOf: () => defaultAccount,
      keyNameOf: (payment: string) => payment,
      adminUrl: scene.admin,
      sandboxUrl: scene.sandboxUrl,
      log,
      marker,
      callerHeader: "none",
      outages: { begin: async () => {} },
      limit: AbortSignal.timeout(limitMs),
    };
    const caller = (name: string) => new Caller(name, around);
    await inTurn(histories, atOnce, (history) => play(history, caller(history.name), { scene, weather }));
    await untilQuiet(scene);
    const unpaid = unpaidReferences(callsOf(readClientLog(logFile)), await stripeRecord(scene, weather));
    await inTurn(unpaid, atOnce, ({ payment, body }) => caller(payment).askLast(otherMeans(body)));
    await untilQuiet(scene);
    const record: RunRecord = {
      merchants: [{ id: "default", ownAccount: place.stripeAccount, connected: [], isTold: true }],
      told: [],
      rings: { rings: [], handed: [], lists: [], signalled: [] },
      calls: callsOf(readClientLog(logFile)),
      stripe: await stripeRecord(scene, weather),
      invocations: (await readInvocations(scene.admin)).filter((one) => !isMemory(one)),
      openWebhooks: await openWebhooks(scene.admin),
      bystanders: [],
      attempts: [],
      course: { ...patience, faultyMs: 0, blows: [], outages: [] },
      leftovers: { sinceMs: Infinity, states: [], timers: [], timersBefore: [] },
    };
    const told = merchant.received.map(({ notification }) => notification);
    const held = new Set(["I1", "I2", "I3", "I4", "M1", "M2", "M3"]);
    const verdicts = [
      ...checkRun(record).filter(({ name }) => held.has(name)),
      oneTruthIsTold(told, openBooks(record)),
    ];
    return { verdicts, failure: explain(verdicts, histories, record, seed) };
  } finally {
    bank.stop();
    await service.close();
    await weather.close();
    await merchant.close();
    await scene.close();
    log.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What callers and operators do in one history. */
async function play(
  history: History,
  caller: Caller,
  { scene, weather }: { readonly scene: Scene; readonly weather: Weather },
): Promise<void> {
  const { name, kind, amount, byReference, timeoutSeconds, outage, cancelAfterMs } = history;
  const body: CallBody = {
    ...means[kind],
    amount,
    metadata: caller.metadata,
    ...(byReference && { reference: name }),
    ...(timeoutSeconds !== null && { timeoutSeconds }),
  };
  if (history.isFasterThanNote) weather.atNote(name, (id) => scene.settle(id));
  weather.setOutage(name, outage?.how ?? null);
  const key = caller.newKey();
  const over = delay(outage?.lastsMs ?? 0).then(() => weather.setOutage(name, null));
  const invocationId = await caller.send("processPayment", body, key);
  if (cancelAfterMs !== null) {
    await caller.pause(cancelAfterMs);
    await caller.cancelInvocation(invocationId, key);
  }
  const answer = await caller.answerOf("processPayment", body, key);
  await over;
  if (!byReference) return;
  if (history.isMistyped && answer.status === 402) {
    await caller.call("processPayment", { ...body, paymentMethodId: mistyped });
    await caller.call("processPayment", { ...otherMeans(body), amount: amount + 1 });
  }
  if (answer.status !== 408 && answer.status !== 409) return;
  for (let attempt = 0; attempt < 5; attempt++) {
    const other = await caller.call("processPayment", otherMeans(body));
    if (other.body.metadata?.reason !== "conflict") return;
    await caller.pause(1000);
  }
}

/** Says of debits what their history says, and of refunds that they succeed. */
function openBank(scene: Scene, histories: readonly History[]) {
  const byName = new Map(histories.map((history) => [history.name, history]));
  const stopped = new AbortController();
  const settleDue = async () => {
    for await (const payment of scene.stripe.paymentIntents.list({ limit: 100 })) {
      const history = byName.get(payment.metadata["payment"] ?? "");
      if (payment.status !== "processing" || history === undefined) continue;
      // Whoever is to be faster than the note is settled there; the note may never come.
      const afterMs = history.isFasterThanNote ? 8000 : history.bank.afterMs;
      if (Date.now() > payment.created * 1000 + afterMs) await control(scene, payment.id, history.bank.outcome);
    }
    for await (const { id, status } of scene.stripe.refunds.list({ limit: 100 })) {
      if (status === "pending") await control(scene, id, "succeeded");
    }
  };
  const running = (async () => {
    while (!stopped.signal.aborted) {
      await settleDue().catch(() => {});
      await delay(300);
    }
  })();
  return {
    stop(): void {
      stopped.abort();
      void running;
    },
  };
}

/** What was settled meanwhile is left as it is. */
async function control(scene: Scene, id: string, outcome: "succeeded" | "failed"): Promise<void> {
  await fetch(`${scene.sandboxUrl}/_sandbox/settle`, { method: "POST", body: JSON.stringify({ id, outcome }) });
}

const openCount = "select count(1) as n from sys_invocation where status not in ('completed', 'scheduled')";

/** Nothing is at work, and nothing is on its way. */
async function untilQuiet(scene: Scene): Promise<void> {
  const isQuiet = async () => {
    const deliveries = (await (await fetch(`${scene.sandboxUrl}/_sandbox/deliveries`)).json()) as { state: string }[];
    const [open] = await scene.sql<{ n: number }>(openCount);
    return open?.n === 0 && !deliveries.some(({ state }) => state === "pending");
  };
  await scene.atRest("everything to be over", isQuiet, 60_000).catch(() => {
    // What is still open is found by I4.
  });
}

async function stripeRecord({ stripe }: Scene, { made }: Weather): Promise<RunRecord["stripe"]> {
  const payments: RunRecord["stripe"]["payments"][number][] = [];
  for await (const one of stripe.paymentIntents.list({ limit: 100 })) {
    const { id, status, amount, metadata } = one;
    payments.push({
      id,
      place,
      status,
      amount,
      metadata,
      amountReceived: one.amount_received,
      payment: metadata["payment"] ?? null,
      invocationId: metadata[invocationIdKey] ?? null,
      madeAtMs: made.get(id) ?? null,
    });
  }
  const charges: RunRecord["stripe"]["charges"][number][] = [];
  for await (const one of stripe.charges.list({ limit: 100 })) {
    const { id, status, amount, captured } = one;
    const isTaken = captured && status === "succeeded";
    const paymentIntentId = idOf(one.payment_intent);
    const amountCaptured = isTaken ? one.amount_captured : 0;
    charges.push({ id, stripeAccount: place.stripeAccount, status, amount, paymentIntentId, amountCaptured });
  }
  const refunds: RunRecord["stripe"]["refunds"][number][] = [];
  for await (const one of stripe.refunds.list({ limit: 100 })) {
    const { id, amount } = one;
    const invocationId = one.metadata?.[invocationIdKey] ?? null;
    const paymentIntentId = idOf(one.payment_intent);
    refunds.push({ id, place, amount, invocationId, paymentIntentId, status: one.status ?? "unknown" });
  }
  const events = [
    ...charges.map((charge) => ({ type: "charge", kind: "charge" as const, charge })),
    ...refunds.map((refund) => ({ type: "refund", kind: "refund" as const, refund })),
  ];
  return { payments, charges, refunds, events, savedFailures: [] };
}

/** For half a year it is remembered what the merchant was told. */
function isMemory({ service, handler, status }: RunRecord["invocations"][number]): boolean {
  return service === "paymentNotifier" && handler === "forget" && status === "scheduled";
}

function idOf(reference: string | Stripe.PaymentIntent | null): string | null {
  return typeof reference === "object" ? (reference?.id ?? null) : reference;
}

/** So many at once. */
async function inTurn<Task>(
  tasks: readonly Task[],
  atOnce: number,
  begin: (task: Task) => Promise<void>,
): Promise<void> {
  const queue = [...tasks];
  const worker = async () => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) await begin(task);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

function explain(
  verdicts: readonly Verdict[],
  histories: readonly History[],
  record: RunRecord,
  seed: number,
): string | null {
  const violations = verdicts.flatMap(({ name, violations: found }) => found.map((one) => ({ name, ...one })));
  if (violations.length === 0) return null;
  const concerned = new Set(violations.map(({ payment }) => payment));
  return [
    `${violations.length} violations in the histories of the seed ${seed}:`,
    ...violations.map(({ name, payment, message }) => `✗ ${name} ${payment ?? ""} ${message}`),
    ...histories
      .filter(({ name }) => concerned.has(name))
      .flatMap((history) => [
        JSON.stringify(history),
        ...record.calls
          .filter(({ payment }) => payment === history.name)
          .map(({ key, handler, answer }) => `  ${handler} ${key}: ${JSON.stringify(answer)}`),
        ...record.stripe.payments
          .filter(({ payment }) => payment === history.name)
          .map((payment) => `  at Stripe ${JSON.stringify(payment)}`),
      ]),
  ].join("\n");
}
