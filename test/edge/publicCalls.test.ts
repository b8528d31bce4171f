import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { edgeSecret, openEdge, type SceneEdge } from "../scene/edge.ts";
import { modes, openScene, sign, until, type Scene } from "../scene/scene.ts";

const card = { paymentMethodId: "pm_card_visa", amount: 109 };
const debit = { paymentMethodId: "pm_usBankAccount_success", amount: 2500, mandate: { type: "offline" } };

describe.each(modes)("$mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  let edge: SceneEdge;

  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
    await scene.restartService({ edgeSecrets: [edgeSecret] });
    edge = await openEdge(scene);
    await until("the edge to be ready", async () => ((await edge.get("/readyz")).status === 200 ? true : undefined));
  });
  afterAll(async () => {
    await edge.close();
    await scene.close();
  });

  it("answers the outcome of a card payment, and the same to the same key, once charged", async () => {
    const headers = { "idempotency-key": "card-1" };
    const first = await edge.call("/payments/processPayment", { ...card, metadata: { orderId: "card-1" } }, headers);
    const again = await edge.call("/payments/processPayment", { metadata: { orderId: "card-1" }, ...card }, headers);
    expect(first).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "response" } });
    expect(first.body).not.toHaveProperty("requestFingerprint");
    expect(again.body).toEqual(first.body);
    expect(await scene.paymentsOf("card-1")).toHaveLength(1);
  });

  it("takes no step before the payment is made, and answers with the record of it", async () => {
    const orderId = crypto.randomUUID();
    await edge.call("/payments/processPayment", { ...card, metadata: { orderId } });
    const [payment] = await scene.paymentsOf(orderId);
    const steps = await scene.sql<{ entry_type: string }>(
      `select entry_type from sys_journal where id = '${payment?.metadata["restate_invocation_id"]}' order by index`,
    );
    const commands = steps.map((step) => step.entry_type).filter((type) => type.startsWith("Command"));
    expect(commands).toEqual(["Command: Input", "Command: Run", "Command: Output"]);
  });

  it("refuses another request under the key of one that has ended", async () => {
    const headers = { "idempotency-key": "reused-1" };
    await edge.call("/payments/processPayment", card, headers);
    const other = await edge.call("/payments/processPayment", { ...card, amount: 110 }, headers);
    expect(other).toMatchObject({ status: 422, body: { code: 422, metadata: { reason: "idempotency_key_reused" } } });
  });

  it("waits for a debit, joins the same request, and refuses another one at once", async () => {
    const headers = { "idempotency-key": "debit-1" };
    const request = { ...debit, metadata: { orderId: "debit-1" } };
    const first = edge.call("/payments/processPayment", request, headers);
    const payment = await scene.waitingPaymentOf("debit-1");
    const second = edge.call("/payments/processPayment", request, headers);
    const other = await edge.call("/payments/processPayment", { ...request, amount: 1 }, headers);
    expect(other.status).toBe(422);
    await scene.settle(payment.id);
    expect(await first).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "webhook" } });
    expect((await second).body).toEqual((await first).body);
  });

  it("answers 202 to who doesn't wait, and the outcome under the call's id", async () => {
    const request = { ...debit, metadata: { orderId: "async-1" } };
    const headers = { "idempotency-key": "async-1", prefer: "respond-async" };
    const accepted = await edge.call("/payments/processPayment", request, headers);
    const { callId } = accepted.body as { callId: string };
    expect(accepted).toMatchObject({ status: 202, body: { callId: expect.stringMatching(/^call_/) } });
    expect(accepted.headers.get("location")).toBe(`/calls/${callId}`);
    const payment = await scene.waitingPaymentOf("async-1");
    expect(await edge.get(`/calls/${callId}`)).toMatchObject({ status: 202, body: { callId } });
    const waiting = edge.get(`/calls/${callId}`, { prefer: "wait=60" });
    await scene.settle(payment.id);
    expect(await waiting).toMatchObject({ status: 200, body: { paymentIntentId: payment.id, status: "succeeded" } });
  });

  it("cancels a call by its id, and the outcome says what became of it", async () => {
    const request = { ...debit, metadata: { orderId: "cancel-1" } };
    const headers = { "idempotency-key": "cancel-1", prefer: "respond-async" };
    const { callId } = (await edge.call("/payments/processPayment", request, headers)).body as { callId: string };
    await scene.waitingPaymentOf("cancel-1");
    expect((await edge.call(`/calls/${callId}/cancel`, {}, {})).status).toBe(202);
    const outcome = await edge.get(`/calls/${callId}`, { prefer: "wait=60" });
    expect(outcome).toMatchObject({ status: 409, body: { metadata: { reason: "canceled" } } });
  });

  it("lets a call go on whose caller hangs up, and says nothing of it", async () => {
    const request = { ...debit, metadata: { orderId: "gone-1" } };
    const caller = new AbortController();
    const call = fetch(`${edge.url}/payments/processPayment`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": "gone-1" },
      body: JSON.stringify(request),
      signal: caller.signal,
    });
    const { id } = await scene.waitingPaymentOf("gone-1");
    const before = edge.warnings.length;
    caller.abort();
    await expect(call).rejects.toThrow("aborted");
    // The edge lets the connection to the engine go after five seconds.
    await delay(6000);
    expect(edge.warnings.slice(before)).toEqual([]);
    await scene.settle(id);
    const outcome = await edge.call("/payments/processPayment", request, { "idempotency-key": "gone-1" });
    expect(outcome).toMatchObject({ status: 200, body: { paymentIntentId: id, status: "succeeded" } });
  });

  it("keeps the end of a refund, which a private call keeps, under the id of the call", async () => {
    const { paymentIntentId } = (await edge.call("/payments/processPayment", card)).body;
    const headers = { "idempotency-key": "refund-1", prefer: "wait=60" };
    const refund = await edge.call("/payments/refundPayment", { paymentIntentId, amount: 9 }, headers);
    expect(refund).toMatchObject({ status: 200, body: { status: "succeeded", amount: 9 } });
    const other = await edge.call("/payments/refundPayment", { paymentIntentId, amount: 10 }, headers);
    expect(other).toMatchObject({ status: 422, body: { metadata: { reason: "idempotency_key_reused" } } });
    const async = { "idempotency-key": "refund-1", prefer: "respond-async" };
    const { callId } = (await edge.call("/payments/refundPayment", { paymentIntentId, amount: 9 }, async)).body as {
      callId: string;
    };
    const kept = await edge.get(`/calls/${callId}`, { prefer: "wait=60" });
    expect(kept).toMatchObject({ status: 200, body: refund.body });
    const reused = { "idempotency-key": "refund-1", prefer: "respond-async" };
    const reusedId = (await edge.call("/payments/refundPayment", { paymentIntentId, amount: 10 }, reused)).body[
      "callId"
    ] as string;
    expect((await edge.get(`/calls/${reusedId}`, { prefer: "wait=60" })).status).toBe(422);
  });

  it("rings a waiting payment by a webhook that starts no invocation", async () => {
    const request = { ...debit, metadata: { orderId: "rung-1" } };
    const outcome = edge.call("/payments/processPayment", request, { "idempotency-key": "rung-1" });
    const payment = await scene.waitingPaymentOf("rung-1");
    await scene.stripeClock({ mode: "real" });
    await scene.settle(payment.id);
    expect(await outcome).toMatchObject({ status: 200, body: { settledBy: "webhook" } });
  });

  it("tells the time of acceptance to the handler, so that the deadline counts from it", async () => {
    await scene.stopService();
    const orderId = "deadline-1";
    const headers = { "idempotency-key": orderId };
    const request = { ...card, timeoutSeconds: 2, metadata: { orderId } };
    const outcome = edge.call("/payments/processPayment", request, headers);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await scene.startService({ edgeSecrets: [edgeSecret] });
    expect(await outcome).toMatchObject({ status: 408, body: { metadata: { reason: "timed_out" } } });
    expect(await scene.paymentsOf(orderId)).toHaveLength(0);
  });

  it("takes nothing from an edge with another secret, and is as right", async () => {
    await scene.restartService({ edgeSecrets: ["another secret, of a service that was rotated"] });
    const answer = await edge.call("/payments/processPayment", card);
    expect(answer).toMatchObject({ status: 200, body: { status: "succeeded" } });
    expect(answer.body).not.toHaveProperty("requestFingerprint");
    await scene.restartService({ edgeSecrets: ["another secret, of a service that was rotated", edgeSecret] });
  });

  it("refuses a webhook that is too old or from the future, without the engine", async () => {
    const payload = JSON.stringify({ id: "evt_1", object: "event", type: "payment_intent.succeeded", data: null });
    const nowSeconds = Math.floor(Date.now() / 1000);
    for (const timestamp of [nowSeconds - 310, nowSeconds + 310]) {
      const answer = await edge.call("/payments/processWebhook", JSON.parse(payload), sign(payload, { timestamp }));
      expect(answer).toMatchObject({ status: 400, body: { metadata: { reason: "invalid_request" } } });
    }
    expect((await edge.call("/payments/processWebhook", JSON.parse(payload), sign(payload))).status).toBe(200);
    expect((await edge.call("/webhooks/default", JSON.parse(payload), sign(payload))).status).toBe(200);
    expect((await edge.call("/webhooks/another", JSON.parse(payload), sign(payload))).status).toBe(404);
  });
});
