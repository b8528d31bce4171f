/**
 * The whole thing on one machine: engine, service and, without a Stripe key, the sandbox; started together, watched together, stopped
 * together. `npm start` and `npm run demo` are thin entries around it.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { engineDir, sandboxDir } from "../config/engineSockets.ts";
import { stripeModeOf, type StripeMode } from "../config/config.ts";
import type { Environment } from "../config/settings.ts";
import { lowLimitWarning, ownFileLimit } from "../operator/engine/openFiles.ts";
import { checkAccount, type AccountCheck } from "../stripe/account.ts";
import { watchDisk } from "./diskWatch.ts";
import { startEngine, type Engine } from "./engine.ts";
import { engineIdentity, type EngineIdentity } from "./engineIdentity.ts";
import { acquireLock, LockedError, type Lock } from "./lock.ts";
import { portProblems, type PortNeed } from "./ports.ts";
import { dataFolderError, openDataFolder, privateFolderMode } from "./privateFolder.ts";
import { PartFailedError, Parts, type PartFailure, type PartName } from "./parts.ts";
import { spawnNode, type NodeProcess } from "./processes.ts";
import { registerDeployment, type Registration } from "./registration.ts";
import {
  optionsFromParent,
  sandboxReadySchema,
  sandboxSecretKey,
  sandboxWebhookSecret,
  type SandboxLaunch,
} from "./sandboxLaunch.ts";
import { targetFolder } from "./stripeTarget.ts";

type StackPorts = {
  readonly ingress: number;
  readonly admin: number;
  readonly service: number;
  /** Unused with a Stripe key. */
  readonly sandbox: number;
};

export type StripeSource =
  | {
      readonly kind: "sandbox";
      readonly settlementDelayMs?: number;
      readonly webhookRetryDelaysMs?: readonly number[];
      readonly searchLagMs?: number;
    }
  | {
      readonly kind: "account";
      readonly secretKey: string;
      readonly webhookSecrets: readonly string[];
      readonly apiBase: string | undefined;
    };

export type StackOptions = {
  readonly ports: StackPorts;
  /** Holds a folder per Stripe target; a later start goes on with what is in it. */
  readonly dataDir: string;
  readonly stripe: StripeSource;
  /** What the child processes inherit, usually `readEnvironment()`. The stack's own settings win. */
  readonly environment: Environment;
  /** Further settings of the service, for example `{ PAYMENT_POLL_SCHEDULE: "2s" }`. */
  readonly serviceSettings?: Readonly<Record<string, string>>;
  /** The program of the service; `src/main.ts` unless given. */
  readonly serviceEntry?: string;
  readonly enginePartitions?: number;
  /** Warnings and errors of the service and the sandbox, line by line, and that the disk is full. All their output is in the log files, too. */
  readonly onWarning?: (part: PartName, line: string) => void;
  /** Aborting it while the stack starts stops what has been started. */
  readonly signal?: AbortSignal;
};

/** What the payments run against, for the screen. */
export type StackTarget =
  | { readonly kind: "sandbox"; readonly url: string }
  | {
      readonly kind: "account";
      readonly mode: StripeMode;
      readonly account: AccountCheck;
      readonly apiBase: string | undefined;
    };

export type Stack = {
  readonly ingressUrl: string;
  readonly adminUrl: string;
  readonly serviceUrl: string;
  readonly target: StackTarget;
  /** The target's folder: engine data and logs. */
  readonly targetDir: string;
  readonly registration: Registration;
  /** Process ids of the parts that run. */
  readonly pids: Readonly<Partial<Record<PartName, number>>>;
  /** Resolves when a part ends without having been asked to. Stopping is then still the caller's to do. */
  readonly failed: Promise<PartFailure>;
  /** Stops all parts; safe to call more than once. */
  stop(): Promise<void>;
};

/** Nothing is wrong with the program: a person has to decide or change something first. */
export class StartRefusedError extends Error {
  override readonly name = "StartRefusedError";
}

