/** One process of a run. */
import { describeExit, type NodeProcess, type RunningProcess } from "../../src/dev/processes.ts";

/** @throws Error with the end of its log when it ends instead */
export async function served(member: string, started: NodeProcess): Promise<RunningProcess> {
  const exit = await Promise.race([started.firstMessage.then(() => null), started.exited]);
  if (exit !== null) throw new Error(`The ${member} ${describeExit(exit)}.\n${started.tail()}`);
  return started;
}

export function signalIfAlive(pid: number, name: "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
