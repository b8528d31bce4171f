/**
 * `npm run bench [-- --quick] [-- --sizes 10000] [-- --write] [-- --profile <folder>] [-- --kinds c,ce]`: what a payment costs, beside what it must cost.
 * `--quick` takes less than two minutes, the whole run a quarter of an hour, half of it for the 100,000 that wait; `--sizes` says how many
 * are to wait instead. The results go to `.data/bench`; `--write` puts them into the README beside this file.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { cpus, release, tmpdir, totalmem, type } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { freePort, freePorts } from "../../src/dev/ports.ts";
import { chartOf } from "./chart.ts";
import { measureDoor } from "./door.ts";
import { openHouse } from "./house.ts";
import { readJournals } from "./journal.ts";
import { kinds } from "./kinds.ts";
import { measurePromptness } from "./promptness.ts";
import { reportOf } from "./report.ts";
import type { Machine, Results } from "./results.ts";
import { runRounds, type Plan } from "./rounds.ts";
import { measureScale } from "./scale.ts";
import { openSandbox } from "./stripe.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    sizes: { type: "string" },
    write: { type: "boolean", default: false },
    profile: { type: "string" },
    kinds: { type: "string" },
  },
});

type Extent = {
  readonly plan: Plan;
  readonly promptnessSamples: number;
  /** How long each attack on the edge is. */
  readonly doorMs: number;
  readonly sizes: readonly number[];
  pairs: number;
};

const everyKind = kinds.map(({ id }) => id).filter((id) => values.kinds?.split(",").includes(id) ?? true);
const whole: Extent = {
  plan: {
    rounds: 7,
    turns: [
      { callers: 1, durationMs: 1000 },
      { callers: 64, durationMs: 2800 },
    ],
    warmUpMs: 3000,
    kinds: everyKind,
  },
  promptnessSamples: 50,
  doorMs: 5000,
  sizes: [10_000, 100_000],
  pairs: 400,
};
const quick: Extent = {
  plan: {
    rounds: 5,
    turns: [
      { callers: 1, durationMs: 200 },
      { callers: 64, durationMs: 600 },
    ],
    warmUpMs: 600,
    kinds: everyKind,
  },
  promptnessSamples: 10,
  doorMs: 1500,
  sizes: [300, 1500],
  pairs: 60,
};

const chosen = values.quick ? quick : whole;
const asked: Extent = values.sizes === undefined ? chosen : { ...chosen, sizes: values.sizes.split(",").map(Number) };

const startedAtMs = performance.now();
const sayTime = (words: string) =>
  console.error(`${((performance.now() - startedAtMs) / 1000).toFixed(0).padStart(5)} s  ${words}`);

async function measureKinds(folder: string, port: number, extent: Extent) {
  const profileDir = values.profile === undefined ? null : resolve(values.profile);
  sayTime("engine, sandbox, service and fixtures start");
  const sandbox = await openSandbox({ folder, port, settlementDelayMs: 3_600_000, profileDir });
  const house = await openHouse({ folder, name: "engine", sandbox, withFixtures: true, profileDir });
  try {
    const journals = await readJournals(house, sandbox);
    const turns = await runRounds(house, sandbox, extent.plan, (turn) => {
      const speed = turn.perSecond.toFixed(0).padStart(5);
      sayTime(`round ${turn.round}, ${String(turn.callers).padStart(2)} callers, (${turn.kind}): ${speed} per second`);
    });
    sayTime("from webhook to answer");
    const promptness = await measurePromptness(house, sandbox, extent.promptnessSamples);
    sayTime("the edge alone");
    const door = await measureDoor(house, { folder, port: await freePort(), durationMs: extent.doorMs });
    return { journals, turns, promptness, door };
  } finally {
    await house.close();
    await sandbox.stop();
  }
}

async function measure(folder: string, extent: Extent): Promise<Omit<Results, "machine" | "minutes">> {
  const [port = 0, scalePort = 0] = await freePorts(2);
  const measured = await measureKinds(folder, port, extent);
  const scaleFolder = join(folder, "scale");
  mkdirSync(scaleFolder);
  const { sizes, pairs } = extent;
  const scale = await measureScale({ folder: scaleFolder, port: scalePort, sizes, pairs, onProgress: sayTime });
  return { isQuick: values.quick, ...measured, scale };
}

function machine(): Machine {
  const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
    devDependencies: Record<string, string>;
  };
  const models = [...new Set(cpus().map(({ model }) => model.trim()))];
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: models.join(", "),
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    node: process.version,
    engine: `Restate ${devDependencies["@restatedev/restate-server"]}`,
  };
}

const begin = "<!-- Written by `npm run bench -- --write`. -->";
const end = "<!-- End of what is written. -->";

function writeReadme(results: Results): void {
  const readme = fileURLToPath(new URL("README.md", import.meta.url));
  const chart = fileURLToPath(new URL("bench.svg", import.meta.url));
  const before = readFileSync(readme, "utf8");
  const [head, , tail] = [before.split(begin)[0], "", before.split(end)[1]];
  if (head === undefined || tail === undefined) throw new Error(`${readme} has lost its marks.`);
  const picture = "![Requests per second and CPU time of each kind](bench.svg)";
  writeFileSync(chart, chartOf(results));
  writeFileSync(readme, `${head}${begin}\n\n${picture}\n\n${reportOf(results)}\n\n${end}${tail}`);
}

const folder = await mkdtemp(join(tmpdir(), "restate-stripe-payments-bench-"));
let exitCode = 0;
try {
  const measured = await measure(folder, asked);
  const results: Results = { machine: machine(), minutes: (performance.now() - startedAtMs) / 60_000, ...measured };
  mkdirSync(".data/bench", { recursive: true });
  writeFileSync(".data/bench/results.json", `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(".data/bench/bench.svg", chartOf(results));
  if (values.write) writeReadme(results);
  console.log(reportOf(results));
  rmSync(folder, { recursive: true, force: true });
} catch (error) {
  console.error(error, `\nThe logs are in ${folder}.`);
  exitCode = 1;
}
process.exit(exitCode);
