import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { queryEngine, startEngine, type Engine, type EngineOptions } from "../../src/dev/engine.ts";
import { requestEngine } from "../../src/engine/request.ts";
import { freePorts } from "../../src/dev/ports.ts";
import { registerDeployment } from "../../src/dev/registration.ts";
import { spawnNode, type NodeProcess } from "../../src/dev/processes.ts";
import { isRunning, temporaryDirectory, until } from "./conditions.ts";

async function engineOptions(): Promise<EngineOptions> {
  const [ingressPort = 0, adminPort = 0] = await freePorts(2);
  return { ingressPort, adminPort, dataDir: temporaryDirectory(), partitions: 1 };
}

async function started(options: EngineOptions): Promise<Engine> {
  const engine = await startEngine(options);
  onTestFinished(() => engine.kill());
  return engine;
}

async function stubService(directory: string, environment: Record<string, string>): Promise<NodeProcess> {
  const stub = spawnNode({
    entry: join(import.meta.dirname, "stubService.ts"),
    environment: { PATH: process.env["PATH"], ...environment },
    logFile: join(directory, "stub.log"),
    onWarning: () => undefined,
  });
  onTestFinished(() => stub.kill());
  return stub;
}

/** Begins an invocation that waits, and gives the address that ends the wait. */
async function beginWait(engine: Engine, stub: NodeProcess): Promise<{ invocation: string; awakeable: string }> {
  const response = await post(`${engine.ingressUrl}/stub/wait/send`);
  const { invocationId } = (await response.json()) as { invocationId: string };
  await until(() => /awakeable \S+/.test(stub.tail()));
  return { invocation: invocationId, awakeable: /awakeable (\S+)/.exec(stub.tail())?.[1] ?? "" };
}

async function finishWait(engine: Engine, wait: { invocation: string; awakeable: string }): Promise<unknown> {
  await post(`${engine.ingressUrl}/restate/awakeables/${wait.awakeable}/resolve`, '"done"');
  return (await fetch(`${engine.ingressUrl}/restate/invocation/${wait.invocation}/attach`)).json();
}

function post(url: string, body?: string): Promise<Response> {
  return fetch(url, {
    method: "POST",
    ...(body === undefined ? {} : { body, headers: { "content-type": "application/json" } }),
  });
}

test("starts, says where it is, and stops gracefully", async () => {
  const options = await engineOptions();
  const engine = await started(options);
  expect(execFileSync("ps", ["-o", "comm=", "-p", String(engine.pid)], { encoding: "utf8" })).toContain(
    "restate-server",
  );
  expect((await fetch(`${engine.ingressUrl}/restate/health`)).status).toBe(200);
  await Promise.all([engine.stop(), engine.stop()]);
  expect(await engine.exited).toEqual({ code: 0, signal: null });
  expect(isRunning(engine.pid)).toBe(false);
});

test.each([
  ["short", "y"],
  ["long", "y".repeat(150)],
])("without ports it listens on sockets in its data folder, and works, where the path is %s", async (_length, name) => {
  const dataDir = join(temporaryDirectory(), name);
  const engine = await started({ dataDir, partitions: 1 });
  expect([engine.ingressUrl, engine.adminUrl]).toEqual([
    `unix:${join(dataDir, "dev/ingress.sock")}`,
    `unix:${join(dataDir, "dev/admin.sock")}`,
  ]);
  for (const socket of ["ingress.sock", "admin.sock"]) {
    expect(statSync(join(dataDir, "dev", socket)).mode & 0o077).toBe(0);
  }
  const [port = 0] = await freePorts(1);
  const stub = await stubService(dataDir, { PORT: String(port) });
  const { services } = await registerDeployment(engine.adminUrl, `http://127.0.0.1:${port}`);
  expect(services).toEqual(["stub"]);
  const echo = await requestEngine(engine.ingressUrl, "/stub/echo", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '"hello"',
  });
  expect(await echo.json()).toBe("hello");
  expect(await queryEngine(engine.adminUrl, "select target_handler_name as name from sys_invocation")).toEqual([
    { name: "echo" },
  ]);
  await stub.stop();

  // A socket that a killed engine left is no trouble for the next one.
  await engine.kill();
  const again = await started({ dataDir, partitions: 1 });
  expect((await requestEngine(again.ingressUrl, "/restate/health")).status).toBe(200);
});

