/** Runs the model against the real thing many times, several runs at once: most of a run is waiting. */
import * as fc from "fast-check";
import { Burst, commandArbitraries, firstAction, firstCrash, play, type Model } from "./commands.ts";
import type { Defect } from "./defects.ts";
import { holdMoneyRule } from "./money.ts";
import { openSession, type Session } from "./session.ts";
import { openStage, type Stage } from "./stage.ts";
import { emptyWorld } from "./world.ts";

export type CheckOptions = {
  readonly runs: number;
  readonly seed: number;
  /** How many runs go on at once, each from a seed of its own. */
  readonly atOnce: number;
  /** Calls poll within a second; if not, only webhooks wake them. */
  readonly polls: boolean;
  readonly defect?: Defect;
  /** How many smaller failing runs to look for once one failed. */
  readonly shrinks: number;
  /** Repeats one run: fast-check's path to it, and to its commands. */
  readonly path?: string;
  readonly replayPath?: string;
};

export type CheckResult = {
  readonly runs: number;
  readonly steps: number;
  /** What to read, and how to do it again; null where all agreed. */
  readonly failure: string | null;
};

export async function check(options: CheckOptions): Promise<CheckResult> {
  const stage = await openStage({ polls: options.polls, defect: options.defect ?? null });
  const counted = { runs: 0, steps: 0 };
  const payments = new Map<string, number>();
  let failure: string | null = null;
  let isStopping = false;
  try {
    const worker = async (number: number): Promise<void> => {
      const runs = Math.ceil((options.runs - number) / options.atOnce);
      if (runs <= 0) return;
      let hasFailed = false;
      const property = fc.asyncProperty(
        firstAction,
        fc.boolean(),
        firstCrash,
        fc.limitShrink(
          fc.commands<Model, Session, false>(commandArbitraries, { maxCommands: 14, ...replay(options.replayPath) }),
          options.shrinks,
        ),
        async (first, isPrompt, crash, commands) => {
          if (isStopping && !hasFailed) return;
          counted.runs++;
          try {
            const session = openSession(stage, isPrompt);
            const model: Model = { worlds: [emptyWorld({ isPrompt, polls: options.polls })], moves: 0 };
            await play(model, session, crash === null ? [first] : [first, crash], false);
            await fc.asyncModelRun(() => ({ model, real: session }), commands);
            await finish(model, session);
            counted.steps += model.moves;
            payments.set(session.order, model.worlds[0]?.payments.length ?? 0);
          } catch (error) {
            if (!hasFailed) console.error(`A run failed; looking for a smaller one. ${String(error)}`);
            hasFailed = isStopping = true;
            throw error;
          }
        },
      );
      const details = await fc.check(property, {
        numRuns: runs,
        seed: options.seed + number,
        ...(options.path === undefined ? {} : { path: options.path }),
      });
      if (details.failed) {
        const error =
          details.errorInstance instanceof Error ? details.errorInstance.message : String(details.errorInstance);
        failure ??= [await fc.asyncDefaultReportMessage(details), error, repeatWith(options, details)].join("\n\n");
      }
    };
    const workers = options.path === undefined ? options.atOnce : 1;
    await Promise.all(Array.from({ length: workers }, (_, number) => worker(number)));
    if (failure === null) failure = await surplus(stage, payments);
  } finally {
    await stage.close();
  }
  return { ...counted, failure };
}

/** The end of every run: all news come, banks decide what they have not, and calls that wait for more are cancelled. */
async function finish(model: Model, session: Session): Promise<void> {
  const endings = [
    new Burst([{ do: "deliver the news", how: "in order" }]),
    new Burst([{ do: "settle", outcome: "succeeded" }]),
    ...[1, 2, 3, 4].map(() => new Burst([{ do: "settle a refund", outcome: "succeeded" }])),
    new Burst([{ do: "deliver the news", how: "in order" }]),
    new Burst([{ do: "reach the deadlines" }]),
    ...Array.from({ length: 14 }, () => new Burst([{ do: "cancel a call", which: 0 }])),
  ];
  for (const ending of endings) if (ending.check(model)) await ending.run(model, session);
  await play(model, session, [], true);
  await holdMoneyRule(session);
}

/** At most one charge per key and per attempt of a reference: Stripe's whole list, against what the models say. */
async function surplus({ scene }: Stage, payments: ReadonlyMap<string, number>): Promise<string | null> {
  const found = new Map<string, number>();
  for await (const { metadata } of scene.stripe.paymentIntents.list({ limit: 100 })) {
    const order = metadata["orderId"] ?? "none";
    found.set(order, (found.get(order) ?? 0) + 1);
  }
  const wrong = [...payments].filter(([order, expected]) => found.get(order) !== expected);
  return wrong.length === 0
    ? null
    : wrong.map(([order, expected]) => `${order} has ${found.get(order)} PaymentIntents, not ${expected}.`).join("\n");
}

function replay(replayPath: string | undefined): { readonly replayPath?: string } {
  return replayPath === undefined ? {} : { replayPath };
}

function repeatWith(
  { polls }: CheckOptions,
  found: { readonly seed: number; readonly counterexamplePath: string | null; readonly counterexample: unknown },
): string {
  const replayPath = /replayPath="([^"]*)"/.exec(fc.stringify(found.counterexample))?.[1];
  return [
    `Repeat with: npm run model -- --seed ${found.seed} --path ${found.counterexamplePath}`,
    ...(replayPath === undefined ? [] : [`--replay-path '${replayPath}'`]),
    ...(polls ? ["--polls"] : []),
  ].join(" ");
}
