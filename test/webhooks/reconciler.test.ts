/** Webhooks that never came are made up for: the events that Stripe could not deliver are looked for, and passed on. */
import { Stripe } from "stripe";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { notificationTimings } from "../../src/notifications/options.ts";
import { openMerchant, type Merchant } from "../scene/merchant.ts";
import { bankDebit, card, modes, newOrder, openScene, secretKey, until, type Scene } from "../scene/scene.ts";
import { spawnService } from "../scene/serviceProcess.ts";

type Last = { readonly events: number; readonly rung: number; readonly lookedAt: number };

describe.each(modes)("the reconciler, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  let merchant: Merchant;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
    merchant = await openMerchant();
    await scene.restartService({ reconcileIntervalMs: 500, notifications: telling() });
  });
  afterAll(async () => {
    await scene.close();
    await merchant.close();
  });
  beforeEach(async () => {
    await scene.clearFaults();
    await scene.fault({ target: "webhook", effect: "lose", count: 0 });
  });

  function telling() {
    return { ...notificationTimings, receiver: merchant.receiver };
  }

  async function stateOf(account: string): Promise<Last | undefined> {
    const rows = await scene.sql<{ value_utf8: string }>(
      `select value_utf8 from state where service_name = 'webhookReconciler' and service_key = '${account}' and key = 'last'`,
    );
    return rows[0] === undefined ? undefined : (JSON.parse(rows[0].value_utf8) as Last);
  }

  async function ticks(): Promise<readonly string[]> {
    const rows = await scene.sql<{ id: string }>(
      "select id from sys_invocation where target = 'webhookReconciler/platform/tick' and status <> 'completed'",
    );
    return rows.map(({ id }) => id);
  }

  it("wakes a waiting payment whose webhooks are all lost", async () => {
    const order = newOrder();
    const call = scene.call("processPayment", bankDebit(order));
    const { id } = await scene.waitingPaymentOf(order);
    await scene.settle(id);
    expect(await call).toMatchObject({
      status: 200,
      body: { paymentIntentId: id, status: "succeeded", settledBy: "webhook" },
    });
  });

  it("tells the merchant of a dispute that no webhook and no call speaks of", async () => {
    const { body } = await scene.call("processPayment", card(newOrder(), "pm_card_createDispute"));
    const id = String(body.paymentIntentId);
    await until("the dispute to be told", async () =>
      merchant.typesOf(id).includes("payment.disputed") ? true : undefined,
    );
  });

  it("tells the merchant of a refund that was made in Stripe's dashboard, once", async () => {
    const { body } = await scene.call("processPayment", card(newOrder()));
    const id = String(body.paymentIntentId);
    await scene.stripe.refunds.create({ payment_intent: id, amount: 9 });
    await until("the refund to be told", async () =>
      merchant.typesOf(id).includes("refund.succeeded") ? true : undefined,
    );
    // The same events are listed again for a while, and say nothing new.
    const { reconciledUntilMs } = await nextRun();
    expect(reconciledUntilMs).toBeGreaterThan(0);
    await scene.quiet();
    expect(merchant.typesOf(id)).toEqual(["payment.succeeded", "refund.succeeded"]);
  });

  it("rings for the events of connected accounts", async () => {
    const order = newOrder();
    const account = await scene.stripe.accounts.create({ type: "standard" });
    const connected = new Stripe(secretKey, {
      host: "127.0.0.1",
      port: Number(new URL(scene.sandboxUrl).port),
      protocol: "http",
      stripeAccount: account.id,
    });
    await connected.webhookEndpoints.create({ url: "http://127.0.0.1:9/none", enabled_events: ["*"] });
    const call = scene.call("processPayment", bankDebit(order));
    const { id, metadata } = await scene.waitingPaymentOf(order);
    // Somebody on the connected account is waited for at the same doorbell.
    await connected.paymentIntents.create({
      amount: 200,
      currency: "usd",
      payment_method: "pm_card_visa",
      confirm: true,
      metadata,
      automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    });
    await until("the ring for the connected account", async () => {
      const last = await stateOf(account.id);
      return last?.rung === 1 ? true : undefined;
    });
    await scene.settle(id);
    expect(await call).toMatchObject({ status: 200, body: { paymentIntentId: id } });
  });

  it("has one schedule, which a payment begins anew when an operator killed it", async () => {
    await until("the one schedule", async () => ((await ticks()).length === 1 ? true : undefined));
    // A run fixes the next one before it ends, so there is none left only if the last one was killed.
    await until("the schedule to be dead", async () => {
      for (const id of await ticks()) await fetch(`${scene.admin}/invocations/${id}/kill`, { method: "PATCH" });
      return (await ticks()).length === 0 ? true : undefined;
    });
    await until("a payment to begin it anew", async () => {
      await scene.call("processPayment", card(newOrder()));
      return (await ticks()).length === 1 ? true : undefined;
    });
    await nextRun();
  });

  it("keeps its one schedule when the service is killed again and again", async () => {
    await scene.stopService();
    const service = {
      port: scene.servicePort,
      apiBase: scene.sandboxUrl,
      settings: { RECONCILE_INTERVAL: "1s" },
    };
    for (let kills = 0; kills < 3; kills++) {
      const victim = await spawnService(service);
      await scene.call("processPayment", card(newOrder()));
      const { reconciledUntilMs } = await nextRun();
      expect(reconciledUntilMs).toBeGreaterThan(0);
      await victim.kill();
    }
    await scene.startService({ reconcileIntervalMs: 500, notifications: telling() });
    await nextRun();
    await until("the one schedule", async () => ((await ticks()).length === 1 ? true : undefined));
  });

  it("can be called at any time", async () => {
    const answer = await fetch(`${scene.ingress}/webhookReconciler/platform/reconcile`, { method: "POST" });
    expect(await answer.json()).toMatchObject({ events: expect.any(Number), rung: expect.any(Number) });
    const foreign = await fetch(`${scene.ingress}/webhookReconciler/platform/tick`, { method: "POST" });
    expect(foreign.status).toBe(400);
    const unknown = await fetch(`${scene.ingress}/webhookReconciler/nobody/reconcile`, { method: "POST" });
    expect([unknown.status, ((await unknown.json()) as { message: string }).message]).toEqual([
      400,
      expect.stringContaining('There is no account "nobody"'),
    ]);
  });

  it("ends its schedule when it is switched off, and begins none", async () => {
    await scene.restartService({ reconcileIntervalMs: 0 });
    await until("the schedule to end", async () => ((await ticks()).length === 0 ? true : undefined));
    await scene.call("processPayment", card(newOrder()));
    expect(await ticks()).toEqual([]);
    await scene.quiet();
    const stuck = await scene.sql("select id from sys_invocation where last_failure is not null");
    expect(stuck).toEqual([]);
  });

  /** Waits until a reconciliation that begins after this call is complete. */
  async function nextRun(): Promise<{ readonly reconciledUntilMs: number }> {
    const begunAtMs = Date.now();
    return await until("a reconciliation", async () => {
      const rows = await scene.sql<{ value_utf8: string }>(
        "select value_utf8 from state where service_name = 'webhookReconciler' and service_key = 'platform' and key = 'reconciledUntilMs'",
      );
      const reconciledUntilMs = Number(rows[0]?.value_utf8 ?? 0);
      return reconciledUntilMs > begunAtMs ? { reconciledUntilMs } : undefined;
    });
  }
});
