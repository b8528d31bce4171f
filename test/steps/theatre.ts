/** Everything that trials need, for real: the engine, the sandbox, the merchant's own system, and service processes to kill. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Stripe } from "stripe";
import { queryEngine, startEngine } from "../../src/dev/engine.ts";
import { freePorts } from "../../src/dev/ports.ts";
import { registerDeployment } from "../../src/dev/registration.ts";
import { startSandbox } from "../../src/sandbox/sandbox.ts";
import { defaultInactivityTimeoutMs } from "../../src/durable/policies.ts";
import { clientId, connectRedirectUri } from "../accounts/marketplace.ts";
import { edgeSecret } from "../scene/edge.ts";
import { openMerchant } from "../scene/merchant.ts";
import { secretKey, webhookSecret } from "../scene/scene.ts";
import { startDoor } from "./door.ts";
import { createKiller } from "./killer.ts";
import { installationId, otherMerchant, otherMerchantKey, otherMerchantSecret } from "./origin.ts";
import { orNoAnswer, until } from "./patience.ts";
import { startPool, type Pool } from "./pool.ts";
import { startRelay } from "./relay.ts";
import { createTrials, hasArrived, stepsOf, type Trial } from "./trials.ts";
import type { WorkerOptions } from "./worker.ts";

const hourMs = 3_600_000;

/** How the service is set up; scenarios may ask for another way. */
export type Profile = {
  readonly name: string;
  readonly settings?: Partial<Omit<WorkerOptions, "secretKey" | "apiBase" | "notifications">>;
  readonly notifications?: Partial<WorkerOptions["notifications"]>;
  readonly otherSettings?: NonNullable<WorkerOptions["otherSettings"]>;
};

type Row = { readonly id: string; readonly key?: string; readonly by?: string };

export type Theatre = Awaited<ReturnType<typeof openTheatre>>;

