import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../src/config/config.ts";
import { loadOperatorConfig } from "../../src/config/operatorConfig.ts";
import { loadEdgeConfig } from "../../src/config/edgeConfig.ts";
import type { Environment } from "../../src/config/settings.ts";

const webhookSecret = { STRIPE_WEBHOOK_SECRET: "whsec_1" };
const sandbox = { ...webhookSecret, STRIPE_API_BASE: "http://127.0.0.1:12111" };
const account = { ...webhookSecret, STRIPE_SECRET_KEY: "rk_live_1", API_KEYS_FILE: "api-keys.json" };
const secret = "a".repeat(32);

function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error("It is taken.");
}

test("beside npm start the edge needs the sandbox's address and webhook secret only", () => {
  expect(loadEdgeConfig(sandbox)).toEqual({
    host: "127.0.0.1",
    port: 8080,
    ingressUrl: `unix:${resolve(".data/sandbox/engine/dev/ingress.sock")}`,
    adminUrl: "http://127.0.0.1:9070",
    authToken: undefined,
    secrets: [],
    apiKeysFile: undefined,
    merchantsFile: undefined,
    trustProxy: null,
    rateLimits: { keyPerSecond: null, refusedPerSecond: null },
    stripe: { mode: "test", webhookSecrets: ["whsec_1"], apiBase: "http://127.0.0.1:12111", isSandbox: true },
  });
});

describe("the engine of the edge", () => {
  test.each<[Environment, object]>([
    [{ DATA_DIR: "/data" }, { ingressUrl: "unix:/data/sandbox/engine/dev/ingress.sock" }],
    [{ RESTATE_INGRESS_PORT: "18080" }, { ingressUrl: "http://127.0.0.1:18080" }],
    [{ RESTATE_ADMIN_PORT: "19070" }, { adminUrl: "http://127.0.0.1:19070" }],
    [{ RESTATE_INGRESS_URL: "http://restate:8080/" }, { ingressUrl: "http://restate:8080" }],
    [{ RESTATE_INGRESS_URL: "unix:/run/ingress.sock" }, { ingressUrl: "unix:/run/ingress.sock" }],
    [{ RESTATE_INGRESS_URL: "unix:ingress.sock" }, { ingressUrl: `unix:${resolve("ingress.sock")}` }],
    [{ RESTATE_ADMIN_URL: "unix:/run/admin.sock" }, { adminUrl: "unix:/run/admin.sock" }],
    [{ RESTATE_ADMIN_URL: "unix:/run/admin.sock", RESTATE_AUTH_TOKEN: "token" }, { authToken: "token" }],
  ])("is that of %j", (settings, expected) => {
    expect(loadEdgeConfig({ ...sandbox, ...settings })).toMatchObject(expected);
  });

  test.each<[string, Environment]>([
    ["RESTATE_INGRESS_URL", { RESTATE_INGRESS_URL: "unix:" }],
    ["RESTATE_INGRESS_URL", { RESTATE_INGRESS_URL: "/run/ingress.sock" }],
    ["RESTATE_ADMIN_URL", { RESTATE_ADMIN_URL: "unix:/run/\0admin.sock" }],
    ["RESTATE_ADMIN_URL", { RESTATE_ADMIN_URL: "http://engine:9070", RESTATE_AUTH_TOKEN: "token" }],
  ])("is not taken from a bad %s", (name, settings) => {
    expect(problemsOf(() => loadEdgeConfig({ ...sandbox, ...settings }))).toEqual([expect.stringContaining(name)]);
  });

  test("may be a socket for the operator's programs, too", () => {
    const sockets = { RESTATE_ADMIN_URL: "unix:/run/admin.sock", RESTATE_INGRESS_URL: "unix:/run/ingress.sock" };
    expect(loadOperatorConfig({ ...sockets, RESTATE_AUTH_TOKEN: "token" })).toMatchObject({
      adminUrl: "unix:/run/admin.sock",
      entryUrl: "unix:/run/ingress.sock",
    });
  });
});

