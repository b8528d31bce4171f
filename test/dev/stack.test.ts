import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { freePorts } from "../../src/dev/ports.ts";
import { startStack } from "../../src/dev/stack.ts";
import { loadOperatorConfig } from "../../src/config/operatorConfig.ts";
import { checkDeploy } from "../../src/operator/deploy/checkDeploy.ts";
import { askUnsigned } from "../../src/operator/doctor/serviceProbe.ts";
import type { StackOptions } from "../../src/dev/stackOptions.ts";
import { runDoctor } from "../operator/doctor/programs.ts";
import { isRunning, temporaryDirectory } from "./conditions.ts";

async function sandboxStack(): Promise<StackOptions> {
  const [edge = 0, ingress = 0, admin = 0, service = 0, sandbox = 0] = await freePorts(5);
  return {
    ports: { edge, ingress, admin, service, sandbox },
    dataDir: temporaryDirectory(),
    stripe: { kind: "sandbox", settlementDelayMs: 50 },
    environment: { PATH: process.env["PATH"] },
    serviceEntry: join(import.meta.dirname, "stubService.ts"),
    enginePartitions: 1,
  };
}

async function started(options: StackOptions) {
  const stack = await startStack(options);
  onTestFinished(() => stack.stop());
  return stack;
}

test("brings edge, engine, sandbox and service up, keeps the webhook secret private and the same, and stops them all", async () => {
  const options = await sandboxStack();
  const stack = await started(options);
  const echo = await fetch(`${stack.ingressUrl}/stub/echo`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '"hello"',
  });
  expect(await echo.json()).toBe("hello");
  expect(stack.target).toEqual({ kind: "sandbox", url: `http://127.0.0.1:${options.ports.sandbox}` });
  expect(stack.targetDir).toBe(join(options.dataDir, "sandbox"));
  expect(stack.registration.services).toEqual(["stub"]);
  const secretFile = join(options.dataDir, "sandbox", "webhook-secret");
  expect(statSync(secretFile).mode & 0o777).toBe(0o600);
  const secret = readFileSync(secretFile, "utf8");
  expect(secret).toMatch(/^whsec_[\w-]{32}$/);
  const pids = Object.values(stack.pids);
  expect(pids).toHaveLength(4);
  await stack.stop();
  await stack.stop();
  expect(pids.filter(isRunning)).toEqual([]);

  const again = await started(options);
  expect(readFileSync(secretFile, "utf8")).toBe(secret);
  await again.stop();
});

test("reports the part that ended, with its last words", async () => {
  const warnings: string[] = [];
  const stack = await started({
    ...(await sandboxStack()),
    onWarning: (part, line) => warnings.push(`${part}: ${line}`),
  });
  // Nobody answers: the service is gone, and the engine would try again for ever.
  void fetch(`${stack.ingressUrl}/stub/crash/send`, { method: "POST" });
  expect(await stack.failed).toEqual({
    part: "service",
    reason: "ended with exit code 3",
    tail: expect.stringContaining("the stub crashes as told"),
  });
  expect(warnings).toContain("service: the stub crashes as told");
  await stack.stop();
});

test("the end of the sandbox is reported, too", async () => {
  const stack = await started(await sandboxStack());
  process.kill(stack.pids.sandbox ?? 0, "SIGKILL");
  expect(await stack.failed).toMatchObject({ part: "sandbox", reason: "was killed by SIGKILL" });
});

test("a service that cannot start fails the start with its output, and leaves nothing behind", async () => {
  const options = await sandboxStack();
  await expect(startStack({ ...options, serviceEntry: join(options.dataDir, "missing.ts") })).rejects.toThrow(
    /The service ended with exit code 1\. Its last words:[\s\S]*missing\.ts/,
  );
  // The ports are free again, and so is the data.
  await (await started(options)).stop();
});

