/** Starts the parts of a stack: each with the settings that make it fit the others. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { stripeModeOf } from "../config/config.ts";
import { engineDir, ingressSocket, adminSocket, socketAddress } from "../config/engineSockets.ts";
import { isUnset, type Environment } from "../config/settings.ts";
import { connectionTo } from "../engine/address.ts";
import { readEntries } from "../merchants/file/entries.ts";
import { watchMerchants } from "../merchants/file/watchMerchants.ts";
import { lowLimitWarning, ownFileLimit } from "../operator/engine/openFiles.ts";
import { startAdminGuard, type AdminGuard } from "./adminGuard.ts";
import { watchDisk } from "./diskWatch.ts";
import { startEngine, type Engine } from "./engine.ts";
import type { KnownTarget } from "./knownTarget.ts";
import type { PartName, Parts } from "./parts.ts";
import { spawnNode, type NodeProcess } from "./processes.ts";
import {
  optionsFromParent,
  sandboxClientId,
  sandboxReadySchema,
  sandboxSecretKey,
  sandboxWebhookSecret,
  type SandboxLaunch,
} from "./sandboxLaunch.ts";
import { openSandboxMerchants } from "./sandboxMerchants.ts";
import type { StackTarget, StartingStack } from "./stackOptions.ts";

const program = (name: string) => fileURLToPath(new URL(`../bin/${name}.ts`, import.meta.url));

/** The engine on its sockets, and the guard of its admin API on the port that people know. */
export async function startEnginePart(
  options: StartingStack,
  known: KnownTarget,
  parts: Parts,
): Promise<{ readonly engine: Engine; readonly guard: AdminGuard }> {
  const { ports, enginePartitions: partitions } = options;
  const engine = await startEngine({
    dataDir: engineDir(known.dir),
    advertisedIngressUrl: edgeUrl(options),
    identityPemFile: known.identity.pemFile,
    signal: options.signal,
    ...(ports.ingress === undefined ? {} : { ingressPort: ports.ingress }),
    ...(partitions === undefined ? {} : { partitions }),
  });
  parts.add("engine", engine);
  const guard = await startAdminGuard(ports.admin, engine.adminUrl);
  parts.closeAtStop(() => guard.close());
  const limitWarning = lowLimitWarning(ownFileLimit());
  if (limitWarning !== null) options.onWarning?.("engine", limitWarning);
  void watchDisk(known.dir, (line) => options.onWarning?.("engine", line), parts.stopping);
  return { engine, guard };
}

export async function startSandboxPart(options: StartingStack, known: KnownTarget, parts: Parts): Promise<StackTarget> {
  const { stripe, ports, dataDir } = options;
  if (stripe.kind === "account") {
    const account = known.account ?? { kind: "unavailable", message: "Stripe was not asked." };
    return { kind: "account", mode: stripeModeOf(stripe.secretKey), account, apiBase: stripe.apiBase };
  }
  const { kind: _, webhookRetryDelaysMs, ...behaviour } = stripe;
  const launch: SandboxLaunch = {
    port: ports.sandbox,
    dataDir: join(known.dir, "stripe"),
    // The second one for events of connected accounts.
    webhook: [{}, { connect: true }].map((which) => ({
      url: `${edgeUrl(options)}/payments/processWebhook`,
      secret: sandboxWebhookSecret(dataDir),
      ...which,
    })),
    ...behaviour,
    ...(webhookRetryDelaysMs === undefined ? {} : { webhookRetryDelaysMs: [...webhookRetryDelaysMs] }),
  };
  const sandbox = spawnPart(options, known, parts, "sandbox", program("sandbox"), { DATA_DIR: dataDir }, [
    optionsFromParent,
  ]);
  sandbox.send(launch);
  // When it ends instead of answering, the stack fails and this stays behind, as does a part that a signal stops.
  const ready = await Promise.race([sandbox.firstMessage, abortOf(options.signal)]);
  return { kind: "sandbox", url: sandboxReadySchema.parse(ready).url };
}

/** The merchants of MERCHANTS_FILE, and the settings of service and edge that say where they find them. */
type StartedMerchants = { readonly ids: readonly string[]; readonly settings: Environment };

/**
 * With the sandbox, every merchant of MERCHANTS_FILE gets an account there.
 * @throws ConfigError listing every problem of the file
 */
