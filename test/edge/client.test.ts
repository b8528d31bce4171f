/** The typed client against the real edge, engine and service: what a TypeScript team runs. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { PaymentsClient, PaymentsError } from "../../src/api/client.ts";
import { edgeSecret, openEdge, type SceneEdge } from "../scene/edge.ts";
import { openScene, until, type Scene } from "../scene/scene.ts";

let scene: Scene;
let edge: SceneEdge;
let client: PaymentsClient;

beforeAll(async () => {
  scene = await openScene(1000);
  await scene.restartService({ edgeSecrets: [edgeSecret] });
  edge = await openEdge(scene);
  client = new PaymentsClient({ url: edge.url });
});
afterAll(async () => {
  await edge.close();
  await scene.close();
});

const debit = (orderId: string) => ({
  paymentMethodId: "pm_usBankAccount_success",
  amount: 2500,
  mandate: { type: "offline" as const },
  metadata: { orderId },
});

it("gives an outcome as a value, and reads what was made", async () => {
  const { payments } = client;
  const outcome = await payments.processPayment(
    { paymentMethodId: "pm_card_visa", amount: 109 },
    { idempotencyKey: crypto.randomUUID() },
  );
  expect(outcome).toMatchObject({ status: "succeeded", amountReceived: 109 });
  const { paymentIntentId } = outcome;
  expect(await payments.getPayment({ paymentIntentId })).toMatchObject({ paymentIntentId, status: "succeeded" });
});

it("gives a failure as an error with its reason", async () => {
  const declined = client.payments.processPayment(
    { paymentMethodId: "pm_card_chargeDeclined", amount: 109 },
    { idempotencyKey: crypto.randomUUID() },
  );
  await expect(declined).rejects.toThrow(PaymentsError);
  await expect(declined).rejects.toMatchObject({ status: 402, reason: "declined" });
});

it("tells of a key that was used for another request", async () => {
  const idempotencyKey = crypto.randomUUID();
  await client.payments.processPayment({ paymentMethodId: "pm_card_visa", amount: 1 + 99 }, { idempotencyKey });
  const other = client.payments.processPayment({ paymentMethodId: "pm_card_visa", amount: 101 }, { idempotencyKey });
  await expect(other).rejects.toMatchObject({ status: 422, reason: "idempotency_key_reused" });
});

it("waits through a crash of the engine and a restart of the edge, and is charged once", async () => {
  const orderId = crypto.randomUUID();
  const outcome = client.payments.processPayment(debit(orderId), { idempotencyKey: orderId });
  const payment = await scene.waitingPaymentOf(orderId);
  await scene.killEngine();
  const { port } = edge;
  await edge.close();
  await scene.startEngine();
  edge = await openEdge(scene, { port });
  await scene.settle(payment.id);
  expect(await outcome).toMatchObject({ paymentIntentId: payment.id, status: "succeeded" });
  expect(await scene.paymentsOf(orderId)).toHaveLength(1);
});

it("stops waiting when it is told to, and finds the outcome under the same key", async () => {
  const orderId = crypto.randomUUID();
  const giveUp = new AbortController();
  const outcome = client.payments.processPayment(debit(orderId), { idempotencyKey: orderId, signal: giveUp.signal });
  const payment = await scene.waitingPaymentOf(orderId);
  giveUp.abort();
  await expect(outcome).rejects.toThrow("aborted");
  const again = client.payments.processPayment(debit(orderId), { idempotencyKey: orderId });
  await scene.settle(payment.id);
  expect(await again).toMatchObject({ paymentIntentId: payment.id, status: "succeeded" });
  await until("one payment", async () => ((await scene.paymentsOf(orderId)).length === 1 ? true : undefined));
});

it("waits for the end of a refund that a private call keeps", async () => {
  const { paymentIntentId } = await client.payments.processPayment(
    { paymentMethodId: "pm_card_visa", amount: 300 },
    { idempotencyKey: crypto.randomUUID() },
  );
  const refund = { paymentIntentId, amount: 100 };
  const idempotencyKey = crypto.randomUUID();
  const first = await client.payments.refundPayment(refund, { idempotencyKey });
  expect(await client.payments.refundPayment(refund, { idempotencyKey })).toEqual(first);
});
