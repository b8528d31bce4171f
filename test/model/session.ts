/** One run against the real thing: it does the model's moves with the service, the sandbox and the engine. */
import { eventAbout, newOrder, sign, until, type Answer } from "../scene/scene.ts";
import { webhookEventTypes } from "../../src/webhooks/eventTable.ts";
import { minorOf, type Move } from "./actions.ts";
import { hasCome, type Mail } from "./mail.ts";
import { again, requestOf } from "./requests.ts";
import { persistently, type Stage } from "./stage.ts";
import type { World } from "./world.ts";

/** The events of Stripe's that end waits, as far as they are about payments. */
const ringing = [
  "payment_intent.succeeded",
  "payment_intent.payment_failed",
  "payment_intent.canceled",
  "payment_intent.requires_action",
  "payment_intent.amount_capturable_updated",
];

export type Session = ReturnType<typeof openSession>;

export function openSession(stage: Stage, isPrompt: boolean) {
  const { scene, mail } = stage;
  const order = newOrder();
  const answers = new Map<string, Answer>();
  const errors: Error[] = [];
  const paymentIds: string[] = [];
  const received: Mail[] = [];
  const delivered = new Set<Mail>();
  let request: Record<string, unknown> = {};
  let paidWith = "";
  let delivering = 0;
  let tell: (() => void) | null = null;

  mail.receive(order, (one) => {
    received.push(one);
    tell?.();
    if (one.type === "payment_intent.created") paymentIds.push(one.paymentIntentId);
    if (!isPrompt || !webhookEventTypes.includes(one.type)) return;
    delivering++;
    besides(deliver(one).finally(() => delivering--));
  });

  /** What goes on beside the moves; what fails in it fails the run. */
  function besides(work: Promise<void>): void {
    work.catch((error: Error) => errors.push(error));
  }

  async function deliver(one: Mail): Promise<void> {
    delivered.add(one);
    const status = await post(one.body, { "stripe-signature": one.signature });
    if (status !== 200) throw new Error(`A genuine ${one.type} was answered ${status}.`);
  }

  /** Posts until there is an answer that is no outage, as Stripe does. */
  async function post(body: string, headers: Record<string, string>): Promise<number> {
    return await persistently(async () => {
      const answer = await scene.webhook(body, headers);
      if (isOutage(answer)) throw new Error(`A webhook is answered ${JSON.stringify(answer)}.`);
      return answer.status;
    });
  }

  function call(id: string, handler: string, body: unknown, key = `${order} ${id}`): void {
    besides(
      persistently(async () => {
        const answer = await scene.call(handler, body, key);
        if (isOutage(answer)) throw new Error(`${handler} is answered ${JSON.stringify(answer)}.`);
        answers.set(id, answer);
        tell?.();
      }),
    );
  }

  const current = (): string => paymentIds.at(-1) ?? "";

  /** The doorbells that hang at the payment now. */
  async function doorbells(): Promise<readonly string[]> {
    const { metadata } = await scene.stripe.paymentIntents.retrieve(current());
    return Object.entries(metadata)
      .filter(([key]) => key.startsWith("restate_callback_id"))
      .map(([, address]) => address);
  }

  async function cancelCall(id: string): Promise<void> {
    const key = `${order} ${id}`;
    await persistently(async () => {
      if (answers.has(id)) return;
      const own = (await stage.invocations()).find((one) => one.idempotency_key === key);
      if (own === undefined) throw new Error("The call is not known yet.");
      await fetch(`${scene.admin}/invocations/${own.id}/cancel`, { method: "PATCH" });
    });
  }

  async function deliverNews(how: "in order" | "backwards" | "twice", worlds: readonly World[]): Promise<void> {
    // Which of them it is may not be seen yet: of two moves at once, one may have left nothing for the other to fire.
    const allCame = () => worlds.some((world) => hasCome(world, paymentIds, received));
    await until("the events to come", async () => (allCame() ? true : undefined));
    const news = received.filter((one) => webhookEventTypes.includes(one.type) && !delivered.has(one));
    const sequence = { "in order": news, backwards: news.toReversed(), twice: news.flatMap((one) => [one, one]) }[how];
    for (const one of sequence) await deliver(one);
  }

  async function act(move: Move, worlds: readonly World[]): Promise<void> {
    const { id } = move;
    const paymentIntentId = current();
    const hurry = "isHurried" in move && move.isHurried ? { timeoutSeconds: 2 } : {};
    switch (move.do) {
      case "pay":
        request = await requestOf(scene.stripe, move.kind, order);
        paidWith = id;
        if (move.byReference) request = { ...request, reference: order };
        return call(id, "processPayment", { ...request, ...hurry });
      case "pay with the same key":
        return call(id, "processPayment", { ...request, amount: 77 }, `${order} ${paidWith}`);
      case "pay under the same reference":
        return call(id, "processPayment", again(request, move.means));
      case "await":
        return call(id, "awaitPayment", { paymentIntentId, ...hurry });
      case "get":
        return call(id, "getPayment", { paymentIntentId });
      case "capture":
        return call(id, "capturePayment", { paymentIntentId, ...share(minorOf(move.share)), ...hurry });
      case "cancel":
        return call(id, "cancelPayment", { paymentIntentId, refundIfSucceeded: move.refundIfSucceeded });
      case "refund":
        return call(id, "refundPayment", { paymentIntentId, ...share(minorOf(move.share)), ...hurry });
      case "cancel a call":
        return move.target === null ? undefined : await cancelCall(move.target);
      case "settle":
        return await control("settle", { id: paymentIntentId, outcome: move.outcome });
      case "settle a refund": {
        const { data } = await scene.stripe.refunds.list({ payment_intent: paymentIntentId, limit: 100 });
        const pending = data.findLast(({ status }) => status === "pending");
        return pending && (await control("settle", { id: pending.id, outcome: move.outcome }));
      }
      case "authorize":
        return await control("authorize", { id: paymentIntentId, outcome: move.outcome });
      case "cancel in the dashboard":
        return await ifStripeLets(scene.stripe.paymentIntents.cancel(paymentIntentId));
      case "refund in the dashboard":
        return await ifStripeLets(
          scene.stripe.refunds.create({ payment_intent: paymentIntentId, ...share(minorOf(move.share)) }),
        );
      case "deliver the news":
        return await deliverNews(move.how, worlds);
      case "deliver an old event": {
        const old = received.filter(({ type }) => ringing.includes(type) === move.rings && !type.startsWith("refund."));
        const one = old[move.which % Math.max(1, old.length)];
        return one && (await deliver(one));
      }
      case "send a forged event":
        return await send("payment_intent.succeeded", sign("something else"), 400);
      case "send a lie":
        return await send(move.type, undefined, 200);
      case "ring":
        for (const address of await doorbells()) {
          const url = `${scene.ingress}/restate/awakeables/${address}/${move.how}`;
          const isJson = move.how === "resolve";
          await persistently(() =>
            fetch(url, {
              method: "POST",
              headers: { "content-type": isJson ? "application/json" : "text/plain" },
              body: isJson ? JSON.stringify({ status: "succeeded" }) : "no",
            }),
          );
        }
        return;
      case "crash":
        await new Promise((resolve) => setTimeout(resolve, move.afterMs));
        return await stage.crash(move.process);
      // What waits for time is waited for by whoever compares.
      case "reach the deadlines":
      case "poll":
        return;
    }
  }

  /** An event of our own making, about the payment as it is. */
  async function send(type: string, headers: Record<string, string> | undefined, expected: number): Promise<void> {
    const body = eventAbout(type, await scene.stripe.paymentIntents.retrieve(current()));
    const status = await post(body, headers ?? sign(body));
    if (status !== expected) throw new Error(`An event of our own making was answered ${status}, not ${expected}.`);
  }

  /** What there is nothing to do about any more is refused. */
  async function control(what: "settle" | "authorize", body: unknown): Promise<void> {
    const { status } = await fetch(`${scene.sandboxUrl}/_sandbox/${what}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    if (status !== 200 && status !== 409) throw new Error(`The sandbox answered ${what} with ${status}.`);
  }

  return {
    stage,
    order,
    answers,
    errors,
    paymentIds,
    act,
    /** Resolves when an answer or a webhook has come, or after a while. */
    news: (withinMs: number) =>
      new Promise<void>((resolve) => {
        tell = resolve;
        setTimeout(resolve, withinMs);
      }),
    /** Webhooks on their way to the service. */
    isDelivering: () => delivering > 0,
  };
}

/**
 * An engine that starts, or gave up on a service that was killed, answers for itself: for a moment it says of every service
 * that it is not found.
 */
function isOutage({ status, body }: Answer): boolean {
  return body["source"] === "ingress" || (status >= 429 && body.metadata?.["reason"] === undefined);
}

function share(amount: number | null): { readonly amount?: number } {
  return amount === null ? {} : { amount };
}

async function ifStripeLets(change: Promise<unknown>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (!(error instanceof Error && "statusCode" in error && error.statusCode === 400)) throw error;
  }
}
