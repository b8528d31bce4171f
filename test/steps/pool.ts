/** Service processes: one that serves, and one that is ready to take its place when it is killed. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, type ClientHttp2Session } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { WorkerOptions } from "./worker.ts";

type Worker = { readonly child: ChildProcess; readonly ready: Promise<ClientHttp2Session>; tail(): string };

const patienceToServeMs = 30_000;

export type Pool = ReturnType<typeof startPool>;

export function startPool(options: WorkerOptions) {
  let current = startWorker(options);
  let spare = startWorker(options);
  let kills = 0;
  return {
    /** A connection to the process that serves, as soon as it does. */
    current: () => current.ready,
    kills: () => kills,
    /** SIGKILL; resolves when the process is gone. The next one serves. */
    async kill(): Promise<void> {
      kills++;
      const dead = current;
      // One that doesn't come to serve is as good as dead: the next one takes its place, and the output says what it said.
      const session = await Promise.race([
        dead.ready.catch(() => null),
        delay(patienceToServeMs, null, { ref: false }),
      ]);
      if (session === null) console.error(`A service process never served.\n${dead.tail()}`);
      await end(dead);
      session?.destroy();
      current = spare;
      spare = startWorker(options);
    },
    async close(): Promise<void> {
      for (const worker of [current, spare]) {
        void worker.ready.then(
          (session) => session.destroy(),
          () => {},
        );
        await end(worker);
      }
    },
  };
}

function startWorker(options: WorkerOptions): Worker {
  const child = spawn(process.execPath, [join(import.meta.dirname, "worker.ts"), JSON.stringify(options)], {
    // Every process loads the same modules: compiled once, they are loaded in half the time.
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "restate-stripe-payments-compiled") },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4000)));
  }
  const ready = (async () => {
    const [message] = (await Promise.race([
      once(child, "message"),
      once(child, "exit").then(() => Promise.reject(new Error(`The service exited at its start:\n${output}`))),
    ])) as [{ readonly port: number }];
    const session = connect(`http://127.0.0.1:${message.port}`);
    // Its death is what this is about; the streams are cut by whoever relays them.
    session.on("error", () => {});
    return session;
  })();
  ready.catch(() => {});
  return { child, ready, tail: () => output };
}

async function end({ child }: Worker): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}
