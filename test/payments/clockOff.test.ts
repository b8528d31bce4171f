/** A service whose machine's clock is an hour wrong: payments come out as they must, and an operator learns of it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bankDebit, card, newOrder, openScene, type Scene, until } from "../scene/scene.ts";
import { spawnService } from "../scene/serviceProcess.ts";

// Ten seconds more than an hour: whatever tolerates an hour must have room.
describe.each([
  ["ahead", 3_610_000],
  ["behind", -3_610_000],
])("a service whose clock is an hour %s", (direction, offByMs) => {
  let scene: Scene;
  let service: Awaited<ReturnType<typeof spawnService>>;
  beforeAll(async () => {
    scene = await openScene(1000);
    await scene.stopService();
    service = await spawnService({ port: scene.servicePort, apiBase: scene.sandboxUrl, clockAheadMs: offByMs });
  });
  afterAll(async () => {
    await service.kill();
    await scene.startService();
    await scene.close();
  });

  it("says so at its start, by how much, and what it leads to", async () => {
    const warning = new RegExp(`The clock of this machine is 60 minutes ${direction}`);
    await until("the warning", async () => (warning.test(service.output()) ? true : undefined));
    expect(service.output()).toMatch(/receivers refuse notifications/);
  });

  it("answers what Stripe knows at once", async () => {
    expect(await scene.call("processPayment", card(newOrder()))).toMatchObject({
      status: 200,
      body: { status: "succeeded", settledBy: "response" },
    });
  });

  it("takes webhooks, whose time it finds off, and settles what waits", async () => {
    const order = newOrder();
    const call = scene.call("processPayment", bankDebit(order));
    const { id } = await scene.paymentOf(order);
    await scene.settle(id);
    expect(await call).toMatchObject({ status: 200, body: { paymentIntentId: id, status: "succeeded" } });
  });

  it("captures and refunds", async () => {
    const held = await scene.call("processPayment", { ...card(newOrder()), captureMethod: "manual" });
    const { paymentIntentId } = held.body;
    expect(await scene.call("capturePayment", { paymentIntentId })).toMatchObject({ status: 200 });
    expect(await scene.call("refundPayment", { paymentIntentId })).toMatchObject({ status: 200 });
  });

  it("charges a reference once", async () => {
    const reference = newOrder();
    const answers = await Promise.all(
      [1, 2].map(() => scene.call("processPayment", { ...card(reference), reference })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(await scene.paymentsOf(reference)).toHaveLength(1);
  });

  it("sends the customer away at once", async () => {
    const request = { ...card(newOrder(), "pm_card_threeDSecure2Required"), returnUrl: "https://shop.example/back" };
    expect(await scene.call("processPayment", request)).toMatchObject({
      status: 200,
      body: { status: "requires_action" },
    });
  });
});
