/**
 * What each variable of the environment must look like: how its text is read, and what a message says where it can't be. No secret is
 * ever part of a message.
 */
import { isIP } from "node:net";
import { resolve } from "node:path";
import { z } from "zod";
import { addressRangesOf } from "./addresses.ts";
import { parseDurationMs } from "./duration.ts";
import { edgeRateLimitsOf } from "./edgeRateLimits.ts";
import { socketAddress, socketScheme } from "./engineSockets.ts";
import { isIdentityKey } from "./identityKey.ts";
import { receiverUrlOf, secretsOf, serviceOf } from "../notifications/settings.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const dayMs = parseDurationMs("1d");

/** Longer ones overflow the engine's dates: it panics at a start, or hangs. */
const longestRetentionMs = 3_650 * dayMs;
/** No payment waits for longer. */
const longestTimeoutMs = 90 * dayMs;

export const defaults = {
  edgePort: 8080,
  edgeHost: "127.0.0.1",
  adminPort: 9070,
  sandboxPort: 12111,
  servicePort: 9080,
  pollScheduleMs: ["1m", "5m", "15m", "1h", "6h"].map(parseDurationMs),
  timeoutMs: parseDurationMs("21d"),
  idempotencyRetentionMs: parseDurationMs("7d"),
  reconcileIntervalMs: parseDurationMs("1h"),
  // Four fifths of what Stripe takes: the rest is for whatever else uses the account. https://docs.stripe.com/rate-limits
  requestsPerSecond: { live: 80, test: 20 },
} as const;

/** The edge has the engine's own 8080. */
const exampleIngressPort = 18_080;

export const expectation = {
  secretKey:
    "Expected a Stripe secret or restricted key (sk_test_…, sk_live_…, rk_test_…, rk_live_…), for example sk_test_51AbC….",
  webhookSecrets:
    "Expected one or more webhook signing secrets (whsec_…), separated by commas, for example whsec_new…,whsec_old….",
  publicUrl: "Expected the origin at which browsers reach the edge, for example https://payments.shop.example.",
  clientId: "Expected the client id of your Connect platform (ca_…), for example ca_9hbG….",
  merchantsFile:
    "Expected the path of the file of further merchants, for example merchants.json; docs/merchants.md shows one.",
  apiBase:
    "Expected the origin of a Stripe API (https, or http on this machine; no path), for example http://127.0.0.1:12111.",
  identityKeys:
    "Expected one or more public keys of the engine (publickeyv1_…), separated by commas, for example publickeyv1_w7YHemBctH5Ck2nQRQ47iBBqhNHy4FV7t2Usbye2A6f. The engine logs it at its start; the private key (a PEM file) is the engine's alone.",
  allowUnsignedEngine: "Expected yes or no, for example yes where nobody else can reach the service's port.",
  adminUrl:
    "Expected the URL of the engine's admin API (no user name, query or fragment), or unix: and the path of its socket, for example http://127.0.0.1:9070.",
  ingressUrl:
    "Expected the URL of the engine's ingress (no user name, query or fragment), or unix: and the path of its socket, for example http://restate:8080 or unix:/var/lib/restate/payments/ingress.sock.",
  edgeHost: "Expected an IP address of this machine, for example 127.0.0.1, or 0.0.0.0 for all.",
  edgeSecret:
    "Expected one or more secrets of 32 to 512 printable characters without commas, separated by commas, the new one first; make one with, for example: openssl rand -hex 32",
  stripeMode: "Expected test or live, for example live.",
  authToken: "Expected the token of a protected admin API, without spaces.",
  webhookUrl:
    "Expected the address that Stripe sends webhooks to (no user name, query or fragment), for example https://pay.shop.example/payments/processWebhook.",
  port: "Expected a port from 1 to 65535, for example",
  pollSchedule: "Expected durations from 1ms to 90d, separated by commas, for example 1m,5m,15m,1h,6h.",
  timeout: "Expected a duration from 1s to 90d, for example 21d.",
  notifyUrl:
    "Expected an https URL without user name, password or fragment (http to this machine, or with a test key), for example https://shop.example/payment-events.",
  notifySecret:
    "Expected one or more Standard Webhooks secrets (whsec_ and 24 to 64 bytes in base64), separated by commas; make one with: echo whsec_$(openssl rand -base64 32)",
  notifyService: "Expected a handler of a Restate service, for example orders/onPaymentEvent.",
  sandboxFaults:
    'Expected JSON as the sandbox\'s POST /_sandbox/faults takes it, for example [{"target":"api","effect":"rate_limit","probability":0.1,"count":0}].',
  sandboxFaultSeed: "Expected an integer from 0 to 2147483647, for example 42.",
  referenceRetention: "Expected forever, or a duration from 30d to 3650d, for example 365d.",
  requestsPerSecond: "Expected an integer from 1 to 10000, or off, for example 80.",
  // Stripe lists events of 30 days; a day between two looks is long enough to be surprised.
  reconcileInterval: "Expected 0 (off), or a duration from 1s to 1d, for example 1h.",
  // A shorter retention would let a caller's late retry start a second charge while Stripe still remembers the first.
  idempotencyRetention: "Expected a duration from 2d to 3650d, for example 7d.",
  apiKeysFile: "Expected the path of the file of API keys, for example keys.json; npm run keys makes it.",
  trustProxy:
    "Expected the addresses of your own proxies, or CIDR ranges of them, separated by commas, for example 10.0.0.0/8,fd00::1. Not all addresses: who is trusted can say any address.",
  edgeRateLimits: "Expected off, or how many per second from 1 to 1000000, for example key=200,refused=50.",
} as const;

