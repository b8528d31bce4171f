/** The processes of a run: the real engine, the sandbox with its file on disk, two replicas of the service, and an edge. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startEngine } from "../../src/dev/engine.ts";
import { freePorts } from "../../src/dev/ports.ts";
import { type RunningProcess, spawnNode } from "../../src/dev/processes.ts";
import { registerDeployment } from "../../src/dev/registration.ts";
import { optionsFromParent, type SandboxLaunch } from "../../src/dev/sandboxLaunch.ts";
import { startBalancer } from "./balancer.ts";
import type { Canaries } from "./canaries.ts";
import { served, signalIfAlive } from "./memberProcess.ts";
import { openMerchants, type RigMerchant, writeMerchantsFile } from "./merchants.ts";
import { startReceivers } from "./receivers.ts";
import type { ToldRecord } from "./records.ts";
import { faultOrders, outageOrders } from "./stripeFaults.ts";
import { startWebhookRoad, type WebhookRoad } from "./webhookRoad.ts";

export const members = ["engine", "sandbox", "service A", "service B", "edge"] as const;
export type Member = (typeof members)[number];

export type Cast = {
  readonly ingressUrl: string;
  readonly edgeUrl: string;
  readonly adminUrl: string;
  readonly sandboxUrl: string;
  /** Where the sandbox keeps its record. */
  readonly sandboxFile: string;
  readonly engineDir: string;
  readonly logFiles: readonly string[];
  readonly road: WebhookRoad;
  readonly merchants: readonly RigMerchant[];
  /** What the merchants' own systems were told. */
  readonly told: readonly ToldRecord[];
  /** How many connections the load balancer gave to each replica. */
  connections(): ReadonlyMap<Member, number>;
  /** SIGKILL; resolves when the process is gone. */
  kill(member: Member): Promise<void>;
  /** Starts a killed one again; resolves when it serves. */
  restart(member: Member): Promise<void>;
  /** SIGSTOP or SIGCONT. */
  signal(member: Member, name: "SIGSTOP" | "SIGCONT"): void;
  /** From now on Stripe is ill, or well again, also after a restart. */
  setStripeIll(isIll: boolean): Promise<void>;
  /** From now on Stripe does nothing, or as much as before. */
  setStripeDown(isDown: boolean): Promise<void>;
  /** Starts both replicas anew, with references that are forgotten soon after their end. */
  shortenMemory(referenceRetentionMs: number): Promise<void>;
  stop(): Promise<void>;
};

const settlementDelayMs = 1500;
const searchLagMs = 300;

const sandboxEntry = fileURLToPath(new URL("../../src/bin/sandbox.ts", import.meta.url));
const edgeEntry = fileURLToPath(new URL("../../src/bin/edge.ts", import.meta.url));
const serviceEntry = fileURLToPath(new URL("./service.ts", import.meta.url));

