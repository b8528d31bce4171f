import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { acquireLock, LockedError } from "../../src/dev/lock.ts";
import { temporaryDirectory, until } from "./conditions.ts";

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
  // What the system's lock is on stays: deleting it could make a second one.
  expect(readdirSync(join(directory, "new"))).toEqual(["lock.sqlite"]);
  const next = await acquireLock(path);
  lock.release();
  await expect(acquireLock(path)).rejects.toThrow(LockedError);
  next.release();
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

/** Takes lock after lock, each at the moment that all others of its kind do, and keeps what it gets. */
const contender = `
  const { acquireLock } = await import(process.argv[1]);
  const [directory, startAt, rounds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
  for (let round = 0; round < rounds; round++) {
    await new Promise((due) => setTimeout(due, Math.max(1, startAt + round * 50 - Date.now())));
    const told = await acquireLock(directory + "/" + round).then(() => "won", (error) => error.pid ?? String(error));
    process.send([round, process.pid, told]);
  }
  setInterval(() => {}, 1000);
`;

test("of many that find a dead owner's lock at the same moment, one gets it, and the others are told which", async () => {
  const directory = temporaryDirectory();
  const [contenders, rounds] = [8, 20];
  const dead = JSON.stringify({ owner: { pid: await deadPid(), since: null }, helpers: [] });
  for (let round = 0; round < rounds; round++) writeFileSync(join(directory, String(round)), dead);
  const words = [resolve("src/dev/lock.ts"), directory, String(Date.now() + 2000), String(rounds)];
  const reports: [round: number, pid: number, told: unknown][] = [];
  const children = Array.from({ length: contenders }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", contender, ...words], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    }),
  );
  onTestFinished(() => children.forEach((child) => child.kill("SIGKILL")));
  for (const child of children) child.on("message", (report) => reports.push(report as (typeof reports)[number]));

  await until(() => reports.length === contenders * rounds);
  for (let round = 0; round < rounds; round++) {
    const ofRound = reports.filter(([which]) => which === round);
    const winner = ofRound.find(([, , told]) => told === "won")?.[1];
    expect(ofRound.map(([, pid, told]) => (pid === winner ? told : [pid, told]))).toEqual(
      ofRound.map(([, pid]) => (pid === winner ? "won" : [pid, winner])),
    );
  }
});

test("the lock of an owner that was killed is free at once", async () => {
  const path = join(temporaryDirectory(), "lock");
  const script = `await (await import(${JSON.stringify(resolve("src/dev/lock.ts"))})).acquireLock(${JSON.stringify(path)}); process.send("held"); setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  onTestFinished(() => void owner.kill("SIGKILL"));
  await once(owner, "message");
  await expect(acquireLock(path)).rejects.toThrow(new RegExp(`Process ${owner.pid} `));
  owner.kill("SIGKILL");
  await once(owner, "exit");
  (await acquireLock(path)).release();
});
