/** Several merchants behind one edge: no key, id, webhook or event of one does anything for another. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { calls } from "../../../src/api/calls.ts";
import type { Scope } from "../../../src/api/scopes.ts";
import { edgeRateLimitsOf, noRateLimits } from "../../../src/config/edgeRateLimits.ts";
import type { EdgeMerchant } from "../../../src/edge/merchants.ts";
import { signWebhook } from "../../forgery/signedWebhook.ts";
import { openEdge, type SceneEdge } from "../../scene/edge.ts";
import { openFakeEngine, type FakeEngine } from "../fakeEngine.ts";
import { testKey, writeKeyFile } from "../keys.ts";
import { askRaw } from "./rawHttp.ts";

const scopes: Scope[] = ["payments:write", "payments:read", "refunds:write", "disputes:read"];
const ofDefault = testKey({ name: "shop", scopes });
const ofAcme = testKey({ name: "acme-shop", merchant: "acme", scopes });
const ofAcmeToo = testKey({ name: "acme-shop", merchant: "acme", scopes });
const ofZeta = testKey({ name: "zeta-shop", merchant: "zeta", scopes });
const ofGone = testKey({ name: "gone-shop", merchant: "gone", scopes });
/** As an earlier version made one. */
const ofCapitals = testKey({ name: "capitals", merchant: "Acme", scopes });
const keys = [ofDefault, ofAcme, ofAcmeToo, ofZeta, ofGone, ofCapitals];

const acme: EdgeMerchant = { id: "acme", mode: "test", webhookSecrets: ["whsec_acme_old", "whsec_acme"] };
const zeta: EdgeMerchant = { id: "zeta", mode: "live", webhookSecrets: ["whsec_zeta"] };
const gone: EdgeMerchant = { id: "gone", mode: "test", webhookSecrets: ["whsec_gone"] };
const ownSecret = "whsec_own";

const payment = { paymentMethodId: "pm_card_visa", amount: 100 };
const bearer = (key: { readonly text: string }) => ({ authorization: `Bearer ${key.text}` });
const forbidden = { status: 403, body: { code: 403, metadata: { reason: "forbidden" } } };

let engine: FakeEngine;
let folder: string;
let file: readonly EdgeMerchant[];