test("a start that fails ends with what the engine said", async () => {
  const options = await engineOptions();
  const environment = { RESTATE_DEFAULT_NUM_PARTITIONS: "many" };
  await expect(startEngine({ ...options, environment })).rejects.toThrow(/The engine ended with exit code [\s\S]*many/);
});

test("a start that is given up leaves nothing behind", async () => {
  const stop = new AbortController();
  const starting = startEngine({ ...(await engineOptions()), signal: stop.signal });
  stop.abort(new Error("never mind"));
  await expect(starting).rejects.toThrow("never mind");
});

test("killed and started again on other ports, it goes on with its data, and with a service that moved", async () => {
  const [port = 0, otherPort = 0] = await freePorts(2);
  const first = await engineOptions();
  const engine = await started(first);
  const stub = await stubService(first.dataDir, { PORT: String(port) });
  await registerDeployment(engine.adminUrl, `http://127.0.0.1:${port}`);
  const wait = await beginWait(engine, stub);
  await engine.kill();
  expect(await engine.exited).toEqual({ code: null, signal: "SIGKILL" });
  await stub.stop();

  const second = { ...(await engineOptions()), dataDir: first.dataDir };
  const [restarted] = await Promise.all([
    started(second),
    stubService(first.dataDir, { PORT: String(otherPort), STUB_EXTRA: "1" }),
  ]);
  await registerDeployment(restarted.adminUrl, `http://127.0.0.1:${otherPort}`, { replaceFormer: true });
  expect(await finishWait(restarted, wait)).toBe("done");
});

test("a service replaced behind the same address shows its new handlers, and what waits goes on in it", async () => {
  const [port = 0] = await freePorts(1);
  const options = await engineOptions();
  const engine = await started(options);
  const uri = `http://127.0.0.1:${port}`;
  // Not started yet: registering waits for it.
  const registering = registerDeployment(engine.adminUrl, uri);
  const stub = await stubService(options.dataDir, { PORT: String(port) });
  const before = await registering;
  const wait = await beginWait(engine, stub);
  expect((await post(`${engine.ingressUrl}/stub/extra`)).status).toBe(404);
  await stub.stop();

  const replaced = await stubService(options.dataDir, { PORT: String(port), STUB_EXTRA: "1" });
  const after = await registerDeployment(engine.adminUrl, uri);
  expect(after).toEqual({ deploymentId: before.deploymentId, services: ["stub"], orphanedHandlers: [] });
  expect(await (await post(`${engine.ingressUrl}/stub/extra`)).json()).toBe("extra");
  await replaced.stop();

  // A program without the handler: told, not refused; and nothing is lost when it comes back.
  const renamed = await stubService(options.dataDir, { PORT: String(port), STUB_NAME: "other" });
  expect((await registerDeployment(engine.adminUrl, uri)).orphanedHandlers).toEqual(["stub/wait"]);
  await renamed.stop();
  await stubService(options.dataDir, { PORT: String(port) });
  await registerDeployment(engine.adminUrl, uri);
  expect(await finishWait(engine, wait)).toBe("done");
});

test("a service that never answers is a clear error", async () => {
  const [port = 0] = await freePorts(1);
  const engine = await started(await engineOptions());
  await expect(registerDeployment(engine.adminUrl, `http://127.0.0.1:${port}`, { timeoutMs: 300 })).rejects.toThrow(
    new RegExp(`could not register the service at http://127.0.0.1:${port}: .*META0003`),
  );
});

test("it does not outlive a parent that was killed with SIGKILL", async () => {
  const options = await engineOptions();
  const engineModule = JSON.stringify(new URL("../../src/dev/engine.ts", import.meta.url).href);
  const script = `const { startEngine } = await import(${engineModule}); console.log((await startEngine(${JSON.stringify(options)})).pid);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  expect(isRunning(pid)).toBe(true);
  parent.kill("SIGKILL");
  await until(() => !isRunning(pid));
});