export async function startMerchants(
  options: StartingStack,
  target: StackTarget,
  parts: Parts,
): Promise<StartedMerchants> {
  const { environment, stripe, dataDir, onWarning } = options;
  const merchantsFile = (environment["MERCHANTS_FILE"] ?? "").trim();
  if (merchantsFile === "") return { ids: [], settings: {} };
  if (target.kind !== "sandbox") {
    const ownWebhookSecrets = stripe.kind === "account" ? stripe.webhookSecrets : [];
    const rules = { environment, ownWebhookSecrets, whyNoLiveKeys: null, onWarning: () => undefined };
    const file = watchMerchants({ path: merchantsFile, ...rules }, readEntries);
    file.close();
    return { ids: file.current().map(({ id }) => id), settings: {} };
  }
  const merchants = await openSandboxMerchants({
    merchantsFile,
    environment,
    sandboxUrl: target.url,
    edgeUrl: edgeUrl(options),
    dataDir,
    onWarning: (line) => onWarning?.("sandbox", line),
  });
  parts.closeAtStop(async () => merchants.close());
  return { ids: merchants.ids, settings: { MERCHANTS_FILE: merchants.path } };
}

export function startServicePart(
  options: StartingStack,
  known: KnownTarget,
  target: StackTarget,
  parts: Parts,
  merchants: Environment,
): void {
  spawnPart(options, known, parts, "service", options.serviceEntry ?? program("app"), {
    PORT: String(options.ports.service),
    RESTATE_IDENTITY_KEYS: known.identity.publicKey,
    EDGE_SECRET: known.edgeSecret,
    ...stripeSettings(options, target),
    ...merchants,
    ...options.serviceSettings,
  });
}

/** Gives the edge's address when it listens. The engine may still be starting: the edge takes calls from when it is there. */
export async function startEdgePart(
  options: StartingStack,
  known: KnownTarget,
  target: StackTarget,
  parts: Parts,
  merchants: Environment,
): Promise<string> {
  const { ports } = options;
  const engineDataDir = engineDir(known.dir);
  const edge = spawnPart(options, known, parts, "edge", options.edgeEntry ?? program("edge"), {
    EDGE_PORT: String(ports.edge),
    EDGE_SECRET: known.edgeSecret,
    RESTATE_INGRESS_URL:
      ports.ingress === undefined ? shortAddress(ingressSocket(engineDataDir)) : `http://127.0.0.1:${ports.ingress}`,
    RESTATE_ADMIN_URL: shortAddress(adminSocket(engineDataDir)),
    // Of another engine, if it is set.
    RESTATE_AUTH_TOKEN: "",
    ...stripeSettings(options, target),
    ...merchants,
  });
  const ready = await Promise.race([edge.firstMessage, abortOf(options.signal)]);
  return edgeReadySchema.parse(ready).url;
}

const edgeReadySchema = z.object({ url: z.string() });

/** One that a program can connect to as it is, however long the path. */
function shortAddress(socketPath: string): string {
  return socketAddress(connectionTo(socketAddress(socketPath)).socketPath ?? socketPath);
}

/** Where programs of this machine reach the edge. */
function edgeUrl({ ports }: StartingStack): string {
  return `http://127.0.0.1:${ports.edge}`;
}

function stripeSettings(options: StartingStack, target: StackTarget): Environment {
  const { stripe, dataDir } = options;
  if (stripe.kind === "account") {
    return {
      STRIPE_SECRET_KEY: stripe.secretKey,
      STRIPE_WEBHOOK_SECRET: stripe.webhookSecrets.join(","),
      STRIPE_API_BASE: stripe.apiBase ?? "",
    };
  }
  return {
    STRIPE_SECRET_KEY: sandboxSecretKey,
    STRIPE_WEBHOOK_SECRET: sandboxWebhookSecret(dataDir),
    STRIPE_API_BASE: target.kind === "sandbox" ? target.url : "",
    STRIPE_CLIENT_ID: sandboxClientId,
    // Where the sandbox's page of OAuth sends an account's owner back to.
    ...(isUnset(options.environment, "PUBLIC_URL") && { PUBLIC_URL: edgeUrl(options) }),
  };
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
    onWarning: (line) => options.onWarning?.(name, line),
  });
  parts.add(name, part);
  return part;
}

/** Rejects with the signal's reason. */
export function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
