/** The timers of a wait: the first poll and the deadline, of which only what is due first is set. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bankDebit, modes, newOrder, openScene, until, type Scene } from "../scene/scene.ts";

describe.each(modes)("timers, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
  });
  afterAll(async () => {
    await scene.close();
  });

  it("polls on after a deadline that came before the first poll, so that a lost webhook is made up for", async () => {
    await scene.restartService({ pollScheduleMs: [1500] });
    const customer = await scene.stripe.customers.create({ email: "jenny@example.com" });
    const { status, body } = await scene.call("setupPaymentMethod", {
      customerId: customer.id,
      paymentMethodId: "pm_usBankAccount_processing",
      metadata: { orderId: newOrder() },
      mandate: { type: "offline" },
      timeoutSeconds: 1,
    });
    expect(status).toBe(408);
    expect(body.metadata).toMatchObject({ compensation: "watching" });
    await scene.fault({ target: "webhook", effect: "lose", count: 0 });
    const setupIntentId = body.metadata?.["setupIntentId"] ?? "";
    const pollsOf = async () =>
      (await scene.sql<{ n: number }>("select count(1) as n from sys_journal where name = 'read SetupIntent'"))[0]?.n ??
      0;
    const before = await pollsOf();
    await until("polls in vain", async () => ((await pollsOf()) >= before + 2 ? true : undefined));
    await scene.settle(setupIntentId);
    await scene.untilEnded("setupWatcher");
    await scene.clearFaults();
  });

  it("keeps to the deadline where Stripe takes its time at the first poll, by one named timer after the other", async () => {
    await scene.restartService({ pollScheduleMs: [300, 3_600_000] });
    const order = newOrder();
    const request = { ...bankDebit(order, "pm_usBankAccount_processing"), timeoutSeconds: 3 };
    const call = scene.call("processPayment", request, order);
    const { metadata } = await scene.paymentOf(order);
    await scene.fault({ target: "api", effect: "stall", method: "GET", delayMs: 2000, count: 1 });
    expect(await call).toMatchObject({ status: 408, body: { metadata: { reason: "timed_out" } } });
    const timers = await scene.sql<{ name: string }>(
      `select name from sys_journal where id = '${metadata["restate_invocation_id"] ?? ""}' and entry_type = 'Command: Sleep' order by index`,
    );
    expect(timers.map(({ name }) => name)).toEqual(["next poll", "deadline"]);
  });

  it("makes a refused refund again later, not at once, also where Stripe was slow before", async () => {
    await scene.restartService({ pollScheduleMs: [1500] });
    const { body } = await scene.call("processPayment", { ...bankDebit(newOrder()), timeoutSeconds: 1 });
    expect(body.metadata).toMatchObject({ compensation: "watching" });
    await scene.fault(
      { target: "api", effect: "stall", method: "GET", path: "/v1/refunds", delayMs: 2500, count: 1 },
      { target: "api", effect: "error_500_saved", method: "POST", path: "/v1/refunds", count: 1 },
    );
    await scene.settle(body.metadata?.["paymentIntentId"] ?? "");
    const seenAtMs = new Map<string, number>();
    await until("a second attempt", async () => {
      for (const { idempotencyKey } of await scene.requests("POST", "/v1/refunds")) {
        if (idempotencyKey !== null && !seenAtMs.has(idempotencyKey)) seenAtMs.set(idempotencyKey, performance.now());
      }
      return seenAtMs.size >= 2 ? true : undefined;
    });
    const [first = 0, second = 0] = [...seenAtMs.values()];
    // A poll interval, less a tenth, and less what a look at the requests takes.
    expect(second - first).toBeGreaterThan(1000);
  });
});
