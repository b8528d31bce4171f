/** What a client is made with: the address, the secret and the keys. The secret is shown by nothing. */
import { inspect } from "node:util";
import { calls } from "../../../src/api/calls.ts";
import { describe, expect, it } from "vitest";
import { callTable, type KeyRule } from "../../../src/api/client/callTable.ts";
import { type Fetch } from "../../../src/api/client/waitForOutcome.ts";
import { PaymentsClient } from "../../../src/api/client.ts";
import { apiKey, errorOf, pay, payment, succeeded } from "./paying.ts";
import * as edge from "./scriptedEdge.ts";

/** Everything that a log could show of a value. */
const shown = (value: unknown) =>
  [inspect(value, { depth: Infinity, showHidden: true, getters: true }), JSON.stringify(value), String(value)].join(
    "\n",
  );

/** Its error has the whole request, as those of some libraries do. */
const talkative: Fetch = (_url, { headers }) =>
  Promise.reject(Object.assign(new Error(`no way with ${headers["authorization"]}`), { config: { headers } }));

describe("the API key", () => {
  it("is in no error that a server repeats it in", async () => {
    const echo = { code: 400, message: `Bearer ${apiKey}`, metadata: { reason: "invalid_request", param: apiKey } };
    const { answer } = await pay([edge.json(400, { ...echo, errors: [{ path: `/${apiKey}`, message: apiKey }] })]);
    const error = await errorOf(answer);
    expect(error.metadata.param).toBe("…");
    expect(shown(error) + String(error.stack)).not.toContain(apiKey);
  });

  it("is in no error that a fetch throws with it", async () => {
    const client = new PaymentsClient({ url: "http://edge.test", apiKey, fetch: talkative });
    const error = await errorOf(client.payments.getPayment({ paymentIntentId: "pi_1" }, { timeoutMs: 50 }));
    expect(error.message).toContain("no way with");
    expect(shown(error) + String(error.stack)).not.toContain(apiKey);
  });

  it("is in nothing that a client shows", () => {
    expect(shown(new PaymentsClient({ url: "http://edge.test", apiKey }))).not.toContain(apiKey);
  });

  it.each(["", " ", `${apiKey}\n`, "schlüssel", `${apiKey} 2`])("%j is refused without being named", (wrong) => {
    const make = () => new PaymentsClient({ url: "http://edge.test", apiKey: wrong });
    expect(make).toThrow(new TypeError("apiKey: must be printable ASCII without spaces and line breaks."));
  });
});

it.each(["", "payments.example.com", "ftp://example.com", "http://me:canary@edge.test", "http://edge.test/?a=canary"])(
  "The url %j is refused",
  (url) => {
    const make = () => new PaymentsClient({ url });
    expect(make).toThrow(/^url: must (?!.*canary)/);
    expect(make).toThrow(TypeError);
  },
);

describe("the idempotency key", () => {
  it.each(["", " ", "a\nb", "schlüssel", "x".repeat(256)])("%j is refused before anything is sent", async (key) => {
    const server = await edge.startScriptedEdge([succeeded]);
    const client = new PaymentsClient({ url: server.url });
    const answer = client.payments.processPayment(payment, { idempotencyKey: key });
    expect(await errorOf(answer)).toMatchObject({ reason: "invalid_request", status: 400 });
    expect(server.received).toEqual([]);
  });

  it("is needed also by a caller whose compiler does not say so", async () => {
    const client = new PaymentsClient({ url: "http://edge.test" });
    const careless = client.payments.processPayment as unknown as (request: object) => Promise<unknown>;
    expect(await errorOf(careless(payment))).toMatchObject({
      reason: "invalid_request",
      message: "payments/processPayment needs an idempotencyKey.",
    });
  });

  it("of a wait is made, and stays the same while the call lasts", async () => {
    const server = await edge.startScriptedEdge([edge.dropped, succeeded]);
    const client = new PaymentsClient({ url: server.url });
    await client.payments.awaitPayment({ paymentIntentId: "pi_1" });
    await client.payments.awaitPayment({ paymentIntentId: "pi_1" });
    const [first, second, third] = server.received.map(({ headers }) => headers["idempotency-key"]);
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect([second, third === first]).toEqual([first, false]);
  });

  it("of a wait may be given, and a read has none", async () => {
    const server = await edge.startScriptedEdge([succeeded]);
    const client = new PaymentsClient({ url: server.url });
    await client.payments.awaitPayment({ paymentIntentId: "pi_1" }, { idempotencyKey: "mine" });
    await client.payments.getPayment({ paymentIntentId: "pi_1" });
    expect(server.received.map(({ headers }) => headers["idempotency-key"])).toEqual(["mine", undefined]);
  });
});

it("The client has the calls of the registry, each with its rule for the key", () => {
  const rules: Readonly<Record<string, Readonly<Record<string, KeyRule>>>> = callTable;
  const client = new PaymentsClient({ url: "http://edge.test" });
  expect(Object.keys(client)).toEqual(Object.keys(callTable));
  const known = Object.entries<object>({ ...client }).flatMap(([service, handlers]) =>
    Object.keys(handlers).map((handler) => `${service}/${handler} ${rules[service]?.[handler]}`),
  );
  const registered = calls.map(({ service, handler, needsKey, keeps }) => {
    const rule = needsKey ? "required" : keeps === "nothing" ? "none" : "made";
    return `${service}/${handler} ${rule}`;
  });
  expect(known.toSorted()).toEqual(registered.toSorted());
});
