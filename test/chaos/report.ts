/** The run as a table. */
import { type Seat, seats } from "./accounts.ts";
import type { ChaosOptions } from "./options.ts";
import type { Call } from "./clientLog.ts";
import { type Member, members } from "./cast.ts";
import type { Attempt } from "./intruder.ts";
import type { Blow } from "./nemesis.ts";
import type { SearchedPlace, ToldRecord, Trouble } from "./records.ts";
import type { Verdict } from "./verdict.ts";
import { kinds, type Plan } from "./work.ts";

export type RunSummary = {
  readonly options: ChaosOptions;
  readonly plans: readonly Plan[];
  readonly seatOf: (payment: string) => Seat;
  readonly told: readonly ToldRecord[];
  readonly calls: readonly Call[];
  readonly blows: readonly Blow[];
  readonly outages: readonly Trouble[];
  readonly faults: ReadonlyMap<string, number>;
  readonly attempts: readonly Attempt[];
  /** What the load balancer gave to each replica. */
  readonly connections: ReadonlyMap<Member, number>;
  /** How many of the calls came through the edge. */
  readonly callsByEdge: number;
  readonly traffic: { readonly requests: number; readonly events: number; readonly deliveries: number };
  readonly places: readonly SearchedPlace[];
  readonly verdicts: readonly Verdict[];
  readonly workMs: number;
  readonly quietMs: number;
  readonly totalMs: number;
};

export function reportOf(run: RunSummary): string {
  const { options, traffic } = run;
  const answers = run.calls.filter(({ answer }) => answer !== null).length;
  const repeats = run.calls.reduce((sum, { attempts }) => sum + attempts - 1, 0);
  return [
    `${options.payments} payments, ${run.calls.length} calls (${run.callsByEdge} through the edge, ${answers} answered, ${repeats} times repeated), ${options.callers} at once, faults ${options.faults}, seed ${options.seed}`,
    `Stripe: ${traffic.requests} requests, ${traffic.events} events, ${traffic.deliveries} webhooks, ${outagesIn(run)}`,
    "",
    ...table(
      ["payments", "", "outcomes of their calls"],
      kinds.map((kind) => [kind, ...outcomesOf(kind, run)]).filter(([, count]) => count !== "0"),
    ),
    "",
    ...table(
      ["account", "payments", "calls", "of a reference that another has, too", "notifications"],
      accountsIn(run),
    ),
    "",
    ...table(
      ["process", "killed", "stopped", "connections it took"],
      members.map((member) => [
        member,
        hits(run.blows, member, "kill"),
        hits(run.blows, member, "stop"),
        String(run.connections.get(member) ?? ""),
      ]),
    ),
    "",
    ...table(
      ["fault", "times"],
      [...run.faults].map(([fault, times]) => [fault, String(times)]),
    ),
    "",
    ...table(["intruder", "times", "answers"], intrusions(run.attempts)),
    "",
    ...table(
      ["searched for secrets", "bytes"],
      run.places.map(({ place, bytes, markers }) => [
        place,
        `${bytes}${markers === null ? "" : ` (${markers} times the mark)`}`,
      ]),
    ),
    "",
    ...table(
      ["", "invariant", "checked", "violations"],
      run.verdicts.map(({ name, claim, checked, violations }) => [
        isHeld({ checked, violations }) ? "✓" : "✗",
        `${name} ${claim}`,
        String(checked),
        String(violations.length),
      ]),
    ),
    "",
    `${seconds(run.totalMs)} in all: ${seconds(run.workMs)} under faults, ${seconds(run.quietMs)} until quiet`,
  ].join("\n");
}

/** An invariant that looked at nothing has not held. */
export function isHeld({ checked, violations }: Pick<Verdict, "checked" | "violations">): boolean {
  return checked > 0 && violations.length === 0;
}

/** A merchant's receiver hears of all accounts of the merchant. */
function accountsIn({ plans, calls, told, seatOf }: RunSummary): readonly (readonly string[])[] {
  const twins = new Set(plans.flatMap(({ name, twinOf }) => (twinOf === null ? [] : [name, twinOf])));
  return seats.map((seat) => {
    const names = new Set(plans.filter(({ name }) => seatOf(name) === seat).map(({ name }) => name));
    const heard = told.filter(({ receiver }) => receiver === seat.merchant && seat.connected === null).length;
    return [
      seat.name,
      String(names.size),
      String(calls.filter(({ payment }) => names.has(payment)).length),
      String(names.intersection(twins).size),
      heard === 0 ? "" : String(heard),
    ];
  });
}

function outagesIn({ outages }: RunSummary): string {
  const longestMs = Math.max(0, ...outages.map(({ fromMs, toMs }) => toMs - fromMs));
  return `${outages.length} outages of up to ${seconds(longestMs)}`;
}

function outcomesOf(kind: string, { plans, calls }: RunSummary): readonly [string, string] {
  const names = new Set(plans.filter((plan) => plan.kind === kind).map(({ name }) => name));
  const outcomes = calls
    .filter(({ payment, handler }) => names.has(payment) && handler !== "getPayment")
    .map(({ handler, answer }) =>
      answer === null
        ? `${shortOf(handler)} unanswered`
        : `${shortOf(handler)} ${answer.status} ${answer.body.status ?? answer.body.metadata?.reason ?? ""}`,
    );
  return [String(names.size), counted(outcomes)];
}

function shortOf(handler: string): string {
  return handler.replace("Payment", "");
}

function intrusions(attempts: readonly Attempt[]): readonly (readonly string[])[] {
  return [...Map.groupBy(attempts, ({ trick }) => trick)].map(([trick, mine]) => [
    trick,
    String(mine.length),
    counted(mine.map(({ status }) => String(status ?? "none"))),
  ]);
}

function counted(words: readonly string[]): string {
  return [...Map.groupBy(words, (word) => word)]
    .map(([word, all]) => `${word} ×${all.length}`)
    .toSorted()
    .join(", ");
}

function hits(blows: readonly Blow[], member: Member, kind: Blow["kind"]): string {
  return String(blows.filter((blow) => blow.victim === member && blow.kind === kind).length);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd();
  return [line(head), ...rows.map(line)];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(0)} s`;
}
