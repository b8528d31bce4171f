/** `npm start` as a person and a supervisor meet it: processes, signals, exit codes and messages. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isRunning, temporaryDirectory, until } from "./conditions.ts";
import { settingsIn, start, type Settings, type Started } from "./startProgram.ts";
import { invalidKey, startStripeStub, stubAccount, type StripeAnswer } from "./stripeStub.ts";

async function withStripe(directory: string, stub: StripeAnswer = stubAccount): Promise<Settings> {
  const apiBase = await startStripeStub(stub);
  const stripe = { STRIPE_SECRET_KEY: "sk_test_stub", STRIPE_WEBHOOK_SECRET: "whsec_stub", STRIPE_API_BASE: apiBase };
  return { ...(await settingsIn(directory)), ...stripe };
}

async function pidOf(started: Started, name: string): Promise<number> {
  for (const pid of started.parts()) {
    const ps = spawn("ps", ["-o", "args=", "-p", String(pid)]);
    const [text] = (await once(ps.stdout, "data")) as [Buffer];
    if (text.toString().includes(name)) return pid;
  }
  throw new Error(`no part ${name}`);
}

test("two interrupts at once stop everything with exit code 0, and the next start goes on with the same data", async () => {
  const directory = temporaryDirectory();
  const settings = await withStripe(directory);
  const first = start(directory, settings);
  await first.isReady();
  expect(first.output()).toContain("test mode");
  expect(first.output()).toContain("account acct_stub");
  expect(first.output()).toContain(`curl http://127.0.0.1:${settings["EDGE_PORT"]}/payments/processPayment`);
  expect(first.output()).toContain("payment_intent.succeeded");
  expect(first.output()).not.toContain("sk_test_stub");
  expect(first.output()).not.toContain("\u001B[");
  expect(first.output().trim().split("\n").length).toBeLessThanOrEqual(25);
  const pids = first.parts();
  expect(pids).toHaveLength(3);

  const second = start(directory, { ...(await settingsIn(directory)) });
  expect(await second.exited).toBe(1);
  expect(second.output()).toMatch(
    new RegExp(`Another "npm start" \\(process ${first.pid}\\) runs on the data in .*DATA_DIR=`),
  );

  first.kill("SIGINT");
  first.kill("SIGINT");
  expect(await first.exited).toBe(0);
  expect(pids.filter(isRunning)).toEqual([]);

  const third = start(directory, settings);
  await third.isReady();
  third.kill("SIGTERM");
  expect(await third.exited).toBe(0);
});

test("killed with SIGKILL it leaves nothing behind, and can be started again at once", async () => {
  const directory = temporaryDirectory();
  const settings = await withStripe(directory);
  const killed = start(directory, settings);
  await killed.isReady();
  const pids = killed.parts();
  killed.kill("SIGKILL");
  const next = start(directory, settings);
  await next.isReady();
  expect(pids.filter(isRunning)).toEqual([]);
  next.kill("SIGHUP");
  expect(await next.exited).toBe(0);
});

test("the end of a part ends everything with exit code 1, and says so", async () => {
  const directory = temporaryDirectory();
  const started = start(directory, await withStripe(directory));
  await started.isReady();
  const pids = started.parts();
  process.kill(await pidOf(started, "restate-server"), "SIGKILL");
  expect(await started.exited).toBe(1);
  expect(started.output()).toContain("The engine was killed by SIGKILL");
  expect(pids.filter(isRunning)).toEqual([]);
});

test("an interrupt during the start stops what has been started, with exit code 0", async () => {
  const directory = temporaryDirectory();
  const settings = await withStripe(directory);
  const started = start(directory, settings);
  await until(() => {
    try {
      return started.parts().length > 0;
    } catch {
      return false;
    }
  });
  const pids = started.parts();
  started.kill("SIGINT");
  expect(await started.exited).toBe(0);
  expect(started.output()).not.toContain("Ready");
  expect(pids.filter(isRunning)).toEqual([]);
});

test("taken ports are named before anything is started", async () => {
  const directory = temporaryDirectory();
  const settings = await withStripe(directory);
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const started = start(directory, { ...settings, RESTATE_ADMIN_PORT: String(port) });
  expect(await started.exited).toBe(1);
  expect(started.output()).toMatch(new RegExp(`^Port ${port} is taken. The engine's admin API, .*RESTATE_ADMIN_PORT=`));
});

test("a key that Stripe rejects stops the start", async () => {
  const directory = temporaryDirectory();
  const started = start(directory, await withStripe(directory, invalidKey));
  expect(await started.exited).toBe(1);
  expect(started.output()).toMatch(/^Stripe rejects the API key \(401\)\..*\nCorrect STRIPE_SECRET_KEY/);
});

test("a Stripe that is unavailable does not block the start", async () => {
  const directory = temporaryDirectory();
  const started = start(
    directory,
    await withStripe(directory, { status: 500, body: { error: { type: "api_error", message: "down" } } }),
  );
  await started.isReady();
  expect(started.output()).toContain("account not verified");
  expect(started.output()).toMatch(/Data, logs .*test-key-[0-9a-f]{12}/);
  started.kill("SIGTERM");
  expect(await started.exited).toBe(0);
});

test("a key without a webhook secret is refused with both recipes", async () => {
  const directory = temporaryDirectory();
  const started = start(directory, { ...(await withStripe(directory)), STRIPE_WEBHOOK_SECRET: "" });
  expect(await started.exited).toBe(1);
  expect(started.output()).toContain("stripe listen --forward-to 127.0.0.1:");
  expect(started.output()).toMatch(/--events \S*payment_intent\.succeeded,/);
  expect(started.output()).toContain("ngrok http 127.0.0.1:");
});

test.each([
  ["sk_live_stub", {}],
  ["sk_test_stub", { STRIPE_API_BASE: "" }],
])("a key of real Stripe (%s) without API keys is refused before anything is started", async (secretKey, more) => {
  const directory = temporaryDirectory();
  const started = start(directory, { ...(await withStripe(directory)), STRIPE_SECRET_KEY: secretKey, ...more });
  expect(await started.exited).toBe(1);
  expect(started.output()).toMatch(/^The settings need a correction:\n {2}- API_KEYS_FILE is missing: .*npm run keys/);
  expect(existsSync(join(directory, "data"))).toBe(false);
});

test("bad settings are listed", async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "data"));
  const started = start(directory, { ...(await settingsIn(directory)), PORT: "http", PAYMENT_TIMEOUT: "long" });
  expect(await started.exited).toBe(1);
  expect(started.output()).toMatch(/PORT is "http"[\s\S]*PAYMENT_TIMEOUT is "long"/);
  expect(started.output()).not.toContain("at loadDevConfig");
});
