import { spawn } from "node:child_process";
import { once } from "node:events";
import { pathToFileURL } from "node:url";
import { secretKey, until, webhookSecret } from "./scene.ts";

const shiftedClock = pathToFileURL("test/scene/shiftedClock.mjs").href;

/** The service as a process of its own, as `npm run app` runs it, so that a test can kill it. */
export async function spawnService(options: {
  readonly port: number;
  readonly apiBase: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** How far its clock is ahead of ours. */
  readonly clockAheadMs?: number;
}) {
  const child = spawn(process.execPath, [`--import=${shiftedClock}`, "src/bin/app.ts"], {
    env: {
      ...process.env,
      CLOCK_OFF_BY_MS: String(options.clockAheadMs ?? 0),
      PORT: String(options.port),
      STRIPE_API_BASE: options.apiBase,
      STRIPE_SECRET_KEY: secretKey,
      STRIPE_WEBHOOK_SECRET: webhookSecret,
      ...options.settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await until("the service to listen", async () => {
    if (child.exitCode !== null) throw new Error(`The service exited with ${child.exitCode}:\n${output}`);
    return output.includes("listens on") ? true : undefined;
  });
  return {
    /** What it has said so far. */
    output: () => output,
    /** SIGKILL; resolves when the process is gone. */
    async kill(): Promise<void> {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