/** @param change makes another profile of each that a scenario asks for */
export async function openTheatre(change: (profile: Profile) => Profile = (profile) => profile) {
  const folder = await mkdtemp(join(tmpdir(), "restate-stripe-payments-"));
  const [ingressPort = 0, adminPort = 0] = await freePorts(2);
  const engine = await startEngine({
    ingressPort,
    adminPort,
    dataDir: join(folder, "engine"),
    partitions: 1,
    environment: { RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: "64MB" },
  });
  const trials = createTrials();
  const sandbox = await startSandbox({
    port: 0,
    dataDir: null,
    // Webhooks are delivered by the scenarios, which say when.
    webhook: null,
    settlementDelayMs: hourMs,
    searchLagMs: 0,
    onSent: ({ body }) => trials.learn(body),
  });
  const merchant = await openMerchant();
  // Each trial has a merchant of its own, who may be unwilling for a while.
  merchant.answerWith(({ paymentIntentId }) => {
    const trial = trials.ownerOf(paymentIntentId);
    if (trial === undefined || trial.refusals === 0) return 200;
    trial.refusals--;
    return 503;
  });
  let pool: Pool | null = null;
  let earlierKills = 0;
  let isIdentified = false;
  const currentPool = () => {
    if (pool === null) throw new Error("No service is set up.");
    return pool;
  };
  const killer = createKiller(async () => {
    await currentPool().kill();
    relay.cut();
  });
  /** An engine that is busy may take longer to answer than the query waits. */
  const sql = async <Found>(query: string) =>
    await until("an answer of the engine's", () =>
      orNoAnswer(async () => (await queryEngine(engine.adminUrl, query)) as readonly Found[]),
    );

  const relay = await startRelay({
    trials,
    killer,
    pool: currentPool,
    async recorded(id, { commands, results }) {
      const [row] = await sql<{ commands: number; status: string }>(
        `select journal_commands_size as commands, status from sys_invocation where id = '${id}'`,
      );
      if (row === undefined || row.status === "completed") return true;
      if (row.commands < commands) return false;
      const [runs] = await sql<{ n: number }>(
        `select count(1) as n from sys_journal where id = '${id}' and entry_type = 'Notification: Run'`,
      );
      return (runs?.n ?? 0) >= results;
    },
  });
  const door = await startDoor({ trials, killer, relay: () => relay, sandboxUrl: sandbox.url });
  const { hostname, port } = new URL(door.url);

  /** The invocations that are not over. Who asks while a query is under way shares the next one, which sees all that was before. */
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<readonly Row[]> | null = null;
  function unfinished(): Promise<readonly Row[]> {
    next ??= running.then(async () => {
      await delay(100);
      const rows = sql<Row>(
        "select id, target_service_key as key, invoked_by_id as \"by\" from sys_invocation where status not in ('completed', 'scheduled')",
      );
      running = rows.catch(() => {});
      next = null;
      return rows;
    });
    return next;
  }

  /** Tells the engine the identity that the processes know, so that one that asks is told the same. */
  async function identify(): Promise<void> {
    const response = await fetch(`${engine.adminUrl}/services/installation/state`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        object_key: "this",
        new_state: { id: [...new TextEncoder().encode(JSON.stringify(installationId))] },
      }),
    });
    if (!response.ok) throw new Error(`The identity was answered ${response.status}: ${await response.text()}`);
    await until("the identity to be known", async () => {
      const rows = await sql<{ key: string }>("select key from state where service_name = 'installation'");
      return rows.length > 0 ? true : undefined;
    });
  }

  return {
    ingress: engine.ingressUrl,
    sandboxUrl: sandbox.url,
    trials,
    killer,
    merchant,
    webhookSecret,
    /** Past the door: for what happens while a request is held at it. */
    direct: new Stripe(secretKey, {
      host: "127.0.0.1",
      port: sandbox.port,
      protocol: "http",
      maxNetworkRetries: 0,
    }),
    stripe: new Stripe(secretKey, { host: hostname, port, protocol: "http", maxNetworkRetries: 2 }),
    sql,
    kills: () => earlierKills + (pool?.kills() ?? 0),

    /** Asks the engine's admin API for something. */
    async admin(method: string, path: string, body?: object): Promise<void> {
      const response = await fetch(`${engine.adminUrl}${path}`, {
        method,
        ...(body !== undefined && {
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        }),
      });
      if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${await response.text()}`);
    },

    /** Serves as a profile says, in fresh processes. */
    async setUp(profile: Profile): Promise<void> {
      const { notifications, settings, otherSettings } = change(profile);
      earlierKills += pool?.kills() ?? 0;
      await pool?.close();
      pool = startPool({
        secretKey,
        apiBase: door.url,
        mode: "test",
        webhookSecrets: [webhookSecret],
        pollScheduleMs: [hourMs],
        timeoutMs: 24 * hourMs,
        idempotencyRetentionMs: 48 * hourMs,
        referenceRetentionMs: null,
        reconcileIntervalMs: 0,
        inactivityTimeoutMs: defaultInactivityTimeoutMs,
        lookUpDelaysMs: [0, 100, 600],
        edgeSecrets: [edgeSecret],
        clientId,
        connectRedirectUri,
        merchants: [{ id: otherMerchant, secretKey: otherMerchantKey, webhookSecrets: [otherMerchantSecret] }],
        ...settings,
        ...(otherSettings !== undefined && { otherSettings }),
        notifications: {
          receiver: merchant.receiver,
          retryScheduleMs: Array.from({ length: 100 }, () => 50),
          attemptTimeoutMs: 5000,
          rememberedMs: 180 * 24 * hourMs,
          ...notifications,
        },
      });
      relay.cut();
      await registerDeployment(engine.adminUrl, relay.url, { timeoutMs: 60_000 });
      if (!isIdentified) await identify();
      isIdentified = true;
    },

    /** Whether everything is over that a trial has begun. */
    async isOver(trial: Trial): Promise<boolean> {
      if (!hasArrived(trial)) return false;
      const steps = stepsOf(trial);
      const rows = await unfinished();
      // What came to a further step meanwhile may have sent for something that the engine didn't show yet.
      if (stepsOf(trial) !== steps) return false;
      const ids = new Set(trial.traces.map(({ invocationId }) => invocationId));
      return !rows.some(({ id, by, key }) => ids.has(id) || ids.has(by ?? "") || trials.ownerOf(key ?? "") === trial);
    },

    async close(): Promise<void> {
      await pool?.close();
      await relay.close();
      await engine.kill();
      await sandbox.close();
      await door.close();
      await merchant.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
