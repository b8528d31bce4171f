/**
 * `npm run pacing [-- --debits 5000] [-- --seconds 60] [-- --cards 5] [-- --limits sandbox]`: debits that wait settle within a minute, against
 * the sandbox with Stripe's limits on the rate of requests, while new card payments come. It takes some six minutes, and ends with 1
 * where a call was told something wrong or a target was missed.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openRig } from "./rig.ts";
import { playStorm, type StormReport } from "./storm.ts";

const { values } = parseArgs({
  options: {
    debits: { type: "string", default: "5000" },
    seconds: { type: "string", default: "60" },
    cards: { type: "string", default: "5" },
    limits: { type: "string", default: "live" },
  },
});

/** Stripe's limits, and the pace that is the default for them. https://docs.stripe.com/rate-limits */
const accounts = {
  live: { limits: { perSecond: 100, perOperation: 25, search: 20 }, requestsPerSecond: 80 },
  sandbox: { limits: { perSecond: 25, perOperation: 25, search: 20 }, requestsPerSecond: 20 },
};
const account = accounts[values.limits === "sandbox" ? "sandbox" : "live"];

const startedAtMs = performance.now();
const sayTime = (words: string) =>
  console.error(`${((performance.now() - startedAtMs) / 1000).toFixed(0).padStart(5)} s  ${words}`);

/** What was aimed at, and whether it was reached. */
function verdicts({ requests, refused, wrong, cards }: StormReport): readonly (readonly [string, boolean])[] {
  return [
    [
      `refused with 429: ${refused} of ${requests} requests, ${((100 * refused) / requests).toFixed(2)} % (target: under 1 %)`,
      refused < requests / 100,
    ],
    [`calls that were told something wrong: ${wrong.length} (target: none)`, wrong.length === 0],
    [`new card payments: p99 ${cards.p99Ms.toFixed(0)} ms (target: under 3000 ms)`, cards.p99Ms < 3000],
  ];
}

function reportOf(report: StormReport): string {
  const { tookMs, debits, cards, cardsBefore, sleeps, wrong } = report;
  return [
    `Stripe's limits of a ${values.limits} account: ${JSON.stringify(account.limits)}; the service keeps to ${account.requestsPerSecond} requests per second.`,
    `${values.debits} debits settled within ${values.seconds} s; the last call ended ${(tookMs / 1000).toFixed(0)} s after the first settlement.`,
    `Debits: ${debits.succeeded} succeeded, ${debits.declined} declined. Calls slept ${sleeps} times until their turn.`,
    `New card payments meanwhile: ${wordsOf(cards)}.`,
    `Before, for comparison: ${wordsOf(cardsBefore)}.`,
    ...verdicts(report).map(([words, isReached]) => `${isReached ? "✓" : "✗"} ${words}`),
    ...wrong.slice(0, 10),
  ].join("\n");
}

function wordsOf({ count, p50Ms, p99Ms, longestMs }: StormReport["cards"]): string {
  return `${count}, p50 ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms, longest ${longestMs.toFixed(0)} ms`;
}

const folder = await mkdtemp(join(tmpdir(), "restate-stripe-payments-pacing-"));
let exitCode = 1;
try {
  sayTime("engine, sandbox and service start");
  const rig = await openRig(folder);
  try {
    const report = await playStorm(rig, {
      debits: Number(values.debits),
      settleMs: Number(values.seconds) * 1000,
      cardsPerSecond: Number(values.cards),
      ...account,
      onProgress: sayTime,
    });
    console.log(reportOf(report));
    exitCode = verdicts(report).every(([, isReached]) => isReached) ? 0 : 1;
  } finally {
    await rig.close();
  }
  await rm(folder, { recursive: true });
} catch (error) {
  console.error(error, `\nThe logs are in ${folder}.`);
}
process.exit(exitCode);
