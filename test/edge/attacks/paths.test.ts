/** `npm run forgery` sends 50,000 of these; the seed makes a run repeatable. Each has all that a payment needs but the right address. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { campaign, randomOf } from "../../forgery/campaign.ts";
import { bankDebit, newOrder, sign } from "../../scene/scene.ts";
import { attackPaths, changes, isOfTable, type RawTarget } from "./pathAttacks.ts";
import { askRaw, openRaw } from "./rawHttp.ts";
import { openStand, type Stand } from "./stand.ts";

const senders = 24;
const body = JSON.stringify({ paymentMethodId: "pm_card_visa", amount: 66_600, metadata: { orderId: "attacked" } });

function requestOf({ method, target, version }: RawTarget, host = "localhost:8080", content = body): Buffer {
  const headers = {
    host,
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(content)),
    "idempotency-key": crypto.randomUUID(),
    ...sign(content),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return Buffer.from([`${method} ${target} ${version}`, ...lines, "", content].join("\r\n"), "latin1");
}

describe("addresses", () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await openStand({ patience: { headersMs: 500, requestMs: 500, checkEveryMs: 100 } });
  });
  afterAll(async () => {
    await stand.close();
  });

  const { seed, requestsAtEdge: count } = campaign;

  it(
    `of ${count} requests that are not in the table, none reaches the engine (seed ${seed})`,
    { timeout: 120_000 + 20 * count },
    async () => {
      const { edge, scene } = stand;
      const order = newOrder();
      const open = await edge.call("/payments/processPayment", bankDebit(order), {
        "idempotency-key": order,
        prefer: "respond-async",
      });
      const { callId } = open.body as { callId: string };
      const { id } = await scene.waitingPaymentOf(order);
      stand.reached();
      const before = await stand.known();

      const attacks = attackPaths(count, randomOf(seed), [`/calls/${callId}/cancel`, `/calls/${callId}`]);
      const answers = new Map<string, number>();
      const taken: unknown[] = [];
      const sendThem = async () => {
        const connection = openRaw(edge.port);
        for (const attack of attacks) {
          const answer = await connection.ask(requestOf(attack));
          const { status } = answer;
          answers.set(String(status), (answers.get(String(status)) ?? 0) + 1);
          if (status !== null && (status < 400 || status >= 500)) taken.push({ ...attack, ...answer });
        }
        connection.close();
      };
      await Promise.all(Array.from({ length: senders }, sendThem));

      console.info(
        `${count} requests, seed ${seed}: ${[...answers].map(([status, n]) => `${n} × ${status}`).join(", ")}`,
      );
      expect(taken.slice(0, 5)).toEqual([]);
      expect([...answers.values()].reduce((sum, n) => sum + n, 0)).toBe(count);
      // The table itself said no, and not the parser of HTTP alone.
      expect(answers.get("404")).toBeGreaterThan(count / 4);
      expect(stand.reached()).toBe(0);
      expect(await stand.known()).toEqual(before);
      expect(await scene.paymentsOf("attacked")).toEqual([]);
      expect(edge.warnings).toEqual([]);
      await scene.settle(id);
      expect(await edge.get(`/calls/${callId}`, { prefer: "wait=60" })).toMatchObject({ status: 200 });
    },
  );

  it("the same request at the right address reaches it", async () => {
    const answer = await askRaw(
      stand.edge.port,
      requestOf({ method: "POST", target: "/payments/processPayment?x=/..", version: "HTTP/1.1" }),
    );
    expect(answer).toMatchObject({ status: 200, body: expect.stringContaining('"succeeded"') });
    expect(stand.reached()).toBeGreaterThan(0);
  });

  it("each kind of change leads away from the table", () => {
    const kinds = new Set([...attackPaths(2000, randomOf(seed), [])].map(({ kind }) => kind));
    expect([...kinds]).toEqual(expect.arrayContaining(Object.keys(changes)));
    expect(isOfTable({ method: "POST", target: "/payments/processPayment", version: "HTTP/1.1" })).toBe(true);
  });

  it.each([
    "localhost/payments/processPayment?",
    "localhost:8080/payments/processPayment#",
    "x/payments/processPayment?y=",
    "localhost\\payments\\processPayment?",
    "user@localhost",
    "localhost:99999",
    "",
    "[",
    "a b",
  ])("a host that is none moves nothing: %j", async (host) => {
    stand.reached();
    for (const target of ["/livez", "/payments/getNothing", "/"]) {
      const { status, body: text } = await askRaw(
        stand.edge.port,
        requestOf({ method: "POST", target, version: "HTTP/1.1" }, host),
      );
      expect(status).toBeGreaterThanOrEqual(400);
      expect(text).not.toContain("succeeded");
    }
    const { status } = await askRaw(
      stand.edge.port,
      requestOf({ method: "POST", target: "/payments/processPayment", version: "HTTP/1.1" }, host),
    );
    expect([400, 401, 404]).toContain(status);
    expect(stand.reached()).toBe(0);
  });

  it.each(["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])(
    "%s of a call is nothing",
    async (method) => {
      const { edge } = stand;
      for (const target of ["/payments/processPayment", "/webhooks/default", "/payments/processWebhook"]) {
        const answer = await askRaw(edge.port, requestOf({ method, target, version: "HTTP/1.1" }));
        expect(answer.status).toBe(404);
        expect(answer.head).not.toMatch(/^access-control-/im);
      }
      expect(stand.reached()).toBe(0);
    },
  );

  it("an override of the method is none", async () => {
    const response = await fetch(`${stand.edge.url}/payments/processPayment`, {
      headers: { "x-http-method-override": "POST", "x-http-method": "POST", "x-method-override": "POST" },
    });
    expect(response.status).toBe(404);
    expect(stand.reached()).toBe(0);
  });
});
