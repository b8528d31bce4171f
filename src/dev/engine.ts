/**
 * The Restate engine as a child process: the real `restate-server` from its npm package, with its data in a folder of ours. Its ingress and
 * its admin API ask for no authentication, so both listen on Unix sockets in that folder, which nobody else can enter, and on a port of this
 * machine only where one is asked for. The binary itself is started, because the package's own wrapper does not forward signals.
 */
import { existsSync, mkdirSync, realpathSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { adminSocket, engineNodeName, ingressSocket, socketAddress } from "../config/engineSockets.ts";
import { requestEngine } from "../engine/request.ts";
import { freePort } from "./ports.ts";
import { privateFolderMode } from "./privateFolder.ts";
import { describeExit, spawnGuarded, type ProcessExit } from "./processes.ts";

export type EngineOptions = {
  /** For an ingress that also listens on a port of this machine. */
  readonly ingressPort?: number;
  /** For an admin API that also listens on a port of this machine. */
  readonly adminPort?: number;
  /** Where its UI sends calls; the ingress itself unless given. */
  readonly advertisedIngressUrl?: string;
  /** For messages between engine nodes; a free one when absent. */
  readonly nodePort?: number;
  /** Data and `engine.log`. Created when absent; a later start with the same folder goes on with its data. */
  readonly dataDir: string;
  /** Fixed at the first start with a data folder. 4 is measurably faster than the engine's own 24 on a laptop. */
  readonly partitions?: number;
  /** The private key that it signs its requests with; without one it signs none. */
  readonly identityPemFile?: string;
  /** Further engine settings, `RESTATE_…`. They win over ours. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Gives up and stops the engine when aborted during the start. */
  readonly signal?: AbortSignal;
};

export type Engine = {
  /** `http://…` where a port was asked for, or `unix:` and the path of the socket. */
  readonly ingressUrl: string;
  /** Likewise. */
  readonly adminUrl: string;
  /** The restate-server process itself. */
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  /** The last lines of its log since this start. */
  tail(): string;
  /** Graceful, with SIGKILL after a grace period (10 s unless given). */
  stop(graceMs?: number): Promise<void>;
  /** SIGKILL at once; resolves when the process is gone. */
  kill(): Promise<void>;
};

export class EngineStartError extends Error {
  override readonly name = "EngineStartError";
}

/**
 * Starts an engine and waits until it takes calls.
 * @throws EngineStartError with the end of its log when it exits before, or is not ready within a minute
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const binary = engineBinary();
  mkdirSync(options.dataDir, { recursive: true, mode: privateFolderMode });
  // The engine takes a socket's path as it is below its working directory, where the path from the root would be too long for the system.
  const dataDir = realpathSync(options.dataDir);
  const { ingressUrl, adminUrl } = addressesOf(options, dataDir);
  const running = await spawnGuarded({
    binary,
    environment: { ...(await settingsOf({ ...options, dataDir })), ...options.environment },
    cwd: dataDir,
    logFile: join(options.dataDir, "engine.log"),
  });
  const ended = new AbortController();
  void running.exited.then((exit) =>
    ended.abort(new EngineStartError(`The engine ${describeExit(exit)}.\n${running.tail()}`)),
  );
  const stopWaiting = [ended.signal, AbortSignal.timeout(startTimeoutMs), options.signal];
  try {
    await becomesReady(ingressUrl, adminUrl, AbortSignal.any(stopWaiting.filter((signal) => signal !== undefined)));
  } catch (error) {
    await running.stop();
    if (!isTimeout(error)) throw error;
    throw new EngineStartError(`The engine was not ready after ${startTimeoutMs / 1_000} s.\n${running.tail()}`, {
      cause: error,
    });
  }
  return { ingressUrl, adminUrl, ...running };
}

function addressesOf(
  { ingressPort, adminPort }: EngineOptions,
  dataDir: string,
): Pick<Engine, "ingressUrl" | "adminUrl"> {
  return {
    ingressUrl: ingressPort === undefined ? socketAddress(ingressSocket(dataDir)) : `http://127.0.0.1:${ingressPort}`,
    adminUrl: adminPort === undefined ? socketAddress(adminSocket(dataDir)) : `http://127.0.0.1:${adminPort}`,
  };
}

const startTimeoutMs = 60_000;

/** The largest body that the ingress takes, webhooks included; more is 413. The engine's own limit is 32 MiB. */
const requestSizeLimit = "1MiB";

function temporaryDir(dataDir: string): string {
  const path = join(dataDir, "tmp");
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true, mode: privateFolderMode });
  return path;
}

/**
 * The engine gets these settings and nothing of our environment: it would read any `RESTATE_…` of the user, and some
 * of ours are named alike.
 */
