/**
 * `npm run model [-- --runs 5000] [--seed n] [--at-once 8]`: the payment's state machine against the real handlers, then a fifth
 * as many histories under the money's own rules. A failure prints what was done, what was seen, and how to repeat it.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { check } from "./check.ts";
import { checkHistories } from "./histories.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100" },
    seed: { type: "string" },
    "at-once": { type: "string", default: "8" },
    polls: { type: "boolean", default: false },
    path: { type: "string" },
    "replay-path": { type: "string" },
  },
});

/** One history under the money's own rules for so many runs. */
const runsPerHistory = 5;

/** A stage is closed after so many runs, so that nothing in it grows with their number. */
const runsPerStage = 250;
const shrinks = 40;

const runs = Number(values.runs);
const firstSeed = values.seed === undefined ? randomInt(2 ** 30) : Number(values.seed);
const atOnce = Number(values["at-once"]);

if (values.path !== undefined) {
  const replayPath = values["replay-path"];
  const one = { runs: 1, seed: firstSeed, atOnce: 1, polls: values.polls, shrinks, path: values.path };
  const { failure } = await check(replayPath === undefined ? one : { ...one, replayPath });
  console.info(failure ?? "All agreed.");
  process.exitCode = failure === null ? 0 : 1;
} else {
  console.info(`${runs} runs from the seed ${firstSeed}, ${atOnce} at once.`);
  const startMs = performance.now();
  for (let done = 0, seed = firstSeed, stages = 0; done < runs; done += runsPerStage, seed += atOnce, stages++) {
    const polls = values.polls || stages % 2 === 1;
    const result = await check({ runs: Math.min(runsPerStage, runs - done), seed, atOnce, polls, shrinks });
    const seconds = Math.round((performance.now() - startMs) / 1000);
    console.info(
      `${done + result.runs} runs, ${result.steps} steps in the last ${result.runs}, woken by ${polls ? "polls and webhooks" : "webhooks"}, after ${seconds} s`,
    );
    if (result.failure === null) continue;
    console.error(result.failure);
    process.exitCode = 1;
    break;
  }
  for (let left = Math.ceil(runs / runsPerHistory), seed = firstSeed; left > 0; left -= runsPerStage, seed++) {
    const count = Math.min(left, runsPerStage);
    const { failure } = await checkHistories({ count, seed, atOnce });
    console.info(`${count} histories of the seed ${seed} ${failure === null ? "keep" : "break"} the rules of money.`);
    if (failure === null) continue;
    console.error(failure);
    process.exitCode = 1;
    break;
  }
}
