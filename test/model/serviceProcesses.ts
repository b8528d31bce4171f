/** One process serves and one stands by, so that a killed one is replaced at once. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceOrder } from "./service.ts";

export async function startService(order: ServiceOrder) {
  let current = await standBy();
  await setToWork(current, order);
  let next = standBy();
  return {
    /** SIGKILL, in the midst of whatever it does; resolves when the other one serves. */
    async crash(): Promise<void> {
      // The engine waits longer after every attempt that finds nobody, so that nobody serves only for a moment.
      const successor = await next;
      await kill(current);
      current = successor;
      await setToWork(current, order);
      next = standBy();
    },
    async close(): Promise<void> {
      await Promise.all([kill(current), next.then(kill)]);
    },
  };
}

async function standBy(): Promise<ChildProcess> {
  const child = fork("test/model/service.ts", {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    // Loading it takes most of the time between two crashes.
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "restate-stripe-payments-compiled") },
  });
  await told(child, "standing by");
  return child;
}

async function setToWork(child: ChildProcess, order: ServiceOrder): Promise<void> {
  child.send(order);
  await told(child, "serving");
}

async function told(child: ChildProcess, what: string): Promise<void> {
  const ended = new AbortController();
  child.once("exit", (code) => ended.abort(new Error(`The service exited with ${code} instead of ${what}.`)));
  const [message] = (await once(child, "message", { signal: ended.signal })) as [unknown];
  if (message !== what) throw new Error(`The service says ${String(message)} instead of ${what}.`);
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
