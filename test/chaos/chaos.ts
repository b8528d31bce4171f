/**
 * `npm run chaos`: payments under faults drawn from a printed seed, then quiet, then the checker. Exits with 1 if an
 * invariant is violated, after printing the whole history of the payments concerned.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { accountAt, drawDoors, drawSeats, keyNames, type Seat } from "./accounts.ts";
import { makeBystanders } from "./bystanders.ts";
import { Caller, type Door } from "./caller.ts";
import { newCanaries } from "./canaries.ts";
import { startCast } from "./cast.ts";
import { callsOf, ClientLog, readClientLog } from "./clientLog.ts";
import { diceOf } from "./dice.ts";
import { withCallersKeys } from "./edgeKeys.ts";
import {
  openWebhooks,
  readInstallationId,
  readInvocations,
  readRings,
  readStates,
  readTimers,
} from "./engineRecord.ts";
import { historyOf } from "./history.ts";
import { settled, work } from "./crew.ts";
import { createIntruder } from "./intruder.ts";
import { checkRun, noSecretIsKept } from "./invariants.ts";
import { unpaidReferences } from "./moneyRules.ts";
import { drawBlows, Nemesis } from "./nemesis.ts";
import { type ChaosOptions, readOptions } from "./options.ts";
import { drawOutages, Outages } from "./outages.ts";
import { untilForgotten, untilQuiet } from "./quiet.ts";
import type { RunRecord } from "./records.ts";
import { isHeld, reportOf } from "./report.ts";
import { SandboxFile } from "./sandboxRecord.ts";
import { otherMeans, scripts } from "./scripts.ts";
import { searchFiles, searchLiving } from "./secretPlaces.ts";
import type { Verdict } from "./verdict.ts";
import { drawLatePlans, drawPlans, outagesOf } from "./work.ts";

async function run(asked: ChaosOptions): Promise<boolean> {
  const begunAtMs = performance.now();
  const { seed, payments, kills } = asked;
  const dir = resolve(".data", "chaos", String(seed));
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const canaries = newCanaries();
  const marker = `chaos${seed}`;
  const plans = drawPlans(diceOf(seed, "work"), payments);
  const latePlans = drawLatePlans(diceOf(seed, "late work"));
  const allPlans = [...plans, ...latePlans];
  const seated = drawSeats(seed, allPlans);
  const seatOf = (payment: string): Seat => seated.get(payment) ?? fail(`No account was drawn for ${payment}.`);
  const doors = drawDoors(seed, allPlans);
  const doorOf = (payment: string): Door => doors.get(payment) ?? "ingress";
  const keyNameOf = keyNames(allPlans, seated, (payment) => doorOf(payment) === "edge");
  const blows = drawBlows(diceOf(seed, "blows"), payments, kills);
  const faultSeed = diceOf(seed, "faults").integer(0, 2 ** 31 - 1);
  const clientFile = join(dir, "callers.jsonl");
  const log = new ClientLog(clientFile);

  const cast = await startCast({ dir, canaries, faults: asked.faults, faultSeed });
  let isKept = asked.keep;
  try {
    const bystanders = await makeBystanders(cast.sandboxUrl, canaries.secretKey);
    await cast.setStripeIll(true);
    const { road, ingressUrl, merchants } = cast;
    const intruder = createIntruder({ road, ingressUrl, merchants, dice: diceOf(seed, "intruder") });
    const limit = AbortSignal.timeout(limitMs(asked));
    const outages = new Outages(cast, drawOutages(diceOf(seed, "outages"), outagesOf(payments)));
    const around = {
      ...cast,
      log,
      marker,
      callerHeader: canaries.callerHeader,
      outages,
      limit,
      doorOf,
      accountOf: (payment: string) => accountAt(seatOf(payment), merchants),
      keyNameOf: (payment: string) => keyNameOf.get(payment) ?? payment,
    };
    const storm = new AbortController();
    const intrusion = intruder.run(storm.signal);
    const nemesis = new Nemesis(cast, blows, asked.callers);
    const striking = nemesis.strike(limit);
    const working = work(plans, asked.callers, async (plan) => {
      await nemesis.begin(limit);
      await scripts[plan.kind](new Caller(plan.name, around), plan);
    });
    await settled([striking, working]);
    const course = {
      ...patience,
      // One in ten failing answers, and a call tries again and again.
      faultyMs: 100_000 * asked.faults,
      blows: nemesis.troubles,
      outages: await outages.over(),
    };
    storm.abort();
    await intrusion;
    const workMs = performance.now() - begunAtMs;

    await cast.setStripeIll(false);
    const sandbox = new SandboxFile(cast.sandboxFile);
    const quiet = await untilQuiet(cast.adminUrl, sandbox, quietPatienceMs);

    // From here on references are forgotten soon after their end, so that what is left then is left for ever.
    await cast.shortenMemory(shortMemoryMs);
    const sinceMs = Date.now();
    await work(latePlans, asked.callers, (plan) => scripts[plan.kind](new Caller(plan.name, around), plan));
    const unpaid = unpaidReferences(callsOf(readClientLog(clientFile)), sandbox.record());
    await work(unpaid, asked.callers, ({ payment, body }) => new Caller(payment, around).askLast(otherMeans(body)));
    const timersBefore = await readTimers(cast.adminUrl);
    await untilQuiet(cast.adminUrl, sandbox, quietPatienceMs);
    await untilForgotten(cast.adminUrl, forgettingPatienceMs);
    const leftovers = {
      sinceMs,
      states: await readStates(cast.adminUrl),
      timers: await readTimers(cast.adminUrl),
      timersBefore,
    };
    const entries = readClientLog(clientFile);
    const calls = callsOf(entries);
    const byEdge = calls.filter(({ payment }) => doorOf(payment) === "edge");
    const record: RunRecord = {
      merchants,
      told: cast.told,
      rings: {
        ...(await readRings(cast.adminUrl)),
        handed: cast.road.handed,
        lists: sandbox.eventLists(),
      },
      calls,
      stripe: sandbox.record(),
      invocations: withCallersKeys(
        await readInvocations(cast.adminUrl),
        await readInstallationId(cast.adminUrl),
        byEdge,
      ),
      openWebhooks: await openWebhooks(cast.adminUrl),
      bystanders,
      attempts: intruder.attempts,
      course,
      leftovers,
    };
    const verdicts = checkRun(record);
    const histories = await historiesOf(verdicts, (name) =>
      historyOf(name, {
        plan: allPlans.find((plan) => plan.name === name),
        entries,
        record,
        sandbox,
        adminUrl: cast.adminUrl,
      }),
    );
    const living = await searchLiving(cast, sandbox, canaries, marker, sentCustomers(record));
    await cast.stop();
    const places = [...living, ...(await searchFiles(cast, canaries, marker))];
    const all = [...verdicts, noSecretIsKept(places)];
    const summary = {
      options: asked,
      plans: allPlans,
      seatOf,
      told: record.told,
      outages: course.outages,
      calls: record.calls,
      callsByEdge: byEdge.length,
      blows,
      faults: sandbox.faults(),
      attempts: intruder.attempts,
      connections: cast.connections(),
      traffic: sandbox.counts(),
      places,
      verdicts: all,
      workMs,
      quietMs: quiet.tookMs,
      totalMs: performance.now() - begunAtMs,
    };
    sandbox.close();
    console.log(reportOf(summary));
    const isGood = all.every(isHeld);
    if (!isGood) {
      isKept = true;
      for (const { name, violations } of all) {
        for (const { payment, message } of violations) console.log(`✗ ${name} ${payment ?? ""} ${message}`);
      }
      for (const history of histories) console.log(`\n${history}`);
      console.log(`\nThe data is in ${dir}. Again: npm run chaos -- ${again(asked)}`);
    }
    return isGood;
  } catch (error) {
    isKept = true;
    console.error(error);
    console.error(`The run broke off; its data is in ${dir}. Again: npm run chaos -- ${again(asked)}`);
    return false;
  } finally {
    await cast.stop();
    log.close();
    if (!isKept) rmSync(dir, { recursive: true, force: true });
  }
}

/** The engine waits for up to a minute between two attempts of a call that met many faults. */
const quietPatienceMs = 200_000;

