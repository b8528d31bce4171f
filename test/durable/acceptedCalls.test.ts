/** Calls that the edge accepted: what they make first they make in one step. How that step is stopped, and what it does when it fails. */
import { setTimeout as delay } from "node:timers/promises";
import { TerminalError } from "@restatedev/restate-sdk";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { serveServices } from "../../src/app/services.ts";
import { createStripeGateway } from "../../src/merchants/gateway.ts";
import { NoTurn } from "../../src/stripe/pacing.ts";
import { StripeBusy } from "../../src/stripe/request.ts";
import { edgeHeaders, edgeSecret } from "../scene/edge.ts";
import {
  bankDebit,
  card,
  modes,
  newOrder,
  openScene,
  secretKey,
  until,
  type Answer,
  type Scene,
} from "../scene/scene.ts";

const createPath = "/v1/payment_intents";
const hourMs = 3_600_000;

describe.each(modes)("a call that the edge accepted, $mode", ({ inactivityTimeoutMs }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(inactivityTimeoutMs);
    await scene.restartService({ edgeSecrets: [edgeSecret] });
    // The process learns its installation by its first call.
    await accepted(card(newOrder()));
  });
  afterAll(async () => {
    await scene.close();
  });
  afterEach(async () => {
    await scene.clearFaults();
  });

  /** Pays as the edge has it paid. */
  async function accepted(
    body: object,
    { key = crypto.randomUUID(), acceptedAtMs = Date.now(), secret = edgeSecret } = {},
  ): Promise<Answer> {
    const headers = edgeHeaders("processPayment", body, { engineKey: key, acceptedAtMs, secret });
    return await scene.call("processPayment", body, key, headers);
  }

  async function invocationOf(key: string): Promise<string> {
    return await until(`the invocation of ${key}`, async () => {
      const [row] = await scene.sql<{ id: string }>(`select id from sys_invocation where idempotency_key = '${key}'`);
      return row?.id;
    });
  }

  type Create = ReturnType<typeof createStripeGateway>["createPayment"];

  /** Serves by a process that creates payments otherwise, in place of the scene's. */
  async function serveWith(otherwise: (create: Create, request: Parameters<Create>[0]) => ReturnType<Create>) {
    await scene.stopService();
    const gateway = createStripeGateway({ secretKey, apiBase: scene.sandboxUrl });
    const stripe = {
      ...gateway,
      createPayment: (request: Parameters<Create>[0]) => otherwise((sent) => gateway.createPayment(sent), request),
    };
    const { serviceOptions, servicePort: port } = scene;
    return await serveServices({ ...serviceOptions, edgeSecrets: [edgeSecret], stripe, port, identityKeys: [] });
  }

  const stall = (delayMs: number) =>
    scene.fault({ target: "api", effect: "stall", method: "POST", path: createPath, delayMs });

  async function stepsOf(key: string): Promise<readonly (string | null)[]> {
    const rows = await scene.sql<{ name: string | null }>(
      `select j.name from sys_journal j join sys_invocation i on j.id = i.id where i.idempotency_key = '${key}' and j.entry_type = 'Command: Run' order by j.index`,
    );
    return rows.map(({ name }) => name);
  }

  it("makes a payment in one step", async () => {
    const key = crypto.randomUUID();
    expect(await accepted(card(newOrder()), { key })).toMatchObject({ status: 200, body: { status: "succeeded" } });
    expect(await stepsOf(key)).toEqual(["create PaymentIntent"]);
  });

  it("is taken for any other where the header belongs to another call", async () => {
    const [key, order] = [crypto.randomUUID(), newOrder()];
    const body = card(order);
    const headers = edgeHeaders("processPayment", body, {
      engineKey: "another",
      acceptedAtMs: Date.now() - 2 * hourMs,
    });
    const answer = await scene.call("processPayment", { ...body, timeoutSeconds: 60 }, key, headers);
    expect(answer).toMatchObject({ status: 200, body: { status: "succeeded" } });
    expect(await stepsOf(key)).toEqual(["create PaymentIntent", "fix the request", "create PaymentIntent"]);
    expect(await scene.paymentsOf(order)).toHaveLength(1);
  });

  it("sends nothing that was cancelled before", async () => {
    const [key, order] = [crypto.randomUUID(), newOrder()];
    await scene.stopService();
    const call = accepted(card(order), { key });
    await scene.cancel(await invocationOf(key));
    await scene.startService({ edgeSecrets: [edgeSecret] });
    expect(await call).toMatchObject({ status: 409, body: { metadata: { reason: "canceled" } } });
    await scene.quiet();
    expect(await scene.paymentsOf(order)).toEqual([]);
  });

  it("answers that it succeeded where it is cancelled while Stripe charges a card", async () => {
    const [key, order] = [crypto.randomUUID(), newOrder()];
    await stall(1500);
    const call = accepted(card(order), { key });
    await scene.paymentOf(order);
    await scene.cancel(await invocationOf(key));
    expect(await call).toMatchObject({ status: 200, body: { status: "succeeded", settledBy: "response" } });
  });

  it.each([
    ["while Stripe makes it", 1500],
    ["when it waits", 0],
  ])("gives a payment up that is cancelled %s", async (_when, delayMs) => {
    const [key, order] = [crypto.randomUUID(), newOrder()];
    if (delayMs > 0) await stall(delayMs);
    const call = accepted(bankDebit(order, "pm_usBankAccount_processing"), { key });
    await (delayMs > 0 ? scene.paymentOf(order) : scene.waitingPaymentOf(order));
    await scene.cancel(await invocationOf(key));
    expect(await call).toMatchObject({ status: 409, body: { metadata: { compensation: "canceled" } } });
    expect((await scene.paymentsOf(order)).map(({ status }) => status)).toEqual(["canceled"]);
  });

  it("sends nothing after its deadline, which counts from its acceptance", async () => {
    const order = newOrder();
    const answer = await accepted({ ...card(order), timeoutSeconds: 5 }, { acceptedAtMs: Date.now() - 6000 });
    expect(answer).toMatchObject({ status: 408, body: { metadata: { reason: "timed_out" } } });
    expect(await scene.paymentsOf(order)).toEqual([]);
  });

  it("is told 408 at its deadline while Stripe is at work, and what that makes is taken back", async () => {
    const order = newOrder();
    await scene.fault({ target: "api", effect: "stall", method: "POST", path: createPath, delayMs: 8000 });
    const answer = await accepted({ ...card(order), timeoutSeconds: 1 });
    expect(answer).toMatchObject({ status: 408, body: { metadata: { compensation: "watching" } } });
    const { id } = await scene.paymentOf(order);
    await until("the refund", async () => (await scene.stripe.refunds.list({ payment_intent: id })).data[0]);
  });

  it("sends nothing 23 hours after its acceptance: what an earlier attempt made is looked up", async () => {
    const order = newOrder();
    const before = (await scene.requests("POST", createPath)).length;
    const answer = await accepted(
      { ...card(order), timeoutSeconds: 48 * 3600 },
      { acceptedAtMs: Date.now() - 23 * hourMs - 1000 },
    );
    expect(answer).toMatchObject({ status: 502, body: { metadata: { reason: "needs_review" } } });
    expect((await scene.requests("POST", createPath)).length).toBe(before);
  });

  it("believes a time that is a little ahead, and none that is far ahead", async () => {
    for (const [aheadMs, steps] of [
      [30_000, 1],
      [120_000, 3],
    ] as const) {
      const [key, order] = [crypto.randomUUID(), newOrder()];
      expect((await accepted(card(order), { key, acceptedAtMs: Date.now() + aheadMs })).status).toBe(200);
      expect(await stepsOf(key)).toHaveLength(steps);
      expect(await scene.paymentsOf(order)).toHaveLength(1);
    }
  });

  it("sends nothing where it is cancelled while it waits for its turn, and is told to come again", async () => {
    const [warm, key] = [crypto.randomUUID(), crypto.randomUUID()];
    let attempts = 0;
    const service = await serveWith(async (create, request) => {
      if (request.parameters.metadata?.["orderId"] !== key) return await create(request);
      attempts++;
      await delay(1500);
      throw new StripeBusy(new NoTurn(500));
    });
    await accepted(card(warm));
    const call = accepted(card(key), { key });
    await until("the first attempt", async () => (attempts > 0 ? true : undefined));
    await scene.cancel(await invocationOf(key));
    expect(await call).toMatchObject({ status: 409, body: { metadata: { reason: "canceled" } } });
    expect([attempts, await scene.paymentsOf(key)]).toEqual([1, []]);
    await service.close();
    await scene.startService({ edgeSecrets: [edgeSecret] });
  });

  it("fails with what its step fails with, once and for all", async () => {
    let attempts = 0;
    const service = await serveWith(() => {
      attempts++;
      throw new TerminalError("No step may do this.", { errorCode: 418 });
    });
    // The first call of a process asks for the installation, and comes to its request by another way.
    for (const order of [newOrder(), newOrder()]) {
      const answer = await accepted(card(order));
      expect(answer).toMatchObject({ status: 418, body: { message: "No step may do this." } });
    }
    expect(attempts).toBe(2);
    await service.close();
    await scene.startService({ edgeSecrets: [edgeSecret] });
  });
});
