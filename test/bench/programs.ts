/** The bench's own Node programs as child processes: they end with the bench, and can be asked how much memory is in use. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type Program = {
  readonly pid: number;
  send(message: object): void;
  /** The next message it sends. @throws Error when it ends instead */
  nextMessage(): Promise<unknown>;
  /** Bytes in use after a collection of garbage. */
  heapBytes(): Promise<number>;
  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<void>;
};

const heapProbe = fileURLToPath(new URL("heapProbe.ts", import.meta.url));

/** @param options.profileDir where its CPU profile is written when it ends, if at all */
export function startProgram(options: {
  readonly name: string;
  readonly entry: string;
  readonly arguments?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly profileDir: string | null;
}): Program {
  const { name, profileDir } = options;
  const profiling =
    profileDir === null ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`, `--cpu-prof-name=${name}.cpuprofile`];
  const log = openSync(options.logFile, "a");
  const child = spawn(
    process.execPath,
    [...profiling, "--expose-gc", `--import=${heapProbe}`, options.entry, ...(options.arguments ?? [])],
    { env: { PATH: process.env["PATH"], ...options.environment }, stdio: ["ignore", log, log, "ipc"] },
  );
  closeSync(log);
  const nextMessage = async (): Promise<unknown> => {
    const waiting = new AbortController();
    const { signal } = waiting;
    try {
      const exit = once(child, "exit", { signal }).then(([code]) => {
        throw new Error(`The ${name} ended with ${String(code)}; see ${options.logFile}.`);
      });
      const [message] = (await Promise.race([once(child, "message", { signal }), exit])) as unknown[];
      return message;
    } finally {
      waiting.abort();
    }
  };
  return {
    pid: child.pid ?? 0,
    send: (message) => void child.send(message),
    nextMessage,
    async heapBytes() {
      child.send("heap");
      return Number(await nextMessage());
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
  };
}
