/** The commands that fast-check draws and shrinks, and how one is done to the model and to the real thing. */
import * as fc from "fast-check";
import { isPossible, openCalls, type Action, type Move, type Share } from "./actions.ts";
import { agree } from "./comparison.ts";
import { outcomes } from "./explore.ts";
import type { Session } from "./session.ts";
import { fates, type Kind, type World } from "./world.ts";

/** What fast-check takes for the model: every world that agrees with what was seen so far. */
export type Model = { worlds: readonly World[]; moves: number };

/** One action, or several at once. */
export class Burst implements fc.AsyncCommand<Model, Session> {
  readonly actions: readonly Action[];

  constructor(actions: readonly Action[]) {
    this.actions = actions;
  }

  check({ worlds }: Readonly<Model>): boolean {
    return this.actions.some((action) => worlds.every((world) => isPossible(world, action)));
  }

  async run(model: Model, session: Session): Promise<void> {
    const actions = this.actions.filter((action) => model.worlds.every((world) => isPossible(world, action)));
    await play(model, session, actions, false);
  }

  toString(): string {
    return this.actions.map(describe).join(" + ");
  }
}

/** Does actions at once, and compares what comes of them. */
export async function play(model: Model, session: Session, actions: readonly Action[], isLast: boolean): Promise<void> {
  const [world] = model.worlds;
  if (world === undefined) throw new Error("There is no world left.");
  const moves = actions.map((action): Move => ({
    ...action,
    id: `c${++model.moves}`,
    target: action.do === "cancel a call" ? (openCalls(world)[action.which] ?? null) : null,
  }));
  const expected = outcomes(model.worlds, moves);
  await Promise.all(moves.map((move) => session.act(move, model.worlds)));
  model.worlds = await agree(session, expected, isLast);
}

function describe({ do: what, ...details }: Action): string {
  const values = Object.entries(details).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return values.length === 0 ? what : `${what} (${values.join(", ")})`;
}

const outcome = fc.constantFrom("succeeded" as const, "failed" as const);
const share = fc.constantFrom<Share[]>("all", "part", "too much");
const hurried = fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
const crashAfterMs = fc.constantFrom(0, 3, 10, 30, 80);

export const firstAction: fc.Arbitrary<Action> = fc.record({
  do: fc.constant("pay" as const),
  kind: fc.constantFrom(...(Object.keys(fates) as Kind[]), "debit" as const, "debit that can be stopped" as const),
  isHurried: hurried,
  byReference: fc.boolean(),
});

const crash: fc.Arbitrary<Action> = fc.record({
  do: fc.constant("crash" as const),
  process: fc.oneof(
    { weight: 12, arbitrary: fc.constant("service" as const) },
    { weight: 1, arbitrary: fc.constant("engine" as const) },
  ),
  afterMs: crashAfterMs,
});

/** Between a charge and its record, say. */
export const firstCrash = fc.oneof({ weight: 15, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: crash });

/** What merchants ask of the service. */
const calls: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant("pay with the same key" as const) }),
  fc.record({
    do: fc.constant("pay under the same reference" as const),
    means: fc.constantFrom("first" as const, "other" as const, "for another amount" as const),
  }),
  fc.record({ do: fc.constant("await" as const), isHurried: hurried }),
  fc.record({ do: fc.constant("get" as const) }),
  fc.record({ do: fc.constant("capture" as const), share, isHurried: hurried }),
  fc.record({ do: fc.constant("cancel" as const), refundIfSucceeded: fc.boolean() }),
  fc.record({ do: fc.constant("refund" as const), share, isHurried: hurried }),
  fc.record({ do: fc.constant("cancel a call" as const), which: fc.nat(2) }),
);

/** What happens at Stripe without us. */
const events: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("settle" as const), outcome }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("settle a refund" as const), outcome }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("authorize" as const), outcome }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel in the dashboard" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("refund in the dashboard" as const), share }) },
);

const lies = [
  { type: "payment_intent.succeeded", rings: true },
  { type: "payment_intent.canceled", rings: true },
  { type: "payment_intent.payment_failed", rings: true },
  { type: "payment_intent.created", rings: false },
  { type: "payment_intent.processing", rings: false },
  { type: "charge.succeeded", rings: false },
  { type: "invoice.paid", rings: false },
] as const;

const webhooks: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("deliver the news" as const),
      how: fc.constantFrom("in order" as const, "backwards" as const, "twice" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("deliver an old event" as const), which: fc.nat(9), rings: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("send a forged event" as const) }) },
  { weight: 1, arbitrary: fc.constantFrom(...lies).map((lie) => ({ do: "send a lie" as const, ...lie })) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("ring" as const),
      how: fc.constantFrom("resolve" as const, "reject" as const),
    }),
  },
);

const time: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant("reach the deadlines" as const) }),
  fc.record({ do: fc.constant("poll" as const) }),
);

const action = fc.oneof(
  { weight: 5, arbitrary: calls },
  { weight: 4, arbitrary: events },
  { weight: 3, arbitrary: webhooks },
  { weight: 1, arbitrary: time },
);

/** Most are single; a crash costs a second of everybody's time. */
export const commandArbitraries = [
  fc
    .oneof(
      { weight: 28, arbitrary: fc.tuple(action) },
      { weight: 11, arbitrary: fc.tuple(action, action) },
      { weight: 1, arbitrary: fc.tuple(action, crash) },
    )
    .map((actions) => new Burst(actions)),
];
