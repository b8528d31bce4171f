/** Who has no key, a bad one, too small a one, or another's: nobody moves, sees or ends what is not his. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { calls } from "../../../src/api/calls.ts";
import { bankDebit, card, newOrder, until } from "../../scene/scene.ts";
import { testKey } from "../keys.ts";
import { openStand, type Stand } from "./stand.ts";

const mine = testKey({ name: "shop", scopes: ["payments:write", "payments:read", "refunds:write"] });
const rotated = testKey({ name: "shop", scopes: ["payments:write", "payments:read", "refunds:write"] });
const reader = testKey({ name: "shop", scopes: ["payments:read"] });
const other = testKey({ name: "rival", scopes: ["payments:write", "payments:read", "refunds:write"] });
const elsewhere = testKey({ name: "Shop", merchant: "acme", scopes: ["payments:write", "payments:read"] });
const powerless = testKey({ name: "powerless", scopes: [] });
const leaving = testKey({ name: "shop", scopes: ["payments:write"] });
const staying = [mine, rotated, reader, other, elsewhere, powerless].map(({ stored }) => stored);

const bearer = (key: { readonly text: string } | string) => ({
  authorization: `Bearer ${typeof key === "string" ? key : key.text}`,
});

const edited = (id: string) =>
  id
    .split("")
    .flatMap((character, at) =>
      ["A", "_", character === "x" ? "y" : "x"]
        .filter((letter) => letter !== character)
        .map((letter) => id.slice(0, at) + letter + id.slice(at + 1)),
    );

const cut = (id: string) => [
  id.slice(0, -1),
  `${id}A`,
  `${id}.`,
  id.toUpperCase(),
  id.replace("call_", ""),
  `call_${id}`,
];

describe("keys", () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await openStand({}, [...staying, leaving.stored], ["acme"]);
  });
  afterAll(async () => {
    await stand.close();
  });

  const pay = async (key: { readonly text: string }, idempotencyKey: string, order: string, more = {}) =>
    await stand.edge.call("/payments/processPayment", card(order), {
      ...bearer(key),
      "idempotency-key": idempotencyKey,
      ...more,
    });

  /** A payment of `mine` that waits for its bank. */
  async function openDebit() {
    const order = newOrder();
    const headers = { ...bearer(mine), "idempotency-key": order, prefer: "respond-async" };
    const { callId } = (await stand.edge.call("/payments/processPayment", bankDebit(order), headers)).body as {
      callId: string;
    };
    const payment = await stand.scene.waitingPaymentOf(order);
    return { order, callId, payment };
  }

  const flipped = `${mine.text.slice(0, -1)}${mine.text.endsWith("a") ? "b" : "a"}`;
  const bad: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ["no key", {}],
    ["an empty key", { authorization: "Bearer " }],
    ["a key with a slip", bearer(flipped)],
    ["a key that was never stored", bearer(testKey())],
    ["too small a key", bearer("rsp_1_2_3")],
    ["a part of a key", bearer(mine.text.slice(0, -8))],
    ["the hash of a key", bearer(mine.stored.hash)],
    ["the id of a key", bearer(mine.stored.id)],
    ["another scheme", { authorization: `Basic ${Buffer.from(`${mine.text}:`).toString("base64")}` }],
    ["a key in the wrong header", { "x-api-key": mine.text, cookie: `authorization=Bearer ${mine.text}` }],
    ["Stripe's key", bearer("sk_test_scene")],
  ];

  it.each(bad)("%s: every call and every address of a call is refused, without the engine", async (_what, headers) => {
    const { callId } = await openDebit();
    stand.reached();
    for (const { service, handler } of calls) {
      const answer = await stand.edge.call(`/${service}/${handler}`, card("stolen"), {
        ...headers,
        "idempotency-key": "stolen",
      });
      expect(answer).toMatchObject({ status: 401, body: { code: 401, metadata: { reason: "unauthorized" } } });
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    }
    expect((await stand.edge.get(`/calls/${callId}`, headers)).status).toBe(401);
    expect((await stand.edge.call(`/calls/${callId}/cancel`, {}, headers)).status).toBe(401);
    // Nor in the address: there is no such parameter.
    expect((await stand.edge.get(`/calls/${callId}?key=${mine.text}&access_token=${mine.text}`)).status).toBe(401);
    expect(stand.reached()).toBe(0);
    expect(await stand.scene.paymentsOf("stolen")).toEqual([]);
  });

  it("a key without the scope is refused, whatever the request", async () => {
    const { callId } = await openDebit();
    stand.reached();
    for (const { service, handler, scope } of calls) {
      for (const body of [card("stolen"), {}, { paymentIntentId: "pi_1", awaitOutcome: true }]) {
        const answer = await stand.edge.call(`/${service}/${handler}`, body, {
          ...bearer(powerless),
          "idempotency-key": "stolen",
        });
        expect(answer).toMatchObject({
          status: 403,
          body: { message: expect.stringContaining(scope), metadata: { reason: "forbidden" } },
        });
      }
    }
    // The same name, and too little for the call behind the id.
    expect((await stand.edge.get(`/calls/${callId}`, bearer(reader))).status).toBe(403);
    expect((await stand.edge.call(`/calls/${callId}/cancel`, {}, bearer(reader))).status).toBe(403);
    expect((await pay(reader, "stolen", "stolen")).status).toBe(403);
    expect(stand.reached()).toBe(0);
  });

  it("a key that is revoked is refused within a second", async () => {
    const order = newOrder();
    expect((await pay(leaving, order, order)).status).toBe(200);
    stand.writeKeys(staying);
    await until(
      "the key to be forgotten",
      async () => ((await pay(leaving, order, order)).status === 401 ? true : undefined),
      2000,
    );
    expect((await pay(mine, order, order)).status).toBe(200);
  });

  it("two names with one idempotency key make two payments, and neither sees the other's", async () => {
    const key = "order-1";
    const answers = [
      await pay(mine, key, newOrder()),
      await pay(other, key, newOrder()),
      await pay(elsewhere, key, newOrder()),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.paymentIntentId)).size).toBe(3);
  });

  it("one idempotency key of two names, open at once: neither joins, reads or cancels the other's", async () => {
    const { order, callId, payment } = await openDebit();
    const theirs = await stand.edge.call("/payments/processPayment", bankDebit(order), {
      ...bearer(other),
      "idempotency-key": order,
      prefer: "respond-async",
    });
    const theirId = theirs.body["callId"] as string;
    expect(theirId).not.toBe(callId);
    // Not refused as another request under one key either.
    const third = await pay(elsewhere, order, newOrder());
    expect(third.status).toBe(200);
    stand.reached();
    for (const stranger of [other, elsewhere, powerless]) {
      const read = await stand.edge.get(`/calls/${callId}`, { ...bearer(stranger), prefer: "wait=5" });
      const cancelled = await stand.edge.call(`/calls/${callId}/cancel`, {}, bearer(stranger));
      const invented = await stand.edge.get("/calls/call_nothing", bearer(stranger));
      expect(read).toMatchObject({ status: 404, body: { metadata: { reason: "not_found" } } });
      expect(cancelled.status).toBe(404);
      // Nobody learns that there is such a call.
      expect(read.body).toEqual(invented.body);
      expect(cancelled.body).toEqual(invented.body);
    }
    expect((await stand.edge.get(`/calls/${theirId}`, bearer(mine))).status).toBe(404);
    expect(stand.reached()).toBe(0);
    expect(await stand.edge.get(`/calls/${callId}`, bearer(mine))).toMatchObject({ status: 202, body: { callId } });
    await stand.scene.settle(payment.id);
    const outcome = await stand.edge.get(`/calls/${callId}`, { ...bearer(mine), prefer: "wait=60" });
    expect(outcome).toMatchObject({ status: 200, body: { paymentIntentId: payment.id } });
    expect(await stand.edge.get(`/calls/${theirId}`, bearer(other))).toMatchObject({ status: 202 });
    expect(await stand.scene.paymentsOf(order)).toHaveLength(2);
  });

  it("an id of a call that is edited at any place is another's to a stranger, and never the call itself to its owner", async () => {
    const { callId, payment } = await openDebit();
    const settled = await openDebit();
    await stand.scene.settle(settled.payment.id);
    await stand.edge.get(`/calls/${settled.callId}`, { ...bearer(mine), prefer: "wait=60" });
    stand.reached();
    for (const id of [...edited(callId), ...cut(callId)]) {
      expect((await stand.edge.get(`/calls/${id}`, bearer(other))).status).toBe(404);
      expect((await stand.edge.call(`/calls/${id}/cancel`, {}, bearer(other))).status).toBe(404);
    }
    expect(stand.reached()).toBe(0);
    for (const id of [...edited(settled.callId), ...cut(settled.callId)]) {
      const { status } = await stand.edge.get(`/calls/${id}`, bearer(mine));
      // An edited fingerprint is that of another request under the same key.
      expect([404, 422]).toContain(status);
    }
    for (const id of [...edited(callId), ...cut(callId)]) {
      const { status } = await stand.edge.call(`/calls/${id}/cancel`, {}, bearer(mine));
      // 202 for an id of which there is no call: then there is nothing to cancel.
      expect([202, 404, 422]).toContain(status);
    }
    await stand.scene.settle(payment.id);
    const outcome = await stand.edge.get(`/calls/${callId}`, { ...bearer(mine), prefer: "wait=60" });
    expect(outcome).toMatchObject({ status: 200, body: { paymentIntentId: payment.id } });
  });

  it("a rotated key repeats calls, reads and cancels them", async () => {
    const order = newOrder();
    const first = await pay(mine, order, order);
    const again = await pay(rotated, order, order);
    expect(again.body).toEqual(first.body);
    expect(await stand.scene.paymentsOf(order)).toHaveLength(1);
    const { callId } = await openDebit();
    expect((await stand.edge.get(`/calls/${callId}`, bearer(rotated))).status).toBe(202);
    expect((await stand.edge.call(`/calls/${callId}/cancel`, {}, bearer(rotated))).status).toBe(202);
    const outcome = await stand.edge.get(`/calls/${callId}`, { ...bearer(mine), prefer: "wait=60" });
    expect(outcome).toMatchObject({ status: 409, body: { metadata: { reason: "canceled" } } });
  });

  it("the id of a refused reuse of a key cancels nothing: the call under that key is another request", async () => {
    const { order, callId, payment } = await openDebit();
    const headers = { ...bearer(mine), "idempotency-key": order, prefer: "respond-async" };
    const reused = await stand.edge.call("/payments/processPayment", { ...bankDebit(order), amount: 4001 }, headers);
    const reusedId = reused.body["callId"] as string;
    expect(reusedId).not.toBe(callId);
    const cancelled = await stand.edge.call(`/calls/${reusedId}/cancel`, {}, bearer(mine));
    expect(cancelled).toMatchObject({ status: 422, body: { metadata: { reason: "idempotency_key_reused" } } });
    await stand.scene.settle(payment.id);
    const outcome = await stand.edge.get(`/calls/${callId}`, { ...bearer(mine), prefer: "wait=60" });
    expect(outcome).toMatchObject({ status: 200, body: { paymentIntentId: payment.id } });
    const refused = await stand.edge.get(`/calls/${reusedId}`, bearer(mine));
    expect(refused).toMatchObject({ status: 422, body: { metadata: { reason: "idempotency_key_reused" } } });
  });
});
