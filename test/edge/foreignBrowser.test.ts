import { expect, it } from "vitest";
import { isForeignBrowser } from "../../src/edge/foreignBrowser.ts";
import type { RequestHeaders } from "../../src/edge/requestHeaders.ts";

const host = { host: ["localhost:8080"] };

it.each<[string, RequestHeaders]>([
  ["an API client", host],
  ["an address that was typed", { ...host, "sec-fetch-site": ["none"] }],
  ["the page itself", { ...host, "sec-fetch-site": ["same-origin"], origin: ["http://localhost:8080"] }],
  ["the page itself, of an older browser", { ...host, origin: ["http://localhost:8080"] }],
  ["a page over TLS before a proxy", { host: ["pay.shop.example"], origin: ["https://pay.shop.example"] }],
  ["a page whose proxy writes the port", { host: ["pay.shop.example:443"], origin: ["https://pay.shop.example"] }],
  ["a host in capitals", { host: ["LocalHost:8080"], origin: ["http://localhost:8080"] }],
  ["the page itself at its IPv6 address", { host: ["[::1]:8080"], origin: ["http://[::1]:8080"] }],
])("%s is no foreign browser", (_what, headers) => {
  expect(isForeignBrowser(headers)).toBe(false);
});

it.each<[string, RequestHeaders]>([
  ["another website", { ...host, "sec-fetch-site": ["cross-site"], origin: ["https://evil.example"] }],
  ["another website's image", { ...host, "sec-fetch-site": ["cross-site"] }],
  ["another port of this machine", { ...host, "sec-fetch-site": ["same-site"], origin: ["http://localhost:3000"] }],
  ["another port, of an older browser", { ...host, origin: ["http://localhost:3000"] }],
  ["another name of this machine", { ...host, origin: ["http://127.0.0.1:8080"] }],
  ["a sandboxed frame or a file", { ...host, origin: ["null"] }],
  ["an extension", { ...host, origin: ["chrome-extension://localhost:8080"] }],
  ["a host that only begins alike", { ...host, origin: ["http://localhost:8080.evil.example"] }],
  ["a host behind a user name", { ...host, origin: ["http://evil.example/@localhost:8080"] }],
  ["an origin of an own site", { ...host, "sec-fetch-site": ["same-origin"], origin: ["https://evil.example"] }],
  ["a site of an own origin", { ...host, "sec-fetch-site": ["cross-site"], origin: ["http://localhost:8080"] }],
  ["a word for the site that nobody knows", { ...host, "sec-fetch-site": ["own"] }],
  ["an empty site", { ...host, "sec-fetch-site": [""] }],
  ["two sites", { ...host, "sec-fetch-site": ["same-origin", "cross-site"] }],
  ["two sites in one header", { ...host, "sec-fetch-site": ["same-origin, cross-site"] }],
  ["two origins", { ...host, origin: ["http://localhost:8080", "http://localhost:8080"] }],
  ["an origin without a host to be the same as", { origin: ["http://localhost:8080"] }],
  ["an origin with two hosts", { host: ["localhost:8080", "localhost:8080"], origin: ["http://localhost:8080"] }],
])("%s is a foreign browser", (_what, headers) => {
  expect(isForeignBrowser(headers)).toBe(true);
});