export const loopbackHosts: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** https://docs.stripe.com/connect/oauth-reference */
export const clientIdForm = /^ca_[\w-]+$/;

const settingsSchema = z.object({
  STRIPE_SECRET_KEY: secret(expectation.secretKey, secretKeyOf),
  STRIPE_WEBHOOK_SECRET: secret(expectation.webhookSecrets, webhookSecretsOf),
  STRIPE_CLIENT_ID: secret(expectation.clientId, (text) => (clientIdForm.test(text) ? text : undefined)),
  // Secret, because people put a key or the file's content here by mistake.
  MERCHANTS_FILE: secret(expectation.merchantsFile, pathOf),
  PUBLIC_URL: setting(expectation.publicUrl, originOf),
  STRIPE_API_BASE: secret(expectation.apiBase, originOf),
  STRIPE_REQUESTS_PER_SECOND: setting(expectation.requestsPerSecond, requestsPerSecondOf),
  NOTIFY_URL: secret(expectation.notifyUrl, receiverUrlOf),
  NOTIFY_SECRET: secret(expectation.notifySecret, secretsOf),
  NOTIFY_SERVICE: setting(expectation.notifyService, serviceOf),
  // Secret, because people put the private key here by mistake.
  RESTATE_IDENTITY_KEYS: secret(expectation.identityKeys, (text) => {
    const keys = list(text, /^publickeyv1_\w+$/);
    return keys?.every(isIdentityKey) === true ? keys : undefined;
  }),
  ALLOW_UNSIGNED_ENGINE: setting(expectation.allowUnsignedEngine, yesOrNo),
  STRIPE_MODE: setting(expectation.stripeMode, (text) => (text === "test" || text === "live" ? text : undefined)),
  PORT: port(defaults.servicePort),
  EDGE_PORT: port(defaults.edgePort),
  EDGE_HOST: setting(expectation.edgeHost, hostOf),
  EDGE_SECRET: secret(expectation.edgeSecret, (text) => list(text, /^[\x21-\x2b\x2d-\x7e]{32,512}$/)),
  RESTATE_INGRESS_PORT: port(exampleIngressPort),
  RESTATE_ADMIN_PORT: port(defaults.adminPort),
  SANDBOX_PORT: port(defaults.sandboxPort),
  SANDBOX_FAULTS: setting(expectation.sandboxFaults, jsonOf),
  SANDBOX_FAULT_SEED: setting(expectation.sandboxFaultSeed, (text) =>
    /^\d{1,10}$/.test(text) && Number(text) < 2 ** 31 ? Number(text) : undefined,
  ),
  DATA_DIR: z.string().optional(),
  RESTATE_ADMIN_URL: secret(expectation.adminUrl, engineAddressOf),
  RESTATE_INGRESS_URL: secret(expectation.ingressUrl, engineAddressOf),
  RESTATE_AUTH_TOKEN: secret(expectation.authToken, (text) => (/^[\x21-\x7e]+$/.test(text) ? text : undefined)),
  WEBHOOK_URL: secret(expectation.webhookUrl, (text) => serverOf(text)),
  PAYMENT_POLL_SCHEDULE: setting(expectation.pollSchedule, (text) => {
    const scheduleMs = text.split(",").map((entry) => durationWithin(entry, 1, longestTimeoutMs));
    return scheduleMs.every((delayMs) => delayMs !== undefined) ? scheduleMs : undefined;
  }),
  PAYMENT_TIMEOUT: setting(expectation.timeout, (text) => durationWithin(text, 1_000, longestTimeoutMs)),
  REFERENCE_RETENTION: setting(expectation.referenceRetention, (text) =>
    text === "forever" ? null : durationWithin(text, 30 * dayMs, longestRetentionMs),
  ),
  RECONCILE_INTERVAL: setting(expectation.reconcileInterval, (text) =>
    text === "0" ? 0 : durationWithin(text, 1_000, dayMs),
  ),
  IDEMPOTENCY_RETENTION: setting(expectation.idempotencyRetention, (text) =>
    durationWithin(text, 2 * dayMs, longestRetentionMs),
  ),
  // Secret, because people put a key or the file's content here by mistake.
  API_KEYS_FILE: secret(expectation.apiKeysFile, pathOf),
  TRUST_PROXY: setting(expectation.trustProxy, addressRangesOf),
  EDGE_RATE_LIMITS: setting(expectation.edgeRateLimits, edgeRateLimitsOf),
});

