/**
 * What a storm of settling debits is played on: engine, sandbox and service as processes of their own. The service begins without a pace,
 * so that the debits are taken in soon, and is started again with one.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { startEngine } from "../../src/dev/engine.ts";
import { freePorts } from "../../src/dev/ports.ts";
import { registerDeployment } from "../../src/dev/registration.ts";
import type { LimitsInput } from "../../src/sandbox/world/limits.ts";
import { startProgram } from "../bench/programs.ts";
import { openSandbox, secretKey } from "../bench/stripe.ts";

const serviceEntry = fileURLToPath(new URL("../../src/bin/app.ts", import.meta.url));

export type Answer = { readonly status: number; readonly body: unknown };

export type Rig = Awaited<ReturnType<typeof openRig>>;

export async function openRig(folder: string) {
  const [sandboxPort = 0, ingressPort = 0, adminPort = 0, nodePort = 0, servicePort = 0] = await freePorts(5);
  const sandbox = await openSandbox({ folder, port: sandboxPort, settlementDelayMs: 24 * 3_600_000, profileDir: null });
  const ingressUrl = `http://127.0.0.1:${ingressPort}`;
  const endpoint = await sandbox.addEndpoint(`${ingressUrl}/payments/processWebhook`);
  await sandbox.deliverTo(endpoint);
  const startService = (settings: Readonly<Record<string, string>>) =>
    startProgram({
      name: "service",
      entry: serviceEntry,
      environment: {
        PORT: String(servicePort),
        STRIPE_API_BASE: sandbox.url,
        STRIPE_SECRET_KEY: secretKey,
        STRIPE_WEBHOOK_SECRET: endpoint.secret,
        RECONCILE_INTERVAL: "0",
        // Debits wait for days, and are read every six hours then; the reads of their first hour don't belong to a storm.
        PAYMENT_POLL_SCHEDULE: "6h",
        ...settings,
      },
      logFile: join(folder, "service.log"),
      profileDir: null,
    });
  let service = startService({});
  const engineDir = join(folder, "engine");
  const engine = await startEngine({ ingressPort, adminPort, nodePort, dataDir: engineDir, partitions: 4 });
  const deploymentUrl = `http://127.0.0.1:${servicePort}`;
  await registerDeployment(engine.adminUrl, deploymentUrl, { timeoutMs: 60_000 });
  const records = new DatabaseSync(join(folder, "stripe", "sandbox.sqlite"), { readOnly: true });

  async function control(path: string, order: object): Promise<void> {
    const answer = await post(`${sandbox.url}/_sandbox${path}`, order);
    if (answer.status !== 200) throw new Error(`The sandbox refused ${path}: ${JSON.stringify(answer.body)}`);
  }

  return {
    /** From now on Stripe has limits, and the service keeps below them. */
    async pace(limits: LimitsInput, requestsPerSecond: number): Promise<void> {
      await service.stop();
      await control("/limits", limits);
      service = startService({ STRIPE_REQUESTS_PER_SECOND: String(requestsPerSecond) });
      await registerDeployment(engine.adminUrl, deploymentUrl, { timeoutMs: 60_000 });
    },
    async settle(id: string, outcome: "succeeded" | "failed"): Promise<void> {
      await control("/settle", { id, outcome });
    },
    /** Calls `processPayment` and waits for its outcome, or only until the engine has taken the call. */
    async call(key: string, body: object, wait: "for the outcome" | "for acceptance"): Promise<Answer> {
      const path = wait === "for acceptance" ? "processPayment/send" : "processPayment";
      return await post(`${ingressUrl}/payments/${path}`, body, { "idempotency-key": key });
    },
    async sql(query: string): Promise<number> {
      const answer = await post(`${engine.adminUrl}/query`, { query }, { accept: "application/json" });
      const { rows } = answer.body as { readonly rows: readonly { readonly n: number }[] };
      return Number(rows[0]?.n);
    },
    /** The PaymentIntent of each order. */
    payments(): ReadonlyMap<string, string> {
      const rows = records.prepare("SELECT value, object_id FROM metadata_entries WHERE key = 'orderId'").all();
      return new Map(rows.map((row) => [String(row["value"]), String(row["object_id"])]));
    },
    /** How many PaymentIntents there are. */
    paymentCount(): number {
      return Number(records.prepare("SELECT count(*) AS n FROM objects WHERE kind = 'payment_intent'").get()?.["n"]);
    },
    /** How often Stripe has answered with each status so far. */
    statuses(): ReadonlyMap<number, number> {
      const rows = records.prepare(
        "SELECT status, count(*) AS n FROM requests WHERE path LIKE '/v1/%' GROUP BY status",
      );
      return new Map(rows.all().map((row) => [Number(row["status"]), Number(row["n"])]));
    },
    async close(): Promise<void> {
      records.close();
      await engine.kill();
      await service.stop();
      await sandbox.stop();
    },
  };
}

async function post(url: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}
