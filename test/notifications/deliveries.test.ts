/** How the merchant's own system is told: through its outages and ours, until it takes each notification or it is given up. */
import { TerminalError } from "@restatedev/restate-sdk";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { notificationTimings, type NotificationsOptions } from "../../src/notifications/options.ts";
import { notifySecret, openMerchant, type Merchant } from "../scene/merchant.ts";
import { serveOrders } from "../scene/orders.ts";
import { restate } from "../scene/restateCli.ts";
import { bankDebit, card, eventAbout, modes, newOrder, openScene, until, type Scene } from "../scene/scene.ts";
import { spawnService } from "../scene/serviceProcess.ts";

const hourMs = 3_600_000;
const patient: readonly number[] = Array.from({ length: 600 }, () => 50);

describe.each(modes)("deliveries, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  let merchant: Merchant;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
    merchant = await openMerchant();
    await serve();
  });
  afterAll(async () => {
    await scene.close();
    await merchant.close();
  });
  afterEach(async () => {
    merchant.answerWith(() => 200);
    await scene.quiet();
    await serve();
  });

  async function serve(more: Partial<NotificationsOptions> = {}): Promise<void> {
    await scene.restartService({
      notifications: {
        ...notificationTimings,
        receiver: merchant.receiver,
        retryScheduleMs: patient,
        attemptTimeoutMs: 300,
        ...more,
      },
    });
  }

  /** A payment with two facts to tell: that it succeeded, and that it is disputed. */
  async function pay(paymentMethodId = "pm_card_createDispute"): Promise<string> {
    const { body } = await scene.call("processPayment", card(newOrder(), paymentMethodId));
    return body.paymentIntentId ?? "";
  }

  async function deliveriesOf(paymentIntentId: string) {
    return await scene.sql<{ id: string; status: string; failure: string }>(
      `select id, status, coalesce(completion_failure, '') as failure from sys_invocation where target_service_name = 'paymentNotifier' and target_handler_name = 'deliver' and target_service_key = '${paymentIntentId}'`,
    );
  }

  async function attemptsOf(invocationId: string): Promise<number> {
    const rows = await scene.sql<{ n: number }>(
      `select count(1) as n from sys_journal where id = '${invocationId}' and name = 'attempt'`,
    );
    return rows[0]?.n ?? 0;
  }

  async function untilTriedTwice(paymentIntentId: string): Promise<string> {
    return await until("two attempts in vain", async () => {
      for (const { id } of await deliveriesOf(paymentIntentId)) if ((await attemptsOf(id)) >= 2) return id;
      return undefined;
    });
  }

  const both = ["payment.succeeded", "payment.disputed"];

  it("tells everything in order once a receiver that was down is up again", async () => {
    await merchant.goDown();
    const id = await pay();
    await untilTriedTwice(id);
    expect(merchant.of(id)).toEqual([]);
    await merchant.goUp();
    await merchant.untilTold(id, "payment.disputed");
    expect(merchant.typesOf(id)).toEqual(both);
  });

  it("goes on after the engine was killed while the receiver was down", async () => {
    await merchant.goDown();
    const id = await pay();
    await untilTriedTwice(id);
    await scene.crashEngine();
    await merchant.goUp();
    await merchant.untilTold(id, "payment.disputed");
    expect(merchant.typesOf(id)).toEqual(both);
  });

  it.each(["a 500", "a 400", "a redirect", "no answer", "a cut connection"])(
    "tells a receiver that gives %s again, with the same id and a fresh signature, and nothing else before",
    async (what) => {
      let refusals = 0;
      merchant.answerWith(() => {
        if (++refusals > 3) return 200;
        switch (what) {
          case "a 500":
            return 500;
          case "a 400":
            return 400;
          case "no answer":
            return "hang";
          case "a redirect":
            return (response) => response.writeHead(307, { location: "/trap" }).end();
          default:
            return (response) => response.destroy();
        }
      });
      const id = await pay();
      await merchant.untilTold(id, "payment.disputed");
      expect(merchant.typesOf(id)).toEqual([
        ...Array.from({ length: 4 }, () => "payment.succeeded"),
        "payment.disputed",
      ]);
      const first = merchant.of(id).slice(0, 4);
      expect(new Set(first.map(({ headers }) => headers["webhook-id"]))).toEqual(new Set([`${id}-payment_succeeded`]));
      expect(new Set(first.map(({ notification }) => JSON.stringify(notification))).size).toBe(1);
      for (const { isVerified, path, headers } of merchant.of(id)) {
        expect(isVerified).toBe(true);
        expect(path).toBe("/events?from=payments");
        const ageSeconds = Date.now() / 1000 - Number(headers["webhook-timestamp"]);
        expect(ageSeconds).toBeLessThan(30);
      }
    },
  );

  it("signs every attempt with its own time", async () => {
    merchant.answerWith(() => 500);
    const id = await pay("pm_card_visa");
    const times = () => new Set(merchant.of(id).map(({ headers }) => headers["webhook-timestamp"]));
    await until("attempts in two different seconds", async () => (times().size >= 2 ? true : undefined));
    expect(merchant.of(id).every(({ isVerified }) => isVerified)).toBe(true);
  });

  it("signs with every secret while one is changed for another", async () => {
    const other = `whsec_${Buffer.alloc(24, "o").toString("base64")}`;
    await serve({ receiver: { ...merchant.receiver, secrets: [other, notifySecret] } });
    const id = await pay("pm_card_visa");
    await merchant.untilTold(id, "payment.succeeded");
    const [received] = merchant.of(id);
    expect(received?.isVerified).toBe(true);
    const headers = received?.headers as Record<string, string>;
    expect(new Webhook(other).verify(JSON.stringify(received?.notification), headers)).toBeDefined();
  });

  describe("that are given up", () => {
    const secretWords = "what a receiver says is its own business";

    it("are seen by the operator, who can start them again; what follows goes out before", async () => {
      const errors = vi.spyOn(console, "error");
      await serve({ retryScheduleMs: [10, 10] });
      merchant.answerWith(({ type }) =>
        type === "payment.succeeded" ? (response) => response.writeHead(503).end(secretWords) : 200,
      );
      const id = await pay();
      await merchant.untilTold(id, "payment.disputed");
      expect(merchant.typesOf(id)).toEqual([
        "payment.succeeded",
        "payment.succeeded",
        "payment.succeeded",
        "payment.disputed",
      ]);
      await scene.quiet();
      const deliveries = await deliveriesOf(id);
      expect(deliveries).toHaveLength(2);
      const failed = deliveries.find(({ failure }) => failure !== "");
      const delivered = deliveries.find(({ failure }) => failure === "");
      expect(failed).toMatchObject({
        status: "completed",
        failure: expect.stringContaining("none of 3 attempts; at last: it answered 503"),
      });
      expect(delivered).toMatchObject({ status: "completed", failure: "" });
      const invocationId = failed?.id ?? "";
      const list = await restate(
        scene.admin,
        "invocations",
        "list",
        "--service",
        "paymentNotifier",
        "--completion-result",
        "failure",
      );
      expect(list).toContain(invocationId);
      const state = await restate(scene.admin, "kv", "get", "--plain", "paymentNotifier", id);
      expect(state).toContain(`${id}-payment_succeeded`);
      expect(state).toContain("it answered 503");
      const log = errors.mock.calls.flat().join("\n");
      expect(log).toContain(`restate inv restart-as-new ${invocationId}`);
      const journal = await restate(scene.admin, "invocations", "describe", invocationId);
      for (const text of [log, state, journal]) {
        expect(text).not.toContain(secretWords);
        expect(text).not.toContain(notifySecret);
      }
      errors.mockRestore();

      merchant.answerWith(() => 200);
      await restate(scene.admin, "invocations", "restart-as-new", "--yes", invocationId);
      await until("the notification to be taken", async () =>
        merchant.typesOf(id).at(-1) === "payment.succeeded" ? true : undefined,
      );
      await scene.quiet();
      expect(await restate(scene.admin, "kv", "get", "--plain", "paymentNotifier", id)).not.toContain("503");
    });

    it("because the operator cancels them make way at once", async () => {
      await serve({ retryScheduleMs: [hourMs] });
      merchant.answerWith(({ type }) => (type === "payment.succeeded" ? 500 : 200));
      const id = await pay();
      const invocationId = await until("the first delivery to sleep", async () => {
        const deliveries = await deliveriesOf(id);
        // The other one is pending: it has not begun.
        return deliveries.length === 2 ? deliveries.find(({ status }) => status === "suspended")?.id : undefined;
      });
      await restate(scene.admin, "invocations", "cancel", "--yes", invocationId);
      await merchant.untilTold(id, "payment.disputed");
      expect(merchant.typesOf(id)).toEqual(both);
      expect(await restate(scene.admin, "kv", "get", "--plain", "paymentNotifier", id)).toMatch(/givenUp/);
    });
  });

  describe("to a Restate service", () => {
    it("come in order, past failures of the service's own and past one that it refuses", async () => {
      await serve({ receiver: { kind: "service", service: "orders", handler: "onPaymentEvent" } });
      const id = await pay();
      // Nobody has registered the service yet.
      await until("the delivery to back off", async () =>
        (await deliveriesOf(id)).find(({ status }) => status === "backing-off"),
      );
      let failures = 0;
      const orders = await serveOrders(scene.admin, ({ type }) => {
        if (type === "payment.succeeded" && ++failures <= 2) throw new Error("not yet");
        if (type === "payment.disputed") throw new TerminalError("I do not do disputes.");
      });
      await until("the dispute to be told", async () =>
        orders.received.some(({ type }) => type === "payment.disputed") ? true : undefined,
      );
      const [dispute] = (await scene.stripe.disputes.list({ payment_intent: id })).data;
      await scene.stripe.disputes.close(dispute?.id ?? "");
      await until("its end to be told", async () =>
        orders.received.some(({ type }) => type === "payment.dispute_lost") ? true : undefined,
      );
      expect(orders.received.map(({ type }) => type)).toEqual([
        // Twice in vain.
        "payment.succeeded",
        "payment.succeeded",
        "payment.succeeded",
        "payment.disputed",
        "payment.dispute_lost",
      ]);
      await scene.quiet();
      const deliveries = await deliveriesOf(id);
      expect(deliveries.map(({ failure }) => failure).toSorted()).toEqual([
        "",
        "",
        expect.stringContaining("orders/onPaymentEvent refused it: I do not do disputes."),
      ]);
      expect(merchant.of(id)).toEqual([]);
      await orders.close();
    });
  });

  it("go to the service from the next attempt on, once that is the receiver", async () => {
    // Long enough to be suspended in between: a service is stopped only when no call is running in it.
    const retryScheduleMs = Array.from({ length: 10 }, () => 1500);
    await serve({ retryScheduleMs });
    await merchant.goDown();
    const id = await pay();
    await untilTriedTwice(id);
    await serve({ retryScheduleMs, receiver: { kind: "service", service: "orders", handler: "onPaymentEvent" } });
    const orders = await serveOrders(scene.admin, () => {});
    await until("both to be told", async () => (orders.received.length === 2 ? true : undefined));
    expect(orders.received.map(({ type }) => type)).toEqual(both);
    await merchant.goUp();
    await scene.quiet();
    expect(merchant.of(id)).toEqual([]);
    await orders.close();
  });

  it.each(["look", "deliver", "forget"])("can't be ordered at the ingress: %s", async (handler) => {
    const forged = { id: "pi_1-payment_succeeded", type: "payment.succeeded", paymentIntentId: "pi_1" };
    const response = await fetch(`${scene.ingress}/paymentNotifier/pi_1/${handler}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(forged),
    });
    expect(response.status).toBe(400);
    await scene.quiet();
    expect(merchant.of("pi_1")).toEqual([]);
  });

  it("are made again after the service was killed in the middle of one", async () => {
    await scene.stopService();
    merchant.answerWith(() => "hang");
    const victim = await spawnService({
      port: scene.servicePort,
      apiBase: scene.sandboxUrl,
      settings: { NOTIFY_URL: merchant.receiver.url, NOTIFY_SECRET: notifySecret },
    });
    const id = await pay();
    await until("the first attempt to arrive", async () => merchant.of(id)[0]);
    await victim.kill();
    merchant.answerWith(() => 200);
    await scene.startService({ notifications: { ...notificationTimings, receiver: merchant.receiver } });
    await merchant.untilTold(id, "payment.disputed");
    expect(merchant.typesOf(id)).toEqual(["payment.succeeded", "payment.succeeded", "payment.disputed"]);
    expect(new Set(merchant.of(id).map(({ headers }) => headers["webhook-id"])).size).toBe(2);
    expect(merchant.of(id).every(({ isVerified }) => isVerified)).toBe(true);
  });

  it("are forgotten in time, and not made again by what comes after", async () => {
    const rememberedMs = 5000;
    await serve({ rememberedMs });
    const id = await pay();
    await merchant.untilTold(id, "payment.disputed");
    await until("the state to be cleared", async () => {
      const rows = await scene.sql<{ n: number }>(
        `select count(1) as n from state where service_name = 'paymentNotifier' and service_key = '${id}'`,
      );
      return rows[0]?.n === 0 ? true : undefined;
    });
    await until("the payment to be older than the memory", async () => {
      const { created } = await scene.stripe.paymentIntents.retrieve(id);
      return Date.now() > created * 1000 + rememberedMs ? true : undefined;
    });
    await scene.webhook(eventAbout("charge.dispute.updated", { id: "du_1", payment_intent: id }));
    await scene.quiet();
    expect(merchant.typesOf(id)).toEqual(both);
  });

  it("tell of a payment that was made long ago and paid only now", async () => {
    const rememberedMs = 3000;
    await serve({ rememberedMs });
    const { id, created } = await scene.stripe.paymentIntents.create({
      amount: 109,
      currency: "usd",
      payment_method: "pm_card_visa",
      automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    });
    await until("the payment to be older than what is remembered", async () =>
      Date.now() > created * 1000 + rememberedMs + 1000 ? true : undefined,
    );
    await scene.stripe.paymentIntents.confirm(id);
    expect(await scene.call("awaitPayment", { paymentIntentId: id })).toMatchObject({ status: 200 });
    await scene.quiet();
    expect(merchant.typesOf(id)).toEqual(["payment.succeeded"]);
  });

  it("say that a payment is taken back, also if it was given up before anybody was to be told", async () => {
    await serve({ receiver: null });
    const order = newOrder();
    const answer = await scene.call("processPayment", { ...bankDebit(order), timeoutSeconds: 1 });
    expect(answer).toMatchObject({ status: 408, body: { metadata: { compensation: "watching" } } });
    await serve();
    const { id } = await scene.paymentOf(order);
    await scene.settle(id);
    await merchant.untilTold(id, "payment.taken_back");
    const refund = await until("the refund", async () => {
      const { data } = await scene.stripe.refunds.list({ payment_intent: id });
      return data[0];
    });
    await scene.settle(refund.id);
    await merchant.untilTold(id, "refund.succeeded");
    expect(merchant.typesOf(id)).toEqual(["payment.taken_back", "refund.succeeded"]);
  });

  it("are not even thought of where nobody is to be told", async () => {
    await serve({ receiver: null });
    const count = async () =>
      (
        await scene.sql<{ n: number }>(
          "select count(1) as n from sys_invocation where target_service_name = 'paymentNotifier'",
        )
      )[0]?.n;
    const before = await count();
    const id = await pay();
    await scene.quiet();
    expect(await count()).toBe(before);
    expect(await scene.requests("GET", `/v1/payment_intents/${id}`)).toEqual([]);
    expect(merchant.of(id)).toEqual([]);
  });
});