export type Settings = Partial<z.output<typeof settingsSchema>>;

/** The sandbox's keys may have dashes. */
export function secretKeyOf(text: string): string | undefined {
  return /^[sr]k_(test|live)_[\w-]+$/.test(text) ? text : undefined;
}

export function webhookSecretsOf(text: string): readonly string[] | undefined {
  return list(text, /^whsec_[\w+/=-]+$/);
}

/** The settings that parse, and the problems of the others. An empty variable counts as unset: that is how `.env` files switch things off. */
export function parseSettings(environment: Environment): { settings: Settings; problems: string[] } {
  const found = Object.fromEntries(
    Object.keys(settingsSchema.shape)
      .filter((name) => !isUnset(environment, name))
      .map((name) => [name, environment[name]?.trim()]),
  );
  const result = settingsSchema.safeParse(found);
  if (result.success) return { settings: result.data, problems: [] };
  // The good ones are still needed: problems between settings are reported in the same message.
  const bad = result.error.issues.map((issue) => issue.path[0]);
  const rest = settingsSchema.safeParse(
    Object.fromEntries(Object.entries(found).filter(([name]) => !bad.includes(name))),
  );
  return {
    settings: rest.success ? rest.data : {},
    problems: result.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`),
  };
}

export function isUnset(environment: Environment, name: string): boolean {
  return (environment[name] ?? "").trim() === "";
}

function setting<T>(expected: string, read: (text: string) => T | undefined) {
  return optionalSetting(read, (text) => `is "${shown(text)}". ${expected}`);
}

/** A setting whose value never appears in a message: a key, or an address that may carry a password. */
function secret<T>(expected: string, read: (text: string) => T | undefined) {
  return optionalSetting(read, () => `has a value that cannot be used (not shown here). ${expected}`);
}

function optionalSetting<T>(read: (text: string) => T | undefined, problem: (text: string) => string) {
  return z
    .string()
    .transform((text, context) => {
      const value = read(text);
      if (value !== undefined) return value;
      context.addIssue({ code: "custom", message: problem(text) });
      return z.NEVER;
    })
    .optional();
}

/**
 * People paste keys, passwords and whole files into the wrong variable. A value is repeated where each of its parts is a short word, a
 * number or a number with its unit, as in a slip of the pen; anything else could be a secret.
 */
function shown(text: string): string {
  if (text.length > 24 || /(^|[^a-z])(sk|rk|pk|ek|whsec|publickeyv1)_/i.test(text)) return "…";
  const isHarmless = /^[\w ,./:+-]*$/.test(text) && text.split(/[ ,./:+_-]+/).every((part) => harmlessPart.test(part));
  return isHarmless ? text : "…";
}

const harmlessPart = /^([A-Za-z]{0,16}|\d{1,12}[a-z]{0,3}\d{0,3})$/;

function port(example: number) {
  return setting(`${expectation.port} ${example}.`, (text) => {
    const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    return value >= 1 && value <= 65_535 ? value : undefined;
  });
}

function list(text: string, form: RegExp): readonly string[] | undefined {
  const entries = text.split(",").map((entry) => entry.trim());
  return entries.every((entry) => form.test(entry)) ? entries : undefined;
}

function durationWithin(text: string, minimumMs: number, maximumMs: number): number | undefined {
  try {
    const durationMs = parseDurationMs(text);
    return durationMs >= minimumMs && durationMs <= maximumMs ? durationMs : undefined;
  } catch {
    return undefined;
  }
}

/** A path, and neither JSON nor a key. */
function pathOf(text: string): string | undefined {
  return /^(?![{[]|rsp_|[sr]k_(?:test|live)_|whsec_|Bearer )[^\p{Cc}]{1,4096}$/iu.test(text) ? text : undefined;
}

/** Null is off. */
function requestsPerSecondOf(text: string): number | null | undefined {
  if (text === "off") return null;
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 10_000 ? Number(text) : undefined;
}

function yesOrNo(text: string): boolean | undefined {
  return text === "yes" ? true : text === "no" ? false : undefined;
}

function jsonOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an API origin is on this machine, as the sandbox is. */
export function isOnThisMachine(apiBase: string): boolean {
  return loopbackHosts.includes(new URL(apiBase).hostname);
}

/** Whether what is sent there can be read on the way to another machine. */
export function isPlainElsewhere(url: URL): boolean {
  return url.protocol === "http:" && !loopbackHosts.includes(url.hostname);
}

/** Over plain http a key would be readable on the way, so http is for this machine only. */
function originOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return undefined;
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") return undefined;
  if (url.protocol === "https:") return url.origin;
  return url.protocol === "http:" && loopbackHosts.includes(url.hostname) ? url.origin : undefined;
}

/** A server, perhaps behind a path; without the slash at its end, so that paths can be added. */
function serverOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") return undefined;
  return url.search === "" && url.hash === "" ? url.href.replace(/\/+$/, "") : undefined;
}

/** A server, or `unix:` with the path of a socket. */
function engineAddressOf(text: string): string | undefined {
  if (!text.startsWith(socketScheme)) return serverOf(text);
  const path = text.slice(socketScheme.length);
  return path === "" || path.includes("\0") ? undefined : socketAddress(resolve(path));
}

/** An address to listen on: of an interface, or of all of them. A name could mean several. */
function hostOf(text: string): string | undefined {
  const address = /^\[.*\]$/.test(text) ? text.slice(1, -1) : text;
  if (address === "localhost") return defaults.edgeHost;
  return isIP(address) === 0 ? undefined : address;
}

/** Whether a secret that is sent there stays unread on the way. */
export function isPrivate(address: string): boolean {
  if (address.startsWith(socketScheme)) return true;
  const url = new URL(address);
  return url.protocol === "https:" || loopbackHosts.includes(url.hostname);
}
