/** Everything that one run has measured, as it is kept and reported. */
import type { DoorReport } from "./door.ts";
import type { Journal } from "./journal.ts";
import { kinds, type KindId } from "./kinds.ts";
import type { Promptness } from "./promptness.ts";
import type { Turn } from "./rounds.ts";
import type { ScaleReport } from "./scale.ts";
import { median } from "./statistics.ts";

export type Results = {
  readonly machine: Machine;
  readonly isQuick: boolean;
  readonly minutes: number;
  readonly turns: readonly Turn[];
  readonly journals: readonly Journal[];
  readonly promptness: readonly Promptness[];
  readonly door: DoorReport;
  readonly scale: ScaleReport;
};

export type Machine = {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  readonly engine: string;
};

/** How much faster one kind is than another, round by round. */
export type Ratio = {
  readonly of: KindId;
  readonly to: KindId;
  readonly callers: number;
  readonly rounds: readonly number[];
  readonly median: number;
  readonly lowest: number;
};

export function ratioOf(turns: readonly Turn[], of: KindId, to: KindId, callers: number): Ratio {
  const perSecond = (kind: KindId) =>
    turns.filter((turn) => turn.kind === kind && turn.callers === callers).toSorted((a, b) => a.round - b.round);
  const others = perSecond(to);
  const rounds = perSecond(of).map((turn, index) => turn.perSecond / (others[index]?.perSecond ?? Number.NaN));
  return { of, to, callers, rounds, median: median(rounds), lowest: Math.min(...rounds) };
}

/** The median over the rounds of how long one kind takes, as a multiple of another. */
function latencyRatio(turns: readonly Turn[], of: KindId, to: KindId, callers: number): number {
  const p50sOf = (kind: KindId) =>
    turns.filter((turn) => turn.kind === kind && turn.callers === callers).toSorted((a, b) => a.round - b.round);
  const others = p50sOf(to);
  return median(p50sOf(of).map((turn, index) => turn.p50Ms / (others[index]?.p50Ms ?? Number.NaN)));
}

export type Target = {
  readonly words: string;
  readonly measured: string;
  readonly isMet: boolean;
};

/** The targets of this project, and what came of them in this run. */
export function targetsOf({ turns, scale, door }: Results): readonly Target[] {
  const callers = Math.max(...turns.map((turn) => turn.callers));
  const comparisons = [
    { of: "c", to: "b", least: 0.9, lowest: 0 },
    { of: "c", to: "f1", least: 1.1, lowest: 0 },
    { of: "d", to: "f2", least: 1, lowest: 0.8 },
    { of: "e", to: "f3", least: 1, lowest: 0.8 },
    { of: "ce", to: "c", least: 1.15, lowest: 0 },
    { of: "de", to: "d", least: 1.7, lowest: 0 },
    { of: "ee", to: "e", least: 1.7, lowest: 0 },
    { of: "ee", to: "f3", least: 1.1, lowest: 0 },
  ] as const;
  const ratios = comparisons.map(({ of, to, least, lowest }) => {
    const ratio = ratioOf(turns, of, to, callers);
    const never = lowest === 0 ? "" : `, never under ${lowest}`;
    return {
      words: `(${of}) ≥ ${least} × (${to})${never}`,
      measured: `${ratio.median.toFixed(2)}${lowest === 0 ? "" : `, lowest ${ratio.lowest.toFixed(2)}`}`,
      isMet: ratio.median >= least && ratio.lowest >= lowest,
    };
  });
  const slowness = [
    { of: "ce", to: "c", most: 0.75 },
    { of: "de", to: "d", most: 0.6 },
    { of: "cp", to: "c", most: 1.15 },
  ] as const;
  const latencies = slowness.map(({ of, to, most: limit }) => {
    const ratio = latencyRatio(turns, of, to, 1);
    return {
      words: `one caller's p50: (${of}) ≤ ${limit} × (${to})`,
      measured: ratio.toFixed(2),
      isMet: ratio <= limit,
    };
  });
  const slowest = Math.min(door.refusedCallsPerSecond, door.refusedWebhooksPerSecond);
  const refusals = {
    words: "the edge alone refuses ≥ 5,000 calls and forged webhooks per second, and the engine hears nothing",
    measured: `${slowest.toFixed(0)}, ${door.invocations} invocations`,
    isMet: slowest >= 5000 && door.invocations === 0,
  };
  const most = scale.sizes.at(-1);
  const least = scale.sizes.at(0);
  if (most === undefined || least === undefined) return [...ratios, ...latencies, refusals];
  const growth = most.service.heapBytes - least.service.heapBytes;
  return [
    ...ratios,
    ...latencies,
    refusals,
    {
      words: `${most.waiting.toLocaleString("en")} waiting payments leave a new one's p50 within 1.5 × that of an idle engine`,
      measured: `${most.newPayment.ratio.toFixed(2)} ×`,
      isMet: most.newPayment.ratio <= 1.5,
    },
    {
      words: "the service's memory does not depend on how many wait",
      measured: `${(growth / 1e6).toFixed(1)} MB more with ${(most.waiting - least.waiting).toLocaleString("en")} more of them`,
      isMet: growth < bytesThatPassForNothing,
    },
  ];
}

/** Of 100,000 payments this would be 50 bytes each: less than one of their ids, of which a waiting call holds several. */
const bytesThatPassForNothing = 5e6;

export const titleOf = (id: KindId): string => kinds.find((kind) => kind.id === id)?.title ?? id;
