/**
 * `npm run crashes`: the service dies before and after every step of every scenario, and the outcome is right every time.
 * `--distinct` leaves out what private services do in several scenarios in the same way. Words choose scenarios by name.
 */
import { parseArgs } from "node:util";
import { deathsOf, describe } from "./campaign.ts";
import { dieAll, distinctOf, offeredHandlers, recordAll } from "./program.ts";
import { scenarios } from "./scenarios.ts";
import { openTheatre } from "./theatre.ts";

const { values, positionals } = parseArgs({
  options: { distinct: { type: "boolean", default: false } },
  allowPositionals: true,
});
const chosen = scenarios.filter(({ name }) => name.includes(positionals.join(" ")));
const begunAtMs = performance.now();
const seconds = () => `${((performance.now() - begunAtMs) / 1000).toFixed(0)} s`;

const theatre = await openTheatre();
try {
  const recordings = await recordAll(theatre, chosen);
  const deaths = values.distinct ? distinctOf(recordings) : recordings.flatMap(deathsOf);
  const handlers = new Set(deaths.map(({ step }) => step.target));
  const kinds = new Set(deaths.map(({ step }) => `${step.target} ${step.what}`));
  console.log(
    `${chosen.length} scenarios, ${handlers.size} of ${offeredHandlers().length} handlers, ${deaths.length / 2} steps (${kinds.size} of different names), ${deaths.length} points (${seconds()})`,
  );
  const wrong = await dieAll(theatre, deaths, (died, found) => {
    console.log(`${died} of ${deaths.length} points, ${theatre.kills()} kills (${seconds()})`);
    for (const { death, why, journal } of found) console.log(`WRONG: ${describe(death)}\n${why}\n${journal}\n`);
  });
  console.log(
    wrong.length === 0
      ? `All right: ${deaths.length} points hit by ${theatre.kills()} kills in ${seconds()}.`
      : `${wrong.length} of ${deaths.length} points have a wrong outcome.`,
  );
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  await theatre.close();
}
