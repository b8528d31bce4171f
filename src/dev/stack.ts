/**
 * The whole thing on one machine: edge, engine, service and, without a Stripe key, the sandbox; started together, watched together, stopped
 * together. `npm start` and `npm run demo` are thin entries around it.
 */
import { join, resolve } from "node:path";
import { acquireLock, LockedError, type Lock } from "./lock.ts";
import { knowTarget, type KnownTarget } from "./knownTarget.ts";
import { PartFailedError, Parts, type PartFailure } from "./parts.ts";
import { portProblems, type PortNeed } from "./ports.ts";
import { dataFolderError, openDataFolder } from "./privateFolder.ts";
import { registerDeployment } from "./registration.ts";
import { StartRefusedError, type Stack, type StackOptions, type StartingStack } from "./stackOptions.ts";
import {
  abortOf,
  startEdgePart,
  startEnginePart,
  startMerchants,
  startSandboxPart,
  startServicePart,
} from "./startParts.ts";

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

async function startParts(options: StartingStack, parts: Parts): Promise<Omit<Stack, "failed" | "stop" | "pids">> {
  const problems = await portProblems(portNeeds(options));
  if (problems.length > 0) throw new StartRefusedError(problems.join("\n"));
  const known = await knowTarget(options);
  options.signal.throwIfAborted();
  // The engine and our own programs don't need each other to start.
  const [{ engine, guard }, { target, url, merchants }] = await Promise.all([
    parts.whileStarting(startEnginePart(options, known, parts)),
    parts.whileStarting(startOwnParts(options, known, parts)),
  ]);
  const serviceUrl = `http://127.0.0.1:${options.ports.service}`;
  const registration = await registerDeployment(engine.adminUrl, serviceUrl, {
    replaceFormer: true,
    timeoutMs: 20_000,
    signal: options.signal,
  });
  const { ingressUrl } = engine;
  return { url, ingressUrl, adminUrl: guard.url, serviceUrl, target, merchants, targetDir: known.dir, registration };
}

/** The service and the edge read Stripe's account or ask for its clock when they start, so the sandbox comes first. */
async function startOwnParts(
  options: StartingStack,
  known: KnownTarget,
  parts: Parts,
): Promise<Pick<Stack, "target" | "url" | "merchants">> {
  const target = await startSandboxPart(options, known, parts);
  options.signal.throwIfAborted();
  const { ids: merchants, settings } = await startMerchants(options, target, parts);
  options.signal.throwIfAborted();
  startServicePart(options, known, target, parts, settings);
  return { target, merchants, url: await startEdgePart(options, known, target, parts, settings) };
}

function portNeeds(options: StackOptions): readonly PortNeed[] {
  const { ports } = options;
  const ingress = { who: "The engine's ingress", variable: "RESTATE_INGRESS_PORT" };
  return [
    { port: ports.edge, who: "The edge, which takes the calls,", variable: "EDGE_PORT" },
    ...(ports.ingress === undefined ? [] : [{ ...ingress, port: ports.ingress }]),
    { port: ports.admin, who: "The engine's admin API, with the Restate UI,", variable: "RESTATE_ADMIN_PORT" },
    { port: ports.service, who: "The payments service", variable: "PORT" },
    ...(options.stripe.kind === "sandbox"
      ? [{ port: ports.sandbox, who: "The Stripe sandbox", variable: "SANDBOX_PORT" }]
      : []),
  ];
}

async function lockData(dataDir: string): Promise<Lock> {
  openDataFolder(dataDir);
  try {
    return await acquireLock(join(dataDir, "lock"));
  } catch (error) {
    if (!(error instanceof LockedError)) throw dataFolderError(error, dataDir) ?? error;
    throw new StartRefusedError(
      `Another "npm start" (process ${error.pid}) runs on the data in ${dataDir}. Stop it, or use a folder and ports of your own: DATA_DIR=.data2, EDGE_PORT, RESTATE_ADMIN_PORT, PORT and SANDBOX_PORT.`,
      { cause: error },
    );
  }
}

function failWith(failure: PartFailure): never {
  throw new PartFailedError(failure);
}
