/** What a process has used and what a folder holds. Linux only: elsewhere they are unknown, and are NaN. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Linux counts time in hundredths of a second. */
const ticksPerSecond = 100;

/** User and system time of a process, all threads. */
export function cpuMs(pid: number | undefined): number {
  const fields = readProcess(pid, "stat").split(") ")[1]?.split(" ") ?? [];
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1000;
}

export function residentBytes(pid: number | undefined): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readProcess(pid, "status"))?.[1]) * 1024;
}

/** What a process has handed to the disk so far. */
export function writtenBytes(pid: number | undefined): number {
  return Number(/^write_bytes: (\d+)/m.exec(readProcess(pid, "io"))?.[1]);
}

/** The space that the files of a folder take. */
export function folderBytes(path: string): number {
  let bytes = 0;
  for (const entry of readdirSync(path, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    // The engine deletes files meanwhile.
    bytes += (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.blocks ?? 0) * 512;
  }
  return bytes;
}

function readProcess(pid: number | undefined, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
