/** `npm start` as a person and a supervisor meet it: processes, signals, exit codes and messages. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { freePorts } from "../../src/dev/ports.ts";
import { isRunning, temporaryDirectory, until } from "./conditions.ts";
import { invalidKey, startStripeStub, stubAccount, type StripeAnswer } from "./stripeStub.ts";

const startProgram = join(import.meta.dirname, "../../src/bin/start.ts");

type Settings = Record<string, string>;

/** Settings of a start that disturbs nobody, in a folder without a `.env`. */
async function settingsIn(directory: string): Promise<Settings> {
  const [ingress, admin, service, sandbox] = await freePorts(4);
  return {
    RESTATE_INGRESS_PORT: String(ingress),
    RESTATE_ADMIN_PORT: String(admin),
    PORT: String(service),
    SANDBOX_PORT: String(sandbox),
    DATA_DIR: join(directory, "data"),
  };
}

async function withStripe(directory: string, stub: StripeAnswer = stubAccount): Promise<Settings> {
  const apiBase = await startStripeStub(stub);
  const stripe = { STRIPE_SECRET_KEY: "sk_test_stub", STRIPE_WEBHOOK_SECRET: "whsec_stub", STRIPE_API_BASE: apiBase };
  return { ...(await settingsIn(directory)), ...stripe };
}

function start(directory: string, settings: Settings) {
  const child = spawn(process.execPath, [startProgram], {
    cwd: directory,
    env: { PATH: process.env["PATH"], ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => void (output += String(chunk)));
  const exited = once(child, "close").then(([code]: unknown[]) => code);
  return {
    pid: child.pid ?? 0,
    exited,
    output: () => output,
    isReady: async () => {
      await Promise.race([
        until(() => output.includes("Ready to take payments")),
        exited.then(() => {
          throw new Error(output);
        }),
      ]);
    },
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    parts: () => partPids(settings["DATA_DIR"] ?? ""),
  };
}

/** The lock names the parts, engine and service at least. */
function partPids(dataDir: string): readonly number[] {
  const lock = JSON.parse(readFileSync(join(dataDir, "lock"), "utf8")) as { helpers: { pid: number }[] };
  return lock.helpers.map((helper) => helper.pid);
}

async function pidOf(started: ReturnType<typeof start>, name: string): Promise<number> {
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
  expect(first.output()).toContain(`curl 127.0.0.1:${settings["RESTATE_INGRESS_PORT"]}/payments/processPayment`);
  expect(first.output()).toContain("payment_intent.succeeded");
  expect(first.output()).not.toContain("sk_test_stub");
  expect(first.output()).not.toContain("\u001B[");
  expect(first.output().trim().split("\n").length).toBeLessThanOrEqual(25);
  const pids = first.parts();
  expect(pids).toHaveLength(2);

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
  expect(started.output()).toContain("--events payment_intent.succeeded,");
  expect(started.output()).toContain("--traffic-policy-file deploy/ngrok-policy.yml");
});

test("bad settings are listed", async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "data"));
  const started = start(directory, { ...(await settingsIn(directory)), PORT: "http", PAYMENT_TIMEOUT: "long" });
  expect(await started.exited).toBe(1);
  expect(started.output()).toMatch(/PORT is "http"[\s\S]*PAYMENT_TIMEOUT is "long"/);
  expect(started.output()).not.toContain("at loadDevConfig");
});
