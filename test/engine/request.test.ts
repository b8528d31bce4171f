/** An engine on a Unix socket, also where its path is longer than the system takes for one. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { connectionTo } from "../../src/engine/address.ts";
import { requestEngine } from "../../src/engine/request.ts";
import { temporaryDirectory } from "../dev/conditions.ts";

const modulePath = JSON.stringify(new URL("../../src/engine/address.ts", import.meta.url).href);

/** A server that says what it was asked, on a socket in the folder. */
async function echoOn(socketPath: string): Promise<void> {
  const server = createServer((request, response) => {
    const { method, url, headers } = request;
    const { host, authorization } = headers;
    response.writeHead(url === "/moved" ? 302 : 200, { location: "http://elsewhere.example/" });
    void text(request).then((body) => response.end(JSON.stringify({ method, url, host, authorization, body })));
  });
  server.listen(socketPath);
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
}

/** A folder whose name alone is longer than a socket's path may be, and a short way to it for the server. */
function longFolder(): { readonly path: string; readonly shortPath: string } {
  const root = temporaryDirectory();
  const path = join(root, "ö".repeat(60));
  const shortPath = join(root, "s");
  mkdirSync(path);
  symlinkSync(path, shortPath);
  return { path, shortPath };
}

test("an address over HTTP is taken as it is", () => {
  expect(connectionTo("https://restate.example/behind")).toEqual({
    origin: "https://restate.example/behind",
    socketPath: null,
  });
});

test("a short path is taken as it is, up to what every system takes", () => {
  const path = `/${"a".repeat(102)}`;
  expect(connectionTo(`unix:${path}`)).toEqual({ origin: "http://localhost", socketPath: path });
  expect(connectionTo(`unix:${path}a`).socketPath).not.toBe(`${path}a`);
});

test("a long path is reached by one short link in a folder that is ours alone", () => {
  const { path } = longFolder();
  const address = `unix:${join(path, "ingress.sock")}`;
  const link = connectionTo(address).socketPath ?? "";
  expect(Buffer.byteLength(link)).toBeLessThanOrEqual(103);
  expect(readlinkSync(link)).toBe(join(path, "ingress.sock"));
  expect(statSync(dirname(link)).mode & 0o777).toBe(0o700);
  expect(connectionTo(address).socketPath).toBe(link);
  expect(connectionTo(`unix:${join(path, "admin.sock")}`).socketPath).not.toBe(link);
});

/** The address that another process connects to, with its own temporary folder. */
function linkOfProcess(path: string, temporaryFolder: string): string {
  const script = `
    const { connectionTo } = await import(${modulePath});
    console.log(connectionTo(${JSON.stringify(`unix:${path}`)}).socketPath);`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], TMPDIR: temporaryFolder },
  });
  expect(stderr).toBe("");
  return stdout.trim();
}

test("every process of this user takes the same link, and mends one that leads elsewhere", () => {
  const socket = join(longFolder().path, "ingress.sock");
  const temporaryFolder = temporaryDirectory();
  const link = linkOfProcess(socket, temporaryFolder);
  expect(dirname(dirname(link))).toBe(temporaryFolder);
  expect(linkOfProcess(socket, temporaryFolder)).toBe(link);
  rmSync(link);
  symlinkSync("/elsewhere", link);
  expect(linkOfProcess(socket, temporaryFolder)).toBe(link);
  expect(readlinkSync(link)).toBe(socket);
  expect(readdirSync(dirname(link))).toHaveLength(1);
});

test.each<[string, (folder: string) => void]>([
  ["that others may enter", (folder) => chmodSync(folder, 0o755)],
  [
    "that is a link",
    (folder) => {
      rmSync(folder, { recursive: true });
      symlinkSync("/tmp", folder);
    },
  ],
  [
    "that is a file",
    (folder) => {
      rmSync(folder, { recursive: true });
      writeFileSync(folder, "");
    },
  ],
])("no link is put into a folder %s", (_what, spoil) => {
  const socket = join(longFolder().path, "ingress.sock");
  const temporaryFolder = temporaryDirectory();
  const folder = dirname(linkOfProcess(socket, temporaryFolder));
  spoil(folder);
  const link = linkOfProcess(socket, temporaryFolder);
  expect(dirname(link)).not.toBe(folder);
  expect([readlinkSync(link), statSync(dirname(link)).mode & 0o777]).toEqual([socket, 0o700]);
});

test("the link is short where the temporary folder is not", () => {
  const { path } = longFolder();
  const link = linkOfProcess(join(path, "ingress.sock"), path);
  onTestFinished(() => rmSync(link));
  expect(link).toMatch(/^\/tmp\/rsp-\d+\/[0-9a-f]{16}$/);
});

test.each(["short", "long"])("a request reaches the socket at a %s path with all that it says", async (kind) => {
  const { path, shortPath } = longFolder();
  await echoOn(join(shortPath, "s"));
  const address = `unix:${join(kind === "short" ? shortPath : path, "s")}`;
  const response = await requestEngine(address, "/query?a=1", {
    method: "POST",
    headers: { authorization: "Bearer token" },
    body: "select 1",
  });
  expect([response.status, await response.json()]).toEqual([
    200,
    { method: "POST", url: "/query?a=1", host: "localhost", authorization: "Bearer token", body: "select 1" },
  ]);
  const moved = await requestEngine(address, "/moved", { redirect: "manual" });
  expect(moved.status).toBe(302);
});

test("a socket where nobody listens is an error of the network, as it is over HTTP", async () => {
  const nowhere = requestEngine(`unix:${join(temporaryDirectory(), "s")}`, "/");
  await expect(nowhere).rejects.toThrow(TypeError);
  await expect(nowhere).rejects.toMatchObject({ cause: { code: "ENOENT" } });
});

test("a request that is given up ends with its reason", async () => {
  const { shortPath } = longFolder();
  const server = createServer(() => undefined).listen(join(shortPath, "s"));
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await expect(
    requestEngine(`unix:${join(shortPath, "s")}`, "/", { signal: AbortSignal.timeout(50) }),
  ).rejects.toMatchObject({ name: "TimeoutError" });
});
