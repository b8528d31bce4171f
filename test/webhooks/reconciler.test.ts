/** Webhooks that never came are made up for: the events that Stripe could not deliver are looked for, and passed on. */
import { Stripe } from "stripe";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { notificationTimings } from "../../src/notifications/options.ts";
import { openMerchant, type Merchant } from "../scene/merchant.ts";
import { bankDebit, card, modes, newOrder, openScene, secretKey, until, type Scene } from "../scene/scene.ts";
import { spawnService } from "../scene/serviceProcess.ts";

type Last = { readonly at: string; readonly events: number; readonly rung: number; readonly lookedAt: number };

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
    const onboarded = { account: account.id, outcome: "done" };
    const answer = await fetch(`${scene.sandboxUrl}/_sandbox/onboard`, {
      method: "POST",
      body: JSON.stringify(onboarded),
    });
    expect(answer.status).toBe(200);
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

  it("keeps its one schedule, which comes to every account, when the service is killed again and again", async () => {
    const { id: connected } = await scene.stripe.accounts.create({ type: "standard" });
    await scene.stopService();
    const service = {
      port: scene.servicePort,
      apiBase: scene.sandboxUrl,
      settings: { RECONCILE_INTERVAL: "1s" },
    };
    for (let kills = 0; kills < 3; kills++) {
      const victim = await spawnService(service);
      await scene.call("processPayment", card(newOrder()));
      const begunAtMs = Date.now();
      const { reconciledUntilMs } = await nextRun();
      expect(reconciledUntilMs).toBeGreaterThan(0);
      await until("the connected account to be reconciled", async () =>
        Date.parse((await stateOf(connected))?.at ?? "") > begunAtMs ? true : undefined,
      );
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

  it.each([
    ["an account that nobody has", "acct_nobody"],
    ["a long id", `acct_${"x".repeat(64)}`],
    ["an id of any length", `acct_${"x".repeat(3000)}`],
    ["an id without its end", "acct_"],
    ["another name", "platform2"],
    ["a path", "acct_a%2Fb"],
  ])("keeps nothing of %s, which is not ours to reconcile", async (_what, key) => {
    const answer = await fetch(`${scene.ingress}/webhookReconciler/${key}/reconcile`, { method: "POST" });
    const body = (await answer.json()) as { message: string; metadata: Record<string, string> };
    expect(["400 invalid_request", "404 not_found"]).toContain(`${answer.status} ${body.metadata["reason"]}`);
    expect(body.message.length).toBeLessThan(300);
    const kept = await scene.sql<{ service_key: string }>(
      `select service_key from state where service_name = 'webhookReconciler' and service_key = '${decodeURIComponent(key)}'`,
    );
    expect(kept).toEqual([]);
  });

  it("keeps nothing any more of an account that has left", async () => {
    const { id } = await scene.stripe.accounts.create({ type: "standard" });
    const reconcile = async () =>
      (await fetch(`${scene.ingress}/webhookReconciler/${id}/reconcile`, { method: "POST" })).status;
    expect(await reconcile()).toBe(200);
    expect(await stateOf(id)).toMatchObject({ events: 0 });
    await scene.stripe.accounts.del(id);
    expect(await reconcile()).toBe(404);
    expect(await stateOf(id)).toBeUndefined();
  });

  it("has one call queued at most while it is paused, and goes on when it is resumed", async () => {
    const open = async () =>
      await scene.sql<{ id: string; handler: string; status: string }>(
        "select id, target_handler_name as handler, status from sys_invocation where target_service_name = 'webhookReconciler' and target_service_key = 'platform' and status <> 'completed'",
      );
    await scene.fault({ target: "api", effect: "forbidden", path: "/v1/events", count: 0 });
    const paused = await until("the reconciliation to be paused", async () =>
      (await open()).find(({ status }) => status === "paused"),
    );
    await until("the next run to be queued", async () =>
      (await open()).some(({ handler, status }) => handler === "tick" && status !== "scheduled") ? true : undefined,
    );
    // Each process wakes it once at its first payment, and once per interval.
    for (let processes = 0; processes < 3; processes++) {
      await scene.restartService({ reconcileIntervalMs: 100, notifications: telling() });
      for (let payments = 0; payments < 4; payments++) {
        expect(await scene.call("processPayment", card(newOrder()))).toMatchObject({ status: 200 });
      }
    }
    await until("every waking to be over", async () =>
      (await open()).some(({ handler }) => handler === "wake") ? undefined : true,
    );
    // The pages of connected accounts are no part of the queue.
    const queued = (await open()).filter(({ id, handler }) => id !== paused.id && handler !== "fanOut");
    expect(queued).toHaveLength(1);

    await scene.restartService({ reconcileIntervalMs: 500, notifications: telling() });
    await scene.clearFaults();
    await scene.fault({ target: "webhook", effect: "lose", count: 0 });
    const resumed = await fetch(`${scene.admin}/invocations/${paused.id}/resume`, { method: "PATCH" });
    expect(resumed.status).toBeLessThan(300);
    await nextRun();
    await until("the one schedule", async () => ((await ticks()).length === 1 ? true : undefined));
  });

  it("begins anew, 30 days back, where Stripe has forgotten how far it had come", async () => {
    await scene.restartService({ reconcileIntervalMs: 0, notifications: telling() });
    await until("the schedule to end", async () => ((await ticks()).length === 0 ? true : undefined));
    const { body } = await scene.call("processPayment", card(newOrder()));
    const id = String(body.paymentIntentId);
    await scene.stripe.refunds.create({ payment_intent: id, amount: 9 });
    const [event] = (await scene.stripe.events.list({ limit: 1 })).data;
    const nowMs = Date.now();
    const progress = {
      begunAtMs: nowMs - 40 * 24 * 3_600_000,
      createdSince: Math.floor(nowMs / 1000) - 70 * 24 * 3_600,
      typesLeft: [["refund.created"]],
      after: "evt_forgotten",
      events: 5,
      rung: 0,
      lookedAt: 0,
      oldestMs: null,
    };
    const put = await fetch(`${scene.admin}/services/webhookReconciler/state`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        object_key: "platform",
        new_state: { progress: [...new TextEncoder().encode(JSON.stringify(progress))] },
      }),
    });
    expect(put.status).toBeLessThan(300);
    await until("the progress to be that of before", async () => {
      const rows = await scene.sql<{ key: string }>(
        "select key from state where service_name = 'webhookReconciler' and service_key = 'platform'",
      );
      return rows.some(({ key }) => key === "progress") ? true : undefined;
    });
    const answer = await fetch(`${scene.ingress}/webhookReconciler/platform/reconcile`, { method: "POST" });
    expect(answer.status).toBe(200);
    expect(event).toBeDefined();
    await until("the refund to be told", async () =>
      merchant.typesOf(id).includes("refund.succeeded") ? true : undefined,
    );
    await scene.restartService({ reconcileIntervalMs: 500, notifications: telling() });
    await scene.call("processPayment", card(newOrder()));
    const { reconciledUntilMs } = await nextRun();
    expect(reconciledUntilMs).toBeGreaterThan(nowMs);
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

  it("reconciles each of many connected accounts, page by page, and forgets one that has left", async () => {
    await scene.restartService({ reconcileIntervalMs: 500 });
    await Promise.all(Array.from({ length: 110 }, () => scene.stripe.accounts.create({ type: "standard" })));
    const accounts: string[] = [];
    for await (const { id } of scene.stripe.accounts.list({ limit: 100 })) accounts.push(id);
    expect(accounts.length).toBeGreaterThan(100);
    await scene.call("processPayment", card(newOrder()));
    const known = async () => {
      const rows = await scene.sql<{ service_key: string }>(
        "select distinct service_key from state where service_name = 'webhookReconciler' and key = 'last'",
      );
      return new Set(rows.map(({ service_key }) => service_key));
    };
    await until("every account to be reconciled", async () =>
      (await known()).isSupersetOf(new Set(accounts)) ? true : undefined,
    );
    const [left = ""] = accounts;
    await scene.connected("deauthorize", { account: left });
    await until("the account to be forgotten", async () => {
      // The last look, as it comes by itself after 30 days.
      await fetch(`${scene.ingress}/webhookReconciler/${left}/reconcile`, { method: "POST" });
      return (await known()).has(left) ? undefined : true;
    });
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
