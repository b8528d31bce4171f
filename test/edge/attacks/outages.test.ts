/** What is down, gone or asked for in strange ways: nobody is charged twice, nothing that was accepted is lost, and nobody is told what is not true. */
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { edgeSecret, openEdge } from "../../scene/edge.ts";
import { bankDebit, card, newOrder, until } from "../../scene/scene.ts";
import { askRaw } from "./rawHttp.ts";
import { openStand, type Stand } from "./stand.ts";

function rawRequest(order: string, body: object): string {
  const text = JSON.stringify(body);
  return [
    "POST /payments/processPayment HTTP/1.1",
    "host: localhost",
    "content-type: application/json",
    `idempotency-key: ${order}`,
    `content-length: ${Buffer.byteLength(text)}`,
    "",
    text,
  ].join("\r\n");
}

describe("outages", () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await openStand();
  });
  afterAll(async () => {
    await stand.close();
  });

  const pay = async (order: string, body: object, prefer?: string) =>
    await stand.edge.call("/payments/processPayment", body, {
      "idempotency-key": order,
      ...(prefer !== undefined && { prefer }),
    });

  async function openDebit() {
    const order = newOrder();
    const { callId } = (await pay(order, bankDebit(order), "respond-async")).body as { callId: string };
    const payment = await stand.scene.waitingPaymentOf(order);
    return { order, callId, payment };
  }

  it("an engine that is down before the call accepts nothing, and the edge says so", async () => {
    const { scene, edge } = stand;
    // Without the tap, which takes every connection.
    const direct = await openEdge(scene);
    const { callId } = await openDebit();
    const orders = [newOrder(), newOrder(), newOrder()];
    await until("the edge to be ready", async () => ((await direct.get("/readyz")).status === 200 ? true : undefined));
    await scene.killEngine();
    try {
      for (const [index, prefer] of [{}, { prefer: "respond-async" }, { prefer: "wait=5" }].entries()) {
        const order = orders[index] ?? "";
        const answer = await direct.call("/payments/processPayment", card(order), {
          "idempotency-key": order,
          ...prefer,
        });
        expect(answer).toMatchObject({ status: 503, body: { metadata: { reason: "unavailable" } } });
        expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
      }
      expect(await direct.get(`/calls/${callId}`)).toMatchObject({ status: 503 });
      expect(await direct.call(`/calls/${callId}/cancel`, {}, {})).toMatchObject({ status: 503 });
      expect((await direct.get("/livez")).status).toBe(200);
    } finally {
      await scene.startEngine();
    }
    await until("the edge to be ready", async () => ((await edge.get("/readyz")).status === 200 ? true : undefined));
    await delay(1000);
    for (const order of orders) expect(await scene.paymentsOf(order)).toEqual([]);
    // The call that was open is open, and was not cancelled.
    expect(await direct.get(`/calls/${callId}`)).toMatchObject({ status: 202 });
    await direct.close();
  });

  it("an engine that is killed while a call waits: the same key finds the one payment", async () => {
    const { scene, edge } = stand;
    const order = newOrder();
    const waiting = pay(order, bankDebit(order));
    const payment = await scene.waitingPaymentOf(order);
    await scene.killEngine();
    const lost = await waiting;
    expect(lost).toMatchObject({ status: 502, body: { metadata: { reason: "unknown" } } });
    await scene.startEngine();
    await until("the edge to be ready", async () => ((await edge.get("/readyz")).status === 200 ? true : undefined));
    const again = pay(order, bankDebit(order));
    await scene.settle(payment.id);
    expect(await again).toMatchObject({ status: 200, body: { paymentIntentId: payment.id } });
    expect(await scene.paymentsOf(order)).toHaveLength(1);
  });

  it(
    "a service that is down: calls wait for it, and probes leave no heap of calls behind",
    { timeout: 90_000 },
    async () => {
      const { scene, edge } = stand;
      await scene.stopService();
      const order = newOrder();
      const waiting = pay(order, card(order));
      // What was known a moment ago is taken for true so long.
      await delay(5_500);
      const end = performance.now() + 8_000;
      const statuses = new Set<number>();
      while (performance.now() < end) {
        const probes = await Promise.all(Array.from({ length: 20 }, () => edge.get("/readyz")));
        for (const { status } of probes) statuses.add(status);
      }
      const left = await scene.sql<{ n: number }>(
        "select count(1) as n from sys_invocation where target_service_name = 'edge'",
      );
      await scene.startService({ edgeSecrets: [edgeSecret] });
      expect(statuses).toEqual(new Set([503]));
      expect(left[0]?.n).toBe(1);
      expect(await waiting).toMatchObject({ status: 200, body: { status: "succeeded" } });
      await until("the edge to be ready", async () => ((await edge.get("/readyz")).status === 200 ? true : undefined));
    },
  );

  it("a caller who disconnects at once loses nothing: the payment is made, and found with the same key", async () => {
    const { scene, edge } = stand;
    const orders = Array.from({ length: 12 }, () => newOrder());
    await Promise.all(
      orders.map(async (order, index) => {
        const socket = connect(edge.port, "127.0.0.1");
        socket.on("error", () => {});
        await new Promise<void>((resolve) => socket.end(rawRequest(order, card(order)), () => resolve()));
        await delay(index * 2);
        socket.destroy();
      }),
    );
    for (const order of orders) {
      await scene.paymentOf(order);
      expect(await pay(order, card(order))).toMatchObject({ status: 200, body: { status: "succeeded" } });
      expect(await scene.paymentsOf(order)).toHaveLength(1);
    }
  });

  it("callers who leave while they wait are let go, alone and in a row on one connection, without a word in the log", async () => {
    const { scene, edge, ingressTap } = stand;
    const orders = [newOrder(), newOrder(), newOrder()];
    const others = ingressTap.open();
    const alone = connect(edge.port, "127.0.0.1");
    const inRow = connect(edge.port, "127.0.0.1");
    alone.write(rawRequest(orders[0] ?? "", bankDebit(orders[0] ?? "")));
    inRow.write(
      orders
        .slice(1)
        .map((order) => rawRequest(order, bankDebit(order)))
        .join(""),
    );
    for (const order of orders) await scene.waitingPaymentOf(order);
    expect(ingressTap.open() - others).toBe(3);
    const warnings = edge.warnings.length;
    alone.destroy();
    inRow.destroy();
    await until("the calls to be let go", async () => (ingressTap.open() <= others ? true : undefined), 15_000);
    expect(edge.warnings.slice(warnings)).toEqual([]);
    for (const order of orders) {
      const [payment] = await scene.paymentsOf(order);
      const again = pay(order, bankDebit(order));
      await scene.settle(payment?.id ?? "");
      expect(await again).toMatchObject({ status: 200, body: { paymentIntentId: payment?.id } });
    }
  });

  it("a request in a row behind one that waits is not answered before it, nor lost", async () => {
    const { scene, edge } = stand;
    const order = newOrder();
    const socket = connect(edge.port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    const cards = Array.from({ length: 15 }, () => newOrder());
    socket.write([rawRequest(order, bankDebit(order)), ...cards.map((one) => rawRequest(one, card(one)))].join(""));
    const payment = await scene.waitingPaymentOf(order);
    for (const one of cards) await scene.paymentOf(one);
    expect(text).toBe("");
    await scene.settle(payment.id);
    await until("all answers", async () =>
      text.match(/HTTP\/1\.1 200/g)?.length === cards.length + 1 ? true : undefined,
    );
    expect(/pi_\w+/.exec(text)?.[0]).toBe(payment.id);
    socket.destroy();
  });

  it("another request under a key whose first call is open is refused at once, and its id ends so, too", async () => {
    const { order, callId, payment } = await openDebit();
    const first = pay(order, bankDebit(order));
    await until("the first request to wait", async () => (stand.ingressTap.open() > 0 ? true : undefined));
    const begin = performance.now();
    const other = await pay(order, { ...bankDebit(order), amount: 9999 });
    expect(other).toMatchObject({ status: 422, body: { metadata: { reason: "idempotency_key_reused" } } });
    expect((await pay(order, { ...bankDebit(order), amount: 9999 }, "wait=5")).status).toBe(422);
    expect((await pay(order, { ...bankDebit(order), amount: 9999 }, "respond-async")).status).toBe(422);
    expect(performance.now() - begin).toBeLessThan(4000);
    await stand.scene.settle(payment.id);
    expect(await first).toMatchObject({ status: 200 });
    expect(await stand.edge.get(`/calls/${callId}`)).toMatchObject({
      status: 200,
      body: { paymentIntentId: payment.id },
    });
    expect((await pay(order, { ...bankDebit(order), amount: 9999 })).status).toBe(422);
    expect(await stand.scene.paymentsOf(order)).toHaveLength(1);
  });

  it.each<[string, number, string | null]>([
    ["respond-async", 202, "respond-async"],
    ["Respond-Async", 202, "respond-async"],
    ["respond-async, wait=1", 202, "wait=1"],
    ["wait=1", 202, "wait=1"],
    ["WAIT = 1", 202, "wait=1"],
    ['wait="1"', 202, "wait=1"],
    ["wait=1, wait=300", 202, "wait=1"],
    ["wait=0", 202, "wait=0"],
    ["wait=0001", 202, "wait=1"],
    ["handling=lenient, respond-async; x=y", 202, "respond-async"],
    [", ,respond-async,,", 202, "respond-async"],
  ])("Prefer: %s", async (prefer, status, applied) => {
    const order = newOrder();
    const answer = await pay(order, bankDebit(order), prefer);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("preference-applied")).toBe(applied);
    expect((await stand.edge.get(`/calls/${answer.body["callId"] as string}`, { prefer })).status).toBe(202);
  });

  it("a preference behind thousands of others counts", async () => {
    const order = newOrder();
    expect((await pay(order, bankDebit(order), `${"x,".repeat(3000)}respond-async`)).status).toBe(202);
  });

  it.each([
    "wait=-1",
    "wait=1e3",
    "wait=1.5",
    "wait=",
    "wait",
    "wait=Infinity",
    "respond-asynchronously",
    "no",
    "",
    '"',
  ])("Prefer: %s is passed over", async (prefer) => {
    const order = newOrder();
    const answer = await pay(order, card(order), prefer);
    expect(answer).toMatchObject({ status: 200, body: { status: "succeeded" } });
    expect(answer.headers.get("preference-applied")).toBeNull();
  });

  it("HEAD of a call tells its status, and other methods nothing", async () => {
    const { callId, payment } = await openDebit();
    const head = async () => await askRaw(stand.edge.port, `HEAD /calls/${callId} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    expect(await head()).toMatchObject({ status: 202, body: "" });
    for (const method of ["OPTIONS", "POST", "PUT", "DELETE", "PATCH"]) {
      const answer = await stand.edge
        .get(`/calls/${callId}`)
        .then(
          async () =>
            await askRaw(
              stand.edge.port,
              `${method} /calls/${callId} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n`,
            ),
        );
      expect(answer.status).toBe(404);
    }
    await stand.scene.settle(payment.id);
    await stand.edge.get(`/calls/${callId}`, { prefer: "wait=60" });
    expect(await head()).toMatchObject({ status: 200, body: "" });
  });

  it(
    "a thousand waits for one call all get its outcome, and cost no more than they must",
    { timeout: 120_000 },
    async () => {
      const { callId, payment, order } = await openDebit();
      const before = (await stand.known()).invocations;
      const reads = Array.from({ length: 1000 }, () => stand.edge.get(`/calls/${callId}`, { prefer: "wait=100" }));
      const joins = Array.from({ length: 50 }, () => pay(order, bankDebit(order)));
      await delay(3000);
      expect((await stand.edge.get("/livez")).status).toBe(200);
      await stand.scene.settle(payment.id);
      const answers = await Promise.all([...reads, ...joins]);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(new Set(answers.map(({ body }) => body.paymentIntentId))).toEqual(new Set([payment.id]));
      // But for the webhook of the scene's own ingress.
      expect((await stand.known()).invocations - before).toBeLessThan(5);
      await until("all to be let go", async () => (stand.ingressTap.open() < 50 ? true : undefined));
    },
  );
});
