/**
 * How many files a process may have open. Every connection takes one, and an engine that gets no more ends, with all that it serves: what
 * it acknowledged goes on at its next start.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** What an engine should have: 65,536 is the habit of servers. Each connection, and each file of the data, takes one. */
export const goodFileLimit = 65_536;

/** From here on somebody should know. macOS gives 10,240, and a login of Debian 1,024. */
export const lowFileLimit = 10_000;

/** About what the engine itself needs beside its connections. */
const ownFiles = 150;

export type FileLimit = {
  /** Infinity where there is none. The hard limit: Node and the engine raise the other one to it. */
  readonly limit: number;
  /** The engine's process; null where only the limit of this process is known. */
  readonly pid: number | null;
  /** How many files it has open; null where that can't be seen. */
  readonly open: number | null;
};

/** The limit of this process, which is that of every process it starts; undefined where the system doesn't tell. */
export function ownFileLimit(): number | undefined {
  return limitOf("self") ?? limitOfShell();
}

/**
 * The limit of the engine whose admin API listens at the port of this machine, itself or behind the guard of `npm start`; where it can't be
 * found, that of this process.
 * @param port null for a socket
 */
export function fileLimitBehind(port: number | null): FileLimit | undefined {
  const listener = port === null ? undefined : listenerAt(port);
  const pid = listener === undefined ? undefined : (engineBelow(listener) ?? listener);
  const limit = pid === undefined ? undefined : limitOf(String(pid));
  if (pid !== undefined && limit !== undefined) return { limit, pid, open: openFilesOf(pid) };
  const own = ownFileLimit();
  return own === undefined ? undefined : { limit: own, pid: null, open: null };
}

/** What `npm start` says about a low limit, or null. */
export function lowLimitWarning(limit: number | undefined): string | null {
  if (limit === undefined || limit >= lowFileLimit) return null;
  return `A process may open ${limit} files here, and every connection takes one: about ${connectionsWithin(limit)} connections at once end the engine. Raise the limit to ${goodFileLimit} where this is started (systemd: LimitNOFILE; a login: nofile in /etc/security/limits.conf).`;
}

export function connectionsWithin(limit: number): number {
  return Math.max(0, limit - ownFiles);
}

/** https://man7.org/linux/man-pages/man5/proc_pid_limits.5.html */
function limitOf(process: string): number | undefined {
  const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(textOf(`/proc/${process}/limits`)) ?? [];
  return numberOf(hard);
}

function limitOfShell(): number | undefined {
  try {
    return numberOf(execFileSync("/bin/sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).trim());
  } catch {
    return undefined;
  }
}

function numberOf(text: string | undefined): number | undefined {
  if (text === "unlimited") return Number.POSITIVE_INFINITY;
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Linux names the socket that listens, and each process the sockets that it has. https://man7.org/linux/man-pages/man5/proc_pid_net.5.html */
function listenerAt(port: number): number | undefined {
  const address = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const inodes = [textOf("/proc/net/tcp"), textOf("/proc/net/tcp6")].flatMap((table) =>
    table.split("\n").flatMap((line) => {
      const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
      return state === listening && local.endsWith(address) ? [`socket:[${inode}]`] : [];
    }),
  );
  if (inodes.length === 0) return undefined;
  const pids = namesIn("/proc").filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) =>
    namesIn(`/proc/${pid}/fd`).some((file) => inodes.includes(linkOf(`/proc/${pid}/fd/${file}`))),
  );
  return found === undefined ? undefined : Number(found);
}

/** The engine among the processes that this one started, or that those started. */
function engineBelow(pid: number): number | undefined {
  const processes = namesIn("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      // The name stands in brackets and may hold any character. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
      const [, command, parent] = /^\d+ \((.*)\) \S+ (\d+)/s.exec(textOf(`/proc/${name}/stat`)) ?? [];
      return command === undefined ? [] : [{ pid: Number(name), command, parent: Number(parent) }];
    });
  const below = (ancestor: number): readonly (typeof processes)[number][] =>
    processes.filter(({ parent }) => parent === ancestor).flatMap((child) => [child, ...below(child.pid)]);
  return below(pid).find(({ command }) => command === "restate-server")?.pid;
}

/** TCP_LISTEN of the kernel. */
const listening = "0A";

function openFilesOf(pid: number): number | null {
  const files = namesIn(`/proc/${pid}/fd`);
  return files.length === 0 ? null : files.length;
}

// A process may end while it is looked at, and those of others can't be.

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
