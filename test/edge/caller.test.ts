import { describe, expect, it } from "vitest";
import { addressRangesOf } from "../../src/config/addresses.ts";
import type { ApiKey, ApiKeys } from "../../src/edge/apiKeys.ts";
import { identifyCaller, type CallerRequest, type CallerRules } from "../../src/edge/caller.ts";
import type { RequestHeaders } from "../../src/edge/requestHeaders.ts";
import { testKey } from "./keys.ts";

const { text, stored } = testKey();
const revoked = testKey();
const key: ApiKey = { id: stored.id, name: "shop", merchant: "default", scopes: new Set(["payments:write"]) };
const apiKeys: Pick<ApiKeys, "find"> = { find: (presented) => (presented === text ? key : null) };

const withKeys: CallerRules = { apiKeys, isSandbox: false, trustProxy: null };
const ofDeveloper: CallerRules = { apiKeys: null, isSandbox: true, trustProxy: null };

/** What curl on this machine sends. */
const curl: CallerRequest = {
  method: "POST",
  remoteAddress: "127.0.0.1",
  headers: {
    host: ["localhost:8080"],
    accept: ["*/*"],
    "user-agent": ["curl/8.5.0"],
    "content-type": ["application/json"],
    "idempotency-key": ["order-1"],
  },
};

function withHeaders(headers: RequestHeaders, request = curl): CallerRequest {
  return { ...request, headers: { ...request.headers, ...headers } };
}

describe("a key", () => {
  const bearer = { authorization: [`Bearer ${text}`] };

  it.each<[string, CallerRequest]>([
    ["from this machine", withHeaders(bearer)],
    ["from anywhere", { ...withHeaders(bearer), remoteAddress: "203.0.113.9" }],
    ["for any host", withHeaders({ ...bearer, host: ["pay.shop.example"] })],
    ["through a proxy", withHeaders({ ...bearer, "x-forwarded-for": ["203.0.113.9"], via: ["1.1 proxy"] })],
    [
      "from a page that was given one",
      withHeaders({ ...bearer, origin: ["https://shop.example"], "sec-fetch-site": ["cross-site"] }),
    ],
    ["without a body", { method: "GET", remoteAddress: undefined, headers: { host: ["x"], ...bearer } }],
    ["with the scheme in small letters", withHeaders({ authorization: [`bearer ${text}`] })],
    ["with the scheme in capitals", withHeaders({ authorization: [`BEARER  ${text}`] })],
  ])("counts %s", (_what, request) => {
    expect(identifyCaller(request, withKeys)).toEqual({ kind: "key", key });
    // With keys the sandbox is as strict as Stripe.
    expect(identifyCaller(request, { ...withKeys, isSandbox: true })).toEqual({ kind: "key", key });
  });

  const wrong: readonly (readonly [string, readonly string[]])[] = [
    ["wrong", [`Bearer ${testKey().text}`]],
    ["revoked", [`Bearer ${revoked.text}`]],
    ["too small", ["Bearer rsp_1"]],
    ["empty", ["Bearer "]],
    ["an empty header", [""]],
    ["without the scheme", [text]],
    ["of another scheme", [`Basic ${text}`]],
    ["of a scheme that only begins alike", [`Bearerx ${text}`]],
    ["without the blank", [`Bearer${text}`]],
    ["with words after it", [`Bearer ${text} ${text}`]],
    ["with a comma, as two headers become one", [`Bearer ${text}, Bearer ${text}`]],
    ["in two headers", [`Bearer ${text}`, `Bearer ${text}`]],
    ["in a header after a wrong one", [`Bearer ${revoked.text}`, `Bearer ${text}`]],
  ];

  it.each(wrong)("that is %s is refused, and not repeated", (_what, authorization) => {
    const caller = identifyCaller({ ...withHeaders({ authorization }), remoteAddress: "203.0.113.9" }, withKeys);
    expect(caller).toEqual({
      kind: "refused",
      reason: "unauthorized",
      message: expect.stringMatching(/^The API key is not valid\..*authorization: Bearer <key>/),
      address: "203.0.113.9",
    });
    expect(JSON.stringify(caller)).not.toContain("rsp_");
  });

  it.each(wrong)("that is %s makes nobody the developer", (_what, authorization) => {
    expect(identifyCaller(withHeaders({ authorization }), ofDeveloper)).toMatchObject({
      kind: "refused",
      reason: "unauthorized",
      message: expect.stringContaining("API_KEYS_FILE is not set"),
    });
  });

  it.each(["x-api-key", "proxy-authorization", "cookie"])("in %s is none", (name) => {
    expect(identifyCaller(withHeaders({ [name]: [`Bearer ${text}`] }), withKeys)).toMatchObject({ kind: "refused" });
  });
});

