/** `npm run sandbox`: the local Stripe alone. The stack runs the same program, and sends it its options. */
import { once } from "node:events";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError, loadDevConfig, readEnvironment } from "../config/config.ts";
import type { Environment } from "../config/settings.ts";
import { faultOrders } from "../sandbox/world/faults.ts";
import { startSandbox, type SandboxOptions } from "../sandbox/sandbox.ts";
import { DiskFullError } from "../sandbox/world/store.ts";
import { acquireLock, LockedError } from "../dev/lock.ts";
import { dataFolderError, DataFolderError, openDataFolder, privateUmask } from "../dev/privateFolder.ts";
import { portProblems } from "../dev/ports.ts";
import { optionsFromParent, sandboxLaunchSchema, sandboxSecretKey } from "../dev/sandboxLaunch.ts";
import { stopWithNpm, untilStopRequested } from "../dev/stopRequest.ts";

/** Here the sandbox always keeps its objects. */
type KeepingSandbox = SandboxOptions & { readonly port: number; readonly dataDir: string };

async function run(stop: AbortSignal): Promise<void> {
  const isPartOfStack = process.argv.includes(optionsFromParent);
  const environment = readEnvironment();
  if (!isPartOfStack) stopWithNpm(environment);
  const asked = isPartOfStack ? await optionsOfParent() : optionsOfSettings(environment);
  const options = { ...asked, ...faultsOf(environment) };
  const [problem] = await portProblems([{ port: options.port, who: "The Stripe sandbox", variable: "SANDBOX_PORT" }]);
  if (problem !== undefined) throw new SandboxRefusedError(problem);
  if (!isPartOfStack) openDataFolder(loadDevConfig(environment).dataDir);
  const { lock, sandbox } = await openSandbox(options);
  if (isPartOfStack) process.send?.({ url: sandbox.url });
  else console.log(howToUse(sandbox.url, options.dataDir, loadDevConfig(environment).edgePort));
  if (!stop.aborted) await once(stop, "abort");
  await sandbox.close();
  lock.release();
}

async function openSandbox(options: KeepingSandbox) {
  try {
    const lock = await acquireLock(`${options.dataDir}.lock`);
    return { lock, sandbox: await startSandbox({ ...options, onWarning: (line) => console.error(line) }) };
  } catch (error) {
    throw dataFolderError(error, options.dataDir) ?? error;
  }
}

async function optionsOfParent(): Promise<KeepingSandbox> {
  const [message] = (await once(process, "message")) as unknown[];
  return withoutUndefined(sandboxLaunchSchema.parse(message)) as KeepingSandbox;
}

function optionsOfSettings(environment: Environment): KeepingSandbox {
  const config = loadDevConfig(environment);
  // A folder of its own, and no endpoint until somebody makes one: what `npm start` waits for is not delivered from here.
  return { port: config.sandboxPort, dataDir: join(config.dataDir, "sandbox-alone"), webhook: null };
}

/** The faults of `SANDBOX_FAULTS`, whoever started the sandbox. */
function faultsOf(environment: Environment): Pick<SandboxOptions, "faults" | "faultSeed"> {
  const { sandboxFaults, sandboxFaultSeed } = loadDevConfig(environment);
  const faults = faultOrders.safeParse(sandboxFaults ?? []);
  if (!faults.success) throw new ConfigError([`SANDBOX_FAULTS: ${z.prettifyError(faults.error)}`]);
  return { faults: faults.data, ...(sandboxFaultSeed === undefined ? {} : { faultSeed: sandboxFaultSeed }) };
}

function howToUse(url: string, dataDir: string, edgePort: number): string {
  const { protocol, hostname, port } = new URL(url);
  const key = sandboxSecretKey;
  return [
    "",
    `  The Stripe sandbox listens at ${url} (this machine only). It takes any test key; no money moves.`,
    "",
    `  browser       ${url}/ shows what comes in and goes out`,
    `  stripe-node   new Stripe("${key}", { protocol: "${protocol.slice(0, -1)}", host: "${hostname}", port: ${port} })`,
    `  curl          curl ${url}/v1/payment_intents -u ${key}: -d amount=109 -d currency=usd`,
    `  webhooks      curl ${url}/v1/webhook_endpoints -u ${key}: -d 'enabled_events[]=*' \\`,
    `                  -d url=http://127.0.0.1:${edgePort}/payments/processWebhook`,
    `  this service  STRIPE_API_BASE=${url} STRIPE_SECRET_KEY=${key} STRIPE_WEBHOOK_SECRET=whsec_… npm start`,
    "",
    "  A webhook endpoint's answer holds its secret, this once.",
    `  Its objects are kept in ${dataDir}. Ctrl-C stops it.`,
    "",
  ].join("\n");
}

class SandboxRefusedError extends Error {}

function withoutUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined));
}

function messageOf(error: unknown): string {
  if (error instanceof LockedError)
    return `${error.message} Stop it, or use a folder and ports of your own: DATA_DIR=.data2 SANDBOX_PORT=… .`;
  const expected = [SandboxRefusedError, ConfigError, DiskFullError, DataFolderError];
  if (expected.some((kind) => error instanceof kind)) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.umask(privateUmask);
try {
  await run(untilStopRequested());
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
process.exit();
