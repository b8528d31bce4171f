/** A run as Markdown, for the console and for the README beside this file. */
import { kinds } from "./kinds.ts";
import { ratioOf, targetsOf, titleOf, type Results } from "./results.ts";
import type { Turn } from "./rounds.ts";
import { median } from "./statistics.ts";

export function reportOf(results: Results): string {
  return [
    machineOf(results),
    "### Targets",
    table(
      ["", "target", "measured"],
      targetsOf(results).map((target) => [target.isMet ? "✓" : "✗", target.words, target.measured]),
    ),
    "### Speed",
    speedOf(results),
    "Round by round, as ratios of requests per second:",
    ratiosOf(results),
    "### What a request costs",
    costOf(results),
    "Written: what the engine hands to its disk. Entries and bytes: of the call's own journal. That of `processWebhook` is gone with its answer.",
    "### From the webhook to the answer",
    table(
      ["", "", "p50", "p99"],
      results.promptness.map((one) => [`(${one.kind}) ${titleOf(one.kind)}`, one.state, ms(one.p50Ms), ms(one.p99Ms)]),
    ),
    "Awake: the webhook comes at once. Suspended: it comes after the two seconds in which a call holds its connection.",
    "### The edge alone",
    doorOf(results),
    "### At scale",
    scaleOf(results),
    "Disk: how much more the engine's files hold for each; the engine has trimmed its log where that is less than nothing.",
  ].join("\n\n");
}

function machineOf({ machine, turns, minutes, isQuick }: Results): string {
  const rounds = Math.max(...turns.map((turn) => turn.round));
  const memory = Math.round(machine.memoryBytes / 2 ** 30);
  return `Measured on ${machine.date}, on ${machine.cores} cores (${machine.cpu}) and ${memory} GB, ${machine.system}, which engine, service, sandbox and callers share; Node ${machine.node}, ${machine.engine}; ${rounds} rounds${isQuick ? " of the quick run" : ""}, ${minutes.toFixed(1)} minutes.`;
}

function speedOf({ turns }: Results): string {
  const callers = callersOf(turns);
  return table(
    ["kind", ...callers.flatMap((count) => [`${count} caller${count === 1 ? "" : "s"}: req/s`, "p50", "p99"])],
    eachKind(turns).map(({ id, own }) => [
      `(${id}) ${titleOf(id)}`,
      ...callers.flatMap((count) => {
        const some = own.filter((turn) => turn.callers === count);
        return [
          medianOf(some, (turn) => turn.perSecond).toFixed(0),
          ms(medianOf(some, (turn) => turn.p50Ms)),
          ms(medianOf(some, (turn) => turn.p99Ms)),
        ];
      }),
    ]),
  );
}

function ratiosOf({ turns }: Results): string {
  const pairs = [
    ["c", "b"],
    ["c", "f1"],
    ["d", "f2"],
    ["e", "f3"],
    ["e", "b2"],
    ["b2", "f3"],
    ["b0", "b"],
    ["cp", "c"],
    ["ce", "c"],
    ["de", "d"],
    ["ee", "e"],
    ["ee", "f3"],
  ] as const;
  return table(
    ["", "callers", "median", "rounds"],
    pairs.flatMap(([of, to]) =>
      callersOf(turns).map((callers) => {
        const ratio = ratioOf(turns, of, to, callers);
        return [
          `(${of}) / (${to})`,
          String(callers),
          ratio.median.toFixed(2),
          ratio.rounds.map((round) => round.toFixed(2)).join(" "),
        ];
      }),
    ),
  );
}

function costOf({ turns, journals }: Results): string {
  const most = Math.max(...callersOf(turns));
  return table(
    ["kind", "CPU ms: engine", "handlers", "edge", "sandbox", "written", "journal entries", "bytes"],
    eachKind(turns).map(({ id, own }) => {
      const some = own.filter((turn) => turn.callers === most);
      const entries = journals.find((journal) => journal.kind === id)?.entries ?? [];
      return [
        `(${id})`,
        medianOf(some, (turn) => turn.cpuMs.engine).toFixed(2),
        medianOf(some, (turn) => turn.cpuMs.handlers).toFixed(2),
        medianOf(some, (turn) => turn.cpuMs.edge).toFixed(2),
        medianOf(some, (turn) => turn.cpuMs.sandbox).toFixed(2),
        `${(medianOf(some, (turn) => turn.writtenBytes) / 1000).toFixed(1)} KB`,
        String(entries.length),
        String(entries.reduce((sum, entry) => sum + entry.bytes, 0)),
      ];
    }),
  );
}

function doorOf({ door }: Results): string {
  return table(
    ["refused per second", ""],
    [
      ["calls with a key that is none", door.refusedCallsPerSecond.toFixed(0)],
      ["webhooks that nobody signed", door.refusedWebhooksPerSecond.toFixed(0)],
      ["the engine's folder", `${(door.engineBytes / 1000).toFixed(1)} KB more`],
      ["invocations", `${door.invocations} more`],
    ],
  );
}

function scaleOf({ scale }: Results): string {
  const { empty, sizes } = scale;
  return table(
    ["waiting payments", "0", ...sizes.map((size) => size.waiting.toLocaleString("en"))],
    [
      ["taken in per second", "", ...sizes.map((size) => size.takenInPerSecond.toFixed(0))],
      ["engine: memory", mb(empty.engineBytes), ...sizes.map((size) => mb(size.engineBytes))],
      ["engine: memory per payment", "", ...sizes.map((size) => kb(size.memoryBytesEach))],
      ["engine: disk per payment", "", ...sizes.map((size) => kb(size.diskBytesEach))],
      ["service: memory", mb(empty.residentBytes), ...sizes.map((size) => mb(size.service.residentBytes))],
      ["service: heap in use", mb(empty.heapBytes), ...sizes.map((size) => mb(size.service.heapBytes))],
      ["new card payment: p50", "", ...sizes.map((size) => ms(size.newPayment.p50Ms))],
      ["beside an idle engine's", "", ...sizes.map((size) => ms(size.newPayment.idleP50Ms))],
      ["ratio", "", ...sizes.map((size) => size.newPayment.ratio.toFixed(2))],
      ["killed engine to first answer", "", ...sizes.map((size) => `${(size.recoveryMs / 1000).toFixed(1)} s`)],
      ["storm: payments settled per second", "", ...sizes.map((size) => size.storm.perSecond.toFixed(0))],
      ["storm: new payments' p50", "", ...sizes.map((size) => ms(size.storm.p50Ms))],
      ["storm: new payments' p99", "", ...sizes.map((size) => ms(size.storm.p99Ms))],
    ],
  );
}

function eachKind(turns: readonly Turn[]) {
  return kinds
    .map(({ id }) => ({ id, own: turns.filter((turn) => turn.kind === id) }))
    .filter(({ own }) => own.length > 0);
}

function callersOf(turns: readonly Turn[]): readonly number[] {
  return [...new Set(turns.map((turn) => turn.callers))].toSorted((a, b) => a - b);
}

function medianOf(turns: readonly Turn[], measure: (turn: Turn) => number): number {
  return median(turns.map(measure));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const ms = (time: number): string => `${time.toFixed(time < 10 ? 1 : 0)} ms`;
const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
const kb = (bytes: number): string => `${(bytes / 1e3).toFixed(2)} KB`;
