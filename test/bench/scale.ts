/** Many payments that wait: what each of them takes, what new ones feel of them, a crash, and a storm in which all settle. */
import { setTimeout as delay } from "node:timers/promises";
import { openHouse, type House } from "./house.ts";
import { callInLoops, clientOf, type Call, type Client } from "./load.ts";
import { folderBytes, residentBytes } from "./measures.ts";
import { untilSuspended } from "./promptness.ts";
import { median, quantile } from "./statistics.ts";
import { openSandbox, type BenchSandbox } from "./stripe.ts";

type Scale = {
  readonly waiting: number;
  readonly takenInPerSecond: number;
  /** Of the engine, per waiting payment. */
  readonly memoryBytesEach: number;
  readonly diskBytesEach: number;
  readonly engineBytes: number;
  readonly service: { readonly residentBytes: number; readonly heapBytes: number };
  /** A new card payment, in turn with one of an engine where nothing waits. */
  readonly newPayment: { readonly p50Ms: number; readonly idleP50Ms: number; readonly ratio: number };
  /** From SIGKILL to the first answer to a new card payment. */
  readonly recoveryMs: number;
  readonly storm: { readonly perSecond: number; readonly p50Ms: number; readonly p99Ms: number };
};

export type ScaleReport = {
  readonly empty: { readonly engineBytes: number; readonly residentBytes: number; readonly heapBytes: number };
  readonly sizes: readonly Scale[];
};

const card: Call = {
  path: "/payments/processPayment",
  body: JSON.stringify({ paymentMethodId: "pm_card_visa", amount: 109 }),
};
const bankDebit: Call = {
  path: "/payments/processPayment/send",
  body: JSON.stringify({ paymentMethodId: "pm_usBankAccount_success", amount: 4000, mandate: { type: "offline" } }),
};
const callersIn = 64;
const newCallers = 4;

/** A payment that waits for days is read every six hours; the reads of its first hour are not what waiting costs. */
const settings = { PAYMENT_POLL_SCHEDULE: "6h" };

export async function measureScale(options: {
  readonly folder: string;
  readonly port: number;
  readonly sizes: readonly number[];
  readonly pairs: number;
  readonly onProgress: (words: string) => void;
}): Promise<ScaleReport> {
  const { folder, onProgress } = options;
  const sandbox = await openSandbox({ folder, port: options.port, settlementDelayMs: 1000, profileDir: null });
  const more = { folder, sandbox, withFixtures: false, settings, profileDir: null };
  const house = await openHouse({ ...more, name: "waiting" });
  const idle = await openHouse({ ...more, name: "idle" });
  const client = clientOf(house.ingressUrl);
  const idleClient = clientOf(idle.ingressUrl);
  try {
    for (const one of [client, idleClient])
      await callInLoops(
        one,
        16,
        () => card,
        (answers) => answers > 1000,
      );
    const empty = {
      engineBytes: residentBytes(house.engine().pid),
      residentBytes: residentBytes(house.service.pid),
      heapBytes: await house.service.heapBytes(),
    };
    const sizes: Scale[] = [];
    for (const waiting of options.sizes) {
      onProgress(`${waiting} payments begin to wait`);
      const taken = await takeIn(house, sandbox, client, waiting);
      onProgress("new payments beside them");
      const newPayment = await compare(client, idleClient, options.pairs);
      onProgress("the engine is killed");
      const recoveryMs = await recover(house, client);
      onProgress("all of them settle");
      const storm = await settleAll(house, sandbox, client, waiting);
      sizes.push({ waiting, ...taken, newPayment, recoveryMs, storm });
    }
    return { empty, sizes };
  } finally {
    client.close();
    idleClient.close();
    await house.close();
    await idle.close();
    await sandbox.stop();
  }
}

async function takeIn(house: House, sandbox: BenchSandbox, client: Client, waiting: number) {
  const { pid } = house.engine();
  const before = { memory: residentBytes(pid), disk: folderBytes(house.engineDir) };
  // The sandbox's time stands still, so that no bank debit settles until it is told to.
  await sandbox.deliverTo(null);
  await sandbox.setTime("virtual");
  const startedAtMs = performance.now();
  let left = waiting;
  await callInLoops(
    client,
    callersIn,
    () => bankDebit,
    () => left-- <= 0,
  );
  await untilSuspended(house, "payments/processPayment", waiting);
  const takenInPerSecond = (waiting / (performance.now() - startedAtMs)) * 1000;
  await quietDown(pid);
  const engineBytes = residentBytes(pid);
  return {
    takenInPerSecond,
    memoryBytesEach: (engineBytes - before.memory) / waiting,
    diskBytesEach: (folderBytes(house.engineDir) - before.disk) / waiting,
    engineBytes,
    service: { heapBytes: await house.service.heapBytes(), residentBytes: residentBytes(house.service.pid) },
  };
}

/** What the engine still has to write is written within seconds. */
async function quietDown(pid: number): Promise<void> {
  let before = Number.NaN;
  for (let seconds = 0; seconds < 10; seconds++) {
    const now = residentBytes(pid);
    if (Math.abs(now - before) < 0.005 * now) return;
    before = now;
    await delay(1000);
  }
}

/** One call here, one there, so that the machine's drift meets both alike. */
async function compare(client: Client, idleClient: Client, pairs: number): Promise<Scale["newPayment"]> {
  const here: number[] = [];
  const there: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    for (const [one, latenciesMs] of [[client, here] as const, [idleClient, there] as const]) {
      const sentAtMs = performance.now();
      await one.post(card);
      latenciesMs.push(performance.now() - sentAtMs);
    }
  }
  const p50Ms = median(here);
  const idleP50Ms = median(there);
  return { p50Ms, idleP50Ms, ratio: p50Ms / idleP50Ms };
}

async function recover(house: House, client: Client): Promise<number> {
  const killedAtMs = performance.now();
  await house.killEngine();
  const restarted = house.restartEngine();
  await firstAnswer(client);
  const tookMs = performance.now() - killedAtMs;
  await restarted;
  return tookMs;
}

async function firstAnswer(client: Client): Promise<void> {
  for (;;) {
    try {
      await client.post(card);
      return;
    } catch {
      await delay(20);
    }
  }
}

/** The sandbox's time jumps to the present, where every bank debit is due. */
async function settleAll(
  house: House,
  sandbox: BenchSandbox,
  client: Client,
  waiting: number,
): Promise<Scale["storm"]> {
  await sandbox.deliverTo(house.endpoints.ours);
  const startedAtMs = performance.now();
  let isOver = false;
  const newOnes = callInLoops(
    client,
    newCallers,
    () => card,
    () => isOver,
  );
  await sandbox.setTime("real");
  while (sandbox.unsettled() > 0) await delay(250);
  await sandbox.untilDelivered();
  await untilSuspended(house, "payments/processPayment", 0);
  const tookMs = performance.now() - startedAtMs;
  isOver = true;
  const { latenciesMs } = await newOnes;
  return {
    perSecond: (waiting / tookMs) * 1000,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
  };
}