describe("without a key", () => {
  it.each<[string, CallerRequest]>([
    ["curl", curl],
    ["127.0.0.1", withHeaders({ host: ["127.0.0.1:8080"] })],
    ["the IPv6 address", { ...withHeaders({ host: ["[::1]:18080"] }), remoteAddress: "::1" }],
    ["a name without a port, in capitals", withHeaders({ host: ["LOCALHOST"] })],
    ["a socket of both families", { ...curl, remoteAddress: "::ffff:127.0.0.1" }],
    ["a read", { ...curl, method: "GET", headers: { host: ["localhost:8080"] } }],
    ["the documents' own page", withHeaders({ origin: ["http://localhost:8080"], "sec-fetch-site": ["same-origin"] })],
    ["a cancellation, which has no body", withHeaders({ "content-type": undefined, "content-length": ["0"] })],
    ["a content type with its characters", withHeaders({ "content-type": ["Application/JSON; charset=utf-8"] })],
  ])("the developer is known: %s", (_what, request) => {
    expect(identifyCaller(request, ofDeveloper)).toEqual({ kind: "developer" });
  });

  it.each<[string, CallerRules]>([
    ["keys and Stripe", withKeys],
    ["keys and the sandbox", { ...withKeys, isSandbox: true }],
    ["no keys and Stripe", { apiKeys: null, isSandbox: false, trustProxy: null }],
  ])("nobody is the developer where there are %s", (_what, rules) => {
    expect(identifyCaller(curl, rules)).toEqual({
      kind: "refused",
      reason: "unauthorized",
      message: "An API key is needed. Send it as authorization: Bearer <key>.",
      address: "127.0.0.1",
    });
  });

  it.each([
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "127.0.0.1.evil.example:8080",
    "localhost:8080.evil.example",
    "localhost.",
    "evil.localhost",
    "127.0.0.2",
    "127.1",
    "0.0.0.0:8080",
    "2130706433",
    "[::]",
    "::1",
    "[::ffff:127.0.0.1]",
    "user@localhost",
    "localhost:8080@evil.example",
    "localhost:",
    "localhost:808080",
    "localhost:80 80",
    " localhost",
    "",
  ])("a page whose name points to this machine is refused: host %j", (host) => {
    const request = withHeaders({ host: [host], origin: [`http://${host}`], "sec-fetch-site": ["same-origin"] });
    expect(identifyCaller(request, ofDeveloper)).toMatchObject({ kind: "refused", reason: "unauthorized" });
    // Nor does a client get in that says nothing of a page.
    expect(identifyCaller(withHeaders({ host: [host] }), ofDeveloper)).toMatchObject({ kind: "refused" });
  });

  it.each<[string, readonly string[] | undefined]>([
    ["no host", undefined],
    ["two hosts", ["localhost:8080", "evil.example"]],
    ["one host twice", ["localhost:8080", "localhost:8080"]],
  ])("%s is refused", (_what, host) => {
    expect(identifyCaller(withHeaders({ host }), ofDeveloper)).toMatchObject({ reason: "unauthorized" });
  });

  it.each([
    "192.168.1.7",
    "10.0.0.1",
    "::ffff:192.168.1.7",
    "2001:db8::1",
    "::2",
    "128.0.0.1",
    "nonsense",
    "",
    undefined,
  ])("a neighbour is refused: %s", (remoteAddress) => {
    expect(identifyCaller({ ...curl, remoteAddress }, ofDeveloper)).toMatchObject({
      kind: "refused",
      reason: "unauthorized",
      message: expect.stringContaining("from this machine only"),
    });
  });

  it.each([
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-anything",
    "x-forwarded",
    "x-real-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-host",
    "x-original-forwarded-for",
    "true-client-ip",
    "cf-connecting-ip",
    "cf-ray",
    "cdn-loop",
    "ngrok-skip-browser-warning",
    "ngrok-auth-user-email",
    "tailscale-user-login",
    "fly-client-ip",
    "fastly-client-ip",
    "x-envoy-external-address",
    "x-azure-clientip",
    "x-arr-ssl",
    "x-amzn-trace-id",
    "x-cloud-trace-context",
    "x-vercel-forwarded-for",
  ])("a tunnel is refused, whatever host it writes: %s", (name) => {
    const rules = { ...ofDeveloper, trustProxy: addressRangesOf("127.0.0.1") ?? null };
    for (const value of ["127.0.0.1", "localhost:8080", ""]) {
      for (const each of [ofDeveloper, rules]) {
        expect(identifyCaller(withHeaders({ [name]: [value] }), each)).toMatchObject({
          kind: "refused",
          reason: "unauthorized",
        });
      }
    }
  });

  it.each<[string, RequestHeaders]>([
    ["another website", { origin: ["https://evil.example"], "sec-fetch-site": ["cross-site"] }],
    ["another website, of an older browser", { origin: ["https://evil.example"] }],
    ["another port of this machine", { origin: ["http://localhost:3000"], "sec-fetch-site": ["same-site"] }],
    ["a sandboxed frame", { origin: ["null"], "sec-fetch-site": ["cross-site"] }],
    ["a link or an image", { "sec-fetch-site": ["cross-site"], "sec-fetch-mode": ["no-cors"] }],
  ])("a page is refused: %s", (_what, headers) => {
    for (const method of ["GET", "POST", "OPTIONS"]) {
      expect(identifyCaller({ ...withHeaders(headers), method }, ofDeveloper)).toEqual({
        kind: "refused",
        reason: "forbidden",
        message: "Without an API key, calls are not taken from pages of other websites.",
        address: "127.0.0.1",
      });
    }
  });

  it.each<[string, readonly string[] | undefined]>([
    ["a form", ["application/x-www-form-urlencoded"]],
    ["a form with files", ["multipart/form-data; boundary=x"]],
    ["plain text", ["text/plain"]],
    ["plain text that says JSON", ["text/plain; application/json"]],
    ["JSON as a boundary", ["multipart/form-data; boundary=application/json"]],
    ["a body without a type", undefined],
    ["an empty type", [""]],
    ["two types in one", ["application/json, text/plain"]],
    ["two types", ["application/json", "text/plain"]],
    ["a type that only begins alike", ["application/json-seq"]],
  ])("a post that a page can send without asking is refused: %s", (_what, contentType) => {
    const request = withHeaders({ "content-type": contentType, "content-length": ["44"] });
    expect(identifyCaller(request, ofDeveloper)).toEqual({
      kind: "refused",
      reason: "forbidden",
      message: "Without an API key, the header content-type: application/json is needed.",
      address: "127.0.0.1",
    });
  });
});

it("A refusal names the address that a trusted proxy saw", () => {
  const trustProxy = addressRangesOf("10.0.0.0/8") ?? null;
  const request = { ...withHeaders({ "x-forwarded-for": ["198.51.100.1, 203.0.113.9"] }), remoteAddress: "10.0.0.1" };
  expect(identifyCaller(request, { ...withKeys, trustProxy })).toMatchObject({ address: "203.0.113.9" });
  expect(identifyCaller(request, withKeys)).toMatchObject({ address: "10.0.0.1" });
});