/** For processes that stand still for up to four seconds between a look at the clock and a request, on a busy machine. */
const patience = { sendingMs: 8000, answeringMs: 14_000 };

/** Longer than the late callers need between two calls for one reference. */
const shortMemoryMs = 6000;

/** Whoever learns the end of a payment only when it should forget remembers it once more. */
const forgettingPatienceMs = 4 * shortMemoryMs;

/** Far more than it takes: whoever has no answer by then won't get one. */
function limitMs({ payments, kills }: ChaosOptions): number {
  return 240_000 + payments * 600 + kills * 15_000;
}

async function historiesOf(
  verdicts: readonly Verdict[],
  read: (name: string) => Promise<string>,
): Promise<readonly string[]> {
  const names = new Set(verdicts.flatMap(({ violations }) => violations.flatMap(({ payment }) => payment ?? [])));
  const histories: string[] = [];
  for (const name of [...names].slice(0, maximumHistories)) histories.push(await read(name));
  return histories;
}

const maximumHistories = 10;

function again({ payments, kills, faults, seed, callers }: ChaosOptions): string {
  return `--payments ${payments} --kills ${kills} --faults ${faults} --callers ${callers} --seed ${seed}`;
}

function fail(message: string): never {
  throw new Error(message);
}

const options = readOptions(process.argv.slice(2));
console.log(`seed ${options.seed}`);
process.exit((await run(options)) ? 0 : 1);

function sentCustomers({ calls }: RunRecord): boolean {
  return calls.some(({ answer }) => answer?.body.status === "requires_action");
}
