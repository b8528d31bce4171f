/**
 * The edge alone: how many requests a second it refuses, and what that costs the engine, which must hear nothing of it. An edge with API
 * keys gets calls with a key that is none, and webhooks that nobody signed.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Agent, request } from "node:http";
import { folderBytes } from "./measures.ts";
import type { House } from "./house.ts";
import { startProgram } from "./programs.ts";

const edgeEntry = fileURLToPath(new URL("../../src/bin/edge.ts", import.meta.url));
const keysEntry = fileURLToPath(new URL("../../src/bin/keys.ts", import.meta.url));

export type DoorReport = {
  readonly refusedCallsPerSecond: number;
  readonly refusedWebhooksPerSecond: number;
  /** How much larger the engine's folder is afterwards, and how many invocations it has more. */
  readonly engineBytes: number;
  readonly invocations: number;
};

type Attack = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly status: number;
};

const someKey = `rsp_${"0".repeat(10)}_${"A".repeat(32)}_000000`;
const attacks = {
  call: {
    path: "/payments/processPayment",
    headers: { "content-type": "application/json", "idempotency-key": "attack", authorization: `Bearer ${someKey}` },
    body: JSON.stringify({ paymentMethodId: "pm_card_visa", amount: 66_600 }),
    status: 401,
  },
  webhook: {
    path: "/payments/processWebhook",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id: "evt_1", object: "event", type: "payment_intent.succeeded", pad: "x".repeat(3000) }),
    status: 400,
  },
} as const satisfies Readonly<Record<string, Attack>>;

const callers = 64;

/** @param port of the edge; @param durationMs of each attack */
export async function measureDoor(
  house: House,
  { folder, port, durationMs }: { readonly folder: string; readonly port: number; readonly durationMs: number },
): Promise<DoorReport> {
  const keysFile = join(folder, "keys.json");
  const environment = { ...house.edgeEnvironment, EDGE_PORT: String(port), API_KEYS_FILE: keysFile };
  execFileSync(process.execPath, [keysEntry, "create", "--name", "bench", "--scopes", "payments:write"], {
    env: { PATH: process.env["PATH"], API_KEYS_FILE: keysFile },
    stdio: ["ignore", "ignore", "ignore"],
  });
  if (!readFileSync(keysFile, "utf8").includes("bench")) throw new Error("No API key was made.");
  const edge = startProgram({
    name: "lockedEdge",
    entry: edgeEntry,
    environment,
    logFile: join(folder, "lockedEdge.log"),
    profileDir: null,
  });
  try {
    const { url } = (await edge.nextMessage()) as { url: string };
    for (const attack of Object.values(attacks)) await attackFor(url, attack, 300);
    const before = { bytes: folderBytes(house.engineDir), invocations: await invocationsOf(house) };
    const refusedCallsPerSecond = await attackFor(url, attacks.call, durationMs);
    const refusedWebhooksPerSecond = await attackFor(url, attacks.webhook, durationMs);
    return {
      refusedCallsPerSecond,
      refusedWebhooksPerSecond,
      engineBytes: folderBytes(house.engineDir) - before.bytes,
      invocations: (await invocationsOf(house)) - before.invocations,
    };
  } finally {
    await edge.stop();
  }
}

async function invocationsOf(house: House): Promise<number> {
  const [row] = await house.sql<{ n: number }>("select count(1) as n from sys_invocation");
  return Number(row?.n);
}

/** How many are refused per second. @throws Error if one is answered otherwise */
async function attackFor(url: string, attack: Attack, durationMs: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: callers });
  const { hostname, port } = new URL(url);
  const { path, body, status } = attack;
  const signature = { "stripe-signature": `t=${Math.floor(Date.now() / 1000)},v1=${"0".repeat(64)}` };
  const headers = { ...attack.headers, ...signature, "content-length": Buffer.byteLength(body) };
  const once = async (): Promise<number> =>
    await new Promise((resolve, reject) => {
      const sent = request({ agent, hostname, port, path, method: "POST", headers }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode ?? 0));
      });
      sent.on("error", reject).end(body);
    });
  let refused = 0;
  const startedAtMs = performance.now();
  const attacker = async (): Promise<void> => {
    while (performance.now() - startedAtMs < durationMs) {
      const answered = await once();
      if (answered !== status) throw new Error(`An attack on ${path} was answered with ${answered}.`);
      refused++;
    }
  };
  await Promise.all(Array.from({ length: callers }, attacker));
  const tookMs = performance.now() - startedAtMs;
  agent.destroy();
  return (refused / tookMs) * 1000;
}