test("the edge stops first: what it has let in is still served while it ends", async () => {
  const stack = await started({
    ...(await sandboxStack()),
    edgeEntry: join(import.meta.dirname, "stubEdge.ts"),
    environment: { PATH: process.env["PATH"], STUB_LINGERS_MS: "700" },
  });
  const { edge = 0, ...others } = stack.pids;
  const stopping = stack.stop();
  await delay(350);
  expect([isRunning(edge), ...Object.values(others).map(isRunning)]).toEqual([true, true, true, true]);
  // Nobody gets through to the engine any more.
  await expect(fetch(`${stack.adminUrl}/version`)).rejects.toThrow("fetch failed");
  await stopping;
  expect(Object.values(stack.pids).filter(isRunning)).toEqual([]);
});

test("a payment comes in at the edge, and so does its webhook, with the engine on sockets of a path that is too long for them", async () => {
  const { serviceEntry: _, ...options } = await sandboxStack();
  const { ingress: __, ...ports } = options.ports;
  const stack = await started({ ...options, ports, dataDir: join(options.dataDir, "x".repeat(120)) });
  expect(stack.ingressUrl).toBe(`unix:${join(stack.targetDir, "engine/dev/ingress.sock")}`);
  const paid = await fetch(`${stack.url}/payments/processPayment`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify({ paymentMethodId: "pm_card_visa", amount: 109, delayedStatus: true }),
  });
  expect([paid.status, await paid.json()]).toEqual([
    200,
    expect.objectContaining({ status: "succeeded", settledBy: "webhook" }),
  ]);
  // The sandbox's service takes what its engine has signed, and nothing else.
  expect(await askUnsigned(stack.serviceUrl)).toBe("refused");

  // The operator's programs find all of it by the settings of npm start, and by the sockets themselves.
  const { edge, admin, service, sandbox } = options.ports;
  const ofStart = {
    EDGE_PORT: String(edge),
    RESTATE_ADMIN_PORT: String(admin),
    PORT: String(service),
    SANDBOX_PORT: String(sandbox),
    DATA_DIR: dirname(stack.targetDir),
  };
  const adminSocket = `unix:${join(stack.targetDir, "engine/dev/admin.sock")}`;
  const sockets = { ...ofStart, RESTATE_ADMIN_URL: adminSocket, RESTATE_INGRESS_URL: stack.ingressUrl };
  for (const [settings, entry] of [
    [ofStart, stack.url],
    [sockets, stack.ingressUrl],
  ] as const) {
    const examined = await runDoctor(settings);
    expect(examined.findings.filter(({ verdict }) => verdict === "wrong")).toEqual([]);
    expect(examined.of("webhook path")).toEqual([expect.stringMatching(new RegExp(`^ok: .* ${entry}\\.$`))]);
    const deploy = await checkDeploy(loadOperatorConfig(settings), stack.serviceUrl);
    expect([deploy.isRefused, deploy.findings.length > 0]).toEqual([false, true]);
  }
  await stack.stop();
});

function secretOf(pid = 0): string | undefined {
  return /(?:^|\0)EDGE_SECRET=([^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, "utf8"))?.[1];
}

test.skipIf(process.platform !== "linux")(
  "edge and service share a secret that the first start makes, which nobody else can read, unless one is set",
  async () => {
    const options = { ...(await sandboxStack()), edgeEntry: join(import.meta.dirname, "stubEdge.ts") };
    const file = join(options.dataDir, "sandbox/edge-secret");
    const secrets: (string | undefined)[] = [];
    const own = "o".repeat(32);
    for (const environment of [{}, {}, { EDGE_SECRET: own }]) {
      const stack = await started({ ...options, environment: { ...options.environment, ...environment } });
      const { edge, service } = stack.pids;
      expect(secretOf(edge)).toBe(secretOf(service));
      secrets.push(secretOf(edge));
      expect([readFileSync(file, "utf8"), statSync(file).mode & 0o777]).toEqual([secrets[0], 0o600]);
      await stack.stop();
    }
    expect(secrets).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), secrets[0], own]);
  },
);
