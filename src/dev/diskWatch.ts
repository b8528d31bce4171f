/**
 * Watches the space that is left where the data is. On a full disk the engine falls silent: its health check says 200, calls
 * hang, and its log doesn't mention the disk. Nor does it go on by itself when there is space again, only after a restart.
 */
import { statfs } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

type Space = "enough" | "low" | "none";

/** The engine writes in pieces of a few hundred KB. */
const noneBelowBytes = 1024 * 1024;
/** About what a day of tests takes. */
const lowBelowBytes = 64 * 1024 * 1024;
const intervalMs = 1_000;

/** Says in one line when the space runs low, when there is none, and when there is again; until it is aborted. */
export async function watchDisk(dir: string, onWarning: (line: string) => void, signal: AbortSignal): Promise<void> {
  let before: Space = "enough";
  while (!signal.aborted) {
    const freeBytes = await freeBytesOf(dir);
    // The folder is gone, as after `npm run demo`.
    if (freeBytes === null) return;
    const space = spaceOf(freeBytes);
    if (space !== before) onWarning(lineOf(dir, space, freeBytes, before === "none"));
    before = space;
    await delay(intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

function lineOf(dir: string, space: Space, freeBytes: number, wasFull: boolean): string {
  const megabytes = `${Math.floor(freeBytes / 1024 / 1024)} MB`;
  switch (space) {
    case "none":
      return `The disk that holds ${dir} is full. Calls hang until there is space and a restart; what was acknowledged is kept. Free space, press Ctrl-C and start again.`;
    case "low":
      return wasFull
        ? `There is space again on the disk that holds ${dir}, but only ${megabytes}. The engine doesn't go on by itself: press Ctrl-C and start again.`
        : `Only ${megabytes} are left on the disk that holds ${dir}. When it is full, calls hang until a restart.`;
    case "enough":
      return wasFull
        ? `There is space again on the disk that holds ${dir}. The engine doesn't go on by itself: press Ctrl-C and start again.`
        : `There is enough space again on the disk that holds ${dir}.`;
  }
}

function spaceOf(freeBytes: number): Space {
  if (freeBytes < noneBelowBytes) return "none";
  return freeBytes < lowBelowBytes ? "low" : "enough";
}

async function freeBytesOf(dir: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(dir);
    return bavail * bsize;
  } catch {
    return null;
  }
}
