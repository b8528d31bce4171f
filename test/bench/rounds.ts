/**
 * The kinds, interleaved: the machine's speed drifts within minutes, so each round gives every kind a short turn, and what is
 * compared is compared within a round.
 */
import type { House } from "./house.ts";
import { callInLoops, clientOf, forTime, type Client } from "./load.ts";
import { kinds, type Kind, type KindId } from "./kinds.ts";
import { cpuMs, writtenBytes } from "./measures.ts";
import { quantile } from "./statistics.ts";
import type { BenchSandbox } from "./stripe.ts";

export type Turn = {
  readonly kind: KindId;
  readonly callers: number;
  readonly round: number;
  /** Answered, until the last answer and the last webhook. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time per request. */
  readonly cpuMs: {
    readonly engine: number;
    readonly handlers: number;
    readonly edge: number;
    readonly sandbox: number;
    readonly load: number;
  };
  /** What the engine wrote to its disk, per request. */
  readonly writtenBytes: number;
};

export type Plan = {
  readonly rounds: number;
  /** How many callers, and how long each kind's turn with them is. */
  readonly turns: readonly { readonly callers: number; readonly durationMs: number }[];
  readonly warmUpMs: number;
  readonly kinds: readonly KindId[];
};

export async function runRounds(
  house: House,
  sandbox: BenchSandbox,
  plan: Plan,
  onTurn: (turn: Turn) => void,
): Promise<readonly Turn[]> {
  const clients = new Map<Kind["door"], Client>([[undefined, clientOf(house.ingressUrl)]]);
  if (house.edges !== null) {
    clients.set("edge", clientOf(house.edges.edge.url)).set("plainEdge", clientOf(house.edges.plainEdge.url));
  }
  const clientFor = ({ door }: Kind): Client => {
    const client = clients.get(door);
    if (client === undefined) throw new Error(`There is no door ${door}.`);
    return client;
  };
  const chosen = kinds.filter(({ id }) => plan.kinds.includes(id));
  const most = Math.max(...plan.turns.map(({ callers }) => callers));
  try {
    for (const kind of chosen) await takeTurn(house, sandbox, clientFor(kind), kind, most, plan.warmUpMs);
    const turns: Turn[] = [];
    for (let round = 1; round <= plan.rounds; round++) {
      for (const { callers, durationMs } of plan.turns) {
        // What one kind leaves the engine to write comes to the next one's account: the order is turned round each time.
        for (const kind of round % 2 === 1 ? chosen : chosen.toReversed()) {
          const turn = { ...(await takeTurn(house, sandbox, clientFor(kind), kind, callers, durationMs)), round };
          turns.push(turn);
          onTurn(turn);
        }
      }
    }
    return turns;
  } finally {
    for (const client of clients.values()) client.close();
  }
}

async function takeTurn(
  house: House,
  sandbox: BenchSandbox,
  client: Client,
  kind: Kind,
  callers: number,
  durationMs: number,
): Promise<Omit<Turn, "round">> {
  await sandbox.deliverTo(kind.webhooks === "none" ? null : house.endpoints[kind.webhooks]);
  const deliveredBefore = sandbox.deliveries().all;
  const usedBefore = usage(house, sandbox);
  const startedAtMs = performance.now();
  const { latenciesMs } = await callInLoops(client, callers, () => kind.call, forTime(durationMs));
  // A payment whose webhook is still to be dealt with is not done with.
  await sandbox.untilDelivered();
  const tookMs = performance.now() - startedAtMs;
  const usedAfter = usage(house, sandbox);
  const answers = latenciesMs.length;
  const delivered = sandbox.deliveries().all - deliveredBefore;
  const expected = kind.webhooks === "none" ? 0 : answers;
  if (delivered !== expected) {
    throw new Error(`${answers} payments of kind ${kind.id} caused ${delivered} webhooks instead of ${expected}.`);
  }
  const per = (key: keyof Usage) => (usedAfter[key] - usedBefore[key]) / answers;
  return {
    kind: kind.id,
    callers,
    perSecond: (answers / tookMs) * 1000,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    cpuMs: {
      engine: per("engine"),
      handlers: per("handlers"),
      edge: per("edge"),
      sandbox: per("sandbox"),
      load: per("load"),
    },
    writtenBytes: per("written"),
  };
}

type Usage = ReturnType<typeof usage>;

function usage(house: House, sandbox: BenchSandbox) {
  const { pid } = house.engine();
  return {
    engine: cpuMs(pid),
    // Whichever of the two has nothing to do takes next to nothing.
    handlers: cpuMs(house.service.pid) + cpuMs(house.fixtures?.pid),
    edge: house.edges === null ? 0 : cpuMs(house.edges.edge.program.pid) + cpuMs(house.edges.plainEdge.program.pid),
    sandbox: cpuMs(sandbox.program.pid),
    load: cpuMs(process.pid),
    written: writtenBytes(pid),
  };
}
