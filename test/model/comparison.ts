/** Holds what is seen against what the model says can be seen. */
import type { Stripe } from "stripe";
import type { Answer as RealAnswer } from "../scene/scene.ts";
import { openCalls } from "./actions.ts";
import type { Session } from "./session.ts";
import type { Answer, World } from "./world.ts";

/** Everything of a run that shows from outside, in words that can be compared. */
type Sight = {
  readonly answers: Readonly<Record<string, RealAnswer | null>>;
  readonly payments: readonly string[];
  /** The invocations that made the payments. */
  readonly creators: readonly string[];
};

/** How long a busy machine may take for what must happen. */
const patienceMs = 120_000;

class Disagreement extends Error {
  override readonly name = "Disagreement";
}

/**
 * Waits until what is seen is what one of the worlds says, and nothing of the run is at work any more.
 * @returns the worlds that agree with what is seen
 * @throws Disagreement when it cannot come to that any more, or does not in time
 */
export async function agree(session: Session, worlds: readonly World[], isLast: boolean): Promise<readonly World[]> {
  const giveUpAtMs = Date.now() + patienceMs;
  let sight: Sight = { answers: {}, payments: [], creators: [] };
  for (let pauseMs = 4; ; pauseMs = Math.min(2 * pauseMs, 128)) {
    if (session.errors[0] !== undefined) throw session.errors[0];
    sight = { ...sight, answers: Object.fromEntries(session.answers) };
    const answering = worlds.filter((world) => canAnswer(session, world, sight));
    if (answering.length === 0) throw new Disagreement(explain(session, worlds, sight));
    // Answers are at hand; Stripe and the engine are asked once they fit.
    if (answering.some((world) => haveSameEnded(world, sight)) && !session.isDelivering()) {
      sight = await look(session);
      const agreeing = worlds.filter((world) => isSeen(session, world, sight));
      const resting = await atRest(session, agreeing, sight, isLast);
      if (resting.length > 0) {
        // Nothing changes while nothing is at work, so that this look counts.
        const after = hasWaiting(agreeing) ? await look(session) : sight;
        if (JSON.stringify(after) === JSON.stringify(sight)) return resting;
      }
    }
    if (Date.now() > giveUpAtMs) {
      const open = (await session.stage.invocations()).map((one) => `  ${JSON.stringify(one)}`);
      throw new Disagreement([explain(session, worlds, sight), "Open invocations:", ...open].join("\n"));
    }
    await session.news(pauseMs);
  }
}

async function look({ stage, answers, paymentIds }: Session): Promise<Sight> {
  const { stripe } = stage.scene;
  const seen = await Promise.all(
    paymentIds.map(async (id) => {
      const payment = await stripe.paymentIntents.retrieve(id);
      const { metadata, status } = payment;
      // What never succeeded was never refunded.
      const refunds =
        status === "succeeded" ? (await stripe.refunds.list({ payment_intent: id, limit: 100 })).data : [];
      return { shown: describeReal(payment, refunds), creator: metadata["restate_invocation_id"] ?? "" };
    }),
  );
  return {
    answers: Object.fromEntries(answers),
    payments: seen.map(({ shown }) => shown),
    creators: seen.map(({ creator }) => creator),
  };
}

function describeReal(payment: Stripe.PaymentIntent, refunds: readonly Stripe.Refund[]): string {
  const { status, amount_received, amount_capturable, metadata } = payment;
  return describe({
    status,
    received: amount_received,
    capturable: amount_capturable,
    refunds: refunds.toReversed().map((refund) => `${refund.amount} ${refund.status}`),
    isAbandoned: "restate_abandoned_by" in metadata,
    isNoted: "restate_failure" in metadata,
  });
}

function describeModel({
  status,
  received,
  capturable,
  refunds,
  isAbandoned,
  isNoted,
}: World["payments"][number]): string {
  const each = refunds.map((refund) => `${refund.amount} ${refund.status}`);
  return describe({ status, received, capturable, refunds: each, isAbandoned, isNoted });
}

function describe(shown: {
  readonly status: string;
  readonly received: number;
  readonly capturable: number;
  readonly refunds: readonly string[];
  readonly isAbandoned: boolean;
  readonly isNoted: boolean;
}): string {
  const { status, received, capturable, refunds, isAbandoned, isNoted } = shown;
  const notes = `${isAbandoned ? ", given up" : ""}${isNoted ? ", failure noted" : ""}`;
  return `${status}, received ${received}, capturable ${capturable}, refunds [${refunds.join(", ")}]${notes}`;
}

