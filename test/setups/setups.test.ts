/** Saving payment methods for later: every outcome, and what becomes of it whatever crashes or gets lost when. */
import type { Stripe } from "stripe";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { restate } from "../scene/restateCli.ts";
import { eventAbout, modes, newOrder, openScene, until, untilHung, type Scene } from "../scene/scene.ts";
import { spawnService } from "../scene/serviceProcess.ts";

const mandate = { type: "offline" };
const returnUrl = "https://shop.example/back";
const threeDSecure = "pm_card_authenticationRequiredSetupForOffSession";
/** The sandbox's bank looks at this account until it is told to settle. */
const slowAccount = "pm_usBankAccount_processing";

describe.each(modes)("setupPaymentMethod and awaitSetup, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  let customerId: string;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
    customerId = (await scene.stripe.customers.create({ email: "jenny@example.com" })).id;
  });
  afterAll(async () => {
    await scene.close();
  });
  beforeEach(async () => {
    await scene.clearFaults();
  });

  function setup(order: string, paymentMethodId = "pm_card_visa", more: object = {}) {
    return { customerId, paymentMethodId, metadata: { orderId: order }, ...more };
  }
  const slow = (order: string, more: object = {}) => setup(order, slowAccount, { mandate, ...more });

  async function setupsOf(order: string): Promise<readonly Stripe.SetupIntent[]> {
    const found: Stripe.SetupIntent[] = [];
    for await (const one of scene.stripe.setupIntents.list({ limit: 100 })) {
      if (one.metadata?.["orderId"] === order) found.push(one);
    }
    return found;
  }
  const setupOf = (order: string) => until(`a SetupIntent of ${order}`, async () => (await setupsOf(order))[0]);
  /** The SetupIntent of an order, as soon as its call is suspended. */
  async function waitingSetupOf(order: string): Promise<Stripe.SetupIntent> {
    const found = await setupOf(order);
    await scene.untilStatus(found.metadata?.["restate_invocation_id"] ?? "", "suspended");
    return found;
  }
  const read = (id: string) => scene.stripe.setupIntents.retrieve(id);
  const createFault = (effect: string, more: Record<string, string | number> = {}) =>
    scene.fault({ target: "api", effect, method: "POST", path: "/v1/setup_intents", count: 1, ...more });
  const cancelInvocationOf = (found: Stripe.SetupIntent) =>
    scene.cancel(found.metadata?.["restate_invocation_id"] ?? "");
  const untilWatchesEnd = () => scene.untilEnded("setupWatcher");

  async function sendAway(more: object = {}): Promise<string> {
    const { status, body } = await scene.call(
      "setupPaymentMethod",
      setup(newOrder(), threeDSecure, { returnUrl, ...more }),
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: "requires_action",
      paymentMethodId: expect.stringMatching(/^pm_/),
      settledBy: "response",
      nextAction: { type: "redirect_to_url", redirectUrl: expect.stringMatching(/^http/) },
    });
    return String(body["setupIntentId"]);
  }

  describe("known at once", () => {
    it("saves a card, which can then be charged in its owner's absence", async () => {
      const { status, body } = await scene.call("setupPaymentMethod", setup(newOrder()));
      expect(status).toBe(200);
      expect(body).toEqual({
        setupIntentId: expect.stringMatching(/^seti_/),
        status: "succeeded",
        paymentMethodId: expect.stringMatching(/^pm_/),
        customerId,
        settledBy: "response",
      });
      const charge = { paymentMethodId: body["paymentMethodId"], amount: 109, customerId, offSession: true };
      expect(await scene.call("processPayment", charge)).toMatchObject({ status: 200, body: { status: "succeeded" } });
    });

    it("saves a bank account with its mandate, which is debited again without one", async () => {
      const { body } = await scene.call(
        "setupPaymentMethod",
        setup(newOrder(), "pm_usBankAccount_success", { mandate }),
      );
      expect(body).toMatchObject({ status: "succeeded", mandateId: expect.stringMatching(/^mandate_/) });
      const order = newOrder();
      const debit = { paymentMethodId: body["paymentMethodId"], amount: 4000, customerId, offSession: true };
      const call = scene.call("processPayment", { ...debit, metadata: { orderId: order } });
      const payment = await scene.waitingPaymentOf(order);
      await scene.settle(payment.id);
      expect(await call).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "webhook" } });
    });

    it("declines a card with the bank's reason", async () => {
      const order = newOrder();
      const { status, body } = await scene.call("setupPaymentMethod", setup(order, "pm_card_visa_chargeDeclined"));
      expect(status).toBe(402);
      expect(body.metadata).toMatchObject({
        reason: "declined",
        stripeCode: "card_declined",
        declineCode: "generic_decline",
        adviceCode: "try_again_later",
        networkDeclineCode: "01",
        setupIntentId: (await setupOf(order)).id,
      });
    });

    it("declines a card that needs its owner, who is away, and cancels the SetupIntent", async () => {
      const order = newOrder();
      const { status, body } = await scene.call("setupPaymentMethod", setup(order, threeDSecure));
      const found = await setupOf(order);
      expect(status).toBe(402);
      expect(body.metadata).toEqual({
        reason: "declined",
        stripeCode: "authentication_required",
        setupIntentId: found.id,
        compensation: "canceled",
      });
      expect(found.status).toBe("canceled");
      // Whoever asks later learns the same.
      expect(await scene.call("awaitSetup", { setupIntentId: found.id })).toMatchObject({
        status: 402,
        body: { metadata: { reason: "declined", stripeCode: "authentication_required" } },
      });
    });
  });

  describe("known later", () => {
    it("answers when the bank has taken the account", async () => {
      const order = newOrder();
      const call = scene.call("setupPaymentMethod", slow(order));
      const { id } = await waitingSetupOf(order);
      await scene.settle(id);
      expect(await call).toMatchObject({
        status: 200,
        body: { setupIntentId: id, status: "succeeded", settledBy: "webhook", mandateId: expect.any(String) },
      });
    });

    it("declines when the bank has refused the account, and closes the SetupIntent", async () => {
      const order = newOrder();
      const call = scene.call("setupPaymentMethod", slow(order));
      const { id: setupIntentId } = await waitingSetupOf(order);
      await scene.settle(setupIntentId, "failed");
      expect(await call).toMatchObject({
        status: 402,
        body: {
          metadata: { reason: "declined", setupIntentId, stripeCode: expect.any(String), compensation: "canceled" },
        },
      });
      expect((await read(setupIntentId)).status).toBe("canceled");
    });

    it("hears early, lost, doubled and meaningless webhooks, and answers once", async () => {
      // Early: it comes while the creation is not answered yet.
      const early = newOrder();
      await createFault("stall", { delayMs: 700 });
      const first = scene.call("setupPaymentMethod", slow(early));
      await scene.settle((await setupOf(early)).id);
      expect(await first).toMatchObject({ status: 200, body: { status: "succeeded" } });

      // Doubled, after one that says nothing new.
      const doubled = newOrder();
      const second = scene.call("setupPaymentMethod", slow(doubled));
      const { id } = await waitingSetupOf(doubled);
      await scene.webhook(eventAbout("setup_intent.requires_action", await read(id)));
      await until("a new doorbell", async () => {
        const requests = await scene.requests("POST", `/v1/setup_intents/${id}`);
        return requests.length > 0 ? true : undefined;
      });
      await scene.fault({ target: "webhook", effect: "double" });
      await scene.settle(id);
      expect(await second).toMatchObject({ status: 200, body: { settledBy: "webhook" } });

      // Lost: the poll finds it.
      await scene.restartService({ pollScheduleMs: [200] });
      await scene.fault({ target: "webhook", effect: "lose", count: 0 });
      const lost = newOrder();
      const third = scene.call("setupPaymentMethod", slow(lost));
      await scene.settle((await setupOf(lost)).id);
      expect(await third).toMatchObject({ status: 200, body: { settledBy: "poll" } });
      await scene.restartService();
    });

    it("gives up at the deadline, and has cancelled what Stripe keeps as soon as it lets go", async () => {
      const order = newOrder();
      const { status, body } = await scene.call("setupPaymentMethod", slow(order, { timeoutSeconds: 1 }));
      const { id: setupIntentId } = await setupOf(order);
      expect(status).toBe(408);
      expect(body.metadata).toEqual({ reason: "timed_out", setupIntentId, compensation: "watching" });
      await untilHung(1, () => read(setupIntentId));
      await scene.settle(setupIntentId, "failed");
      await until("it to be cancelled", async () =>
        (await read(setupIntentId)).status === "canceled" ? true : undefined,
      );
      await untilWatchesEnd();
    });
  });

  describe("with the customer present", () => {
    it("sends the customer away, awaitSetup returns what came of it, and the card is charged in their absence", async () => {
      const setupIntentId = await sendAway();
      const wait = scene.call("awaitSetup", { setupIntentId });
      await untilHung(2, () => read(setupIntentId));
      await scene.authorize(setupIntentId, "succeeded");
      const { status, body } = await wait;
      expect(status).toBe(200);
      expect(body).toMatchObject({ setupIntentId, status: "succeeded", customerId, settledBy: "webhook" });
      await untilWatchesEnd();
      const charge = { paymentMethodId: body["paymentMethodId"], amount: 109, customerId, offSession: true };
      expect(await scene.call("processPayment", charge)).toMatchObject({ status: 200, body: { status: "succeeded" } });
      // A final state is answered without touching the object.
      const before = await read(setupIntentId);
      expect(await scene.call("awaitSetup", { setupIntentId })).toMatchObject({ body: { settledBy: "poll" } });
      expect((await read(setupIntentId)).metadata).toEqual(before.metadata);
    });

    it("tells awaitSetup why, when the customer fails, and closes the SetupIntent", async () => {
      const setupIntentId = await sendAway();
      const wait = scene.call("awaitSetup", { setupIntentId });
      await untilHung(2, () => read(setupIntentId));
      await scene.authorize(setupIntentId, "failed");
      const reason = { reason: "declined", stripeCode: "setup_intent_authentication_failure", setupIntentId };
      expect(await wait).toMatchObject({ status: 402, body: { metadata: reason } });
      await untilWatchesEnd();
      expect((await read(setupIntentId)).status).toBe("canceled");
      expect(await scene.call("awaitSetup", { setupIntentId })).toMatchObject({
        status: 402,
        body: { metadata: reason },
      });
    });

    it("cancels what the customer did not do in time", async () => {
      const setupIntentId = await sendAway({ timeoutSeconds: 1 });
      expect(await scene.call("awaitSetup", { setupIntentId })).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", setupIntentId } },
      });
      await untilWatchesEnd();
    });

    it("does not send the customer away for a call that was cancelled meanwhile", async () => {
      const order = newOrder();
      await createFault("stall", { delayMs: 3000 });
      const call = scene.call("setupPaymentMethod", setup(order, threeDSecure, { returnUrl }));
      await cancelInvocationOf(await setupOf(order));
      expect(await call).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", compensation: "canceled" } },
      });
      expect((await setupOf(order)).status).toBe("canceled");
    });
  });

  describe("that somebody ends", () => {
    it("answers canceled when the SetupIntent is cancelled in Stripe", async () => {
      const { body } = await scene.call("setupPaymentMethod", setup(newOrder(), threeDSecure, { returnUrl }));
      const setupIntentId = String(body["setupIntentId"]);
      const wait = scene.call("awaitSetup", { setupIntentId });
      await untilHung(2, () => read(setupIntentId));
      await scene.stripe.setupIntents.cancel(setupIntentId);
      expect(await wait).toMatchObject({ status: 409, body: { metadata: { reason: "canceled", setupIntentId } } });
      await untilWatchesEnd();
    });

    it("has a set-up watched whose call was cancelled, and lets it stand if it succeeds after all", async () => {
      const order = newOrder();
      const call = scene.call("setupPaymentMethod", slow(order));
      const found = await waitingSetupOf(order);
      await cancelInvocationOf(found);
      expect(await call).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", setupIntentId: found.id, compensation: "watching" } },
      });
      await untilHung(1, () => read(found.id));
      await scene.settle(found.id);
      await untilWatchesEnd();
      expect((await read(found.id)).status).toBe("succeeded");
    });

    it("ends a mere wait at its deadline or when it is cancelled, and leaves the SetupIntent alone", async () => {
      const { body } = await scene.call("setupPaymentMethod", setup(newOrder(), threeDSecure, { returnUrl }));
      const setupIntentId = String(body["setupIntentId"]);
      expect(await scene.call("awaitSetup", { setupIntentId, timeoutSeconds: 1 })).toMatchObject({
        status: 408,
        body: { metadata: { reason: "timed_out", setupIntentId, compensation: "none" } },
      });
      const key = newOrder();
      const wait = scene.call("awaitSetup", { setupIntentId }, key);
      const invocationId = await scene.suspended(key);
      await restate(scene.admin, "invocation", "cancel", "--yes", invocationId);
      expect(await wait).toMatchObject({
        status: 409,
        body: { metadata: { reason: "canceled", setupIntentId, compensation: "none" } },
      });
      expect((await read(setupIntentId)).status).toBe("requires_action");
      await scene.authorize(setupIntentId, "succeeded");
      await untilWatchesEnd();
    });
  });

  describe("that are mistakes of the caller", () => {
    it("lists every field that the schema refuses", async () => {
      const request = { paymentMethodId: "", returnUrl: "back", mandat: mandate, metadata: { restate_x: "y" } };
      const { status, body } = await scene.call("setupPaymentMethod", request);
      expect(status).toBe(400);
      for (const field of ["customerId", "paymentMethodId", "returnUrl", "mandat", "restate_x"]) {
        expect(body.message).toContain(field);
      }
    });

    it.each<[string, object, string]>([
      ["a customer that does not exist", { customerId: "cus_missing" }, "customer"],
      ["a payment method that does not exist", { paymentMethodId: "pm_missing" }, "payment_method"],
      ["a bank account without a mandate", { paymentMethodId: "pm_usBankAccount_success" }, "mandate_data"],
    ])("passes on that Stripe refuses %s", async (_what, more, param) => {
      const order = newOrder();
      const { status, body } = await scene.call("setupPaymentMethod", { ...setup(order), ...more });
      expect(status).toBe(400);
      expect(body.metadata).toMatchObject({ reason: "invalid_request", param });
      expect(await setupsOf(order)).toEqual([]);
    });

    it("answers 404 when awaitSetup names nothing", async () => {
      const setupIntentId = "seti_missing";
      expect(await scene.call("awaitSetup", { setupIntentId })).toMatchObject({
        status: 404,
        body: { metadata: { reason: "not_found", setupIntentId } },
      });
    });
  });

  describe("when things break", () => {
    it("makes one SetupIntent and one answer of one key, concurrently and after completion", async () => {
      const order = newOrder();
      const answers = await Promise.all([1, 2, 3].map(() => scene.call("setupPaymentMethod", setup(order), order)));
      answers.push(await scene.call("setupPaymentMethod", setup(order), order));
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(await setupsOf(order)).toHaveLength(1);
    });

    it.each(["error_500", "rate_limit", "html_502", "cut_before", "cut_after"])(
      "saves once in spite of %s",
      async (effect) => {
        const order = newOrder();
        await createFault(effect);
        expect(await scene.call("setupPaymentMethod", setup(order))).toMatchObject({ status: 200 });
        expect(await setupsOf(order)).toHaveLength(1);
      },
    );

    it("adopts the SetupIntent that a saved and replayed 500 hides", async () => {
      const order = newOrder();
      await createFault("error_500_saved_after");
      const { status, body } = await scene.call("setupPaymentMethod", setup(order));
      expect(status).toBe(200);
      expect(body).toMatchObject({ status: "succeeded", settledBy: "poll", setupIntentId: (await setupOf(order)).id });
      expect(await setupsOf(order)).toHaveLength(1);
    });

    it("asks for a review when a saved 500 hides nothing", async () => {
      const order = newOrder();
      await createFault("error_500_saved");
      expect(await scene.call("setupPaymentMethod", setup(order))).toMatchObject({
        status: 502,
        body: { metadata: { reason: "needs_review" } },
      });
      expect(await setupsOf(order)).toEqual([]);
    });

    it("asks for a review when Stripe knows the key with other parameters", async () => {
      const order = newOrder();
      const before = (await scene.requests("POST", "/v1/setup_intents")).length;
      await createFault("error_500", { count: 0 });
      const call = scene.call("setupPaymentMethod", setup(order));
      const first = await until(
        "the first attempt",
        async () => (await scene.requests("POST", "/v1/setup_intents"))[before],
      );
      await scene.stripe.customers.create({ name: "Else" }, { idempotencyKey: first.idempotencyKey ?? "" });
      await scene.clearFaults();
      expect(await call).toMatchObject({ status: 502, body: { metadata: { reason: "needs_review" } } });
    });

    it("saves once when the service is killed between Stripe's answer and its record", async () => {
      const order = newOrder();
      const before = (await scene.requests("POST", "/v1/setup_intents")).length;
      await scene.stopService();
      const victim = await spawnService({ port: scene.servicePort, apiBase: scene.sandboxUrl });
      await createFault("stall", { delayMs: 3000 });
      const call = scene.call("setupPaymentMethod", setup(order));
      await setupOf(order);
      await victim.kill();
      await scene.startService();
      expect(await call).toMatchObject({ status: 200, body: { status: "succeeded" } });
      expect(await setupsOf(order)).toHaveLength(1);
      const keys = (await scene.requests("POST", "/v1/setup_intents")).slice(before).map((one) => one.idempotencyKey);
      expect(new Set(keys).size).toBe(1);
    });
  });

  it("keeps the watcher out of the ingress", async () => {
    const response = await fetch(`${scene.ingress}/setupWatcher/watch`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ setupIntentId: "seti_1", deadlineAtMs: 0 }),
    });
    expect(response.status).toBe(400);
  });
});
