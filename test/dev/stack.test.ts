import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { freePorts } from "../../src/dev/ports.ts";
import { startStack } from "../../src/dev/stack.ts";
import type { StackOptions } from "../../src/dev/stackOptions.ts";
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
