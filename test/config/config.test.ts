import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ConfigError, loadAppConfig, loadDevConfig, readEnvironment } from "../../src/config/config.ts";
import { loadOperatorConfig } from "../../src/config/operatorConfig.ts";
import { identityKeyOf } from "../../src/config/identityKey.ts";
import type { Environment } from "../../src/config/settings.ts";

const engineKeys = generateKeyPairSync("ed25519");
const identityKey = identityKeyOf(engineKeys.publicKey);
const otherIdentityKey = "publickeyv1_w7YHemBctH5Ck2nQRQ47iBBqhNHy4FV7t2Usbye2A6f";
const privatePem = engineKeys.privateKey.export({ type: "pkcs8", format: "pem" });
/** Live keys that start need the engine's key. */
const signed = { RESTATE_IDENTITY_KEYS: identityKey };

const stripe = { STRIPE_SECRET_KEY: "sk_test_51Secret", STRIPE_WEBHOOK_SECRET: "whsec_Secret" };

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("loadAppConfig", () => {
  test("has the documented defaults", () => {
    const day = 86_400_000;
    expect(loadAppConfig(stripe)).toEqual({
      stripe: {
        secretKey: "sk_test_51Secret",
        webhookSecrets: ["whsec_Secret"],
        apiBase: undefined,
        mode: "test",
        pace: { all: 20, eachOperation: 20, search: 16 },
        clientId: null,
      },
      payments: {
        pollScheduleMs: [60_000, 300_000, 900_000, 3_600_000, 21_600_000],
        timeoutMs: 21 * day,
        idempotencyRetentionMs: 7 * day,
        referenceRetentionMs: null,
        reconcileIntervalMs: 3_600_000,
      },
      notificationReceiver: null,
      connectRedirectUri: null,
      port: 9080,
      identityKeys: [],
      edgeSecrets: [],
      merchantsFile: undefined,
      whyNoLiveKeys: expect.stringMatching(/^RESTATE_IDENTITY_KEYS is missing, and the Stripe key is a live one/),
    });
  });

  test("takes the origin of the edge, to which Stripe leads back", () => {
    expect(loadAppConfig({ ...stripe, PUBLIC_URL: "https://pay.shop.example" }).connectRedirectUri).toBe(
      "https://pay.shop.example/connect/callback",
    );
    expect(loadAppConfig(stripe).connectRedirectUri).toBeNull();
    expect(() => loadAppConfig({ ...stripe, PUBLIC_URL: "pay.shop.example" })).toThrow("PUBLIC_URL");
  });

  test("takes the file of further merchants, and the platform's client id", () => {
    const config = loadAppConfig({ ...stripe, MERCHANTS_FILE: "merchants.json", STRIPE_CLIENT_ID: "ca_1" });
    expect(config).toMatchObject({ merchantsFile: "merchants.json", stripe: { clientId: "ca_1" } });
  });

  test.each<[Environment, boolean]>([
    [{}, false],
    [{ ALLOW_UNSIGNED_ENGINE: "no" }, false],
    [{ ALLOW_UNSIGNED_ENGINE: "yes" }, true],
    [signed, true],
  ])("%j: a merchant may have a live key: %s", (settings, mayBeLive) => {
    expect(loadAppConfig({ ...stripe, ...settings }).whyNoLiveKeys === null).toBe(mayBeLive);
  });

  test("takes the secrets that it shares with the edge", () => {
    const secret = "0123456789abcdef0123456789abcdef";
    const older = secret.toUpperCase();
    expect(loadAppConfig({ ...stripe, EDGE_SECRET: `${secret},${older}` }).edgeSecrets).toEqual([secret, older]);
  });

  const notifySecret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
  const otherSecret = `whsec_${Buffer.alloc(24, 2).toString("base64")}`;
  const secrets = [notifySecret];
  test.each<[Environment, unknown]>([
    [
      { NOTIFY_URL: "https://shop.example/events?x=1", NOTIFY_SECRET: notifySecret },
      { kind: "http", url: "https://shop.example/events?x=1", secrets },
    ],
    [
      { NOTIFY_URL: "http://localhost:3000", NOTIFY_SECRET: notifySecret, STRIPE_SECRET_KEY: "sk_live_1", ...signed },
      { kind: "http", url: "http://localhost:3000/", secrets },
    ],
    [
      { NOTIFY_URL: "http://orders:3000/events", NOTIFY_SECRET: `${notifySecret}, ${otherSecret}` },
      { kind: "http", url: "http://orders:3000/events", secrets: [notifySecret, otherSecret] },
    ],
    [{ NOTIFY_SERVICE: "orders/onPaymentEvent" }, { kind: "service", service: "orders", handler: "onPaymentEvent" }],
    [{ NOTIFY_SERVICE: "shop.Orders/on_event" }, { kind: "service", service: "shop.Orders", handler: "on_event" }],
    [{ NOTIFY_URL: "", NOTIFY_SECRET: " ", NOTIFY_SERVICE: "" }, null],
  ])("takes the receiver %j", (settings, receiver) => {
    expect(loadAppConfig({ ...stripe, ...settings }).notificationReceiver).toEqual(receiver);
  });

  const url = { NOTIFY_URL: "https://shop.example/events" };
  test.each<[string, Environment, string]>([
    ["an address that is none", { NOTIFY_URL: "shop.example/events", NOTIFY_SECRET: notifySecret }, "NOTIFY_URL"],
    ["another scheme", { NOTIFY_URL: "ftp://shop.example", NOTIFY_SECRET: notifySecret }, "NOTIFY_URL"],
    ["a password", { NOTIFY_URL: "https://me:pw@shop.example", NOTIFY_SECRET: notifySecret }, "NOTIFY_URL"],
    ["a fragment", { NOTIFY_URL: "https://shop.example/#x", NOTIFY_SECRET: notifySecret }, "NOTIFY_URL"],
    [
      "plain http with a live key",
      { NOTIFY_URL: "http://orders:3000", NOTIFY_SECRET: notifySecret, STRIPE_SECRET_KEY: "rk_live_1", ...signed },
      "NOTIFY_URL is plain http",
    ],
    ["no secret", url, "NOTIFY_SECRET is missing"],
    ["a secret without an address", { NOTIFY_SECRET: notifySecret }, "NOTIFY_SECRET is set without NOTIFY_URL"],
    ["a secret that is too short", { ...url, NOTIFY_SECRET: "whsec_c2hvcnQ=" }, "NOTIFY_SECRET has a value"],
    [
      "a secret that is too long",
      { ...url, NOTIFY_SECRET: `whsec_${Buffer.alloc(65).toString("base64")}` },
      "NOTIFY_SECRET has",
    ],
    ["a secret without its padding", { ...url, NOTIFY_SECRET: notifySecret.replace("=", "") }, "NOTIFY_SECRET has"],
    ["a secret without its prefix", { ...url, NOTIFY_SECRET: notifySecret.slice(6) }, "NOTIFY_SECRET has"],
    ["Stripe's own secret", { ...url, NOTIFY_SECRET: "whsec_51AbC" }, "NOTIFY_SECRET has"],
    ["two receivers", { ...url, NOTIFY_SECRET: notifySecret, NOTIFY_SERVICE: "a/b" }, "NOTIFY_URL and NOTIFY_SERVICE"],
    ["a service without a handler", { NOTIFY_SERVICE: "orders" }, 'NOTIFY_SERVICE is "orders"'],
    ["a keyed object", { NOTIFY_SERVICE: "orders/4004/on" }, "NOTIFY_SERVICE"],
  ])("refuses %s, and shows no secret", (_what, settings, problem) => {
    for (const load of [loadAppConfig, loadDevConfig]) {
      const problems = problemsOf(() => load({ ...stripe, ...settings }));
      expect(problems).toEqual([expect.stringContaining(problem)]);
      expect(problems.join()).not.toMatch(/pw|c2hvcnQ|51AbC|AQEBAQ/);
    }
  });

  test.each<[Environment, unknown]>([
    [{ STRIPE_SECRET_KEY: "rk_live_1", ...signed }, { stripe: { mode: "live", secretKey: "rk_live_1" } }],
    [
      { STRIPE_SECRET_KEY: "sk_live_1", ...signed },
      { stripe: { mode: "live" }, identityKeys: [identityKey] },
    ],
    [
      { STRIPE_SECRET_KEY: "sk_live_1", ALLOW_UNSIGNED_ENGINE: "yes" },
      { stripe: { mode: "live" }, identityKeys: [] },
    ],
    [{ STRIPE_SECRET_KEY: "rk_test_1" }, { stripe: { mode: "test" } }],
    [{ STRIPE_WEBHOOK_SECRET: "whsec_new, whsec_old" }, { stripe: { webhookSecrets: ["whsec_new", "whsec_old"] } }],
    [{ STRIPE_API_BASE: "http://127.0.0.1:12111" }, { stripe: { apiBase: "http://127.0.0.1:12111" } }],
    [{ STRIPE_API_BASE: "http://localhost:12111/" }, { stripe: { apiBase: "http://localhost:12111" } }],
    [{ STRIPE_API_BASE: "http://[::1]:12111" }, { stripe: { apiBase: "http://[::1]:12111" } }],
    [{ STRIPE_API_BASE: "https://stripe.example" }, { stripe: { apiBase: "https://stripe.example" } }],
    [{ STRIPE_API_BASE: "" }, { stripe: { apiBase: undefined } }],
    // A quarter of the rate for each operation, a fifth for search; of a sandbox's rate all, and four fifths.
    [
      { STRIPE_SECRET_KEY: "sk_live_1", ALLOW_UNSIGNED_ENGINE: "yes" },
      { stripe: { pace: { all: 80, eachOperation: 20, search: 16 } } },
    ],
    [{ STRIPE_API_BASE: "http://127.0.0.1:12111" }, { stripe: { pace: null } }],
    [{ STRIPE_API_BASE: "http://[::1]:12111" }, { stripe: { pace: null } }],
    [{ STRIPE_API_BASE: "https://stripe.example" }, { stripe: { pace: { all: 20 } } }],
    [{ STRIPE_REQUESTS_PER_SECOND: "off" }, { stripe: { pace: null } }],
    [{ STRIPE_REQUESTS_PER_SECOND: "" }, { stripe: { pace: { all: 20 } } }],
    [{ STRIPE_REQUESTS_PER_SECOND: "1" }, { stripe: { pace: { all: 1, eachOperation: 1, search: 0.8 } } }],
    [{ STRIPE_REQUESTS_PER_SECOND: "10000" }, { stripe: { pace: { all: 10_000, eachOperation: 2500 } } }],
    [
      { STRIPE_REQUESTS_PER_SECOND: "80", STRIPE_API_BASE: "http://127.0.0.1:12111" },
      { stripe: { pace: { all: 80, eachOperation: 20, search: 16 } } },
    ],
    [{ PORT: "1" }, { port: 1 }],
    [{ PORT: "65535" }, { port: 65_535 }],
    [{ PORT: "  " }, { port: 9080 }],
    [{ PAYMENT_POLL_SCHEDULE: "500ms" }, { payments: { pollScheduleMs: [500] } }],
    [{ PAYMENT_POLL_SCHEDULE: "1s, 2m" }, { payments: { pollScheduleMs: [1_000, 120_000] } }],
    [{ PAYMENT_TIMEOUT: "90d" }, { payments: { timeoutMs: 7_776_000_000 } }],
    [{ IDEMPOTENCY_RETENTION: "2d" }, { payments: { idempotencyRetentionMs: 172_800_000 } }],
    [{ REFERENCE_RETENTION: "forever" }, { payments: { referenceRetentionMs: null } }],
    [{ REFERENCE_RETENTION: "365d" }, { payments: { referenceRetentionMs: 31_536_000_000 } }],
    [{ RECONCILE_INTERVAL: "0" }, { payments: { reconcileIntervalMs: 0 } }],
    [{ RECONCILE_INTERVAL: "1s" }, { payments: { reconcileIntervalMs: 1_000 } }],
    [{ RECONCILE_INTERVAL: "1d" }, { payments: { reconcileIntervalMs: 86_400_000 } }],
    [{ IDEMPOTENCY_RETENTION: "48h" }, { payments: { idempotencyRetentionMs: 172_800_000 } }],
    [{ IDEMPOTENCY_RETENTION: "3650d" }, { payments: { idempotencyRetentionMs: 315_360_000_000 } }],
    [{ REFERENCE_RETENTION: "3650d" }, { payments: { referenceRetentionMs: 315_360_000_000 } }],
    [{ PAYMENT_POLL_SCHEDULE: "90d" }, { payments: { pollScheduleMs: [7_776_000_000] } }],
    [
      { RESTATE_IDENTITY_KEYS: `${identityKey}, ${otherIdentityKey}` },
      { identityKeys: [identityKey, otherIdentityKey] },
    ],
  ])("takes %j", (settings, expected) => {
    expect(loadAppConfig({ ...stripe, ...settings })).toMatchObject(expected as object);
  });

  test.each([
    ["STRIPE_SECRET_KEY", "pk_test_1"],
    ["STRIPE_SECRET_KEY", "sk_test_"],
    ["STRIPE_SECRET_KEY", "sk_test_a b"],
    ["STRIPE_SECRET_KEY", "whsec_swapped"],
    ["STRIPE_WEBHOOK_SECRET", "sk_test_swapped"],
    ["STRIPE_WEBHOOK_SECRET", "whsec_one,,whsec_two"],
    ["STRIPE_WEBHOOK_SECRET", "whsec_one two"],
    ["STRIPE_API_BASE", "127.0.0.1:12111"],
    ["STRIPE_API_BASE", "http://stripe.example"],
    ["STRIPE_API_BASE", "http://127.0.0.1.example:12111"],
    ["STRIPE_API_BASE", "https://stripe.example/v1"],
    ["STRIPE_API_BASE", "https://user:password@stripe.example"],
    ["STRIPE_API_BASE", "ftp://stripe.example"],
    ["STRIPE_REQUESTS_PER_SECOND", "0"],
    ["STRIPE_REQUESTS_PER_SECOND", "2.5"],
    ["STRIPE_REQUESTS_PER_SECOND", "10001"],
    ["STRIPE_REQUESTS_PER_SECOND", "80/s"],
    ["STRIPE_REQUESTS_PER_SECOND", "no"],
    ["RECONCILE_INTERVAL", "1"],
    ["RECONCILE_INTERVAL", "999ms"],
    ["RECONCILE_INTERVAL", "25h"],
    ["RESTATE_IDENTITY_KEYS", "key"],
    // The SDK would throw at keys that are not of 32 bytes.
    ["RESTATE_IDENTITY_KEYS", "publickeyv1_abc"],
    ["RESTATE_IDENTITY_KEYS", identityKey.slice(0, -2)],
    ["RESTATE_IDENTITY_KEYS", `${identityKey}a`],
    ["RESTATE_IDENTITY_KEYS", `publickeyv1_${"z".repeat(100_000)}`],
    ["RESTATE_IDENTITY_KEYS", `publickeyv1_${"1".repeat(33)}`],
    ["RESTATE_IDENTITY_KEYS", `${identityKey},publickeyv1_abc`],
    ["RESTATE_IDENTITY_KEYS", privatePem],
    ["ALLOW_UNSIGNED_ENGINE", "true"],
    ["PORT", "0"],
    ["PORT", "65536"],
    ["PORT", "9080x"],
    ["PORT", "1e3"],
    ["PAYMENT_POLL_SCHEDULE", "1m,,5m"],
    ["PAYMENT_POLL_SCHEDULE", "0s"],
    ["PAYMENT_POLL_SCHEDULE", "often"],
    ["PAYMENT_TIMEOUT", "91d"],
    ["PAYMENT_TIMEOUT", "999ms"],
    ["IDEMPOTENCY_RETENTION", "47h"],
    ["IDEMPOTENCY_RETENTION", "soon"],
    // Of durations without a bound the engine panics, or the start hangs.
    ["IDEMPOTENCY_RETENTION", "20000000d"],
    ["IDEMPOTENCY_RETENTION", "3651d"],
    ["REFERENCE_RETENTION", "3651d"],
    ["REFERENCE_RETENTION", "20000000d"],
    ["PAYMENT_POLL_SCHEDULE", "1m,91d"],
    ["PAYMENT_TIMEOUT", "20000000d"],
    ["RECONCILE_INTERVAL", "20000000d"],
  ])("refuses %s=%s, names it, and gives an example", (name, value) => {
    const problems = problemsOf(() => loadAppConfig({ ...stripe, [name]: value }));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name} .*Expected .*for example`));
  });

  test("lists every bad and missing setting at once", () => {
    const problems = problemsOf(() => loadAppConfig({ STRIPE_WEBHOOK_SECRET: "x", PORT: "x", PAYMENT_TIMEOUT: "x" }));
    expect(problems.map((problem) => problem.split(" ")[0])).toEqual([
      "STRIPE_WEBHOOK_SECRET",
      "PORT",
      "PAYMENT_TIMEOUT",
      "STRIPE_SECRET_KEY",
    ]);
  });

  test.each(["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE", "PORT", "PAYMENT_TIMEOUT"])(
    "never repeats a key, not even one in %s",
    (name) => {
      const message = String(problemsOf(() => loadAppConfig({ ...stripe, [name]: "sk_live_TopSecret !" })));
      expect(message).toContain(name);
      expect(message).not.toContain("TopSecret");
    },
  );
});

test.each(["sk_live_1", "rk_live_1"])(
  "a live key (%s) needs the engine's public key, or a word that it does not",
  (key) => {
    const live = { ...stripe, STRIPE_SECRET_KEY: key };
    for (const settings of [{}, { RESTATE_IDENTITY_KEYS: " " }, { ALLOW_UNSIGNED_ENGINE: "no" }]) {
      const problems = problemsOf(() => loadAppConfig({ ...live, ...settings }));
      expect(problems).toEqual([
        expect.stringMatching(/^RESTATE_IDENTITY_KEYS is missing, .* live .*ALLOW_UNSIGNED_ENGINE=yes/),
      ]);
    }
    expect(problemsOf(() => loadAppConfig({ ...live, RESTATE_IDENTITY_KEYS: "publickeyv1_abc" }))).toHaveLength(1);
  },
);

/** Each variable gets what people paste into the wrong one. */
describe("a message about a setting", () => {
  const secrets = [
    ["a PEM", privatePem],
    ["a PEM on one line", privatePem.replaceAll("\n", "\\n")],
    // Not of the key above: one in a few reads as the name of a service with its handler.
    ["the inside of a PEM", "MC4CAQAwBQYDK2VwBCIEIN/9x+Lm1/2bQ0hTzYkQmU3r8oVd5wJ7cAeXsHnKfP4u"],
    ["a short key", "publickeyv1_abc"],
    ["a publishable key", "pk_test_51AbCdEfGh"],
    ["an address with a password", "ftp://me:Tr0ub4dor@shop.example/"],
    ["a password", "Tr0ub4dor&3"],
    ["a token", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"],
    ["a short token", "a8Fz09-Qx1"],
    ["a passphrase", "correct-horse-battery-staple"],
    ["hexadecimal digits", "5f4dcc3b5aa765d61d8327deb882cf99"],
  ] as const;
  const variables =
    "STRIPE_SECRET_KEY STRIPE_WEBHOOK_SECRET STRIPE_API_BASE STRIPE_REQUESTS_PER_SECOND NOTIFY_URL NOTIFY_SECRET NOTIFY_SERVICE RESTATE_IDENTITY_KEYS ALLOW_UNSIGNED_ENGINE PORT RESTATE_INGRESS_PORT RESTATE_ADMIN_PORT SANDBOX_PORT SANDBOX_FAULTS SANDBOX_FAULT_SEED EDGE_PORT EDGE_HOST STRIPE_MODE RESTATE_ADMIN_URL RESTATE_INGRESS_URL WEBHOOK_URL PAYMENT_POLL_SCHEDULE PAYMENT_TIMEOUT REFERENCE_RETENTION RECONCILE_INTERVAL IDEMPOTENCY_RETENTION TRUST_PROXY EDGE_RATE_LIMITS".split(
      " ",
    );
  test.each(variables)("never repeats what could be a secret in %s", (name) => {
    for (const [what, text] of secrets) {
      const problems = problemsOf(() => loadOperatorConfig({ [name]: text }));
      expect([what, problems[0]]).toEqual([what, expect.stringContaining(name)]);
      expect([what, problems.join().includes(text.trim())]).toEqual([what, false]);
      expect(problems.join()).not.toMatch(/Tr0ub4dor|BEGIN/);
    }
  });

  test.each([
    ["PORT", "9080x"],
    ["PAYMENT_TIMEOUT", "20000000d"],
    ["PAYMENT_POLL_SCHEDULE", "1m, 5 minutes"],
    ["NOTIFY_SERVICE", "orders/on/it"],
    ["RECONCILE_INTERVAL", "-1s"],
  ])("repeats a slip of the pen, %s=%s", (name, text) => {
    expect(problemsOf(() => loadOperatorConfig({ [name]: text }))).toEqual([
      expect.stringContaining(`${name} is "${text}". Expected`),
    ]);
  });
});

describe("loadDevConfig", () => {
  test("needs no setting at all", () => {
    expect(loadDevConfig({})).toEqual({
      edgePort: 8080,
      ingressPort: undefined,
      adminPort: 9070,
      sandboxPort: 12_111,
      servicePort: 9080,
      dataDir: resolve(".data"),
      secretKey: undefined,
      webhookSecrets: [],
      apiBase: undefined,
    });
  });

  test("gives the Stripe settings as found", () => {
    expect(loadDevConfig({ STRIPE_SECRET_KEY: "sk_test_1", STRIPE_API_BASE: "http://localhost:1" })).toMatchObject({
      secretKey: "sk_test_1",
      webhookSecrets: [],
      apiBase: "http://localhost:1",
    });
  });

  test.each<[Environment, RegExp]>([
    [{ RESTATE_INGRESS_PORT: "70000" }, /^RESTATE_INGRESS_PORT is "70000"\. Expected a port .* example 18080/],
    [{ PORT: "8080" }, /^EDGE_PORT and PORT are the same port/],
    [{ RESTATE_INGRESS_PORT: "8080" }, /^EDGE_PORT and RESTATE_INGRESS_PORT are the same port/],
    [{ STRIPE_API_BASE: "http://localhost:1" }, /^STRIPE_API_BASE needs STRIPE_SECRET_KEY/],
    // A setting of the service: better now than when everything else runs.
    [{ PAYMENT_POLL_SCHEDULE: "never" }, /^PAYMENT_POLL_SCHEDULE is "never"/],
    [{ SANDBOX_FAULTS: "rate_limit" }, /^SANDBOX_FAULTS is "rate_limit"\. Expected JSON .* example/],
    [{ SANDBOX_FAULT_SEED: "-1" }, /^SANDBOX_FAULT_SEED is "-1"\. Expected an integer .* example 42/],
  ])("refuses %j", (environment, message) => {
    const problems = problemsOf(() => loadDevConfig(environment));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
  });

  test("reports a clash of ports beside a bad setting", () => {
    expect(problemsOf(() => loadDevConfig({ PORT: "8080", PAYMENT_TIMEOUT: "x" }))).toHaveLength(2);
  });
});

describe("readEnvironment", () => {
  const original = process.cwd();
  const directory = mkdtempSync(join(tmpdir(), "config-test-"));
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true, force: true });
  });

  test("reads .env under the environment, which wins", () => {
    writeFileSync(join(directory, ".env"), "# comment\nCONFIG_TEST_A=file\nCONFIG_TEST_B='file'\n");
    vi.stubEnv("CONFIG_TEST_B", "environment");
    process.chdir(directory);
    try {
      expect(readEnvironment()).toMatchObject({ CONFIG_TEST_A: "file", CONFIG_TEST_B: "environment" });
    } finally {
      process.chdir(original);
    }
  });

  const text = "CONFIG_TEST_A=first\r\nCONFIG_TEST_B=second\r\n";
  test.each([
    ["a byte order mark", Buffer.from(`\uFEFF${text}`)],
    ["UTF-16 as Windows writes it", Buffer.from(`\uFEFF${text}`, "utf16le")],
    ["UTF-16 in the other order", Buffer.from(`\uFEFF${text}`, "utf16le").swap16()],
  ])("reads a .env with %s to its first line", (_what, bytes) => {
    const folder = mkdtempSync(join(tmpdir(), "config-test-"));
    writeFileSync(join(folder, ".env"), bytes);
    process.chdir(folder);
    try {
      expect(readEnvironment()).toMatchObject({ CONFIG_TEST_A: "first", CONFIG_TEST_B: "second" });
    } finally {
      process.chdir(original);
      rmSync(folder, { recursive: true });
    }
  });
});

describe("loadOperatorConfig", () => {
  test("means the engine and the service of npm start, unless told", () => {
    expect(loadOperatorConfig({})).toMatchObject({
      adminUrl: "http://127.0.0.1:9070",
      entryUrl: "http://127.0.0.1:8080",
      servicePort: 9080,
      sandboxPort: 12111,
    });
    expect(loadOperatorConfig({ RESTATE_ADMIN_PORT: "19070", EDGE_PORT: "18080" })).toMatchObject({
      adminUrl: "http://127.0.0.1:19070",
      entryUrl: "http://127.0.0.1:18080",
    });
  });

  test("takes an engine elsewhere, and never the edge of this machine for its own", () => {
    const elsewhere = { RESTATE_ADMIN_URL: "https://env.restate.example:9070/", RESTATE_AUTH_TOKEN: "key_1" };
    expect(loadOperatorConfig(elsewhere)).toMatchObject({
      adminUrl: "https://env.restate.example:9070",
      entryUrl: undefined,
      authToken: "key_1",
    });
  });

  test.each<[string, Environment]>([
    ["RESTATE_ADMIN_URL", { RESTATE_ADMIN_URL: "engine:9070" }],
    ["RESTATE_ADMIN_URL", { RESTATE_ADMIN_URL: "http://me:secret@engine:9070" }],
    ["RESTATE_ADMIN_URL", { RESTATE_ADMIN_URL: "http://engine:9070", RESTATE_AUTH_TOKEN: "secret" }],
    ["RESTATE_INGRESS_URL", { RESTATE_INGRESS_URL: "ftp://engine" }],
    ["RESTATE_AUTH_TOKEN", { RESTATE_AUTH_TOKEN: "a secret" }],
    ["WEBHOOK_URL", { WEBHOOK_URL: "/payments/processWebhook" }],
    ["WEBHOOK_URL", { WEBHOOK_URL: "https://me:secret@pay.shop.example/payments/processWebhook" }],
  ])("refuses a bad %s without repeating what may be secret", (name, settings) => {
    const problems = problemsOf(() => loadOperatorConfig(settings));
    expect(problems).toEqual([expect.stringContaining(name)]);
    expect(problems.join()).not.toContain("secret");
  });
});