describe("where the edge listens", () => {
  test.each([
    ["0.0.0.0", "0.0.0.0"],
    ["::1", "::1"],
    ["[::1]", "::1"],
    ["localhost", "127.0.0.1"],
  ])("EDGE_HOST=%s", (text, host) => {
    expect(loadEdgeConfig({ ...account, EDGE_HOST: text, EDGE_PORT: "80" })).toMatchObject({ host, port: 80 });
  });

  test.each(["127.0.0.1:8080", "http://pay", "256.1.1.1", "pay.internal", "::g"])(
    "EDGE_HOST=%s is refused with an example",
    (text) => {
      expect(problemsOf(() => loadEdgeConfig({ ...sandbox, EDGE_HOST: text }))).toEqual([
        expect.stringMatching(/^EDGE_HOST .*Expected .* example 127\.0\.0\.1/),
      ]);
    },
  );
});

test("the edge reads the file of merchants where there is one", () => {
  expect(loadEdgeConfig({ ...sandbox, MERCHANTS_FILE: "merchants.json" }).merchantsFile).toBe("merchants.json");
});

describe("EDGE_SECRET", () => {
  test("is one, or several while it is changed, the new one first", () => {
    expect(loadEdgeConfig({ ...sandbox, EDGE_SECRET: secret }).secrets).toEqual([secret]);
    const two = `${"n".repeat(64)}, ${secret}`;
    expect(loadEdgeConfig({ ...sandbox, EDGE_SECRET: two }).secrets).toEqual(["n".repeat(64), secret]);
  });

  test.each(["hunter2", "a".repeat(31), `${secret},`, `${secret},hunter2`, "a".repeat(513), `hunter2 ${secret}`])(
    "%s is refused, and not repeated",
    (text) => {
      const problems = problemsOf(() => loadEdgeConfig({ ...sandbox, EDGE_SECRET: text }));
      expect(problems).toEqual([expect.stringMatching(/^EDGE_SECRET has a value .*openssl rand -hex 32/)]);
      expect(problems.join()).not.toMatch(/hunter2|aaaa/);
    },
  );
});

describe("the mode of the events", () => {
  test.each<[Environment, string]>([
    [{ STRIPE_MODE: undefined }, "live"],
    [{ STRIPE_MODE: "live" }, "live"],
    [{ STRIPE_SECRET_KEY: "sk_test_1" }, "test"],
    [{ STRIPE_SECRET_KEY: "", STRIPE_MODE: "live" }, "live"],
    [{ STRIPE_SECRET_KEY: "", STRIPE_MODE: "test" }, "test"],
  ])("%j: %s", (settings, mode) => {
    expect(loadEdgeConfig({ ...account, ...settings }).stripe.mode).toBe(mode);
  });

  test.each<[Environment, RegExp]>([
    [{ STRIPE_MODE: "test" }, /^STRIPE_MODE is test, and STRIPE_SECRET_KEY is a key of the other mode/],
    [{ STRIPE_SECRET_KEY: "" }, /^STRIPE_MODE is missing, .*Expected test or live, for example live\./],
    [{ STRIPE_MODE: "production" }, /^STRIPE_MODE is "production"\. Expected test or live/],
    [{ STRIPE_WEBHOOK_SECRET: "" }, /^STRIPE_WEBHOOK_SECRET is missing\. Expected /],
  ])("%j is refused", (settings, problem) => {
    const problems = problemsOf(() => loadEdgeConfig({ ...account, ...settings }));
    expect(problems).toEqual([expect.stringMatching(problem)]);
  });
});

describe("without API keys", () => {
  const keyless = { ...account, API_KEYS_FILE: " " };
  test.each<[string, Environment]>([
    ["Stripe itself", keyless],
    ["Stripe's test mode", { ...keyless, STRIPE_SECRET_KEY: "sk_test_1" }],
    ["an API elsewhere", { ...keyless, STRIPE_SECRET_KEY: "sk_test_1", STRIPE_API_BASE: "https://stripe.example" }],
    ["a live key behind an address of this machine", { ...keyless, STRIPE_API_BASE: "http://127.0.0.1:1" }],
  ])("the edge does not start against %s", (_what, environment) => {
    const problems = problemsOf(() => loadEdgeConfig(environment));
    expect(problems).toEqual([
      expect.stringMatching(/^API_KEYS_FILE is missing: .*Expected .*for example api-keys\.json\.$/),
    ]);
  });

  test.each(["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"])("it starts against %s", (apiBase) => {
    const test1 = { ...keyless, STRIPE_SECRET_KEY: "sk_test_1", STRIPE_API_BASE: apiBase };
    expect(loadEdgeConfig(test1).stripe.isSandbox).toBe(true);
  });

  test("and with them it is no sandbox because of them", () => {
    expect(loadEdgeConfig(account).stripe.isSandbox).toBe(false);
  });
});