async function settingsOf(options: EngineOptions): Promise<Record<string, string>> {
  const local = options.ingressPort === undefined ? undefined : `http://127.0.0.1:${options.ingressPort}`;
  const advertised = options.advertisedIngressUrl ?? local;
  return {
    RESTATE_BASE_DIR: options.dataDir,
    // The engine leaves folders behind in the temporary folder at every start.
    TMPDIR: temporaryDir(options.dataDir),
    RESTATE_NODE_NAME: engineNodeName,
    RESTATE_DEFAULT_NUM_PARTITIONS: String(options.partitions ?? 4),
    RESTATE_BIND_IP: "127.0.0.1",
    RESTATE_ADVERTISED_HOST: "127.0.0.1",
    RESTATE_LISTEN_MODE: "tcp",
    ...listenerSettings("INGRESS", options.ingressPort),
    ...listenerSettings("ADMIN", options.adminPort),
    ...(advertised === undefined ? {} : { RESTATE_INGRESS__ADVERTISED_ADDRESS: advertised }),
    RESTATE_INGRESS__REQUEST_SIZE_LIMIT: requestSizeLimit,
    RESTATE_BIND_PORT: String(options.nodePort ?? (await freePort())),
    ...(options.identityPemFile === undefined
      ? {}
      : { RESTATE_WORKER__INVOKER__REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: options.identityPemFile }),
    RESTATE_DISABLE_TELEMETRY: "true",
    // octocrab, the engine's GitHub client, logs an error at every start on a machine without a network.
    RESTATE_LOG_FILTER: "warn,octocrab=off",
    RESTATE_LOG_DISABLE_ANSI_CODES: "true",
    // Sized for a laptop that has other things to do; the defaults add up to 5 GB.
    RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: "192MB",
    RESTATE_WORKER__INVOKER__MEMORY_LIMIT: "256MB",
    RESTATE_ADMIN__QUERY_ENGINE__MEMORY_SIZE: "128MB",
    RESTATE_BIFROST__RECORD_CACHE_MEMORY_SIZE: "32MB",
    // Nobody is left to press Ctrl-C again when the guard stops it.
    RESTATE_SHUTDOWN_TIMEOUT: "10s",
  };
}

function listenerSettings(name: "INGRESS" | "ADMIN", port: number | undefined): Record<string, string> {
  if (port === undefined) return { [`RESTATE_${name}__LISTEN_MODE`]: "unix" };
  return { [`RESTATE_${name}__LISTEN_MODE`]: "all", [`RESTATE_${name}__BIND_PORT`]: String(port) };
}

/** The binary is in a package per platform, which npm puts beside the main package or inside it. */
function engineBinary(): string {
  const platform = `${process.platform}-${process.arch}`;
  const file = `@restatedev/restate-server-${platform}/bin/restate-server`;
  const fromHere = createRequire(import.meta.url);
  for (const require of [fromHere, requireBeside(fromHere, "@restatedev/restate-server/package.json")]) {
    const path = resolveIn(require, file);
    if (path !== undefined && existsSync(path)) return path;
  }
  throw new EngineStartError(
    `The Restate engine for ${platform} is not installed. Run "npm ci" (with optional dependencies); Restate ships it for Linux and macOS on x64 and arm64.`,
  );
}

function requireBeside(require: NodeJS.Require, file: string): NodeJS.Require | undefined {
  const path = resolveIn(require, file);
  return path === undefined ? undefined : createRequire(path);
}

function resolveIn(require: NodeJS.Require | undefined, file: string): string | undefined {
  try {
    return require?.resolve(file);
  } catch {
    return undefined;
  }
}

/**
 * Ready means: partitions answer a query, and the ingress says it is healthy. The ingress alone says so too early.
 * @throws the signal's reason
 */
async function becomesReady(ingressUrl: string, adminUrl: string, signal: AbortSignal): Promise<void> {
  while (!(await isReady(ingressUrl, adminUrl, signal))) {
    signal.throwIfAborted();
    await delay(50);
  }
}

async function isReady(ingressUrl: string, adminUrl: string, signal: AbortSignal): Promise<boolean> {
  try {
    const health = await requestEngine(ingressUrl, "/restate/health", {
      signal: AbortSignal.any([signal, requestTimeout()]),
    });
    if (!health.ok) return false;
    await queryEngine(adminUrl, "select count(1) from sys_invocation", signal);
    return true;
  } catch {
    return false;
  }
}

/** Runs SQL against the engine's own tables. https://docs.restate.dev/references/sql-introspection */
export async function queryEngine(adminUrl: string, query: string, signal?: AbortSignal): Promise<readonly unknown[]> {
  const response = await requestEngine(adminUrl, "/query", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query }),
    signal: AbortSignal.any([...(signal === undefined ? [] : [signal]), requestTimeout()]),
  });
  if (!response.ok) throw new Error(`The engine refused a query with ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { rows: readonly unknown[] }).rows;
}

function requestTimeout(): AbortSignal {
  return AbortSignal.timeout(5_000);
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}
