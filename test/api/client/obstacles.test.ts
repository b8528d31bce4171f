/** The client against a server, or a proxy, that behaves oddly on purpose. Each pause is one of the client's own. */
import { describe, expect, it } from "vitest";
import { usualPace, waitForOutcome, type Fetch, type Pace } from "../../../src/api/client/waitForOutcome.ts";
import { PaymentsClient } from "../../../src/api/client.ts";
import { apiKey, asked, errorOf, get, outcome, pay, payment, post, succeeded } from "./paying.ts";
import * as edge from "./scriptedEdge.ts";

/** What stands between a client and an answer, and passes. */
const obstacles: readonly (readonly [string, edge.Line])[] = [
  ["a connection that drops", edge.dropped],
  ["a connection that drops inside of the answer", edge.droppedInside],
  ["an answer that is cut short", edge.cutShort],
  ["502 unknown", edge.failed(502, "unknown")],
  ["503 unavailable", edge.failed(503, "unavailable")],
  ["429 rate_limited", edge.failed(429, "rate_limited", {}, { "retry-after": "0" })],
  ["429 of a proxy", edge.html(429)],
  ["408 of a proxy", edge.html(408)],
  ["500 of a proxy", edge.html(500)],
  ["502 of a proxy", edge.html(502)],
  ["503 of a proxy", edge.html(503)],
  ["504 of a proxy", edge.html(504)],
  ["524 of a proxy", edge.html(524)],
  ["a page in place of an outcome", edge.html(200)],
  ["202 without an id", edge.json(202, {})],
  ["a failure of the engine's ingress", edge.json(500, { code: 500, message: "No." })],
  ["JSON of somebody else", edge.json(503, { error: { reason: "declined" } })],
];

/** As `pay`, with pauses that are no longer than they must be. */
async function payQuickly(lines: readonly edge.Line[], pace: Pace = { ...usualPace, firstPauseMs: 10 }) {
  const server = await edge.startScriptedEdge(lines);
  const connection = { url: server.url, apiKey, fetch: globalThis.fetch as Fetch, pace };
  const call = { name: "payments/processPayment", body: JSON.stringify(payment), idempotencyKey: "order-1" };
  return { server, answer: waitForOutcome(connection, call, {}) };
}

describe.each(obstacles)("%s", (_name, obstacle) => {
  it("makes the client post the same again", async () => {
    const { server, answer } = await payQuickly([obstacle, obstacle, succeeded]);
    expect(await answer).toEqual(outcome);
    expect(asked(server)).toEqual([post, post, post]);
    expect(new Set(server.received.map(({ headers }) => headers["idempotency-key"]))).toEqual(new Set(["order-1"]));
    expect(new Set(server.received.map(({ body }) => body)).size).toBe(1);
  });

  it("makes the client ask again for a call that goes on", async () => {
    const { server, answer } = await payQuickly([edge.accepted("call_1"), obstacle, succeeded]);
    expect(await answer).toEqual(outcome);
    expect(asked(server)).toEqual([post, get, get]);
  });
});

describe("an edge that hangs", () => {
  const pace = { ...usualPace, waitSeconds: 1, graceMs: 100, firstPauseMs: 10 };

  it.each([
    ["before it answers", edge.hangs],
    ["inside of its answer", edge.hangsInside],
  ])("%s is asked again", async (_name, hanging) => {
    const { server, answer } = await payQuickly([hanging, edge.accepted("call_1"), hanging, succeeded], pace);
    expect(await answer).toEqual(outcome);
    expect(asked(server)).toEqual([post, post, get, get]);
  });

  it("is left when the time is over, also by a fetch that knows no signals", async () => {
    const { server, answer } = await pay([edge.hangs], { timeoutMs: 300 });
    const startMs = performance.now();
    expect(await errorOf(answer)).toMatchObject({ reason: "unknown", status: 502, callId: null });
    expect(performance.now() - startMs).toBeLessThan(1500);
    expect(asked(server)).toEqual([post]);

    const client = new PaymentsClient({ url: server.url, fetch: () => new Promise(() => undefined) });
    const deaf = client.payments.getPayment({ paymentIntentId: "pi_1" }, { timeoutMs: 100 });
    expect((await errorOf(deaf)).reason).toBe("unknown");
  });
});

it("A restart of the edge is waited through", async () => {
  const first = await edge.startScriptedEdge([edge.accepted("call_1"), edge.hangs]);
  const client = new PaymentsClient({ url: first.url });
  const answer = client.payments.processPayment(payment, { idempotencyKey: "order-1" });
  while (first.received.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  await first.close();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const second = await edge.startScriptedEdge([succeeded], first.port);
  expect(await answer).toEqual(outcome);
  expect(asked(second)).toEqual([get]);
});

describe("retry-after", () => {
  it.each([
    ["seconds", () => "1"],
    ["a date", () => new Date(Date.now() + 2000).toUTCString()],
  ])("in %s is waited for", async (_name, header) => {
    const limited: edge.Line = (response) =>
      edge.failed(429, "rate_limited", {}, { "retry-after": header() })(response);
    const { server, answer } = await pay([limited, succeeded]);
    expect(await answer).toEqual(outcome);
    const [first, second] = server.received.map(({ atMs }) => atMs);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(950);
  });

  it("does not hold a caller longer than he has time", async () => {
    const { answer } = await pay([edge.failed(429, "rate_limited", {}, { "retry-after": "3600" })], { timeoutMs: 300 });
    expect((await errorOf(answer)).message).toContain("429 rate_limited");
  });
});

it("Pauses grow, to a limit", async () => {
  let attempts = 0;
  const fetch: Fetch = async () => {
    attempts++;
    throw new TypeError("fetch failed");
  };
  const pace = { ...usualPace, firstPauseMs: 10, longestPauseMs: 80 };
  const call = { name: "payments/getPayment", body: "{}", idempotencyKey: null };
  await errorOf(waitForOutcome({ url: "http://edge.test", apiKey: null, fetch, pace }, call, { timeoutMs: 1000 }));
  // At least 5 + 10 + 20 + 40 + 40 …, at most twice as much.
  expect(attempts).toBeGreaterThan(5);
  expect(attempts).toBeLessThan(30);
});
