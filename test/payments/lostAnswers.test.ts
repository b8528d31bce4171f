/** Answers of Stripe that are lost for good: what became of the charge is looked up, and never tried again. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bankDebit, card, modes, newOrder, openScene, until, type Scene } from "../scene/scene.ts";
import { spawnService } from "../scene/serviceProcess.ts";

const dayMs = 24 * 3_600_000;
const createPath = "/v1/payment_intents";

describe.each(modes)("lost answers, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
  });
  afterAll(async () => {
    await scene.close();
  });
  afterEach(async () => {
    await scene.clearFaults();
  });

  async function loseAnswer(): Promise<void> {
    await scene.fault({ target: "api", effect: "error_500_saved_after", method: "POST", path: createPath });
  }

  it("finds a payment at once that search doesn't show yet", async () => {
    const order = newOrder();
    // Were it not for the list, the second look-up would be too late for this test.
    await scene.restartService({ lookUpDelaysMs: [0, 3_600_000] });
    await loseAnswer();
    const { status, body } = await scene.call("processPayment", card(order));
    await scene.restartService();
    expect(status).toBe(200);
    expect((await scene.paymentsOf(order)).map(({ id }) => id)).toEqual([body.paymentIntentId]);
  });

  it("finds a payment behind the pages of those that were made after it", async () => {
    const order = newOrder();
    const listed = async () => (await scene.requests("GET", createPath)).filter(({ status }) => status === 200).length;
    const before = await listed();
    await scene.restartService({ lookUpDelaysMs: [0, 3_600_000] });
    await loseAnswer();
    // Nobody can look for it before the others are there.
    await scene.fault({ target: "api", effect: "error_500", method: "GET", path: `${createPath}/search`, count: 1000 });
    const call = scene.call("processPayment", card(order));
    const { id } = await scene.paymentOf(order);
    for (let made = 0; made < 100; made++) await scene.stripe.paymentIntents.create({ amount: 200, currency: "usd" });
    await scene.clearFaults();
    expect(await call).toMatchObject({ status: 200, body: { paymentIntentId: id, settledBy: "poll" } });
    await scene.restartService();
    expect((await listed()) - before).toBeGreaterThanOrEqual(2);
  });

  it.each([
    ["refunds", card, "succeeded"],
    ["cancels", (order: string) => bankDebit(order, "pm_usBankAccount_processing"), "canceled"],
  ] as const)(
    "%s every extra PaymentIntent of one call, and asks for a review",
    async (_what, requestFor, extraEnd) => {
      const order = newOrder();
      await scene.restartService({ lookUpDelaysMs: [1500] });
      await loseAnswer();
      const call = scene.call("processPayment", requestFor(order));
      const first = await scene.paymentOf(order);
      // What must not be: somebody charges a second time in the name of the same call.
      const { paymentMethodId, amount } = requestFor(order);
      const extra = await scene.stripe.paymentIntents.create({
        amount,
        currency: "usd",
        payment_method: paymentMethodId,
        confirm: true,
        automatic_payment_methods: { enabled: true, allow_redirects: "never" },
        mandate_data: { customer_acceptance: { type: "offline" } },
        metadata: first.metadata,
      });
      const answer = await call;
      await scene.restartService();
      expect(answer).toMatchObject({
        status: 502,
        body: { metadata: { reason: "needs_review", paymentIntentId: first.id } },
      });
      for (const id of [first.id, extra.id]) expect(answer.body.message).toContain(id);
      const ended = await until("the extra one to be taken back", async () => {
        const { status } = await scene.stripe.paymentIntents.retrieve(extra.id);
        const refunds = await scene.stripe.refunds.list({ payment_intent: extra.id });
        return status === "canceled" || refunds.data[0]?.amount === amount ? status : undefined;
      });
      expect(ended).toBe(extraEnd);
      // The one that stays was not touched.
      expect((await scene.stripe.paymentIntents.retrieve(first.id)).status).toBe(first.status);
      expect((await scene.stripe.refunds.list({ payment_intent: first.id })).data).toEqual([]);
      expect(await scene.call("awaitPayment", { paymentIntentId: extra.id })).toMatchObject({ status: 409 });
    },
  );

  it.each([
    ["a card payment", card, "succeeded"],
    ["a bank debit that settled meanwhile", bankDebit, "succeeded"],
  ] as const)(
    "adopts %s when the engine was down for days between the charge and its record, and Stripe forgot the key",
    async (_what, requestFor, status) => {
      const order = newOrder();
      await scene.stopService();
      const service = { port: scene.servicePort, apiBase: scene.sandboxUrl };
      const victim = await spawnService(service);
      const before = (await scene.requests("POST", createPath)).length;
      // Stripe does the work at once; nobody is left to hear of it.
      await scene.fault({ target: "api", effect: "stall", method: "POST", path: createPath, delayMs: 30_000 });
      const call = scene.call("processPayment", requestFor(order), order).catch(() => "connection lost");
      const { id } = await scene.paymentOf(order);
      await scene.killEngine();
      await victim.kill();
      expect(await call).toBe("connection lost");
      await scene.stripeClock({ mode: "virtual" });
      await scene.stripeClock({ advanceMs: 3 * dayMs });
      await scene.stripeClock({ mode: "real" });
      await scene.startEngine();
      const threeDaysLater = await spawnService({ ...service, clockAheadMs: 3 * dayMs });
      const answer = await scene.call("processPayment", requestFor(order), order);
      await threeDaysLater.kill();
      await scene.startService();
      expect(answer).toMatchObject({ status: 200, body: { paymentIntentId: id, status, settledBy: "poll" } });
      expect(await scene.paymentsOf(order)).toHaveLength(1);
      // Sent once, and looked up ever after.
      expect((await scene.requests("POST", createPath)).slice(before)).toHaveLength(1);
    },
  );
});
