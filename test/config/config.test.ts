import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  ConfigError,
  loadAppConfig,
  loadDevConfig,
  loadOperatorConfig,
  readEnvironment,
} from "../../src/config/config.ts";
import type { Environment } from "../../src/config/settings.ts";

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
      stripe: { secretKey: "sk_test_51Secret", webhookSecrets: ["whsec_Secret"], apiBase: undefined, mode: "test" },
      payments: {
        pollScheduleMs: [60_000, 300_000, 900_000, 3_600_000, 21_600_000],
        timeoutMs: 21 * day,
        idempotencyRetentionMs: 7 * day,
        referenceRetentionMs: null,
        reconcileIntervalMs: 3_600_000,
      },
      notificationReceiver: null,
      port: 9080,
      identityKeys: [],
    });
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
      { NOTIFY_URL: "http://localhost:3000", NOTIFY_SECRET: notifySecret, STRIPE_SECRET_KEY: "sk_live_1" },
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
      { NOTIFY_URL: "http://orders:3000", NOTIFY_SECRET: notifySecret, STRIPE_SECRET_KEY: "rk_live_1" },
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
    [{ STRIPE_SECRET_KEY: "rk_live_1" }, { stripe: { mode: "live", secretKey: "rk_live_1" } }],
    [{ STRIPE_SECRET_KEY: "sk_live_1" }, { stripe: { mode: "live" } }],
    [{ STRIPE_SECRET_KEY: "rk_test_1" }, { stripe: { mode: "test" } }],
    [{ STRIPE_WEBHOOK_SECRET: "whsec_new, whsec_old" }, { stripe: { webhookSecrets: ["whsec_new", "whsec_old"] } }],
    [{ STRIPE_API_BASE: "http://127.0.0.1:12111" }, { stripe: { apiBase: "http://127.0.0.1:12111" } }],
    [{ STRIPE_API_BASE: "http://localhost:12111/" }, { stripe: { apiBase: "http://localhost:12111" } }],
    [{ STRIPE_API_BASE: "http://[::1]:12111" }, { stripe: { apiBase: "http://[::1]:12111" } }],
    [{ STRIPE_API_BASE: "https://stripe.example" }, { stripe: { apiBase: "https://stripe.example" } }],
    [{ STRIPE_API_BASE: "" }, { stripe: { apiBase: undefined } }],
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
    [
      { RESTATE_IDENTITY_KEYS: "publickeyv1_abc,publickeyv1_def" },
      { identityKeys: ["publickeyv1_abc", "publickeyv1_def"] },
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
    ["RECONCILE_INTERVAL", "1"],
    ["RECONCILE_INTERVAL", "999ms"],
    ["RECONCILE_INTERVAL", "25h"],
    ["RESTATE_IDENTITY_KEYS", "key"],
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

describe("loadDevConfig", () => {
  test("needs no setting at all", () => {
    expect(loadDevConfig({})).toEqual({
      ingressPort: 8080,
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
    [{ RESTATE_INGRESS_PORT: "70000" }, /^RESTATE_INGRESS_PORT is "70000"\. Expected a port .* example 8080/],
    [{ PORT: "8080" }, /^RESTATE_INGRESS_PORT and PORT are the same port/],
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
});

describe("loadOperatorConfig", () => {
  test("means the engine and the service of npm start, unless told", () => {
    expect(loadOperatorConfig({})).toMatchObject({
      adminUrl: "http://localhost:9070",
      ingressUrl: "http://localhost:8080",
      servicePort: 9080,
      sandboxPort: 12111,
    });
    expect(loadOperatorConfig({ RESTATE_ADMIN_PORT: "19070", RESTATE_INGRESS_PORT: "18080" })).toMatchObject({
      adminUrl: "http://localhost:19070",
      ingressUrl: "http://localhost:18080",
    });
  });

  test("takes an engine elsewhere, and never the ingress of this machine for its own", () => {
    const elsewhere = { RESTATE_ADMIN_URL: "https://env.restate.example:9070/", RESTATE_AUTH_TOKEN: "key_1" };
    expect(loadOperatorConfig(elsewhere)).toMatchObject({
      adminUrl: "https://env.restate.example:9070",
      ingressUrl: undefined,
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
  ])("refuses a bad %s without repeating what may be secret", (name, settings) => {
    const problems = problemsOf(() => loadOperatorConfig(settings));
    expect(problems).toEqual([expect.stringContaining(name)]);
    expect(problems.join()).not.toContain("secret");
  });
});
