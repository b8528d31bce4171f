/** Bodies that are slow, huge, deep or ambiguous, and connections that say nothing: the edge goes on taking calls, and none of it reaches the engine. */
import { execFileSync, fork } from "node:child_process";
import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEdge } from "../../scene/edge.ts";
import { card, newOrder, until } from "../../scene/scene.ts";
import { askRaw } from "./rawHttp.ts";
import { openStand, type Stand } from "./stand.ts";

const megabyte = 1024 * 1024;

function headOf(lines: readonly string[], path = "/payments/processPayment"): string {
  return [
    `POST ${path} HTTP/1.1`,
    "host: localhost",
    "content-type: application/json",
    `idempotency-key: ${crypto.randomUUID()}`,
    ...lines,
    "",
    "",
  ].join("\r\n");
}

const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

describe("bodies", () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await openStand({ patience: { headersMs: 1000, requestMs: 2000, keepAliveMs: 1500, checkEveryMs: 100 } });
  });
  afterAll(async () => {
    await stand.close();
  });

  async function expectCallsGoThrough(edge: Pick<Stand["edge"], "call"> = stand.edge): Promise<void> {
    const order = newOrder();
    expect(await edge.call("/payments/processPayment", card(order))).toMatchObject({
      status: 200,
      body: { status: "succeeded" },
    });
  }

  const request = { paymentMethodId: "pm_card_visa", amount: 109, metadata: { orderId: "hostile" } };
  const json = JSON.stringify(request);
  const withField = (field: string) => json.replace("{", `{${field},`);

  it.each<[string, string | Uint8Array]>([
    ["empty", ""],
    ["blank", " \n"],
    ["null", "null"],
    ["a list", `[${json}]`],
    ["a text", JSON.stringify(json)],
    ["a number", "1"],
    ["10,000 levels deep", nested(10_000)],
    ["10,000 lists deep", "[".repeat(10_000)],
    ["10,000 levels deep in a field", withField(`"metadata":${nested(10_000)}`)],
    ["300,000 lists deep", `${"[".repeat(300_000)}${"]".repeat(300_000)}`],
    ["with __proto__", withField('"__proto__":{"amount":1}')],
    ["with an escaped __proto__", withField('"\\u005f_proto__":{"amount":1}')],
    ["with __proto__ in metadata", json.replace('"orderId"', '"__proto__":"x","orderId"')],
    ["with constructor.prototype", withField('"constructor":{"prototype":{"amount":1}}')],
    ["with one half of a surrogate pair", json.replace("hostile", "\\ud800")],
    ["with the other half", json.replace("hostile", "\\udc00\\ud800")],
    ["with half a pair in a name", json.replace("orderId", "\\ud800")],
    ["with an amount twice", withField('"amount":1')],
    ["with an amount twice, one escaped", withField('"\\u0061mount":1')],
    ["with a field that is not known", withField('"requestFingerprint":"x"')],
    ["with our own metadata", json.replace("orderId", "restate_callback_id")],
    ["with an amount of 1e400", json.replace("109", "1e400")],
    ["with an amount of -1", json.replace("109", "-1")],
    ["with an amount of 1.5", json.replace("109", "1.5")],
    ["with an amount as text", json.replace("109", '"109"')],
    ["with an amount beyond what is exact", json.replace("109", "9007199254740993")],
    ["NaN", json.replace("109", "NaN")],
    ["with a comment", `${json}//`],
    ["with a comma too many", json.replace("}}", "},}")],
    ["two values", `${json}${json}`],
    ["with a NUL after it", `${json}\0`],
    ["cut", json.slice(0, -1)],
    ["100,000 fields", `{${Array.from({ length: 60_000 }, (_, index) => `"f${index}":1`).join(",")}}`],
    ["in UTF-16, the low byte first", Buffer.from(`\ufeff${json}`, "utf16le")],
    ["in UTF-16, the high byte first", Buffer.from(`\ufeff${json}`, "utf16le").swap16()],
    ["in UTF-16 without a mark", Buffer.from(json, "utf16le")],
    ["in Latin-1", Buffer.from(json.replace("hostile", "\xfc"), "latin1")],
    ["with an overlong slash", Buffer.from(json.replace("hostile", "\xc0\xaf"), "latin1")],
    ["with a surrogate in UTF-8", Buffer.from(json.replace("hostile", "\xed\xa0\x80"), "latin1")],
    ["two byte order marks", Buffer.from(`\ufeff\ufeff${json}`)],
    ["compressed", gzipSync(json)],
    ["a form", "paymentMethodId=pm_card_visa&amount=109"],
  ])("that are %s are refused with a reason, and no more", async (_what, body) => {
    stand.reached();
    const before = performance.now();
    const response = await fetch(`${stand.edge.url}/payments/processPayment`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
      body: Buffer.from(body as Uint8Array),
    });
    const answer = (await response.json()) as { message: string };
    expect(answer).toMatchObject({ code: 400, metadata: { reason: "invalid_request" } });
    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(8192);
    expect(performance.now() - before).toBeLessThan(5000);
    expect(stand.reached()).toBe(0);
    expect(({} as { amount?: unknown }).amount).toBeUndefined();
  });

  it("with one byte order mark are one request, with and without it", async () => {
    const headers = { "content-type": "application/json", "idempotency-key": newOrder() };
    const order = newOrder();
    const text = JSON.stringify(card(order));
    for (const body of [text, `\ufeff${text}`, text.replaceAll(",", " ,\n"), text.replace("109", "10.9e1")]) {
      const response = await fetch(`${stand.edge.url}/payments/processPayment`, { method: "POST", headers, body });
      expect(response.status).toBe(200);
    }
    expect(await stand.scene.paymentsOf(order)).toHaveLength(1);
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonx",
    "application/json, text/plain",
    "",
  ])("of the type %j are refused", async (type) => {
    stand.reached();
    const { status } = await askRaw(
      stand.edge.port,
      headOf([`content-length: ${json.length}`]).replace("application/json", type) + json,
    );
    expect([400, 403]).toContain(status);
    expect(stand.reached()).toBe(0);
  });

  it.each<[string, string, readonly string[]]>([
    ["a call", "/payments/processPayment", ["413"]],
    ["a webhook", "/payments/processWebhook", ["413"]],
    ["an address that is none", "/payments/none", ["404"]],
  ])("of 100 MB to %s are not read, whatever they say of their length", async (_what, path, statuses) => {
    stand.reached();
    const rssBefore = process.memoryUsage().rss;
    const chunk = Buffer.alloc(megabyte, "x");
    for (const lines of [[`content-length: ${100 * megabyte}`], ["transfer-encoding: chunked"]]) {
      const isChunked = lines[0] === "transfer-encoding: chunked";
      const sent = await pour(
        headOf(lines, path),
        isChunked ? Buffer.concat([Buffer.from(`${megabyte.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]) : chunk,
      );
      expect(sent.statuses).toEqual(statuses);
      expect(sent.bytes).toBeLessThan(99 * megabyte);
    }
    expect(process.memoryUsage().rss - rssBefore).toBeLessThan(256 * megabyte);
    expect(stand.reached()).toBe(0);
    await expectCallsGoThrough();
  });

  /** Sends 100 MB as fast as they are taken, until the other side ends. */
  async function pour(head: string, chunk: Buffer) {
    const socket = connect(stand.edge.port, "127.0.0.1");
    let received = "";
    socket.on("data", (data: Buffer) => (received += data.toString("latin1")));
    socket.on("error", () => {});
    socket.write(head);
    let chunks = 0;
    const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    const writing = (async () => {
      for (; chunks < 100 && !socket.destroyed; chunks++) {
        // A sender that looks for the answer as it goes, as an attacker need not.
        if (!socket.write(chunk)) await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), ended]);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await writing;
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 3000))]);
    socket.destroy();
    return {
      statuses: [...received.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((match) => match[1]),
      bytes: chunks * megabyte,
    };
  }

  it.each<[string, (socket: Socket) => void]>([
    ["headers", (socket) => void socket.write("x")],
    ["a body", (socket) => void socket.write(" ")],
    ["nothing", () => {}],
  ])("that come byte by byte end with the edge's patience: %s", async (what, drip) => {
    stand.reached();
    const first =
      { headers: headOf([]).trimEnd(), "a body": headOf([`content-length: ${megabyte / 2}`]), nothing: "" }[what] ?? "";
    const ended: { status: string | undefined; afterMs: number }[] = [];
    const begin = performance.now();
    const senders = Array.from({ length: 300 }, () => {
      const socket = connect(stand.edge.port, "127.0.0.1");
      let received = "";
      socket.on("data", (data: Buffer) => (received += data.toString("latin1")));
      socket.on("error", () => {});
      if (first !== "") socket.write(first);
      const timer = setInterval(() => drip(socket), 250);
      socket.once("close", () => {
        clearInterval(timer);
        ended.push({ status: /^HTTP\/1\.1 (\d{3})/.exec(received)?.[1], afterMs: performance.now() - begin });
      });
      return socket;
    });
    await expectCallsGoThrough();
    await until(
      "all slow senders to be sent away",
      async () => (ended.length === senders.length ? true : undefined),
      15_000,
    );
    expect(new Set(ended.map(({ status }) => status ?? "408"))).toEqual(new Set(["408"]));
    expect(Math.max(...ended.map(({ afterMs }) => afterMs))).toBeLessThan(10_000);
    expect(stand.edge.warnings).toEqual([]);
  });

  it("10,000 connections that say nothing don't keep a call from going through", { timeout: 120_000 }, async () => {
    const limit = Number(execFileSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }));
    const count = Math.min(10_000, Number.isNaN(limit) ? 10_000 : limit - 2000);
    if (count < 10_000)
      console.warn(`Only ${count} idle connections: this machine allows ${limit} open files a process.`);
    const edge = await openEdge(
      { ...stand.scene, ingress: stand.ingressTap.url },
      { patience: { headersMs: 60_000, requestMs: 60_000 } },
    );
    const idle = fork("test/edge/attacks/idleConnections.mjs", [String(edge.port), String(count)]);
    try {
      let state = { open: 0, failed: 0 };
      idle.on("message", (message) => {
        state = message as typeof state;
      });
      await until("the connections", async () => (state.open + state.failed > 0 ? true : undefined), 90_000);
      expect(state).toEqual({ open: count, failed: 0 });
      const begin = performance.now();
      for (let number = 0; number < 10; number++) await expectCallsGoThrough(edge);
      expect(performance.now() - begin).toBeLessThan(20_000);
      expect((await edge.get("/livez")).status).toBe(200);
      expect(state.open).toBe(count);
    } finally {
      idle.kill("SIGKILL");
      await edge.close();
    }
  });
});
