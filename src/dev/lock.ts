/**
 * One owner per data folder. The engine and the sandbox each believe that their files are theirs alone, so a second start on the
 * same data is refused, also when it would use other ports. A lock whose owner is dead is taken over; the engine's own
 * file lock stands behind this one.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";

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
  mkdirSync(dirname(path), { recursive: true });
  const own = { owner: markOf(process.pid), helpers: [] };
  let former: readonly ProcessMark[] = [];
  while (!tryCreate(path, own)) {
    const found = read(path);
    if (found !== undefined && isAlive(found.owner)) throw new LockedError(found.owner.pid, path);
    former = found?.helpers ?? [];
    rmSync(path, { force: true });
  }
  const deadline = performance.now() + 10_000;
  while (former.some(isAlive) && performance.now() < deadline) await delay(50);
  return {
    note: (pids) => write(path, { ...own, helpers: pids.map(markOf) }),
    release: () => rmSync(path, { force: true }),
  };
}

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

/** Creates the lock together with its content, so that nobody reads an empty one. */
function tryCreate(path: string, content: LockContent): boolean {
  const draft = draftOf(path);
  writeFileSync(draft, JSON.stringify(content));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function write(path: string, content: LockContent): void {
  writeFileSync(draftOf(path), JSON.stringify(content));
  renameSync(draftOf(path), path);
}

function draftOf(path: string): string {
  return `${path}.${process.pid}`;
}

function read(path: string): LockContent | undefined {
  try {
    return lockSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}
