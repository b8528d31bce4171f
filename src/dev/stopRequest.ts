/** The ways a person or a supervisor asks a program to stop. */
import { execFileSync } from "node:child_process";
import type { Environment } from "../config/settings.ts";

/**
 * A signal that is aborted by the first SIGINT, SIGTERM or SIGHUP, or by the end of a parent that holds an IPC channel. Further ones
 * change nothing: npm passes Ctrl-C on although the terminal has sent it to everybody, so two are usual.
 */
export function untilStopRequested(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());
  process.on("disconnect", () => stop.abort());
  return stop.signal;
}

/**
 * Turns the end of npm into a SIGTERM for us. npm runs a script in a shell; not every shell replaces itself by the script or passes
 * a signal on, and npm may be killed. Whoever starts the program without npm may leave it alone in the background.
 */
export function stopWithNpm(environment: Environment): void {
  if (environment["npm_lifecycle_event"] === undefined) return;
  const npmPid = findNpm();
  const timer = setInterval(() => {
    if (isAlive(npmPid)) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, 200);
  timer.unref();
}

/** npm is our parent, or the parent of the shell that is. */
function findNpm(): number {
  try {
    const parent = execFileSync("ps", ["-o", "ppid=,comm=", "-p", String(process.ppid)], { encoding: "utf8" });
    const [, grandparentPid, command = ""] = /^\s*(\d+)\s+(.*)$/m.exec(parent) ?? [];
    if (grandparentPid !== undefined && command.trim().endsWith("sh")) return Number(grandparentPid);
  } catch {
    // Slim systems have no ps; then the shell has to do.
  }
  return process.ppid;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
