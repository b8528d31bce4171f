/**
 * Calls that the edge accepted, whose process dies while Stripe charges, and which another process takes up days later, when Stripe has
 * forgotten the idempotency key: what was charged is found, and never charged again, whatever the other process knows.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { edgeHeaders } from "../scene/edge.ts";
import { card, newOrder, openScene, until, type Answer, type Scene } from "../scene/scene.ts";
import { spawnService } from "../scene/serviceProcess.ts";

const dayMs = 24 * 3_600_000;
const createPath = "/v1/payment_intents";
const secret = "an-edge-secret-of-a-test-that-is-long-enough";

describe.each([
  ["has the same secret", secret],
  ["has another secret", "another-edge-secret-of-a-test-as-long-as-it"],
])("a call that the edge accepted, when the next process comes days later and %s", (_what, nextSecret) => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await openScene(1000);
    await scene.stopService();
  });
  afterEach(async () => {
    await scene.startService();
    await scene.close();
  });

  const spawn = (edgeSecret: string, clockAheadMs = 0) =>
    spawnService({
      port: scene.servicePort,
      apiBase: scene.sandboxUrl,
      clockAheadMs,
      settings: { EDGE_SECRET: edgeSecret, PAYMENT_TIMEOUT: "7d" },
    });

  /** A call whose process dies while Stripe charges, so that nobody hears of it. Gives what it takes to ask again. */
  async function chargedUnheard() {
    const order = newOrder();
    const body = card(order);
    const headers = edgeHeaders("processPayment", body, { engineKey: order, acceptedAtMs: Date.now(), secret });
    const victim = await spawn(secret);
    // It learns its installation, so that the next call is made in one step.
    expect((await scene.call("processPayment", card(newOrder()))).status).toBe(200);
    const before = (await scene.requests("POST", createPath)).length;
    await scene.fault({ target: "api", effect: "stall", method: "POST", path: createPath, delayMs: 30_000 });
    const lost = scene.call("processPayment", body, order, headers).catch(() => null);
    const { id } = await scene.paymentOf(order);
    const steps = await scene.sql<{ id: string; name: string }>(
      `select j.id, j.name from sys_journal j join sys_invocation i on j.id = i.id where i.idempotency_key = '${order}' and j.entry_type = 'Command: Run'`,
    );
    expect(steps.map(({ name }) => name)).toEqual(["create PaymentIntent"]);
    await scene.killEngine();
    await victim.kill();
    await lost;
    return {
      id,
      order,
      invocationId: steps[0]?.id ?? "",
      again: (): Promise<Answer> => scene.call("processPayment", body, order),
      sent: async () => (await scene.requests("POST", createPath)).length - before,
    };
  }

  async function threeDaysPass(): Promise<void> {
    await scene.stripeClock({ mode: "virtual" });
    await scene.stripeClock({ advanceMs: 3 * dayMs });
    await scene.stripeClock({ mode: "real" });
    await scene.startEngine();
  }

  it("adopts what was charged", async () => {
    const { id, order, again, sent } = await chargedUnheard();
    await threeDaysPass();
    const next = await spawn(nextSecret, 3 * dayMs);
    const answer = await again();
    await next.kill();
    expect(answer).toMatchObject({
      status: 200,
      body: { paymentIntentId: id, status: "succeeded", settledBy: "poll" },
    });
    expect(await scene.paymentsOf(order)).toHaveLength(1);
    expect(await sent()).toBe(1);
  });

  it("takes back what was charged, where the call was cancelled meanwhile", async () => {
    const { id, order, invocationId, again } = await chargedUnheard();
    await threeDaysPass();
    await scene.cancel(invocationId);
    const next = await spawn(nextSecret, 3 * dayMs);
    expect(await again()).toMatchObject({ status: 409, body: { metadata: { compensation: "watching" } } });
    await until("the refund", async () => (await scene.stripe.refunds.list({ payment_intent: id })).data[0]);
    await next.kill();
    expect(await scene.paymentsOf(order)).toHaveLength(1);
  });
});