/**
 * Starts everything and resolves when payments are taken.
 * @throws StartRefusedError when the ports, the lock of the data or the Stripe key don't allow it
 * @throws DataFolderError when the data folder can't be used
 * @throws PartFailedError when a part ended during the start
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dataDir = resolve(options.dataDir);
  const parts = new Parts(await lockData(dataDir));
  const signal = AbortSignal.any([parts.stopping, ...(options.signal === undefined ? [] : [options.signal])]);
  try {
    const starting = parts.whileStarting(startParts({ ...options, dataDir, signal }, parts));
    const started = await Promise.race([starting, parts.failed.then(failWith), abortOf(signal)]);
    return { ...started, pids: parts.pids(), failed: parts.failed, stop: () => parts.stop() };
  } catch (error) {
    await parts.stop();
    throw dataFolderError(error, dataDir) ?? error;
  }
}

const defaultServiceEntry = fileURLToPath(new URL("../bin/app.ts", import.meta.url));
const sandboxEntry = fileURLToPath(new URL("../bin/sandbox.ts", import.meta.url));

type StartingStack = StackOptions & { readonly signal: AbortSignal };

async function startParts(options: StartingStack, parts: Parts): Promise<Omit<Stack, "failed" | "stop" | "pids">> {
  const problems = await portProblems(portNeeds(options));
  if (problems.length > 0) throw new StartRefusedError(problems.join("\n"));
  const known = await knowTarget(options);
  options.signal.throwIfAborted();
  // The engine and our own programs don't need each other to start.
  const [engine, target] = await Promise.all([
    parts.whileStarting(startEnginePart(options, known, parts)),
    parts.whileStarting(startOwnParts(options, known, parts)),
  ]);
  const serviceUrl = `http://127.0.0.1:${options.ports.service}`;
  const registration = await registerDeployment(engine.adminUrl, serviceUrl, {
    replaceFormer: true,
    timeoutMs: 20_000,
    signal: options.signal,
  });
  const { ingressUrl, adminUrl } = engine;
  return { ingressUrl, adminUrl, serviceUrl, target, targetDir: known.dir, registration };
}

/** The service reads its account when it starts, so the sandbox comes first. */
async function startOwnParts(options: StartingStack, known: KnownTarget, parts: Parts): Promise<StackTarget> {
  const target = await startSandboxPart(options, known, parts);
  options.signal.throwIfAborted();
  startServicePart(options, known, target, parts);
  return target;
}

/** Where the data of this start's Stripe target is, and what is known of an account. */
type KnownTarget = {
  readonly dir: string;
  readonly account: AccountCheck | undefined;
  /** Whom the service answers to; undefined with the sandbox, where nothing is at stake. */
  readonly identity: EngineIdentity | undefined;
};

async function knowTarget(options: StartingStack): Promise<KnownTarget> {
  if (options.stripe.kind === "sandbox")
    return { dir: sandboxDir(options.dataDir), account: undefined, identity: undefined };
  const { secretKey, apiBase } = options.stripe;
  const account = await checkAccountInTime({ secretKey, apiBase });
  if (account.kind === "rejected") {
    throw new StartRefusedError(
      `${account.message}\nCorrect STRIPE_SECRET_KEY in .env or the environment and start again.`,
    );
  }
  const accountId = account.kind === "ok" ? account.accountId : undefined;
  const dir = join(options.dataDir, targetFolder(options.dataDir, { secretKey, apiBase }, accountId));
  mkdirSync(dir, { recursive: true, mode: privateFolderMode });
  return { dir, account, identity: engineIdentity(dir) };
}

/** Stripe being slow or away must not keep anybody from starting. */
async function checkAccountInTime(key: { secretKey: string; apiBase: string | undefined }): Promise<AccountCheck> {
  const late: AccountCheck = { kind: "unavailable", message: "Stripe did not answer within 5 s." };
  return Promise.race([checkAccount(key), delay(5_000, late, { ref: false })]);
}

async function startEnginePart(options: StartingStack, known: KnownTarget, parts: Parts): Promise<Engine> {
  const engine = await startEngine({
    ingressPort: options.ports.ingress,
    adminPort: options.ports.admin,
    dataDir: engineDir(known.dir),
    signal: options.signal,
    ...(known.identity === undefined ? {} : { identityPemFile: known.identity.pemFile }),
    ...(options.enginePartitions === undefined ? {} : { partitions: options.enginePartitions }),
  });
  parts.add("engine", engine);
  const limitWarning = lowLimitWarning(ownFileLimit());
  if (limitWarning !== null) options.onWarning?.("engine", limitWarning);
  void watchDisk(known.dir, (line) => options.onWarning?.("engine", line), parts.stopping);
  return engine;
}

