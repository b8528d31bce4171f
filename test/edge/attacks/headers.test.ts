/** Headers of a caller stop at the edge; those that two readers could read differently stop it; and nobody else writes the edge's own. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { edgeHeaderName, writeEdgeHeader } from "../../../src/api/edgeHeader.ts";
import { edgeSecret } from "../../scene/edge.ts";
import { bankDebit, card, newOrder } from "../../scene/scene.ts";
import { testKey } from "../keys.ts";
import { askRaw, converse } from "./rawHttp.ts";
import { openStand, type Stand } from "./stand.ts";

const shop = testKey({ name: "shop", scopes: ["payments:write", "payments:read", "refunds:write"] });
const bearer = { authorization: `Bearer ${shop.text}` };
const target = { service: "payments", handler: "processPayment" };
const anyFingerprint = createHash("sha256").update("any").digest("base64url");

/** What the edge itself sends to the engine. */
const ownHeaders: ReadonlySet<string> = new Set([
  "host",
  "connection",
  "content-type",
  "content-length",
  "idempotency-key",
  edgeHeaderName,
]);
/** What the engine journals of that, and what it adds. */
const journaledHeaders: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  edgeHeaderName,
  "x-restate-ingress-path",
]);

const head = (lines: readonly string[]) =>
  [
    "POST /payments/processPayment HTTP/1.1",
    "host: localhost",
    `authorization: Bearer ${shop.text}`,
    "content-type: application/json",
    `idempotency-key: ${crypto.randomUUID()}`,
    ...lines,
    "",
    "",
  ].join("\r\n");

