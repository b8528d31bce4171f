import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { acquireLock, LockedError } from "../../src/dev/lock.ts";
import { temporaryDirectory } from "./conditions.ts";

/** A process that lives until the test ends, or until it is killed. */
function bystander() {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""], { stdio: "ignore" });
  await once(child, "exit");
  return child.pid ?? 0;
}

test("a second owner is refused until the first one lets go, and is told who that is", async () => {
  const directory = temporaryDirectory();
  const path = join(directory, "new", "lock");
  const lock = await acquireLock(path);
  await expect(acquireLock(path)).rejects.toThrow(LockedError);
  await expect(acquireLock(path)).rejects.toThrow(new RegExp(`Process ${process.pid} `));
  lock.note([process.pid]);
  await expect(acquireLock(path)).rejects.toThrow(LockedError);
  lock.release();
  expect(readdirSync(join(directory, "new"))).toEqual([]);
  (await acquireLock(path)).release();
});

test.each([
  ["of a dead process", async () => JSON.stringify({ owner: { pid: await deadPid(), since: null }, helpers: [] })],
  [
    "of a process whose number is used again",
    async () => JSON.stringify({ owner: { pid: process.pid, since: "1" }, helpers: [] }),
  ],
  ["that is damaged", async () => "{"],
])("a lock %s is taken over", async (_, content) => {
  const path = join(temporaryDirectory(), "lock");
  writeFileSync(path, await content());
  const lock = await acquireLock(path);
  await expect(acquireLock(path)).rejects.toThrow(LockedError);
  lock.release();
});

test("a takeover waits for what the former owner left running", async () => {
  const path = join(temporaryDirectory(), "lock");
  const engine = bystander();
  const noted = await acquireLock(`${path}.draft`);
  noted.note([engine.pid ?? 0]);
  const helpers = JSON.parse(await (await import("node:fs/promises")).readFile(`${path}.draft`, "utf8"))
    .helpers as unknown;
  writeFileSync(path, JSON.stringify({ owner: { pid: await deadPid(), since: null }, helpers }));

  let isAcquired = false;
  const acquiring = acquireLock(path).then((lock) => {
    isAcquired = true;
    return lock;
  });
  await new Promise((later) => setImmediate(later));
  expect(isAcquired).toBe(false);
  engine.kill("SIGKILL");
  (await acquiring).release();
  expect(existsSync(path)).toBe(false);
});