beforeAll(async () => {
  engine = await openFakeEngine();
  folder = mkdtempSync(join(tmpdir(), "edge-merchants-"));
  writeKeyFile(
    join(folder, "keys.json"),
    keys.map(({ stored }) => stored),
  );
});
beforeEach(() => {
  file = [acme, zeta, gone];
  engine.reached();
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

/** @param withKeys without: the developer of this machine calls */
async function openMerchantsEdge(withKeys: boolean, rateLimits = noRateLimits): Promise<SceneEdge> {
  const edge = await openEdge(
    { ingress: engine.url, admin: engine.url, sandboxUrl: engine.url },
    {
      ...(withKeys && { apiKeysFile: join(folder, "keys.json") }),
      stripe: { mode: "test", webhookSecrets: [ownSecret], apiBase: engine.url, isSandbox: !withKeys },
      rateLimits,
      furtherMerchants: () => file,
    },
  );
  await edge.get("/readyz");
  engine.reached();
  return edge;
}

describe("with keys", () => {
  let edge: SceneEdge;
  beforeAll(async () => {
    file = [acme, zeta, gone];
    edge = await openMerchantsEdge(true);
  });
  afterAll(async () => await edge.close());

  const pay = async (key: { readonly text: string }, body: object, more: Readonly<Record<string, string>> = {}) =>
    await edge.call("/payments/processPayment", body, {
      ...bearer(key),
      "idempotency-key": crypto.randomUUID(),
      ...more,
    });

  const ids = ["default", "acme", "zeta", "gone", "nobody"] as const;
  const named = [
    ["default", ofDefault],
    ["acme", ofAcme],
    ["zeta", ofZeta],
  ].flatMap(([own, key]) => ids.map((asked) => [own, asked, key] as const)) as readonly (readonly [
    string,
    string,
    typeof ofAcme,
  ])[];

  it.each(named)("a key of %s with a body that names %s moves its own money, or nothing", async (own, asked, key) => {
    for (const [path, request] of [
      ["/payments/processPayment", payment],
      ["/payments/getPayment", { paymentIntentId: "pi_1" }],
      ["/payments/refundPayment", { paymentIntentId: "pi_1", stripeAccount: "acct_1" }],
    ] as const) {
      const headers = { ...bearer(key), "idempotency-key": crypto.randomUUID() };
      const answer = await edge.call(path, { ...request, merchant: asked }, headers);
      const reached = engine.reached();
      const sent = own === "default" ? request : { ...request, merchant: own };
      const expected = asked === own ? [{ status: 200 }, [{ body: sent }]] : [forbidden, []];
      expect([answer, reached]).toMatchObject(expected);
    }
  });

  it("a body that names no merchant is one of the key's, and a default one stays as it came", async () => {
    for (const [key, merchant] of [
      [ofAcme, { merchant: "acme" }],
      [ofZeta, { merchant: "zeta" }],
      [ofDefault, {}],
    ] as const) {
      await pay(key, payment);
      expect(engine.reached().map(({ body }) => body)).toEqual([{ ...payment, ...merchant }]);
    }
  });

  it("every call of the registry is sent with the key's merchant, or not at all", async () => {
    for (const { service, handler } of calls) {
      const headers = { ...bearer(ofAcme), "idempotency-key": crypto.randomUUID() };
      const answer = await edge.call(`/${service}/${handler}`, { ...payment, merchant: "zeta" }, headers);
      expect([400, 403]).toContain(answer.status);
      expect(engine.reached()).toEqual([]);
    }
  });

  it("one idempotency key of two merchants is two calls; of two keys of one merchant and name it is one", async () => {
    const key = { "idempotency-key": "order-1" };
    for (const caller of [ofDefault, ofAcme, ofZeta, ofAcmeToo])
      expect((await pay(caller, payment, key)).status).toBe(200);
    const sent = engine.reached().map((request) => request.key);
    expect(new Set(sent).size).toBe(3);
    expect(sent[3]).toBe(sent[1]);
  });

  it.each([
    ["another connected account", { stripeAccount: "acct_2" }, 422],
    ["no connected account", { stripeAccount: undefined }, 422],
    ["the same one, and the merchant in words", { merchant: "acme" }, 200],
    ["the same one", {}, 200],
  ])("one idempotency key with %s", async (what, change, status) => {
    const key = { "idempotency-key": `account: ${what}` };
    const request = { ...payment, stripeAccount: "acct_1" };
    expect((await pay(ofAcme, request, key)).status).toBe(200);
    const again = await pay(ofAcme, { ...request, ...change }, key);
    const reason = again.body.metadata?.["reason"];
    expect([again.status, reason]).toEqual([status, status === 422 ? "idempotency_key_reused" : undefined]);
  });

  it("the default merchant in words, and not in words, is one request", async () => {
    const key = { "idempotency-key": "default in words" };
    expect((await pay(ofDefault, payment, key)).status).toBe(200);
    expect((await pay(ofDefault, { ...payment, merchant: "default" }, key)).status).toBe(200);
    const [first, second] = engine.reached();
    expect(second).toEqual(first);
  });

  const callIdOf = async (key: { readonly text: string }) => {
    const { body } = await pay(key, payment, { prefer: "respond-async" });
    return body["callId"] as string;
  };

  it("a call is read and cancelled by the merchant and name that made it alone; others learn nothing", async () => {
    const callId = await callIdOf(ofAcme);
    engine.reached();
    for (const stranger of [ofDefault, ofZeta, ofGone, ofCapitals]) {
      const read = await edge.get(`/calls/${callId}`, bearer(stranger));
      const cancelled = await edge.call(`/calls/${callId}/cancel`, {}, bearer(stranger));
      const invented = await edge.get("/calls/call_nothing", bearer(stranger));
      expect([read.status, cancelled.status]).toEqual([404, 404]);
      expect([read.body, cancelled.body]).toEqual([invented.body, invented.body]);
    }
    expect(engine.reached()).toEqual([]);
    expect((await edge.call(`/calls/${callId}/cancel`, {}, bearer(ofAcmeToo))).status).toBe(202);
    expect(engine.reached().map(({ path }) => path)).toContainEqual(expect.stringMatching(/^invocations\/.*cancel$/));
  });

  it("a key whose merchant was removed makes no call, and its calls can still be read", async () => {
    const made = { "idempotency-key": "before" };
    const { status } = await pay(ofGone, payment, made);
    const callId = (await pay(ofGone, payment, { ...made, prefer: "respond-async" })).body["callId"] as string;
    expect(status).toBe(200);
    file = [acme, zeta];
    engine.reached();
    for (const { service, handler } of calls.filter(({ scope }) => scopes.includes(scope))) {
      const headers = { ...bearer(ofGone), "idempotency-key": "after" };
      const refused = await edge.call(`/${service}/${handler}`, payment, headers);
      expect(refused).toMatchObject({ ...forbidden, body: { message: expect.stringContaining("gone") } });
    }
    expect(engine.reached()).toEqual([]);
    expect(await edge.get(`/calls/${callId}`, bearer(ofGone))).toMatchObject({ status: 200, body: { done: true } });
    file = [gone];
    expect((await pay(ofGone, payment, made)).status).toBe(200);
    expect((await pay(ofAcme, payment)).status).toBe(403);
  });

  it("a key of an id that no merchant can have is refused, and the others count", async () => {
    expect(await pay(ofCapitals, payment)).toMatchObject(forbidden);
    expect((await pay(ofAcme, payment)).status).toBe(200);
  });
});

describe("without keys", () => {
  let edge: SceneEdge;
  beforeAll(async () => {
    file = [acme, zeta, gone];
    edge = await openMerchantsEdge(false);
  });
  afterAll(async () => await edge.close());

  it.each([
    [undefined, 200],
    ["default", 200],
    ["acme", 200],
    // In live mode: its money is no sandbox's.
    ["zeta", 403],
    ["nobody", 400],
    ["Acme", 400],
    ["../acme", 400],
    ["", 400],
  ])("the developer may name %s: %i", async (merchant, status) => {
    const answer = await edge.call("/payments/processPayment", { ...payment, merchant });
    const reached = engine.reached();
    expect(answer.status).toBe(status);
    expect(reached).toHaveLength(status === 200 ? 1 : 0);
    expect(answer.body).toMatchObject(status === 400 ? { errors: [{ path: "/merchant" }] } : {});
  });

  it("his key space is one per merchant, and he finds his calls for each", async () => {
    const headers = { "idempotency-key": "one key", prefer: "respond-async" };
    const ids: string[] = [];
    for (const merchant of ["default", "acme", "gone"]) {
      const { body } = await edge.call("/payments/processPayment", { ...payment, merchant }, headers);
      ids.push(body["callId"] as string);
    }
    const sent = engine.reached().map(({ key }) => key);
    expect(new Set(sent).size).toBe(3);
    // The fake engine never began them, so they are not known to it: which is not the answer to another's id.
    for (const id of ids) {
      const { status, body } = await edge.get(`/calls/${id}`);
      expect([status, body.message]).toEqual([404, "No call of this id is known, or no longer."]);
    }
  });
});

const nowSeconds = () => Math.floor(Date.now() / 1000);
const doorbell = `sign_1${Buffer.concat([Buffer.alloc(24, 7), Buffer.from([0, 0, 0, 17])]).toString("base64url")}`;
const eventOf = (more: object = {}, metadata: object = {}) => ({
  id: "evt_1",
  object: "event",
  type: "payment_intent.succeeded",
  livemode: false,
  data: { object: { id: "pi_1", status: "succeeded", metadata } },
  ...more,
});

describe("webhooks", () => {
  let edge: SceneEdge;
  beforeAll(async () => {
    file = [acme, zeta, gone];
    edge = await openMerchantsEdge(true, edgeRateLimitsOf("refused=3"));
  });
  afterAll(async () => await edge.close());

  const post = async (merchant: string, event: object, secret: string) => {
    const body = JSON.stringify(event);
    const { header } = signWebhook(Buffer.from(body), nowSeconds(), secret);
    const path = merchant === "" ? "/payments/processWebhook" : `/webhooks/${merchant}`;
    return await fetch(`${edge.url}${path}`, { method: "POST", body, headers: { "stripe-signature": header } });
  };
  const refund = { type: "refund.created", data: { object: { id: "re_1", payment_intent: "pi_1" } } };

  const secretsOf: Readonly<Record<string, readonly string[]>> = {
    "": [ownSecret],
    default: [ownSecret],
    acme: acme.webhookSecrets,
    zeta: zeta.webhookSecrets,
  };
  const everySecret = [...new Set(Object.values(secretsOf).flat())];
  const pairs = Object.entries(secretsOf).flatMap(([merchant, secrets]) =>
    everySecret.map((secret) => [merchant, secret, secrets.includes(secret)] as const),
  );

  it.each(pairs)("at /webhooks/%s, signed with %s: taken? %s", async (merchant, secret, isTaken) => {
    // Once a second, an address may be refused three times.
    const answer = await post(merchant, eventOf({ ...refund, livemode: merchant === "zeta" }), secret);
    expect([200, 400, 429].filter((status) => (status === 200) === isTaken)).toContain(answer.status);
    expect(engine.reached()).toHaveLength(isTaken ? 1 : 0);
  });

  it.each(["nobody", "Acme", "ACME", "acme.", "__proto__", "constructor", "platform", "acme~"])(
    "at /webhooks/%s are not found before anything of them is read",
    async (merchant) => {
      // The body never comes.
      const head = `POST /webhooks/${merchant} HTTP/1.1\r\nhost: edge\r\ncontent-length: 10\r\n\r\n`;
      expect((await askRaw(edge.port, head)).status).toBe(404);
      expect(engine.reached()).toEqual([]);
    },
  );

  it("of a merchant that is removed are not found from then on, and found again when it is back", async () => {
    expect((await post("gone", eventOf(), "whsec_gone")).status).toBe(200);
    file = [acme];
    expect((await post("gone", eventOf(), "whsec_gone")).status).toBe(404);
    file = [gone];
    expect((await post("gone", eventOf(), "whsec_gone")).status).toBe(200);
    engine.reached();
  });

  it.each([
    ["acme", "whsec_acme", true, 0],
    ["acme", "whsec_acme", false, 1],
    ["zeta", "whsec_zeta", true, 1],
    ["zeta", "whsec_zeta", false, 0],
  ])("of %s count in the mode of the merchant alone (%s, livemode %s)", async (merchant, secret, livemode, sent) => {
    const answer = await post(merchant, eventOf({ ...refund, livemode }), secret);
    expect([answer.status, engine.reached().length]).toEqual([200, sent]);
  });

  it("tell the service whose news it is, and of which connected account", async () => {
    await post("default", eventOf(refund), ownSecret);
    await post("default", eventOf({ ...refund, account: "acct_1" }), ownSecret);
    await post("acme", eventOf(refund), "whsec_acme");
    await post("acme", eventOf({ ...refund, account: "acct_1" }), "whsec_acme");
    const news = { paymentIntentId: "pi_1", changes: ["refunds"] };
    expect(engine.reached().map(({ path, body }) => [path, body])).toEqual([
      ["edge/takeNews/send", news],
      ["edge/takeNews/send", { ...news, stripeAccount: "acct_1" }],
      ["edge/takeNews/send", { ...news, merchant: "acme" }],
      ["edge/takeNews/send", { ...news, merchant: "acme", stripeAccount: "acct_1" }],
    ]);
  });

  it("of one event at the endpoints of several merchants and accounts are news for each, once for each", async () => {
    const endpoints = [
      ["default", ownSecret, undefined],
      ["acme", "whsec_acme", undefined],
      ["gone", "whsec_gone", undefined],
      ["acme", "whsec_acme", "acct_1"],
      ["acme", "whsec_acme", "acct_2"],
      ["default", ownSecret, "acct_1"],
    ] as const;
    for (const [merchant, secret, account] of [...endpoints, ...endpoints]) {
      expect((await post(merchant, eventOf({ ...refund, account }), secret)).status).toBe(200);
    }
    const sent = engine.reached().map(({ key }) => key);
    expect(new Set(sent).size).toBe(endpoints.length);
    expect(sent.slice(endpoints.length)).toEqual(sent.slice(0, endpoints.length));
    // An event that an earlier version took is the same one after an update.
    expect(sent[0]).toBe("evt_1");
  });

  const made = { restate_invocation_id: "inv_1", restate_callback_id: doorbell };
  it.each([
    ["acme", "whsec_acme", { ...made, restate_merchant: "acme" }, true],
    ["acme", "whsec_acme", { ...made, restate_merchant: "zeta" }, false],
    ["acme", "whsec_acme", made, false],
    ["default", ownSecret, made, true],
    ["default", ownSecret, { ...made, restate_merchant: "acme" }, false],
    // Nobody of ours made it: each may wait for it.
    ["acme", "whsec_acme", { restate_callback_id_12345678: doorbell }, true],
  ])(
    "at /webhooks/%s (%s) about an object with %o ring its doorbell: %s",
    async (merchant, secret, metadata, rings) => {
      expect((await post(merchant, eventOf({}, metadata), secret)).status).toBe(200);
      const rung = engine.reached().filter(({ path }) => path === `restate/awakeables/${doorbell}/resolve`);
      expect(rung).toHaveLength(rings ? 1 : 0);
    },
  );

  it("of one merchant with wrong secrets, as many as there may be, keep no other's from being taken", async () => {
    const event = eventOf(refund);
    const flood = await Promise.all(Array.from({ length: 20 }, () => post("acme", event, "whsec_wrong")));
    expect(flood.map(({ status }) => status)).toContain(429);
    for (const [merchant, secret] of [
      ["default", ownSecret],
      ["gone", "whsec_gone"],
      ["acme", "whsec_acme"],
    ] as const) {
      expect((await post(merchant, event, secret)).status).toBe(200);
    }
  });
});
