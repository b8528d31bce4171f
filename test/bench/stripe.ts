/** The sandbox as the bench runs it: a process of its own, with its data on disk, whose webhooks go where the bench says. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { optionsFromParent, sandboxReadySchema, type SandboxLaunch } from "../../src/dev/sandboxLaunch.ts";
import { startProgram, type Program } from "./programs.ts";

export const secretKey = "sk_test_bench";
const entry = fileURLToPath(new URL("../../src/bin/sandbox.ts", import.meta.url));
const hourMs = 3_600_000;

export type BenchSandbox = {
  readonly url: string;
  readonly program: Program;
  /** Adds an endpoint for the events that `processPayment` causes; switched off. */
  addEndpoint(url: string): Promise<Endpoint>;
  /** Delivers to this endpoint only, or to none. */
  deliverTo(endpoint: Endpoint | null): Promise<void>;
  /** How many deliveries have been made or are to be made, and how many of them are not answered yet. */
  deliveries(): { readonly all: number; readonly pending: number };
  /** How many payments the bank has still to decide about. */
  unsettled(): number;
  /** Resolves when every webhook has been answered. */
  untilDelivered(): Promise<void>;
  /** The webhook body of the last payment that succeeded, delivered or not, with a number that grows. */
  newestSuccess(): { readonly seq: number; readonly body: string } | null;
  /** Halts the sandbox's time, or lets it catch up with the machine's: whatever has become due meanwhile happens then. */
  setTime(mode: "virtual" | "real"): Promise<void>;
  stop(): Promise<void>;
};

export type Endpoint = { readonly id: string; readonly secret: string };

/** @param settlementDelayMs how long a bank debit takes */
export async function openSandbox(options: {
  readonly folder: string;
  readonly port: number;
  readonly settlementDelayMs: number;
  readonly profileDir: string | null;
}): Promise<BenchSandbox> {
  const dataDir = join(options.folder, "stripe");
  mkdirSync(dataDir, { recursive: true });
  const program = startProgram({
    name: "sandbox",
    entry,
    arguments: [optionsFromParent],
    environment: {},
    logFile: join(options.folder, "sandbox.log"),
    profileDir: options.profileDir,
  });
  const launch: SandboxLaunch = {
    port: options.port,
    dataDir,
    // The bench makes its endpoints itself; this one hears nothing.
    webhook: { url: "http://127.0.0.1:9/", secret: "whsec_unused" },
    settlementDelayMs: options.settlementDelayMs,
    webhookRetryDelaysMs: Array.from({ length: 20 }, () => hourMs / 3600),
  };
  program.send(launch);
  const { url } = sandboxReadySchema.parse(await program.nextMessage());

  const post = async (path: string, body: string, type: string): Promise<Record<string, unknown>> => {
    const headers = { authorization: `Bearer ${secretKey}`, "content-type": type };
    const response = await fetch(`${url}${path}`, { method: "POST", headers, body });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(`The sandbox refused ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const form = "application/x-www-form-urlencoded";
  const control = async (path: string, order: object) => await post(path, JSON.stringify(order), "application/json");
  const endpoints: string[] = [];
  await post("/v1/webhook_endpoints/we_configured_at_start", "disabled=true", form);
  // Its tables say what its API would have to list.
  const database = new DatabaseSync(join(dataDir, "sandbox.sqlite"), { readOnly: true });
  const counting = database.prepare(
    "SELECT (SELECT coalesce(max(id), 0) FROM deliveries) AS n, (SELECT count(*) FROM deliveries WHERE state = 'pending') AS pending",
  );
  const newest = database.prepare(
    "SELECT seq, body FROM events WHERE type = 'payment_intent.succeeded' ORDER BY seq DESC LIMIT 1",
  );
  const settling = database.prepare("SELECT count(*) AS n FROM jobs WHERE kind = 'settle_payment'");
  const deliveries = () => {
    const row = counting.get();
    return { all: Number(row?.["n"]), pending: Number(row?.["pending"]) };
  };

  return {
    url,
    program,
    async addEndpoint(target) {
      const events = finalEvents.map((type) => `enabled_events[]=${type}`).join("&");
      const made = await post("/v1/webhook_endpoints", `url=${encodeURIComponent(target)}&${events}`, form);
      const id = String(made["id"]);
      endpoints.push(id);
      await post(`/v1/webhook_endpoints/${id}`, "disabled=true", form);
      return { id, secret: String(made["secret"]) };
    },
    async deliverTo(endpoint) {
      for (const id of endpoints) await post(`/v1/webhook_endpoints/${id}`, `disabled=${id !== endpoint?.id}`, form);
    },
    deliveries,
    unsettled: () => Number(settling.get()?.["n"]),
    async untilDelivered() {
      for (let left = deliveries().pending; left > 0; left = deliveries().pending)
        await delay(Math.min(10 + left, 250));
    },
    newestSuccess() {
      const row = newest.get();
      return row === undefined ? null : { seq: Number(row["seq"]), body: String(row["body"]) };
    },
    async setTime(mode) {
      await control("/_sandbox/clock", { mode });
    },
    async stop() {
      database.close();
      await program.stop();
    },
  };
}

/** What a payment's end is told by. Both sides get the same, so that each payment causes one webhook. */
const finalEvents = ["payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled"];
