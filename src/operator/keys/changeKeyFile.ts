/**
 * Changes the file of API keys: one change at a time, and a reader sees the file before or after it, never half of it. The file stays its
 * owner's, with the rights that he gave to it; a new one is its maker's alone.
 */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { acquireLock, LockedError, type Lock } from "../../dev/lock.ts";
import { KeyFileError, keyFileText, parseKeyFile, readKeyFile, type StoredKey } from "../../edge/apiKeyFile.ts";

/** The keys of the file; none where it does not exist yet. */
export function storedKeys(path: string): readonly StoredKey[] {
  try {
    return parseKeyFile(path, readKeyFile(path).text);
  } catch (error) {
    if (error instanceof KeyFileError && error.isMissing) return [];
    throw error;
  }
}

/**
 * @param change says which keys there shall be; what it throws leaves the file as it is
 * @throws KeyFileError when the file can't be used or written
 */
export async function changeKeyFile(
  path: string,
  change: (keys: readonly StoredKey[]) => readonly StoredKey[],
): Promise<void> {
  try {
    const file = withoutLinks(path);
    const lock = await lockOf(file);
    try {
      replaceFile(file, keyFileText(change(storedKeys(file))));
    } finally {
      lock.release();
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    const problem =
      error.code === "EPERM"
        ? "belongs to another user or group: run this as its owner"
        : `can't be written (${String(error.code)})`;
    throw new KeyFileError(path, problem, { cause: error });
  }
}

/** The file that a link leads to, or else the new file would take the link's place. */
function withoutLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

const lockWaitMs = 10_000;

async function lockOf(file: string): Promise<Lock> {
  const deadline = performance.now() + lockWaitMs;
  for (;;) {
    try {
      return await acquireLock(`${file}.lock`);
    } catch (error) {
      if (!(error instanceof LockedError) || performance.now() > deadline) throw error;
      await delay(20);
    }
  }
}

/** On the disk before it takes the other's place: after a power cut there is one whole file. */
function replaceFile(file: string, text: string): void {
  const draft = `${file}.new`;
  const former = statSync(file, { throwIfNoEntry: false });
  // Only the owner of the lock makes drafts, so this one was left by a process that was killed.
  rmSync(draft, { force: true });
  const opened = openSync(draft, "wx", 0o600);
  try {
    writeFileSync(opened, text);
    if (former !== undefined) {
      // The edge may be another user than the one who makes keys.
      const own = statSync(draft);
      if (own.uid !== former.uid || own.gid !== former.gid) fchownSync(opened, former.uid, former.gid);
      fchmodSync(opened, former.mode & 0o777);
    }
    fsyncSync(opened);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  } finally {
    closeSync(opened);
  }
  renameSync(draft, file);
  syncFolder(dirname(file));
}

/** The new name of a file is a change of its folder. Windows opens no folders. */
function syncFolder(path: string): void {
  if (process.platform === "win32") return;
  const opened = openSync(path, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
