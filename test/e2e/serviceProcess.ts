import { spawn } from "node:child_process";
import { once } from "node:events";
import { secretKey, until, webhookSecret } from "./scene.ts";

/** The service as a process of its own, as `npm run app` runs it, so that a test can kill it. */
export async function spawnService(options: {
  readonly port: number;
  readonly apiBase: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** How far its clock is ahead of ours. */
  readonly clockAheadMs?: number;
}) {
  const child = spawn(process.execPath, [...clockArguments(options.clockAheadMs ?? 0), "src/main.ts"], {
    env: {
      ...process.env,
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
    /** SIGKILL; resolves when the process is gone. */
    async kill(): Promise<void> {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}

/** A module that is loaded first and moves `Date`, which is all of the clock that the service sees. */
function clockArguments(aheadMs: number): readonly string[] {
  if (aheadMs === 0) return [];
  const code = `
    const RealDate = Date;
    const now = () => RealDate.now() + ${aheadMs};
    globalThis.Date = class extends RealDate {
      constructor(...parts) { super(...(parts.length === 0 ? [now()] : parts)); }
      static now() { return now(); }
    };`;
  return ["--import", `data:text/javascript,${encodeURIComponent(code)}`];
}
