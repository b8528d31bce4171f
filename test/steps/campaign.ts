/** Plays scenarios: once to see their steps, and then once for each side of each step, where the service dies. */
import { until } from "./patience.ts";
import type { Scenario } from "./scenario.ts";
import { openStage } from "./stage.ts";
import type { Theatre } from "./theatre.ts";
import type { Point, Side, Trial } from "./trials.ts";

type SeenStep = {
  readonly role: string;
  readonly target: string;
  readonly key: string;
  readonly what: string;
  readonly atMs: number;
};

export type Recording = {
  readonly scenario: Scenario;
  readonly steps: readonly SeenStep[];
  /** Methods of the Stripe gateway that sent a request. */
  readonly methods: ReadonlySet<string>;
};

/** A scenario with the point at which the service dies in it. */
export type Death = { readonly scenario: Scenario; readonly step: SeenStep; readonly side: Side };

export type Wrong = { readonly death: Death; readonly why: string; readonly journal: string };

/** Plays a scenario without a death. @throws what its check throws */
export async function record(theatre: Theatre, scenario: Scenario): Promise<Recording> {
  const trial = theatre.trials.begin(null);
  try {
    await play(theatre, scenario, trial);
  } catch (error) {
    const journal = await journalOf(theatre, trial, "");
    throw new Error(`${scenario.name}: ${explain(error)}\n${journal}`, { cause: error });
  }
  const steps = trial.traces.flatMap(({ role, target, steps: made }) =>
    made.map(({ key, what, atMs }) => ({ role, target, key, what, atMs })),
  );
  return { scenario, steps, methods: trial.methods };
}

/** Every side of every step that was seen. */
export function deathsOf({ scenario, steps }: Recording): readonly Death[] {
  return steps.flatMap((step) => (["before", "after"] as const).map((side) => ({ scenario, step, side })));
}

/** How many are under way at once. A process that begins costs more than many trials, so one SIGKILL hits many. */
const companySize = 100;

/** How often a trial is begun again that came by another way than the recording, and so not to its point. */
const maximumPlays = 8;

/** Lets the service die each of these deaths, in the company of others. Gives those with a wrong outcome. */
export async function die(
  theatre: Theatre,
  deaths: readonly Death[],
  onProgress: (done: number, wrong: readonly Wrong[]) => void = () => {},
): Promise<readonly Wrong[]> {
  const wrong: Wrong[] = [];
  const inOrder = deaths.toSorted((one, other) => one.step.atMs - other.step.atMs);
  for (let begin = 0; begin < inOrder.length; begin += companySize) {
    const company = inOrder.slice(begin, begin + companySize);
    const outcomes = await Promise.all(company.map((death) => dieOnce(theatre, death)));
    const found = outcomes.filter((outcome) => outcome !== null);
    wrong.push(...found);
    onProgress(begin + company.length, found);
  }
  return wrong;
}

async function dieOnce(theatre: Theatre, death: Death): Promise<Wrong | null> {
  const { scenario, step, side } = death;
  const point: Point = { role: step.role, step: step.key, side };
  for (let plays = 1; ; plays++) {
    const trial = theatre.trials.begin(point);
    try {
      await play(theatre, scenario, trial);
      if (trial.hit) return null;
      if (plays < maximumPlays) continue;
      throw new Error(`The point was not reached in ${plays} plays.`);
    } catch (error) {
      return { death, why: explain(error), journal: await journalOf(theatre, trial, step.role) };
    }
  }
}

async function play(theatre: Theatre, scenario: Scenario, trial: Trial): Promise<void> {
  const stage = openStage(theatre, trial, scenario.edge ?? null);
  theatre.killer.expect(trial);
  try {
    const check = await scenario.play(stage);
    await stage.quiet();
    // Where the service dies after the last step of all, everything is over before.
    await until("the service to die", async () => (trial.traces.some(({ frozen }) => frozen) ? undefined : true));
    await check();
  } finally {
    theatre.killer.forget(trial);
  }
}

/** In words, and where something was expected, what. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!("expected" in error) || !("actual" in error)) return error.message;
  return `${error.message}\nexpected ${JSON.stringify(error.expected)}\ngot      ${JSON.stringify(error.actual)}`;
}

async function journalOf(theatre: Theatre, trial: Trial, role: string): Promise<string> {
  const lines: string[] = [];
  for (const trace of trial.traces) {
    const mark = trace.role === role ? " (where the service died)" : "";
    lines.push(`${trace.role}${mark}, ${trace.attempts} attempts, ${trace.invocationId}`);
    for (const { key } of trace.steps) lines.push(`    ${key}`);
    const rows = await theatre.sql<{ index: number; entry_type: string; name: string | null }>(
      `select index, entry_type, name from sys_journal where id = '${trace.invocationId}' order by index`,
    );
    if (rows.length > 0) {
      lines.push(
        `    the engine's: ${rows.map((row) => [row.index, row.entry_type, row.name].join(" ").trim()).join(", ")}`,
      );
    }
  }
  return lines.join("\n");
}

export function describe({ scenario, step, side }: Death): string {
  return `${scenario.name}: killed ${side} ${step.key} of ${step.role}`;
}