/** Whether the answers that are there can be a world's, now or when more calls have ended. */
function canAnswer(session: Session, world: World, { answers, payments }: Sight): boolean {
  return (
    payments.length <= world.payments.length &&
    world.calls.every((call) => {
      const real = answers[call.id];
      if (real === undefined) return true;
      // It has the other's key, and so the other's answer, letter by letter.
      if (call.sameAs !== null && answers[call.sameAs] !== undefined) {
        return JSON.stringify(real) === JSON.stringify(answers[call.sameAs]);
      }
      const answer = answerOf(world, call.id);
      return answer !== null && real !== null && isAnswer(session, answer, real);
    })
  );
}

function isSeen(session: Session, world: World, sight: Sight): boolean {
  const { payments } = sight;
  return (
    JSON.stringify(payments) === JSON.stringify(world.payments.map(describeModel)) &&
    haveSameEnded(world, sight) &&
    canAnswer(session, world, sight)
  );
}

function haveSameEnded(world: World, { answers }: Sight): boolean {
  return world.calls.every(({ id }) => (answerOf(world, id) === null) === (answers[id] === undefined));
}

function answerOf(world: World, id: string): Answer | null {
  const call = world.calls.find((one) => one.id === id);
  return call?.sameAs ? answerOf(world, call.sameAs) : (call?.answer ?? null);
}

function isAnswer({ paymentIds }: Session, expected: Answer, { status, body }: RealAnswer): boolean {
  const { metadata } = body;
  // The answer can come before the webhook that tells which payment was made.
  const namesPayment = (index: number | null, id: string | undefined) =>
    index === null || id === (paymentIds[index] ?? id);
  return (
    status === expected.code &&
    (body.status ?? metadata?.["reason"]) === expected.word &&
    (metadata?.["compensation"] ?? null) === expected.compensation &&
    namesPayment(expected.payment, body.paymentIntentId ?? metadata?.["paymentIntentId"]) &&
    (expected.received === null || body["amountReceived"] === expected.received) &&
    (expected.refunded === null || body["amount"] === expected.refunded) &&
    (expected.settledBy === null || expected.settledBy.includes(String(body.settledBy)))
  );
}

/** One that is `pending` is queued behind another attempt of the same reference. */
const atWork = new Set(["ready", "running", "backing-off", "paused"]);

/** The worlds in which the engine holds what waits, and nothing else; none while anything of the run is at work. */
async function atRest(
  session: Session,
  worlds: readonly World[],
  { creators }: Sight,
  isLast: boolean,
): Promise<readonly World[]> {
  if (!hasWaiting(worlds) && !isLast) return worlds;
  const before = await held(session, creators);
  // A ring, or a call that was sent for, may be on its way: then it isn't as before once that has arrived.
  await session.stage.barrier();
  const now = await held(session, creators);
  // Between two steps a call is suspended for a moment, too: what rests has the same journal as before.
  const isAtWork = [...now.calls, ...now.begun].some(({ status }) => atWork.has(status));
  if (isAtWork || JSON.stringify(before) !== JSON.stringify(now)) return [];
  const watches = now.begun.filter(({ target_service_name: service }) => service === "paymentWatcher");
  return worlds.filter(
    (world) =>
      openCalls(world).length === now.calls.length &&
      world.parties.filter(({ role }) => role.does === "watch").length === watches.length,
  );
}

/** What the engine holds of a run: calls that have not ended, and what they and earlier ones began. */
async function held({ stage, order }: Session, creators: readonly string[]) {
  const invocations = await stage.invocations();
  const calls = invocations.filter((one) => one.idempotency_key?.startsWith(order) === true);
  const parents = new Set([...creators, ...calls.map(({ id }) => id)]);
  const begun = invocations.filter(({ invoked_by_id: parent }) => parent !== null && parents.has(parent));
  return { calls, begun };
}

function hasWaiting(worlds: readonly World[]): boolean {
  return worlds.some(({ parties }) => parties.length > 0);
}

function explain(session: Session, worlds: readonly World[], sight: Sight): string {
  const seen = [
    ...sight.payments.map((payment, index) => `  payment ${index}: ${payment}`),
    ...Object.entries(sight.answers).map(([id, answer]) => `  ${id}: ${JSON.stringify(answer)}`),
  ];
  const legal = worlds
    .slice(0, 6)
    .map((world, index) =>
      [
        `Legal world ${index + 1} of ${worlds.length}:`,
        ...world.payments.map((payment, number) => `  payment ${number}: ${describeModel(payment)}`),
        ...world.calls.map(({ id }) => `  ${id}: ${JSON.stringify(answerOf(world, id))}`),
        ...world.parties.map((party) => `  waiting: ${JSON.stringify(party)}`),
      ].join("\n"),
    );
  return [`${session.order}: what is seen is not what can be.`, "Seen:", ...seen, ...legal].join("\n");
}
