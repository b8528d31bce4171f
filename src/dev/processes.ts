/**
 * Child processes that never outlive us. A part of the stack is either one of our own Node programs, which exits when its IPC
 * channel closes, or a foreign binary behind a guard (see `spawnGuarded`). Both run in process groups of their own: Ctrl-C and signals to the
 * group reach `npm start` alone, which then stops the parts in order.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, createWriteStream, fstatSync, mkdirSync, openSync, readSync, statSync } from "node:fs";
import { constants } from "node:os";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Environment } from "../config/settings.ts";
import { privateFileMode, privateFolderMode, privateUmask } from "./privateFolder.ts";

export type ProcessExit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type RunningProcess = {
  /** The process itself, for whoever wants to kill it. */
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  /** What it said last, for a person who wants to know why it ended. */
  tail(): string;
  /** SIGTERM, and SIGKILL after the grace period. Resolves when the process is gone; safe to call twice. */
  stop(graceMs?: number): Promise<void>;
  /** SIGKILL at once. Resolves when the process is gone. */
  kill(): Promise<void>;
};

export type NodeProcess = RunningProcess & {
  send(message: object): void;
  /** Stays pending when the process exits without a message: `exited` tells. */
  readonly firstMessage: Promise<unknown>;
};

export function describeExit(exit: ProcessExit): string {
  return exit.signal === null ? `ended with exit code ${exit.code}` : `was killed by ${exit.signal}`;
}

/**
 * Runs one of our TypeScript programs. Its output goes to `logFile`; what it writes to stderr (warnings and errors) also goes
 * to `onWarning`, line by line.
 */
export function spawnNode(options: {
  readonly entry: string;
  readonly arguments?: readonly string[];
  readonly environment: Environment;
  readonly logFile: string;
  readonly onWarning: (line: string) => void;
}): NodeProcess {
  mkdirSync(dirname(options.logFile), { recursive: true, mode: privateFolderMode });
  const log = createWriteStream(options.logFile, { flags: logFlags(options.logFile), mode: privateFileMode });
  // A full disk must not take the stack down because of its log.
  log.on("error", () => undefined);
  const child = spawn(process.execPath, [options.entry, ...(options.arguments ?? [])], {
    env: { ...options.environment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: true,
  });
  const lastLines: string[] = [];
  const keep = (line: string) => {
    log.write(`${line}\n`);
    lastLines.push(line);
    if (lastLines.length > tailLines) lastLines.shift();
  };
  eachLine(child.stdout, keep);
  eachLine(child.stderr, (line) => {
    keep(line);
    options.onWarning(line);
  });
  // Sending to a process that is just exiting is not an error of ours: its exit is reported.
  child.on("error", () => undefined);
  // "close" comes after the last line of output, so that the tail is complete.
  const exited = exitOf(child, "close");
  void exited.then(() => log.end());
  return {
    ...control(child, child.pid ?? 0, exited),
    tail: () => lastLines.join("\n"),
    send: (message) => void child.send(message, () => undefined),
    firstMessage: new Promise((received) => child.once("message", received)),
  };
}

/**
 * Runs a foreign binary that must not outlive us, not even when we are killed with SIGKILL and can do nothing more about it. A tiny
 * shell stands between: its stdin is a pipe that only we hold open, so that its end means that we are gone, and then it
 * sends SIGTERM to the binary. The binary's files are its owner's alone. It passes the exit code on and works with any POSIX shell.
 *
 * Output goes to `logFile`. Resolves when the binary has been started.
 */
export async function spawnGuarded(options: {
  readonly binary: string;
  readonly environment: Environment;
  /** Its working directory; ours unless given. */
  readonly cwd?: string;
  readonly logFile: string;
}): Promise<RunningProcess> {
  mkdirSync(dirname(options.logFile), { recursive: true, mode: privateFolderMode });
  const log = openSync(options.logFile, logFlags(options.logFile), privateFileMode);
  const logStart = fstatSync(log).size;
  const child = spawn("/bin/sh", ["-c", guardScript, "guard", options.binary], {
    env: { ...options.environment },
    cwd: options.cwd,
    stdio: ["pipe", log, log, "pipe"],
    detached: true,
  });
  closeSync(log);
  // The guard is gone before the pipe is closed: nothing to report.
  child.stdin?.on("error", () => undefined);
  const exited = exitOf(child, "exit").then((exit) => {
    child.stdin?.destroy();
    return fromShell(exit);
  });
  const tail = () => lastLinesOf(options.logFile, logStart);
  const pid = await pidFrom(child.stdio[3] as Readable);
  if (pid === undefined) throw new Error(`${options.binary} could not be started.\n${tail()}`);
  return { ...control(child, pid, exited), tail };
}

// File descriptor 3 tells us the pid, 4 keeps the pipe: the shell gives /dev/null as stdin to what runs in the background.
const guardScript = `
umask ${privateUmask.toString(8).padStart(3, "0")}
exec 4<&0
"$@" </dev/null 3>&- 4<&- &
pid=$!
echo "$pid" >&3
exec 3>&-
{ read -r _ <&4; kill -TERM "$pid"; } >/dev/null 2>&1 &
watcher=$!
exec 4<&-
wait "$pid"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

const tailLines = 15;
const maximumLogBytes = 10_000_000;
const defaultGraceMs = 10_000;

function control(child: ChildProcess, pid: number, exited: Promise<ProcessExit>) {
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const kill = async () => {
    if (isRunning()) signal(pid, "SIGKILL");
    await exited;
  };
  const stop = async (graceMs = defaultGraceMs) => {
    if (isRunning()) signal(pid, "SIGTERM");
    const inTime = await Promise.race([exited.then(() => true), delay(graceMs, false, { ref: false })]);
    if (!inTime) await kill();
  };
  return { pid, exited, stop, kill };
}

/** Signals a process that may have ended a moment ago. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function exitOf(child: ChildProcess, event: "exit" | "close"): Promise<ProcessExit> {
  const { promise, resolve } = Promise.withResolvers<ProcessExit>();
  child.once(event, (code, signalName) => resolve({ code, signal: signalName }));
  // Could not be started at all.
  child.once("error", () => {
    if (child.pid === undefined) resolve({ code: 127, signal: null });
  });
  return promise;
}

/** A shell reports the end by a signal as 128 + its number. */
function fromShell(exit: ProcessExit): ProcessExit {
  const number = (exit.code ?? 0) - 128;
  const signalName = (Object.keys(constants.signals) as NodeJS.Signals[]).find(
    (name) => constants.signals[name] === number,
  );
  return signalName === undefined ? exit : { code: null, signal: signalName };
}

async function pidFrom(stream: Readable): Promise<number | undefined> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  const pid = Number.parseInt(text, 10);
  return Number.isInteger(pid) ? pid : undefined;
}

function eachLine(stream: Readable | null, handle: (line: string) => void): void {
  if (stream === null) return;
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", handle);
}

/** Logs are appended, so that a crash can still be read after the restart, and begun afresh when they got large. */
function logFlags(path: string): "a" | "w" {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > maximumLogBytes ? "w" : "a";
}

function lastLinesOf(path: string, from: number): string {
  const file = openSync(path, "r");
  try {
    const end = fstatSync(file).size;
    const start = Math.max(from, end - 8_000);
    const buffer = Buffer.alloc(Math.max(0, end - start));
    readSync(file, buffer, 0, buffer.length, start);
    return buffer.toString("utf8").trimEnd().split("\n").slice(-tailLines).join("\n");
  } finally {
    closeSync(file);
  }
}
