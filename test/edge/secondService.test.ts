/** A service that is added to the registry is served like the first one: nothing of the edge or of its document knows which there are. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { callTable } from "../../src/api/client/callTable.ts";
import { calls as registry, type Call } from "../../src/api/calls.ts";
import { PaymentsClient } from "../../src/api/client.ts";
import { addressFields } from "../../src/api/fields.ts";
import { openApiDocument } from "../../src/api/openapi.ts";
import { noRateLimits } from "../../src/config/edgeRateLimits.ts";
import { createEdgeApp } from "../../src/edge/app.ts";
import { createEngineClient, type EngineClient } from "../../src/edge/engineClient.ts";
import { createEngineOperator } from "../../src/edge/engineOperator.ts";
import { createInstallation } from "../../src/edge/installation.ts";
import { edgeMerchantsOf } from "../../src/edge/merchants.ts";
import { openRateLimits } from "../../src/edge/rateLimits.ts";
import { openFakeEngine, type FakeEngine } from "./fakeEngine.ts";
import { testKey } from "./keys.ts";

const input = z.strictObject({ ...addressFields, shelfId: z.string(), waits: z.boolean().optional() });
const common = { description: "A call about shelves.", input, output: z.object({ shelfId: z.string() }) };
const shelves: readonly Call[] = [
  {
    ...common,
    service: "shelves",
    handler: "createShelf",
    effect: "moves",
    needsKey: true,
    keeps: "own",
    scope: "transfers:write",
  },
  {
    ...common,
    service: "shelves",
    handler: "getShelf",
    effect: "reads",
    needsKey: false,
    keeps: "nothing",
    scope: "accounts:read",
  },
  // The name of a call of the first service, and none of its habits.
  {
    ...common,
    service: "shelves",
    handler: "getDispute",
    effect: "moves",
    needsKey: false,
    keeps: "own",
    scope: "accounts:read",
  },
  {
    ...common,
    service: "shelves",
    handler: "watchShelf",
    effect: "moves",
    needsKey: false,
    keeps: "elsewhere",
    readsUnless: "waits",
    scope: "accounts:read",
  },
];
const calls = [...registry, ...shelves];

describe("the edge", () => {
  const reader = testKey({ name: "reader", scopes: ["accounts:read"] });
  const writer = testKey({ name: "writer", scopes: ["accounts:read", "transfers:write"] });
  let engine: FakeEngine;
  let client: EngineClient;
  let url: string;
  const server = createServer();

  beforeAll(async () => {
    engine = await openFakeEngine();
    client = createEngineClient(engine.url);
    const installation = createInstallation(client, ["a secret"], () => {});
    await installation.id();
    const known = new Map([reader, writer].map(({ text, stored }) => [text, stored]));
    const app = createEdgeApp({
      engine: client,
      installation,
      calls,
      clock: { trustedNowMs: () => null, close: () => {} },
      secrets: ["a secret"],
      merchants: edgeMerchantsOf({ mode: "test", webhookSecrets: [] }),
      operator: createEngineOperator(engine.url, undefined),
      callers: {
        apiKeys: {
          find: (text) => {
            const stored = known.get(text);
            return stored === undefined ? null : { ...stored, scopes: new Set(stored.scopes) };
          },
        },
        isSandbox: false,
        trustProxy: null,
      },
      rateLimits: openRateLimits(noRateLimits),
      version: "test",
      onError: (error) => {
        throw error;
      },
    });
    const listener = getRequestListener((request, bindings) => app.fetch(request, bindings));
    server.on("request", (request, response) => void listener(request, response)).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await client.close();
    await engine.close();
  });

  async function ask(path: string, key: { readonly text: string }, body?: object, headers: object = {}) {
    engine.reached();
    const response = await fetch(`${url}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key.text}`, ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as object, reached: engine.reached() };
  }
  const shelf = { shelfId: "s1" };

  it("takes its calls by their scopes, keys and fields", async () => {
    const keyed = { "idempotency-key": "k1" };
    expect(await ask("/shelves/createShelf", reader, shelf, keyed)).toMatchObject({ status: 403, reached: [] });
    expect(await ask("/shelves/createShelf", writer, shelf)).toMatchObject({ status: 400, reached: [] });
    expect(await ask("/shelves/createShelf", writer, { shelfID: "s1" }, keyed)).toMatchObject({
      status: 400,
      reached: [],
    });
    expect(await ask("/shelves/destroyShelf", writer, shelf, keyed)).toMatchObject({ status: 404, reached: [] });
    const made = await ask("/shelves/createShelf", writer, shelf, keyed);
    expect(made).toMatchObject({ status: 200, reached: [{ path: "shelves/createShelf", body: shelf }] });
    expect(await ask("/shelves/createShelf", writer, { shelfId: "s2" }, keyed)).toMatchObject({ status: 422 });
  });

  it("gives the outcome of its calls later, to whom may read them", async () => {
    const { body } = await ask("/shelves/createShelf", writer, shelf, {
      "idempotency-key": "k2",
      prefer: "respond-async",
    });
    const { callId } = body as { callId: string };
    await ask("/shelves/createShelf", writer, shelf, { "idempotency-key": "k2" });
    expect(await ask(`/calls/${callId}`, writer)).toMatchObject({ status: 200, body: { done: true } });
    expect(await ask(`/calls/${callId}`, reader)).toMatchObject({ status: 404 });
  });

  it.each([
    ["getShelf", {}, false],
    ["getDispute", {}, true],
    ["watchShelf", {}, false],
    ["watchShelf", { waits: false }, false],
    ["watchShelf", { waits: true }, true],
  ])("keeps the answer of %s, asked with %o, under a key: %s", async (handler, more, isKept) => {
    const { reached } = await ask(`/shelves/${handler}`, reader, { ...shelf, ...more });
    expect(reached.map(({ path, key }) => [path, key !== undefined])).toEqual([[`shelves/${handler}`, isKept]]);
  });
});

it("The document describes it, in a group and under names of its own", async () => {
  const document = JSON.parse(JSON.stringify(openApiDocument({ version: "1", calls }))) as {
    readonly tags: readonly { readonly name: string }[];
    readonly paths: Readonly<
      Record<string, { readonly post: { readonly operationId: string; readonly tags: unknown } }>
    >;
    readonly components: { readonly schemas: object };
  };
  expect((await new Validator({ strict: false }).validate(document)).errors).toBeUndefined();
  const groups = document.tags.map(({ name }) => name);
  expect(groups.filter((name) => name === "shelves")).toHaveLength(1);
  expect(document.paths["/shelves/createShelf"]?.post).toMatchObject({ operationId: "createShelf", tags: ["shelves"] });
  // Of two services with one name of a handler, each operation and each request has its own.
  expect(document.paths["/shelves/getDispute"]?.post.operationId).toBe("shelves_getDispute");
  expect(document.paths["/payments/getDispute"]?.post.operationId).toBe("payments_getDispute");
  expect(Object.keys(document.components.schemas)).toEqual(
    expect.arrayContaining(["CreateShelfRequest", "ShelvesGetDisputeRequest", "PaymentsGetDisputeRequest"]),
  );
});

describe("the registry", () => {
  // The edge writes the API key's merchant into each: a call without the field could be about nobody's money but the default merchant's.
  it.each(registry)("takes the merchant of each call: $service $handler", ({ input: declared }) => {
    const { properties = {} } = z.toJSONSchema(declared, { io: "input", unrepresentable: "any" });
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(["merchant"]));
  });

  it("has no two calls of one name whose answers the private calls keep", () => {
    const names = registry.filter(({ keeps }) => keeps === "elsewhere").map(({ handler }) => handler);
    expect(new Set(names).size).toBe(names.length);
  });

  it("is the client's, service by service and call by call", () => {
    const client = new PaymentsClient({ url: "http://edge.test" });
    const methods = Object.entries(client).flatMap(([service, handlers]) =>
      Object.keys(handlers as object).map((handler) => `${service}/${handler}`),
    );
    expect(methods.toSorted()).toEqual(registry.map(({ service, handler }) => `${service}/${handler}`).toSorted());
    expect(Object.keys(client)).toEqual(Object.keys(callTable));
  });
});
