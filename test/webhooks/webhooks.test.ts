/** Webhooks as they really come: early, late, lost, doubled, out of order, forged, damaged, about somebody else. */
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  bankDebit,
  card,
  eventAbout,
  modes,
  newOrder,
  oldWebhookSecret,
  openScene,
  sign,
  until,
  type Answer,
  type Scene,
} from "../scene/scene.ts";

describe.each(modes)("webhooks, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
  });
  afterAll(async () => {
    await scene.close();
  });
  beforeEach(async () => {
    await scene.clearFaults();
  });

  /** A bank debit that Stripe is processing, and the call that waits for it or is about to. */
  async function waitingDebit(): Promise<{ id: string; call: Promise<Answer> }> {
    const order = newOrder();
    const call = scene.call("processPayment", bankDebit(order));
    const { id } = await scene.paymentOf(order);
    return { id, call };
  }

  it("returns the outcome when the webhook arrives before the API response", async () => {
    await scene.fault({ target: "webhook", effect: "before_response", count: 0 });
    const { status, body } = await scene.call("processPayment", { ...card(newOrder()), delayedStatus: true });
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: "succeeded", settledBy: "webhook" });
  });

  it.each(["double", "reorder", "delay"])("returns the outcome when webhooks are hit by: %s", async (effect) => {
    const { id, call } = await waitingDebit();
    await scene.fault({ target: "webhook", effect, count: 0, delayMs: 300 });
    await scene.settle(id);
    expect(await call).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "webhook" } });
  });

  it("returns the outcome by polling when every webhook is lost", async () => {
    await scene.restartService({ pollScheduleMs: [300] });
    const { id, call } = await waitingDebit();
    await scene.fault({ target: "webhook", effect: "lose", count: 0 });
    await scene.settle(id);
    expect(await call).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "poll" } });
    await scene.restartService();
  });

  it("takes a genuine webhook long after it was signed", async () => {
    const { id, call } = await waitingDebit();
    await scene.fault({ target: "webhook", effect: "lose", count: 0 });
    await scene.settle(id);
    const event = eventAbout("payment_intent.succeeded", await scene.stripe.paymentIntents.retrieve(id));
    const timestamp = Math.floor(Date.now() / 1000) - 3 * 24 * 3600;
    expect(await scene.webhook(event, sign(event, { timestamp }))).toEqual({ status: 200, body: { received: true } });
    expect(await call).toMatchObject({ status: 200, body: { settledBy: "webhook" } });
  });

  it("takes a webhook signed with the old secret while it is being rolled", async () => {
    const { id, call } = await waitingDebit();
    await scene.fault({ target: "webhook", effect: "lose", count: 0 });
    await scene.settle(id);
    const event = eventAbout("payment_intent.succeeded", await scene.stripe.paymentIntents.retrieve(id));
    expect((await scene.webhook(event, sign(event, { secret: oldWebhookSecret }))).status).toBe(200);
    expect(await call).toMatchObject({ status: 200 });
  });

  it("does not let created and processing events end the wait", async () => {
    const { id, call } = await waitingDebit();
    const { body: before } = await scene.call("getPayment", { paymentIntentId: id });
    expect(before.status).toBe("processing");
    const events = await scene.stripe.events.list({ limit: 100 });
    const early = events.data.filter((event) => "id" in event.data.object && event.data.object.id === id);
    expect(early.map((event) => event.type)).toEqual(
      expect.arrayContaining(["payment_intent.created", "payment_intent.processing"]),
    );
    for (const event of early) expect((await scene.webhook(JSON.stringify(event))).status).toBe(200);
    expect((await scene.stripe.paymentIntents.retrieve(id)).metadata).toEqual(
      expect.objectContaining({ restate_callback_id: expect.stringMatching(/^sign_1/) }),
    );
    await scene.settle(id);
    expect(await call).toMatchObject({ status: 200, body: { status: "succeeded" } });
  });

  it("reads Stripe after a ring that finds the payment pending, and hangs a new doorbell", async () => {
    const { id, call } = await waitingDebit();
    const before = await scene.stripe.paymentIntents.retrieve(id);
    const lie = eventAbout("payment_intent.succeeded", { ...before, status: "succeeded" });
    expect((await scene.webhook(lie)).status).toBe(200);
    const after = await until("a new doorbell", async () => {
      const payment = await scene.stripe.paymentIntents.retrieve(id);
      return payment.metadata["restate_callback_id"] === before.metadata["restate_callback_id"] ? undefined : payment;
    });
    expect(after.status).toBe("processing");
    expect(after.metadata["restate_invocation_id"]).toBe(before.metadata["restate_invocation_id"]);
    await scene.settle(id);
    expect(await call).toMatchObject({ status: 200, body: { settledBy: "webhook" } });
  });

  it("stops answering the door after ten useless rings, and still finds the outcome by polling", async () => {
    await scene.restartService({ pollScheduleMs: [2000] });
    const { id, call } = await waitingDebit();
    const seen = new Set<string>();
    for (let ring = 0; ring <= 10; ring++) {
      const payment = await until(`doorbell ${ring}`, async () => {
        const latest = await scene.stripe.paymentIntents.retrieve(id);
        return seen.has(latest.metadata["restate_callback_id"] ?? "") ? undefined : latest;
      });
      seen.add(payment.metadata["restate_callback_id"] ?? "");
      await scene.webhook(eventAbout("payment_intent.succeeded", payment));
    }
    expect(seen.size).toBe(11);
    const invocationId = (await scene.stripe.paymentIntents.retrieve(id)).metadata["restate_invocation_id"] ?? "";
    await until("the last ring to be answered", async () => {
      const rows = await scene.sql<{ n: number }>(
        `select count(1) as n from sys_journal where id = '${invocationId}' and name = 'read PaymentIntent'`,
      );
      return (rows[0]?.n ?? 0) >= 11 ? true : undefined;
    });
    await scene.untilStatus(invocationId, "suspended");
    await scene.settle(id);
    expect(await call).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "poll" } });
    await scene.restartService();
  });

  it("refuses forged webhooks with 400 and a reason, and they change nothing", async () => {
    const { id, call } = await waitingDebit();
    const payment = await scene.stripe.paymentIntents.retrieve(id);
    const event = eventAbout("payment_intent.succeeded", { ...payment, status: "succeeded" });
    const forgeries: readonly [string, Record<string, string>][] = [
      [event, {}],
      [event, { "stripe-signature": "" }],
      [event, { "stripe-signature": "t=1,v1=deadbeef" }],
      [event, { "stripe-signature": "nonsense" }],
      [event, sign(event, { secret: "whsec_guessed" })],
      [event.replace('"succeeded"', '"canceled"'), sign(event)],
      ["", sign(event)],
    ];
    for (const [payload, headers] of forgeries) {
      const answer = await scene.webhook(payload, headers);
      expect(answer).toMatchObject({
        status: 400,
        body: { code: 400, message: expect.stringMatching(/signature/), metadata: { reason: "invalid_request" } },
      });
    }
    expect((await scene.stripe.paymentIntents.retrieve(id)).metadata).toEqual(payment.metadata);
    await scene.settle(id);
    await call;
  });

  it.each([
    ["of an unknown type", "a.type.of.tomorrow", { id: "x_1" }],
    ["about a PaymentIntent that is none of ours", "payment_intent.succeeded", { id: "pi_foreign", metadata: {} }],
    ["about an object without metadata", "payment_intent.succeeded", { id: "pi_foreign" }],
    ["with a damaged callback id", "payment_intent.succeeded", { metadata: { restate_callback_id: "sign_1damaged" } }],
    [
      "with the address of the signal that cancels an invocation",
      "payment_intent.succeeded",
      { metadata: { restate_callback_id: "sign_1JFCI3Y2GAcJppmQrxx8bC4mVK72EPEA1AAAAAQ" } },
    ],
    [
      "with the address of an awakeable that does not exist",
      "payment_intent.succeeded",
      { metadata: { restate_callback_id: "sign_1JFCI3Y2GAcJppmQrxx8bC4mVK72EPEA1AAAAEQ" } },
    ],
  ])("acknowledges a genuine event %s", async (_what, type, object) => {
    expect(await scene.webhook(eventAbout(type, object))).toEqual({ status: 200, body: { received: true } });
    await until("the engine to have nothing left to do for webhooks", async () => {
      const rows = await scene.sql<{ n: number }>(
        "select count(1) as n from sys_invocation where target_handler_name = 'processWebhook' and status <> 'completed'",
      );
      return rows[0]?.n === 0 ? true : undefined;
    });
  });

  it.each(["application/json", "text/plain", "application/octet-stream"])(
    "takes a webhook with the content type %s",
    async (contentType) => {
      const event = eventAbout("customer.created", { id: "cus_1", metadata: {} });
      expect((await scene.webhook(event, { ...sign(event), "content-type": contentType })).status).toBe(200);
    },
  );

  it("keeps no webhook body, with its client secret, in the journal", async () => {
    const event = eventAbout("payment_intent.succeeded", { id: "pi_1", metadata: {}, client_secret: "pi_1_secret_X" });
    await scene.webhook(event);
    // The engine answers the caller first, and drops the journal a moment later.
    await until("the engine to have dropped the journals of the webhooks", async () => {
      const rows = await scene.sql<{ n: number }>(
        "select count(1) as n from sys_journal j join sys_invocation i on i.id = j.id where i.target_handler_name = 'processWebhook'",
      );
      return rows[0]?.n === 0 ? true : undefined;
    });
  });

  it("ends as Stripe says, whatever events come in whatever order", async () => {
    const types = [
      "payment_intent.created",
      "payment_intent.processing",
      "payment_intent.succeeded",
      "payment_intent.payment_failed",
      "payment_intent.canceled",
      "payment_intent.requires_action",
      "payment_intent.amount_capturable_updated",
      "charge.succeeded",
      "refund.updated",
    ];
    const statuses = ["succeeded", "processing", "canceled", "requires_payment_method", "requires_capture"];
    const anEvent = fc.record({ type: fc.constantFrom(...types), status: fc.constantFrom(...statuses) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(anEvent, { maxLength: 5 }),
        fc.array(anEvent, { maxLength: 3 }),
        fc.constantFrom("succeeded" as const, "failed" as const),
        async (before, after, end) => {
          const { id, call } = await waitingDebit();
          const payment = await scene.stripe.paymentIntents.retrieve(id);
          for (const { type, status } of before) await scene.webhook(eventAbout(type, { ...payment, status }));
          await scene.settle(id, end);
          for (const { type, status } of after) await scene.webhook(eventAbout(type, { ...payment, status }));
          const answer = await call;
          expect([answer.status, answer.body.status ?? answer.body.metadata?.["reason"]]).toEqual(
            end === "succeeded" ? [200, "succeeded"] : [402, "declined"],
          );
        },
      ),
      { numRuns: 15 },
    );
  });
});