describe("headers", () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await openStand({}, [shop.stored]);
  });
  afterAll(async () => {
    await stand.close();
  });

  async function inputOf(paymentIntentId: string) {
    const { metadata } = await stand.scene.stripe.paymentIntents.retrieve(paymentIntentId);
    const rows = await stand.scene.sql<{ entry_json: string }>(
      `select entry_json from sys_journal where id = '${metadata["restate_invocation_id"]}' and index = 0`,
    );
    const input = JSON.parse(rows[0]?.entry_json ?? "") as {
      Command: { Input: { headers: { name: string; value: string }[] } };
    };
    return input.Command.Input.headers;
  }

  const forged = writeEdgeHeader("a secret of a forger, as long as any", target, {
    engineKey: "forged",
    acceptedAtMs: Date.now() - 3_600_000,
    fingerprint: anyFingerprint,
  });
  /** Each with a mark that is looked for in all that the engine keeps. */
  const hostile: Readonly<Record<string, string>> = {
    cookie: "session=canary-of-a-caller",
    "proxy-authorization": "Basic canary-of-a-caller",
    "x-api-key": "canary-of-a-caller",
    "x-restate-id": "canary-of-a-caller",
    "x-restate-ingress-path": "/canary-of-a-caller",
    "x-restate-error-source": "ingress",
    "x-restate-server": "canary-of-a-caller",
    "x-restate-signature-scheme": "v1",
    "x-restate-jwt-v1": "canary-of-a-caller",
    "x-restate-limit-key": "canary-of-a-caller",
    "x-restate-delay": "10d",
    delay: "10d",
    "x-restate-scope": "canary-of-a-caller",
    "x-restate-visibility": "canary-of-a-caller",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    tracestate: "canary-of-a-caller=1",
    baggage: "canary-of-a-caller=1",
    "x-canary-of-a-caller": "1",
    "stripe-signature": "t=1,v1=canary-of-a-caller",
    ["__proto__"]: "canary-of-a-caller",
    constructor: "canary-of-a-caller",
    [edgeHeaderName]: `${forged} canary-of-a-caller`,
  };

  it("of a caller reach neither the engine nor its journal, and change nothing", async () => {
    const { edge, ingressTap, scene } = stand;
    const orders = ["async", "wait", "wait=1", "plain"].map((preference) => ({ preference, order: newOrder() }));
    const preferences: Readonly<Record<string, string>> = {
      async: "respond-async",
      wait: "wait=60",
      "wait=1": "wait=1",
    };
    ingressTap.tapped.length = 0;
    for (const { preference, order } of orders) {
      const prefer = preferences[preference];
      const headers = { ...bearer, ...hostile, "idempotency-key": order, ...(prefer !== undefined && { prefer }) };
      const lines = Object.entries({ host: "pay.shop.example", "content-type": "application/json", ...headers }).map(
        ([name, value]) => `${name}: ${value}`,
      );
      const body = JSON.stringify(card(order));
      const answer = await askRaw(
        edge.port,
        [`POST /payments/processPayment HTTP/1.1`, ...lines, `content-length: ${body.length}`, "", body].join("\r\n"),
      );
      expect({ status: answer.status, isOutcome: answer.body.includes('"succeeded"') }).toEqual({
        status: preference === "async" ? 202 : 200,
        isOutcome: preference !== "async",
      });
      const payment = await scene.paymentOf(order);
      const kept = await inputOf(payment.id);
      expect(kept.map(({ name }) => name).filter((name) => !journaledHeaders.has(name))).toEqual([]);
      expect(kept.filter(({ name }) => name === edgeHeaderName)).toHaveLength(1);
      const { callId } = JSON.parse(answer.status === 202 ? answer.body : '{"callId":null}') as {
        callId: string | null;
      };
      if (callId !== null)
        await edge.get(`/calls/${callId}`, { ...bearer, ...withoutForbidden(hostile), prefer: "wait=10" });
    }
    expect(ingressTap.tapped.length).toBeGreaterThanOrEqual(orders.length);
    for (const { headers } of ingressTap.tapped) {
      expect(Object.keys(headers).filter((name) => !ownHeaders.has(name))).toEqual([]);
      expect(JSON.stringify(headers)).not.toMatch(/canary|rsp_|forged/);
    }
    for (const table of ["sys_journal", "sys_invocation", "state", "sys_journal_events"]) {
      const text = JSON.stringify(await scene.sql(`select * from ${table}`));
      const hexCanary = Buffer.from("canary-of-a-caller").toString("hex");
      expect([table, text.includes("canary"), text.includes(hexCanary), text.includes(shop.text)]).toEqual([
        table,
        false,
        false,
        false,
      ]);
    }
    // The search would have found it: the order is there.
    const journal = JSON.stringify(await scene.sql("select * from sys_journal"));
    expect(journal).toContain(Buffer.from(orders[0]?.order ?? "").toString("hex"));
  });

  const signedFor = (more: { secret?: string; handler?: string; key?: string; atMs?: number }) =>
    writeEdgeHeader(
      more.secret ?? edgeSecret,
      { ...target, handler: more.handler ?? "processPayment" },
      {
        engineKey: more.key ?? "this-key",
        acceptedAtMs: more.atMs ?? Date.now() - 365 * 86_400_000,
        fingerprint: anyFingerprint,
      },
    );

  it.each<[string, (key: string) => string]>([
    ["a wrong secret", (key) => signedFor({ secret: "another secret, long enough to be one", key })],
    ["an empty secret", (key) => signedFor({ secret: "", key })],
    ["of another handler", (key) => signedFor({ handler: "refundPayment", key })],
    ["of another call", () => signedFor({ key: "another-key" })],
    ["with another key written in", (key) => signedFor({ key: "another-key" }).replace("another-key", key)],
    [
      "with another time written in",
      (key) => signedFor({ key, atMs: Date.now() }).replace(/t=\d+/, `t=${Date.now() - 86_400_000 * 30}`),
    ],
    ["without its time", (key) => signedFor({ key }).replace(/t=\d+/, "t=-")],
    [
      "with another fingerprint written in",
      (key) => signedFor({ key }).replace(/f=\S+/, `f=${createHash("sha256").update("other").digest("base64url")}`),
    ],
    ["without a signature", (key) => signedFor({ key }).replace(/s=\S+/, "s=")],
    ["with a short signature", (key) => signedFor({ key }).slice(0, -1)],
    [
      "with an edited signature",
      (key) =>
        signedFor({ key }).replace(
          /(s=)(.)/,
          (_all, name: string, first: string) => `${name}${first === "A" ? "B" : "A"}`,
        ),
    ],
    ["twice", (key) => `${signedFor({ key, secret: "another secret, long enough to be one" })}, ${signedFor({ key })}`],
    ["empty", () => ""],
    ["too long", () => `v1 k=${"a".repeat(5000)} t=1 f=1 s=1`],
  ])("a forged one of the edge's at the ingress, %s, counts as none", async (_what, headerOf) => {
    const order = newOrder();
    const response = await fetch(`${stand.scene.ingress}/payments/processPayment`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": order, [edgeHeaderName]: headerOf(order) },
      body: JSON.stringify(card(order)),
    });
    const text = await response.text();
    expect({ status: response.status, text }).toMatchObject({
      status: 200,
      text: expect.stringContaining('"succeeded"'),
    });
    expect(text).not.toContain("requestFingerprint");
    expect(await stand.scene.paymentsOf(order)).toHaveLength(1);
  });

  it("one from the future gives no time: the payment has its whole deadline, from now", async () => {
    const order = newOrder();
    const body = JSON.stringify({ ...bankDebit(order), timeoutSeconds: 4 });
    const begin = performance.now();
    const response = await fetch(`${stand.scene.ingress}/payments/processPayment`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": order,
        [edgeHeaderName]: signedFor({ key: order, atMs: Date.now() + 86_400_000 }),
      },
      body,
    });
    expect(response.status).toBe(408);
    expect(performance.now() - begin).toBeLessThan(30_000);
  });

  const body = JSON.stringify(card("smuggled"));
  const second = "POST /payments/processPayment HTTP/1.1\r\nhost: x\r\n\r\n";
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

  it.each<[string, string]>([
    ["a length and chunks", head([`content-length: ${body.length}`, "transfer-encoding: chunked"]) + chunked],
    ["chunks and a length", head(["transfer-encoding: chunked", "content-length: 5"]) + chunked],
    ["two lengths", head([`content-length: ${body.length}`, "content-length: 3"]) + body],
    ["two equal lengths", head([`content-length: ${body.length}`, `content-length: ${body.length}`]) + body],
    ["a list of lengths", head([`content-length: ${body.length}, ${body.length}`]) + body],
    ["a signed length", head([`content-length: +${body.length}`]) + body],
    ["a negative length", head([`content-length: -1`]) + body],
    ["a length in hexadecimal", head([`content-length: 0x${body.length.toString(16)}`]) + body],
    ["a length that overflows", head([`content-length: 18446744073709551617`]) + body],
    ["an encoding that is none", head(["transfer-encoding: xchunked"]) + chunked],
    ["chunks that are not last", head(["transfer-encoding: chunked, identity"]) + chunked],
    ["chunks twice", head(["transfer-encoding: chunked", "transfer-encoding: identity"]) + chunked],
    ["a blank before the colon", head(["transfer-encoding : chunked"]) + chunked],
    ["a tab before the name", head(["x: y", "\ttransfer-encoding: chunked"]) + chunked],
    ["a folded header", head(["x: y", " folded: z", `content-length: ${body.length}`]) + body],
    ["a bare line feed", head([`x: y\ncontent-length: ${body.length}`]) + body],
    ["a bare carriage return", head([`x: y\rcontent-length: ${body.length}`]) + body],
    ["a NUL in a value", head([`x: y\0z`, `content-length: ${body.length}`]) + body],
    ["a name of two words", head([`x y: z`, `content-length: ${body.length}`]) + body],
    ["a size of a chunk that is none", head(["transfer-encoding: chunked"]) + `0x${chunked}`],
    ["a size of a chunk that overflows", head(["transfer-encoding: chunked"]) + `fffffffffffffffff\r\n${body}`],
    [
      "a bare line feed in chunks",
      head(["transfer-encoding: chunked"]) + `${body.length.toString(16)}\n${body}\n0\n\n`,
    ],
  ])("a body of two readings is refused, and the connection closed: %s", async (_what, bytes) => {
    stand.reached();
    const statuses = await converse(stand.edge.port, bytes + second);
    expect(statuses).toEqual(["400"]);
    expect(stand.reached()).toBe(0);
  });

  it("a request behind another's body is part of that body", async () => {
    const smuggled = `{"x":"\r\n${second}"}`;
    const statuses = await converse(stand.edge.port, `${head([`content-length: ${smuggled.length}`])}${smuggled}`);
    expect(statuses).toEqual(["400"]);
    expect(await stand.scene.paymentsOf("smuggled")).toEqual([]);
  });

  it("an expectation is met or refused, and changes nothing else", async () => {
    const order = newOrder();
    const content = JSON.stringify(card(order));
    const lines = (expectation: string) =>
      head([`expect: ${expectation}`, `content-length: ${content.length}`]) + content;
    stand.reached();
    expect(await converse(stand.edge.port, lines("100-continued"))).toEqual(["417"]);
    expect(stand.reached()).toBe(0);
    expect(await converse(stand.edge.port, lines("100-continue"))).toEqual(["100", "200"]);
    expect(await stand.scene.paymentsOf(order)).toHaveLength(1);
  });

  it("an upgrade is none, and a tunnel neither", async () => {
    stand.reached();
    const upgrade =
      "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c, websocket\r\nhttp2-settings: AAMAAABkAAQAAP__\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n";
    expect(await converse(stand.edge.port, upgrade)).toEqual(["200"]);
    expect(await converse(stand.edge.port, "CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: 127.0.0.1:22\r\n\r\n")).toEqual([]);
    expect(await converse(stand.edge.port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).not.toContain("200");
    expect(stand.reached()).toBe(0);
  });

  it.each<[string, readonly string[]]>([
    ["one of 20,000 characters", [`x: ${"a".repeat(20_000)}`]],
    ["a name of 20,000 characters", [`${"a".repeat(20_000)}: x`]],
    ["a thousand", Array.from({ length: 1000 }, (_, index) => `x-${index}: ${"a".repeat(20)}`)],
    ["a key of 20,000 characters", [`authorization: Bearer ${"a".repeat(20_000)}`]],
  ])("that are huge are refused: %s", async (_what, lines) => {
    stand.reached();
    expect(await converse(stand.edge.port, head([...lines, `content-length: ${body.length}`]) + body)).toEqual(["431"]);
    expect(stand.reached()).toBe(0);
  });

  it.each<[string, string | readonly string[]]>([
    ["blank", "   "],
    ["empty", ""],
    ["too long", "k".repeat(256)],
    ["not ASCII", "Bestellung-ü"],
    ["with a tab in it", "order\t1"],
    ["twice", ["order-1", "order-1"]],
    ["twice, differing", ["order-1", "order-2"]],
    ["missing", []],
  ])("an idempotency-key that is %s is refused", async (_what, keys) => {
    const lines = [
      "POST /payments/processPayment HTTP/1.1",
      "host: localhost",
      `authorization: Bearer ${shop.text}`,
      "content-type: application/json",
      ...(typeof keys === "string" ? [keys] : keys).map((key) => `idempotency-key: ${key}`),
      `content-length: ${body.length}`,
    ];
    stand.reached();
    const answer = await askRaw(stand.edge.port, Buffer.from([...lines, "", body].join("\r\n"), "latin1"));
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({
      message: expect.stringContaining("idempotency-key"),
      metadata: { reason: "invalid_request" },
    });
    expect(stand.reached()).toBe(0);
  });
});

/** Names that `fetch` would not send. */
function withoutForbidden(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !["__proto__", "expect", "cookie"].includes(name)),
  );
}
