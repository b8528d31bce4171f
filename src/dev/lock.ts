/**
 * One owner per data folder. The engine and the sandbox each believe that their files are theirs alone, so a second start on the
 * same data is refused, also when it would use other ports. The engine's own file lock stands behind this one.
 *
 * The lock itself is the system's: a transaction on an empty SQLite file beside `path`, the one lock that Node has a binding
 * for. One process gets it, and the system takes it back when that process dies, however it dies. proper-lockfile and its
 * like have a folder in place of it, which a killed owner leaves: others have to wait until it is old, and of two that
 * then find it old, both may take it. The file at `path` only says who the owner is. https://sqlite.org/lockingv3.html
 */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { privateFileMode, privateFolderMode } from "./privateFolder.ts";

export type Lock = {
  /** Records processes that work on the data on the owner's behalf, for whoever finds this lock after a crash. */
  note(pids: readonly number[]): void;
  release(): void;
};

export class LockedError extends Error {
  readonly pid: number;
  constructor(pid: number, path: string) {
    super(`Process ${pid} is using this data already (${path}).`);
    this.name = "LockedError";
    this.pid = pid;
  }
}

/**
 * Takes the lock at `path`. After a takeover it waits, ten seconds at most, for what the former owner left to end: an engine whose
 * parent was killed needs a moment to close its files.
 * @throws LockedError when its owner lives
 */
export async function acquireLock(path: string): Promise<Lock> {
  mkdirSync(dirname(path), { recursive: true, mode: privateFolderMode });
  const held = await hold(path);
  const own = { owner: markOf(process.pid), helpers: [] };
  try {
    const former = read(path)?.helpers ?? [];
    // Whoever comes now is told who waits. The helpers stay in the record until they have ended: this process may die first.
    write(path, { ...own, helpers: former });
    const deadline = performance.now() + 10_000;
    while (former.some(isAlive) && performance.now() < deadline) await delay(50);
    write(path, own);
  } catch (error) {
    letGo(held);
    throw error;
  }
  return {
    note: (pids) => write(path, { ...own, helpers: pids.map(markOf) }),
    release: () => {
      // Released before: by now the record may be somebody else's.
      if (!holding.has(held)) return;
      rmSync(path, { force: true });
      letGo(held);
    },
  };
}

/** What this process holds. A database that nobody refers to would be closed by the garbage collector, and its lock with it. */
const holding = new Set<DatabaseSync>();

function letGo(held: DatabaseSync): void {
  holding.delete(held);
  held.close();
}

/** Takes the system's lock. Whoever doesn't get it looks for the owner's name, which is written a moment later. */
async function hold(path: string): Promise<DatabaseSync> {
  const deadline = performance.now() + 2000;
  for (;;) {
    const held = tryToHold(`${path}.sqlite`);
    if (held !== undefined) {
      holding.add(held);
      return held;
    }
    const owner = read(path)?.owner;
    if (owner !== undefined && isAlive(owner)) throw new LockedError(owner.pid, path);
    if (performance.now() > deadline) throw new Error(`${path}.sqlite is locked, and no process says that it did.`);
    await delay(20);
  }
}

/** The file stays when the lock is released: between somebody's opening and locking a deleted one, another could be made. */
function tryToHold(file: string): DatabaseSync | undefined {
  // SQLite makes files that others may read, and its further files like the first.
  closeSync(openSync(file, "a", privateFileMode));
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec("BEGIN IMMEDIATE");
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === sqliteBusy) return undefined;
    throw error;
  }
}

/** https://sqlite.org/rescode.html#busy */
const sqliteBusy = 5;

const markSchema = z.object({ pid: z.number(), since: z.string().nullable() });
const lockSchema = z.object({ owner: markSchema, helpers: z.array(markSchema) });

/** A process, and when it began as far as the system tells: numbers are used again, in containers very soon. */
type ProcessMark = z.output<typeof markSchema>;
type LockContent = z.output<typeof lockSchema>;

function markOf(pid: number): ProcessMark {
  const status = linuxStatus(pid);
  return { pid, since: status?.since ?? null };
}

function isAlive(mark: ProcessMark): boolean {
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
  const status = linuxStatus(mark.pid);
  return status === undefined || (!status.isZombie && status.since === mark.since);
}

/** The fields after the name in parentheses: state is the first, the start time the 20th. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function linuxStatus(pid: number): { since: string; isZombie: boolean } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { since: fields[19] ?? "", isZombie: fields[0] === "Z" };
  } catch {
    return undefined;
  }
}

/** Renamed into place, so that nobody reads half of it. */
function write(path: string, content: LockContent): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(content), { mode: privateFileMode });
  renameSync(draft, path);
}

function read(path: string): LockContent | undefined {
  try {
    return lockSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}
