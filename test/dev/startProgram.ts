/** `npm start` as a process of its own, on ports and data that disturb nobody. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { freePorts } from "../../src/dev/ports.ts";
import { until } from "./conditions.ts";

const startProgram = join(import.meta.dirname, "../../src/bin/start.ts");

export type Settings = Record<string, string>;
export type Started = ReturnType<typeof start>;

/** Settings of a start that disturbs nobody, in a folder without a `.env`. */
export async function settingsIn(directory: string): Promise<Settings> {
  const [edge, admin, service, sandbox] = await freePorts(4);
  return {
    EDGE_PORT: String(edge),
    RESTATE_ADMIN_PORT: String(admin),
    PORT: String(service),
    SANDBOX_PORT: String(sandbox),
    DATA_DIR: join(directory, "data"),
  };
}

/** @param isForAll it serves several tests, which end it themselves */
export function start(directory: string, settings: Settings, { isForAll = false } = {}) {
  const child = spawn(process.execPath, [startProgram], {
    cwd: directory,
    env: { PATH: process.env["PATH"], ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (!isForAll) onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => void (output += String(chunk)));
  const exited = once(child, "close").then(([code]: unknown[]) => code);
  return {
    pid: child.pid ?? 0,
    exited,
    output: () => output,
    isReady: async () => {
      await Promise.race([
        until(() => output.includes("Ready to take payments")),
        exited.then(() => {
          throw new Error(output);
        }),
      ]);
    },
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    parts: () => partPids(settings["DATA_DIR"] ?? ""),
  };
}

/** The lock names the parts, engine, edge and service at least. */
function partPids(dataDir: string): readonly number[] {
  const lock = JSON.parse(readFileSync(join(dataDir, "lock"), "utf8")) as { helpers: { pid: number }[] };
  return lock.helpers.map((helper) => helper.pid);
}