async function startSandboxPart(options: StartingStack, known: KnownTarget, parts: Parts): Promise<StackTarget> {
  const { stripe, ports, dataDir } = options;
  if (stripe.kind === "account") {
    const account = known.account ?? { kind: "unavailable", message: "Stripe was not asked." };
    return { kind: "account", mode: stripeModeOf(stripe.secretKey), account, apiBase: stripe.apiBase };
  }
  const { kind: _, webhookRetryDelaysMs, ...behaviour } = stripe;
  const launch: SandboxLaunch = {
    port: ports.sandbox,
    dataDir: join(known.dir, "stripe"),
    webhook: {
      url: `http://127.0.0.1:${ports.ingress}/payments/processWebhook`,
      secret: sandboxWebhookSecret(dataDir),
    },
    ...behaviour,
    ...(webhookRetryDelaysMs === undefined ? {} : { webhookRetryDelaysMs: [...webhookRetryDelaysMs] }),
  };
  const sandbox = spawnPart(options, known, parts, "sandbox", sandboxEntry, { DATA_DIR: dataDir }, [optionsFromParent]);
  sandbox.send(launch);
  // When it ends instead of answering, the stack fails and this stays behind, as does a part that a signal stops.
  const ready = await Promise.race([sandbox.firstMessage, abortOf(options.signal)]);
  return { kind: "sandbox", url: sandboxReadySchema.parse(ready).url };
}

function startServicePart(options: StartingStack, known: KnownTarget, target: StackTarget, parts: Parts): void {
  const { stripe } = options;
  const stripeSettings =
    stripe.kind === "account"
      ? {
          STRIPE_SECRET_KEY: stripe.secretKey,
          STRIPE_WEBHOOK_SECRET: stripe.webhookSecrets.join(","),
          STRIPE_API_BASE: stripe.apiBase ?? "",
        }
      : {
          STRIPE_SECRET_KEY: sandboxSecretKey,
          STRIPE_WEBHOOK_SECRET: sandboxWebhookSecret(options.dataDir),
          STRIPE_API_BASE: target.kind === "sandbox" ? target.url : "",
        };
  spawnPart(options, known, parts, "service", options.serviceEntry ?? defaultServiceEntry, {
    PORT: String(options.ports.service),
    RESTATE_IDENTITY_KEYS: known.identity?.publicKey ?? "",
    ...stripeSettings,
    ...options.serviceSettings,
  });
}

function spawnPart(
  options: StartingStack,
  known: KnownTarget,
  parts: Parts,
  name: PartName,
  entry: string,
  settings: Environment,
  programArguments: readonly string[] = [],
): NodeProcess {
  const part = spawnNode({
    entry,
    arguments: programArguments,
    environment: { ...options.environment, ...settings },
    logFile: join(known.dir, `${name}.log`),
    onWarning: (line) => {
      if (!isExpected(line)) options.onWarning?.(name, line);
    },
  });
  parts.add(name, part);
  return part;
}

/** The SDK warns about unsigned requests at every start. Here they are meant: everything listens on this machine only. */
function isExpected(line: string): boolean {
  return line.includes("without validating request signatures");
}

function portNeeds(options: StackOptions): readonly PortNeed[] {
  const { ports } = options;
  const needs = [
    { port: ports.ingress, who: "The engine's ingress, which takes the calls,", variable: "RESTATE_INGRESS_PORT" },
    { port: ports.admin, who: "The engine's admin API, with the Restate UI,", variable: "RESTATE_ADMIN_PORT" },
    { port: ports.service, who: "The payments service", variable: "PORT" },
  ];
  const sandbox = { port: ports.sandbox, who: "The Stripe sandbox", variable: "SANDBOX_PORT" };
  return options.stripe.kind === "sandbox" ? [...needs, sandbox] : needs;
}

async function lockData(dataDir: string): Promise<Lock> {
  openDataFolder(dataDir);
  try {
    return await acquireLock(join(dataDir, "lock"));
  } catch (error) {
    if (!(error instanceof LockedError)) throw dataFolderError(error, dataDir) ?? error;
    throw new StartRefusedError(
      `Another "npm start" (process ${error.pid}) runs on the data in ${dataDir}. Stop it, or use a folder and ports of your own: DATA_DIR=.data2, RESTATE_INGRESS_PORT, RESTATE_ADMIN_PORT, PORT and SANDBOX_PORT.`,
      { cause: error },
    );
  }
}

function failWith(failure: PartFailure): never {
  throw new PartFailedError(failure);
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
