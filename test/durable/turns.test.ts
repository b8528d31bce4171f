/** Calls whose requests to Stripe have to wait for their turn, against the real engine. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serveServices } from "../../src/app/services.ts";
import type { Served } from "../../src/durable/serve.ts";
import { createStripeGateway } from "../../src/merchants/gateway.ts";
import { edgeHeaders, edgeSecret } from "../scene/edge.ts";
import { card, modes, newOrder, openScene, secretKey, until, type Answer, type Scene } from "../scene/scene.ts";

/** Four requests fill the line; whoever comes then is told to come again. */
const pace = { all: 2, eachOperation: 2, search: 2 };
const callers = modes.flatMap((mode) => [
  { ...mode, isAccepted: false, come: "calls come without an edge" },
  { ...mode, isAccepted: true, come: "the edge accepted the calls" },
]);

describe.each(callers)("while many requests wait for their turn at Stripe ($mode, $come)", (callersMode) => {
  const { inactivityTimeoutMs, isAccepted } = callersMode;
  const [paid, late, cancelled] = [newOrder(), newOrder(), newOrder()];
  let scene: Scene;
  let service: Served;
  let fillers: Promise<readonly Answer[]>;
  let answers: Readonly<Record<string, Promise<Answer>>>;

  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
    await scene.stopService();
    const stripe = createStripeGateway({ secretKey, apiBase: scene.sandboxUrl, pace });
    const edgeSecrets = [edgeSecret];
    const options = { ...scene.serviceOptions, edgeSecrets, stripe, port: scene.servicePort, identityKeys: [] };
    service = await serveServices(options);
    // The process learns its installation, so that the calls that the edge accepted are made in one step.
    await scene.call("processPayment", card(newOrder()));
    const keys = Array.from({ length: 16 }, () => crypto.randomUUID());
    fillers = Promise.all(keys.map((key) => pay(card(newOrder()), key)));
    await untilAsleep(keys, 3);
    answers = {
      [paid]: pay(card(paid), `key-of-${paid}`),
      [late]: pay({ ...card(late), timeoutSeconds: 1 }, `key-of-${late}`),
      [cancelled]: pay(card(cancelled), `key-of-${cancelled}`),
    };
    await untilAsleep([`key-of-${paid}`, `key-of-${cancelled}`], 2);
  });
  afterAll(async () => {
    await service.close();
    await scene.close();
  });

  it("a payment is not sent once its call is cancelled, which is told at once", async () => {
    const [row] = await scene.sql<{ id: string }>(
      `select id from sys_invocation where idempotency_key = 'key-of-${cancelled}'`,
    );
    await scene.cancel(row?.id ?? "");
    const first = await Promise.race([answers[cancelled], answers[paid]]);
    expect(first).toMatchObject({ status: 409, body: { metadata: { reason: "canceled" } } });
  });

  it("a payment is not sent after its deadline", async () => {
    expect(await answers[late]).toMatchObject({ status: 408, body: { metadata: { reason: "timed_out" } } });
  });

  it("a payment that is told to come again sleeps until its turn, and all are made, once", async () => {
    expect(await answers[paid]).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "response" } });
    for (const { status } of await fillers) expect(status).toBe(200);
    expect(await scene.requests("POST", "/v1/payment_intents")).toHaveLength(18);
    expect(await scene.paymentsOf(paid)).toHaveLength(1);
    for (const orderId of [late, cancelled]) expect(await scene.paymentsOf(orderId)).toEqual([]);
  });

  async function pay(body: object, key: string): Promise<Answer> {
    const says = { engineKey: key, acceptedAtMs: Date.now() };
    return await scene.call("processPayment", body, key, isAccepted ? edgeHeaders("processPayment", body, says) : {});
  }

  /** Resolves when so many of the calls with these keys sleep until their turn. */
  async function untilAsleep(keys: readonly string[], count: number): Promise<void> {
    const ids = `select id from sys_invocation where idempotency_key in (${keys.map((key) => `'${key}'`).join()})`;
    const sleeping = `select count(distinct id) as n from sys_journal where name = 'turn at Stripe' and id in (${ids})`;
    await until("calls to sleep", async () => {
      const [row] = await scene.sql<{ n: number }>(sleeping);
      return Number(row?.n) >= count ? true : undefined;
    });
  }
});