/** Starts everything under `dir`. */
export async function startCast(options: {
  readonly dir: string;
  readonly canaries: Canaries;
  readonly faults: number;
  readonly faultSeed: number;
}): Promise<Cast> {
  const { dir, canaries } = options;
  const [ingressPort = 0, adminPort = 0, nodePort = 0, sandboxPort = 0, ...more] = await freePorts(9);
  const [balancerPort = 0, roadPort = 0, a = 0, b = 0, edgePort = 0] = more;
  const ingressUrl = `http://127.0.0.1:${ingressPort}`;
  const edgeUrl = `http://127.0.0.1:${edgePort}`;
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  const sandboxUrl = `http://127.0.0.1:${sandboxPort}`;
  const engineDir = join(dir, "engine");
  const sandboxDir = join(dir, "stripe");
  const logFile = (member: Member) => join(dir, `${member.replace(" ", "-")}.log`);
  const road = await startWebhookRoad(roadPort, { ingressUrl, edgeUrl }, canaries.webhookHeader);
  const receivers = await startReceivers();
  const balancer = await startBalancer(balancerPort, [a, b]);
  let isStripeIll = false;
  let isStripeDown = false;
  let referenceRetentionMs: number | null = null;
  let sandboxStarts = 0;

  const orders = () => [...(isStripeDown ? outageOrders : []), ...(isStripeIll ? faultOrders(options.faults) : [])];

  const spawnSandbox = async (): Promise<RunningProcess> => {
    const sandbox = spawnNode({
      entry: sandboxEntry,
      arguments: [optionsFromParent],
      environment: {
        ...process.env,
        SANDBOX_FAULTS: JSON.stringify(orders()),
        // The dice would fall alike after each start otherwise.
        SANDBOX_FAULT_SEED: String((options.faultSeed + sandboxStarts++) % 2 ** 31),
      },
      logFile: logFile("sandbox"),
      onWarning: () => undefined,
    });
    sandbox.send({
      port: sandboxPort,
      dataDir: sandboxDir,
      webhook: { url: `${road.url}/default`, secret: canaries.webhookSecret },
      settlementDelayMs,
      searchLagMs,
      webhookRetryDelaysMs: [200, 400, 800, 1600, ...Array.from({ length: 30 }, () => 3000)],
    } satisfies SandboxLaunch);
    return await served("sandbox", sandbox);
  };
  let merchants: readonly RigMerchant[] = [];
  let merchantsFile = "";
  const shared = () => ({
    PATH: process.env["PATH"],
    STRIPE_API_BASE: sandboxUrl,
    STRIPE_SECRET_KEY: canaries.secretKey,
    STRIPE_WEBHOOK_SECRET: merchants.find(({ id }) => id === "default")?.webhookSecrets.join(","),
    MERCHANTS_FILE: merchantsFile,
    EDGE_SECRET: canaries.edgeSecret,
  });
  const spawnEdge = async (): Promise<RunningProcess> =>
    await served(
      "edge",
      spawnNode({
        entry: edgeEntry,
        environment: {
          ...shared(),
          EDGE_PORT: String(edgePort),
          RESTATE_INGRESS_URL: ingressUrl,
          RESTATE_ADMIN_URL: adminUrl,
        },
        logFile: logFile("edge"),
        onWarning: () => undefined,
      }),
    );
  const spawnService = async (member: Member, port: number): Promise<RunningProcess> =>
    await served(
      member,
      spawnNode({
        entry: serviceEntry,
        environment: {
          ...shared(),
          PORT: String(port),
          PAYMENT_POLL_SCHEDULE: "1s,2s,5s",
          PAYMENT_TIMEOUT: "1h",
          ...(referenceRetentionMs !== null && { CHAOS_REFERENCE_RETENTION_MS: String(referenceRetentionMs) }),
        },
        logFile: logFile(member),
        onWarning: () => undefined,
      }),
    );
  const spawn: Readonly<Record<Member, () => Promise<RunningProcess>>> = {
    engine: () =>
      startEngine({
        ingressPort,
        adminPort,
        nodePort,
        dataDir: engineDir,
        // Warnings say too little about a run that went wrong, and the more is logged, the more a secret could be in it.
        // The search for secrets joins the journals of all calls.
        environment: { RESTATE_LOG_FILTER: "info,octocrab=off", RESTATE_ADMIN__QUERY_ENGINE__MEMORY_SIZE: "2GB" },
      }),
    sandbox: spawnSandbox,
    "service A": () => spawnService("service A", a),
    "service B": () => spawnService("service B", b),
    edge: spawnEdge,
  };

  const running = new Map<Member, RunningProcess>();
  const start = async (member: Member) => void running.set(member, await spawn[member]());
  const of = (member: Member): RunningProcess => {
    const found = running.get(member);
    if (found === undefined) throw new Error(`The ${member} does not run.`);
    return found;
  };
  /** A sandbox that is dead now gets them at its start, and once more here. */
  const orderFaults = async () => {
    const url = `${sandboxUrl}/_sandbox/faults`;
    for (const giveUpAtMs = Date.now() + 60_000; ; await delay(200)) {
      try {
        await fetch(url, { method: "DELETE" });
        const response = await fetch(url, { method: "POST", body: JSON.stringify(orders()) });
        if (!response.ok) throw new Error(`The sandbox refuses faults: ${await response.text()}`);
        return;
      } catch (error) {
        if (Date.now() > giveUpAtMs) throw error;
      }
    }
  };
  const stop = async () => {
    for (const { pid } of running.values()) signalIfAlive(pid, "SIGCONT");
    // The engine first: it would retry what it can't reach.
    for (const member of members) await running.get(member)?.stop();
    road.close();
    balancer.close();
    receivers.close();
  };
  try {
    // The merchants' endpoints get their secrets there.
    await start("sandbox");
    merchants = await openMerchants(sandboxUrl, road.url, canaries);
    merchantsFile = writeMerchantsFile(join(dir, "merchants"), merchants, canaries, receivers);
    await Promise.all(members.filter((member) => member !== "sandbox").map(start));
    await registerDeployment(adminUrl, balancer.url, { timeoutMs: 30_000 });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ingressUrl,
    edgeUrl,
    adminUrl,
    sandboxUrl,
    sandboxFile: join(sandboxDir, "sandbox.sqlite"),
    engineDir,
    logFiles: [...members.filter((member) => member !== "engine").map(logFile), join(engineDir, "engine.log")],
    road,
    merchants,
    told: receivers.told,
    connections: () =>
      new Map([
        ["service A", balancer.connections.get(a) ?? 0],
        ["service B", balancer.connections.get(b) ?? 0],
      ]),
    kill: async (member) => await of(member).kill(),
    restart: start,
    signal: (member, name) => signalIfAlive(of(member).pid, name),
    async setStripeIll(isIll) {
      isStripeIll = isIll;
      await orderFaults();
    },
    async setStripeDown(isDown) {
      isStripeDown = isDown;
      await orderFaults();
    },
    async shortenMemory(retentionMs) {
      referenceRetentionMs = retentionMs;
      for (const member of ["service A", "service B"] as const) {
        await of(member).kill();
        await start(member);
      }
    },
    stop,
  };
}
