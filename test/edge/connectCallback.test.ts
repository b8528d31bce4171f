/** The page where "Connect to Stripe" ends: what a person sees, and what nobody else learns. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openEdge, type SceneEdge } from "../scene/edge.ts";
import { openFakeEngine, type FakeEngine, type Script } from "./fakeEngine.ts";

const returnUrl = "https://shop.example/settings?tab=payments";
const connected = { accountId: "acct_1", chargesEnabled: true, payoutsEnabled: true, returnUrl: null };
const failing = (code: number, reason: string, more: object = {}): Script => {
  const message = "A message of the handler, with <b>acct_secret</b> & ac_code in it.";
  return () => ({ status: code, body: { code, message, metadata: { reason, ...more } } });
};

let engine: FakeEngine;
let edge: SceneEdge;
beforeAll(async () => {
  engine = await openFakeEngine();
  edge = await openEdge({ ingress: engine.url, admin: engine.url, sandboxUrl: engine.url });
  await edge.get("/readyz");
});
beforeEach(() => {
  engine.answer = () => ({ status: 200, body: connected });
  engine.isDown = false;
  engine.reached();
});
afterAll(async () => {
  await edge.close();
  await engine.close();
});

let codes = 0;
const newQuery = () => ({ code: `ac_code${++codes}`, state: `state.${codes}-_~` });

async function open(query: Readonly<Record<string, string>> | string, init: RequestInit = {}) {
  const text = typeof query === "string" ? query : new URLSearchParams(query).toString();
  const response = await fetch(`${edge.url}/connect/callback?${text}`, { redirect: "manual", ...init });
  const { status, headers } = response;
  return { status, headers, text: await response.text() };
}

const titleOf = ({ text }: { readonly text: string }) => /<h1>([^<]*)<\/h1>/.exec(text)?.[1];

describe("a code", () => {
  it("is redeemed once, however often the page is loaded, and under a key that does not show it", async () => {
    const query = newQuery();
    const pages = [await open(query), await open(query)];
    expect(pages.map(titleOf)).toEqual(["Stripe connected", "Stripe connected"]);
    const reached = engine.reached();
    expect(reached.map(({ path, body }) => [path, body])).toEqual([
      ["accounts/completeConnect", query],
      ["accounts/completeConnect", query],
    ]);
    expect(reached[1]?.key).toBe(reached[0]?.key);
    expect(reached[0]?.key).not.toContain(query.code);
    await open(newQuery());
    expect(engine.reached()[0]?.key).not.toBe(reached[0]?.key);
  });

  it("with another state than at first is refused", async () => {
    const query = newQuery();
    await open(query);
    const page = await open({ ...query, state: "another" });
    expect([page.status, titleOf(page)]).toEqual([422, "Stripe was not connected"]);
  });

  it("of an account that Stripe wants more of is connected, and the page says so", async () => {
    engine.answer = () => ({ status: 200, body: { ...connected, chargesEnabled: false } });
    const page = await open(newQuery());
    expect([page.status, titleOf(page)]).toEqual([200, "Stripe connected"]);
    expect(page.text).toContain("still needs something");
  });

  it.each([
    [returnUrl, returnUrl],
    ["myshop://connected", "myshop://connected"],
    ["https://shop.example/ä b".replace(" ", "%20"), "https://shop.example/%C3%A4%20b"],
  ])("is told to be connected, and then leads to %s, and takes nothing of itself along", async (asked, address) => {
    engine.answer = () => ({ status: 200, body: { ...connected, returnUrl: asked } });
    const query = newQuery();
    const answer = await open(query);
    expect([answer.status, titleOf(answer)]).toEqual([200, "Stripe connected"]);
    expect(answer.headers.get("refresh")).toBe(`3;url=${address}`);
    expect(answer.text).toContain(`<a href="${address}">Continue</a>`);
    for (const secret of [query.code, query.state]) expect(answer.text).not.toContain(secret);
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it.each(["javascript:alert(1)", "data:text/html,x", "//evil.example", "/relative", "https://a b", "", 1, { a: 1 }])(
    "with %o as its answer's address leads nowhere",
    async (asked) => {
      engine.answer = () => ({ status: 200, body: { ...connected, returnUrl: asked } });
      const page = await open(newQuery());
      expect([page.status, titleOf(page), page.headers.get("refresh")]).toEqual([200, "Stripe connected", null]);
      expect(page.text).not.toContain("Continue");
    },
  );

  it.each([
    [400, "invalid_request", { stripeCode: "invalid_grant" }, "too old, was used already", "invalid_grant"],
    [404, "not_found", {}, "too old", "not_found"],
    [409, "conflict", {}, "as it is now", "conflict"],
    [409, "canceled", {}, "cancelled", "canceled"],
    [502, "needs_review", {}, "not known", "needs_review"],
    [418, "something_new", {}, "It failed", "something_new"],
    [400, "<script>", { stripeCode: '"><img>' }, "It failed", ""],
  ])("that fails with %i %s (%o) is told in our own words", async (status, reason, more, words, shown) => {
    engine.answer = failing(status, reason, more);
    const query = newQuery();
    const page = await open(query);
    expect([page.status, titleOf(page)]).toEqual([status, "Stripe was not connected"]);
    expect(page.text).toContain(words);
    expect(page.text).toContain(shown);
    for (const secret of ["acct_secret", "message of", query.code, query.state, "<script>", "<img"]) {
      expect(page.text).not.toContain(secret);
    }
  });

  it("whose call is not begun, because the engine is away, can be loaded again", async () => {
    const query = newQuery();
    engine.isDown = true;
    const page = await open(query);
    expect([502, 503]).toContain(page.status);
    expect(page.text).toContain("Reload this page");
    engine.isDown = false;
    expect(titleOf(await open(query))).toBe("Stripe connected");
  });

  it("that takes long is waited for by the page, which asks again by itself", { timeout: 40_000 }, async () => {
    engine.answer = () => null;
    const query = newQuery();
    const page = await open(query);
    expect([page.status, titleOf(page), page.headers.get("refresh")]).toEqual([202, "Stripe is being connected", "5"]);
    expect(engine.reached().map(({ path }) => path)).toEqual([
      "accounts/completeConnect",
      "accounts/completeConnect/send",
    ]);
  });
});

describe("a refusal", () => {
  it.each([
    ["access_denied", "You chose not to connect"],
    ["invalid_scope", "Tell its owner"],
    ["invalid_redirect_uri", "not the one that Stripe knows"],
    ["something_else", "Stripe did not allow it"],
    ["<b>call-1</b>", "Stripe did not allow it"],
  ])("of Stripe's with %s is told in our own words, without the engine", async (error, words) => {
    const description = "The <i>user</i> denied; call +1 900";
    const page = await open({ error, error_description: description, state: "the-state" });
    expect([page.status, titleOf(page)]).toEqual([400, "Stripe was not connected"]);
    expect(page.text).toContain(words);
    for (const foreign of ["900", "<i>", "<b>", "the-state"]) expect(page.text).not.toContain(foreign);
    expect(engine.reached()).toEqual([]);
  });

  const whole = "code=ac_1&state=s";
  it.each([
    "",
    "code=ac_1",
    "state=s",
    "code=&state=s",
    "code=ac_1&state=",
    `${whole}&code=ac_2`,
    `${whole}&state=t`,
    `${whole}&error=access_denied`,
    "code=ac%0a1&state=s",
    "code=ac_1&state=%00",
    `code=${"a".repeat(2049)}&state=s`,
    "code[]=ac_1&state=s",
    "error=access_denied&error=x",
  ])("is what a link that is not whole gets: ?%s", async (query) => {
    const page = await open(query);
    expect([page.status, titleOf(page)]).toEqual([400, "Stripe was not connected"]);
    expect(engine.reached()).toEqual([]);
  });

  it("is there for nothing but to be opened", async () => {
    expect((await open(whole, { method: "POST", body: "x" })).status).toBe(404);
    for (const path of ["/connect", "/connect/", "/connect/callback/", "/connect/callback/x", "/Connect/callback"]) {
      expect((await fetch(`${edge.url}${path}?${whole}`)).status).toBe(404);
    }
    expect(engine.reached()).toEqual([]);
  });
});

it("Links that are refused count as refused requests of their address", async () => {
  const limited = await openEdge(
    { ingress: engine.url, admin: engine.url, sandboxUrl: engine.url },
    { rateLimits: { keyPerSecond: null, refusedPerSecond: 2 } },
  );
  engine.answer = failing(400, "invalid_request");
  const look = async () => await fetch(`${limited.url}/connect/callback?${new URLSearchParams(newQuery()).toString()}`);
  const pages = await Promise.all(Array.from({ length: 6 }, look));
  const isTooMany = pages.filter(({ status }) => status === 429);
  expect(isTooMany.length).toBeGreaterThan(0);
  expect(isTooMany[0]?.headers.get("retry-after")).toBe("1");
  expect(await isTooMany[0]?.text()).toContain("Too many requests");
  // One that is right is never kept from its answer.
  engine.answer = () => ({ status: 200, body: connected });
  expect((await look()).status).toBe(200);
  await limited.close();
});

it("The page is sent with headers that keep its address to itself, and nothing on it comes from elsewhere", async () => {
  const query = newQuery();
  for (const page of [await open(query), await open("error=access_denied&state=s"), await open("")]) {
    expect(Object.fromEntries(page.headers)).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
    });
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|http|script|\*/);
    expect(page.text).not.toMatch(/<script|<style|https?:| on\w+=| style=/);
    for (const [, href = ""] of page.text.matchAll(/<link rel="\w+" href="([^"]+)"/g)) {
      const file = await fetch(new URL(href, `${edge.url}/connect/callback`));
      expect([href, file.status]).toEqual([href, 200]);
    }
  }
});

it("Code and state are in no line for a person, whatever happens", async () => {
  const query = newQuery();
  // An answer that nobody expects: the edge's own mistake, as far as it knows.
  engine.answer = () => ({ status: 200, body: { accountId: 1 } });
  expect((await open(query)).status).toBe(502);
  engine.isDown = true;
  await open(newQuery());
  expect(edge.warnings.length).toBeGreaterThan(0);
  expect(edge.warnings.join("\n")).not.toMatch(/ac_code|state\./);
});
