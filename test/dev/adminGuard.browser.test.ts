/** The guard of `npm start` before the real engine: the CLI, the engine's UI in a real browser, and a web page that would like to do the same. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { freePort, freePorts } from "../../src/dev/ports.ts";
import { queryEngine, startEngine, type Engine } from "../../src/dev/engine.ts";
import { registerDeployment } from "../../src/dev/registration.ts";
import { spawnNode, type NodeProcess } from "../../src/dev/processes.ts";
import { startAdminGuard, type AdminGuard } from "../../src/dev/adminGuard.ts";
import { requestEngine } from "../../src/engine/request.ts";
import { closeBrowser, hasBrowser, openPage } from "../sandbox/pages/browser.ts";
import { restate } from "../scene/restateCli.ts";
import { until } from "./conditions.ts";

const folder = mkdtempSync(join(tmpdir(), "payments-guard-"));
let engine: Engine;
let guard: AdminGuard;
let stub: NodeProcess;

beforeAll(async () => {
  const [port = 0, adminPort = 0] = await freePorts(2);
  stub = spawnNode({
    entry: join(import.meta.dirname, "stubService.ts"),
    environment: { PATH: process.env["PATH"], PORT: String(port) },
    logFile: join(folder, "stub.log"),
    onWarning: () => undefined,
  });
  engine = await startEngine({ dataDir: join(folder, "engine"), partitions: 1 });
  guard = await startAdminGuard(adminPort, engine.adminUrl);
  await registerDeployment(guard.url, `http://127.0.0.1:${port}`);
});
afterAll(async () => {
  await closeBrowser();
  await guard.close();
  await Promise.all([engine.kill(), stub.kill()]);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function beginWait(): Promise<string> {
  const response = await requestEngine(engine.ingressUrl, "/stub/wait/send", { method: "POST" });
  return ((await response.json()) as { invocationId: string }).invocationId;
}

async function statusOf(id: string): Promise<unknown> {
  return (await queryEngine(engine.adminUrl, `select status from sys_invocation where id = '${id}'`))[0];
}

function countDeployments(): Promise<readonly unknown[]> {
  return queryEngine(guard.url, "select count(1) as count from sys_deployment");
}

it("answers every one of many questions, one after the other and at once", async () => {
  for (let round = 0; round < 100; round++) expect(await countDeployments()).toEqual([{ count: 1 }]);
  const answers = await Promise.all(Array.from({ length: 100 }, countDeployments));
  expect(new Set(answers.map((rows) => JSON.stringify(rows)))).toEqual(new Set(['[{"count":1}]']));
});

it("lets the CLI list what waits and cancel it", async () => {
  const id = await beginWait();
  await until(async () => (await restate(guard.url, "inv", "list", "--service", "stub")).includes(id));
  await restate(guard.url, "-y", "inv", "cancel", id);
  await until(async () => JSON.stringify(await statusOf(id)).includes("completed"));
  expect(await restate(guard.url, "services", "list")).toContain("stub");
});

/** A page of another origin, as anybody's in the web: it may not be served by the guard's own server. */
async function openForeignPage(): Promise<Page> {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<title>Somebody's page</title>");
  });
  server.listen(await freePort(), "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const page = await openPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return page;
}

describe.skipIf(!hasBrowser)("in a browser", () => {
  it("shows the engine's UI, which reads what waits", { timeout: 180_000 }, async () => {
    const id = await beginWait();
    const page = await openPage();
    const failed: string[] = [];
    page.on("response", (response) => {
      if (response.url().startsWith(guard.url) && response.status() >= 400) failed.push(response.url());
    });
    await page.goto(`${guard.url}/ui/invocations/${id}`, { waitUntil: "commit" });
    // It is several megabytes of programs.
    for (const text of ["stub", "wait()", "Suspended"]) {
      await page.getByText(text, { exact: true }).first().waitFor({ timeout: 150_000 });
    }
    expect(failed).toEqual([]);
  });

  it.each([
    ["a query", "/query", { method: "POST", body: '{"query":"select 1"}' }],
    ["a query that needs no preflight", "/query", { method: "POST", body: '{"query":"select 1"}', mode: "no-cors" }],
    ["a read", "/deployments", {}],
    ["a read without CORS", "/deployments", { mode: "no-cors" }],
  ] as const)("a foreign page gets nothing from %s", async (_what, path, init) => {
    const page = await openForeignPage();
    const got = await page.evaluate(
      async ({ url, options }) => {
        try {
          return await (await fetch(url, options)).text();
        } catch {
          return "no answer";
        }
      },
      { url: `${guard.url}${path}`, options: init },
    );
    // Without CORS an answer has no content that the page may see.
    expect(["no answer", ""]).toContain(got);
  });

  it("a foreign page's form registers nothing, cancels nothing, and shows why", async () => {
    const id = await beginWait();
    await until(async () => (await statusOf(id)) !== undefined);
    const page = await openForeignPage();
    for (const path of ["/deployments", `/invocations/${id}/kill`, "/query"]) {
      await page.evaluate((action) => {
        const { document } = globalThis as unknown as { document: { body: { innerHTML: string } } };
        document.body.innerHTML = `<form method="post" action="${action}" enctype="text/plain"><input name='{"query":"select 1","a":"' value='"}'><button>Win a prize</button></form>`;
      }, `${guard.url}${path}`);
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.url().startsWith(guard.url)),
        page.getByRole("button").click(),
      ]);
      expect([path, answer.status(), await answer.text()]).toEqual([
        path,
        403,
        "The request comes from a web page of another origin.\n",
      ]);
      await page.goBack();
    }
    expect(JSON.stringify(await statusOf(id))).not.toContain("completed");
  });

  it("a page whose name points to this machine is no page of ours", async () => {
    const page = await openPage();
    const { port } = new URL(guard.url);
    // Browsers take names below localhost for this machine without asking anybody, as they take a name that was rebound.
    const answer = await page.goto(`http://rebound.localhost:${port}/version`);
    expect([answer?.status(), await answer?.text()]).toEqual([403, expect.stringMatching(/^The Host header/)]);
    const query = await page.evaluate(async () => {
      const response = await fetch("/query", { method: "POST", body: '{"query":"select 1"}' });
      return [response.status, await response.text()];
    });
    expect(query).toEqual([403, expect.stringMatching(/^The Host header/)]);
  });
});
