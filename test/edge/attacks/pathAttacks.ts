/** Requests that are almost those of the table: their method, path or version is changed until they are no longer. The same for the same seed. */
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { calls } from "../../../src/api/calls.ts";
import { intBelow } from "../../forgery/forgeries.ts";

export type RawTarget = { readonly method: string; readonly target: string; readonly version: string };

/** What the edge's table has beside the documents and the probes, by method. Written again here, to contradict it. */
const posts: ReadonlySet<string> = new Set([
  ...calls.map(({ service, handler }) => `/${service}/${handler}`),
  "/payments/processWebhook",
  "/webhooks/default",
]);
const gets: ReadonlySet<string> = new Set(["/openapi.json", "/docs", "/livez", "/readyz", "/connect/callback"]);

/** Whether a request is one of the table after all: its path letter by letter, with any query. */
export function isOfTable({ method, target, version }: RawTarget): boolean {
  // Node's parser takes RTSP for HTTP, and doesn't tell.
  if (!/^(?:HTTP|RTSP)\/1\.[01]$/.test(version)) return false;
  if (/[\0-\x20\x7f-\xff#]/.test(target.replace(/^ +/, ""))) return false;
  // Node's parser skips blanks before the address.
  const path = target.replace(/^ +/, "").replace(/\?.*$/s, "");
  if (method === "POST") return posts.has(path) || /^\/calls\/[\w.~-]+\/cancel$/.test(path);
  if (method !== "GET" && method !== "HEAD") return false;
  return gets.has(path) || /^\/calls\/[\w.~-]+$/.test(path) || /^\/docs\/[\w.-]+$/.test(path);
}

/** Addresses that the engine, its admin API or the service would answer. */
const engineAddresses: readonly string[] = [
  "/payments/processPayment/send",
  "/edge/check",
  "/edge/takeNews",
  "/edge/takeNews/send",
  "/keptCalls/refundPayment",
  "/keptCalls/cancelPayment/send",
  "/installation/this/identify",
  "/paymentNotifier/pi_1/look",
  "/paymentReference/order-1/pay",
  "/restate/health",
  "/restate/awakeables/sign_1AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQ/resolve",
  "/restate/invocation/payments/processPayment/order-1/output",
  "/restate/invocation/inv_1gHVwOcWrAt44PmcvqSLuF4X4XQlGqVL7h/attach",
  "/restate/lookup",
  "/restate/call/payments/processPayment",
  "/restate/send/payments/processPayment",
  "/restate/kafka",
  "/query",
  "/deployments",
  "/services/payments",
  "/invocations/inv_1gHVwOcWrAt44PmcvqSLuF4X4XQlGqVL7h/cancel",
  "/discover",
  "/invoke/payments/processPayment",
  "/v1/payment_intents",
  "/metrics",
  "/.env",
  "/webhooks/another",
  "/calls",
  "/",
  "*",
];

function oneOf<Choice>(random: RandomGenerator, choices: readonly Choice[]): Choice {
  return choices[intBelow(random, choices.length)] as Choice;
}

type Change = (target: string, random: RandomGenerator) => string;

function insertAt(text: string, at: number, more: string): string {
  return text.slice(0, at) + more + text.slice(at);
}

/** A place right after a slash, or the end. */
function segmentStart(target: string, random: RandomGenerator): number {
  const starts = [...target.matchAll(/\//g)].map(({ index }) => index + 1);
  return oneOf(random, [...starts, target.length]);
}

function anywhere(target: string, random: RandomGenerator): number {
  return intBelow(random, target.length + 1);
}

/** Each kind by what it does to a path. */
export const changes: Readonly<Record<string, Change>> = {
  "another case": (target, random) => {
    const at = anywhere(target, random);
    const letter = target.charAt(at);
    const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
    return target.slice(0, at) + other + target.slice(at + 1);
  },
  "more slashes": (target, random) =>
    insertAt(target, segmentStart(target, random), oneOf(random, ["/", "//", "/./", "./"])),
  "a slash after it": (target) => `${target}/`,
  "an escaped slash": (target, random) => {
    const escaped = oneOf(random, ["%2f", "%2F", "%252f", "%c0%af", "%5c", "\\", "%u2215"]);
    const at = target.lastIndexOf("/");
    return random.next() % 2 === 0
      ? target.replaceAll("/", escaped)
      : target.slice(0, at) + escaped + target.slice(at + 1);
  },
  "an escaped letter": (target, random) => {
    const at = anywhere(target, random);
    const code = target.charCodeAt(at);
    if (Number.isNaN(code)) return `${target}%`;
    const hex = code.toString(16).padStart(2, "0");
    return (
      target.slice(0, at) +
      oneOf(random, [`%${hex}`, `%25${hex}`, `%u00${hex}`, `%${hex.toUpperCase()}`]) +
      target.slice(at + 1)
    );
  },
  "dots that climb": (target, random) =>
    insertAt(
      target,
      segmentStart(target, random),
      oneOf(random, ["../", "x/../", "livez/../", "%2e%2e/", ".%2e/", "..;/", "..\\", "..%2f", "x/..;/", "....//"]),
    ),
  "a parameter": (target, random) =>
    insertAt(
      target,
      oneOf(random, [target.length, anywhere(target, random)]),
      oneOf(random, [";x", ";", ";a=b", ";jsessionid=1"]),
    ),
  "a query in the middle": (target, random) =>
    insertAt(target, anywhere(target, random), oneOf(random, ["?", "?/", "?x=/", "%3f"])),
  "a fragment": (target, random) =>
    insertAt(
      target,
      oneOf(random, [target.length, anywhere(target, random)]),
      oneOf(random, ["#", "#/", "#?x", "%23"]),
    ),
  "an absolute address": (target, random) =>
    oneOf(random, [
      "http://127.0.0.1",
      "http://localhost:8080",
      "https://localhost",
      "HTTP://LOCALHOST",
      "http://user@localhost",
      "http:",
      "http:/",
      "//localhost",
      "file://",
      "unix:",
      "javascript:",
      "http://[::1]",
      "http://localhost:8080/livez?",
    ]) + target,
  "a control character": (target, random) =>
    insertAt(target, anywhere(target, random), String.fromCharCode(intBelow(random, 33))),
  "a byte above ASCII": (target, random) =>
    insertAt(target, anywhere(target, random), String.fromCharCode(127 + intBelow(random, 129))),
  "an escaped control character": (target, random) =>
    insertAt(
      target,
      anywhere(target, random),
      oneOf(random, ["%00", "%0a", "%0d%0a", "%20", "%09", "%7f", "%", "%zz", "%e2%80%ae"]),
    ),
  "a longer name": (target, random) =>
    target + oneOf(random, ["s", "2", ".json", "~", ".bak", "/send", "/..", "/x", "$", "'", '"', "|", "*", "<>", "{}"]),
  "a shorter name": (target, random) => target.slice(0, anywhere(target, random)),
  "something before it": (target, random) =>
    oneOf(random, ["/v1", "/api", "/.", "/%2e", "/restate", "/payments", "x", "@", ":80", "."]) + target,
  "far too long": (target, random) =>
    target + oneOf(random, ["/a", "a", "%41", "../", "?"]).repeat(1 + intBelow(random, 12_000)),
};

const methods: readonly string[] = [
  ..."GET HEAD PUT PATCH DELETE OPTIONS TRACE CONNECT PROPFIND SEARCH QUERY PURGE LINK PRI SOURCE M-SEARCH".split(" "),
  ..."post Post POSTS xPOST P\0ST".split(" "),
  "",
  "POST POST",
];

const versions: readonly string[] = [
  "HTTP/0.9",
  "HTTP/1.2",
  "HTTP/2.0",
  "HTTP/3",
  "http/1.1",
  "HTTP/1.1 HTTP/1.1",
  "HTTP/11",
  "",
  "RTSP/1.0",
];

/** Never one of the table. @param more further paths that the edge has, of an open call say */
export function* attackPaths(
  count: number,
  random: RandomGenerator,
  more: readonly string[],
): Generator<RawTarget & { readonly kind: string }> {
  const bases = [...posts, ...more];
  const kinds = Object.entries(changes);
  for (let made = 0, turn = 0; made < count; turn++) {
    const attack = one(turn);
    if (isOfTable(attack)) continue;
    made++;
    yield attack;
  }

  function one(turn: number): RawTarget & { readonly kind: string } {
    const base = oneOf(random, bases);
    const plain = { method: "POST", version: "HTTP/1.1" };
    const number = turn % (kinds.length + 3);
    if (number === kinds.length)
      return { ...plain, kind: "another method", method: oneOf(random, methods), target: base };
    if (number === kinds.length + 1)
      return { ...plain, kind: "another version", version: oneOf(random, versions), target: base };
    if (number === kinds.length + 2) {
      const method = oneOf(random, ["POST", "GET", "PATCH", "DELETE", "PUT"]);
      return { ...plain, kind: "the engine's own address", method, target: oneOf(random, engineAddresses) };
    }
    const [kind, change] = kinds[number] as (typeof kinds)[number];
    let target = change(base, random);
    // Two tricks at once get through where each alone is seen.
    if (intBelow(random, 3) === 0) target = oneOf(random, Object.values(changes))(target, random);
    return { ...plain, kind, target };
  }
}
