/** How long it takes from a webhook's arrival at the ingress until the caller whom it concerns has the answer. */
import { createHmac } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { House } from "./house.ts";
import { kindOf, type KindId } from "./kinds.ts";
import { clientOf, type Client } from "./load.ts";
import { quantile } from "./statistics.ts";
import type { BenchSandbox, Endpoint } from "./stripe.ts";

export type Promptness = {
  readonly kind: KindId;
  /** Whether the call still held its connection, or had been suspended. */
  readonly state: "awake" | "suspended";
  readonly p50Ms: number;
  readonly p99Ms: number;
};

/** The bench delivers these webhooks itself, so that it knows when they leave. Ours and the sample in turn. */
export async function measurePromptness(
  house: House,
  sandbox: BenchSandbox,
  samples: number,
): Promise<readonly Promptness[]> {
  await sandbox.deliverTo(null);
  const client = clientOf(house.ingressUrl);
  const latenciesMs = new Map<string, number[]>();
  const keep = (kind: KindId, state: string, latencyMs: number) => {
    const key = `${kind} ${state}`;
    latenciesMs.set(key, [...(latenciesMs.get(key) ?? []), latencyMs]);
  };
  for (let sample = 0; sample < samples; sample++) {
    for (const kind of ["e", "f3"] as const) {
      const waiting = await startWaiting(house, sandbox, client, kind);
      // It has read Stripe's answer by then, and is not suspended yet.
      await delay(50);
      keep(kind, "awake", await waiting.ring());
    }
  }
  const waiting: { kind: KindId; ring(): Promise<number> }[] = [];
  for (let sample = 0; sample < samples; sample++) {
    waiting.push(await startWaiting(house, sandbox, client, "e"));
  }
  await untilSuspended(house, "payments/processPayment", samples);
  for (const call of waiting) keep(call.kind, "suspended", await call.ring());
  client.close();
  return [...latenciesMs].map(([key, values]) => {
    const [kind, state] = key.split(" ") as [KindId, Promptness["state"]];
    return { kind, state, p50Ms: quantile(values, 0.5), p99Ms: quantile(values, 0.99) };
  });
}

async function startWaiting(house: House, sandbox: BenchSandbox, client: Client, id: "e" | "f3") {
  const kind = kindOf(id);
  const endpoint = kind.webhooks === "none" ? null : house.endpoints[kind.webhooks];
  if (endpoint === null) throw new Error(`Kind ${id} has no webhooks.`);
  const before = sandbox.newestSuccess()?.seq ?? 0;
  const answered = client.post(kind.call).then(() => performance.now());
  const event = await nextSuccess(sandbox, before);
  return {
    kind: id,
    async ring(): Promise<number> {
      const sentAtMs = performance.now();
      const delivered = deliver(`${house.ingressUrl}${kind.call.path}`, endpoint, event);
      const answeredAtMs = await answered;
      await delivered;
      return answeredAtMs - sentAtMs;
    },
  };
}

async function nextSuccess(sandbox: BenchSandbox, before: number): Promise<string> {
  for (;;) {
    const newest = sandbox.newestSuccess();
    if (newest !== null && newest.seq > before) return newest.body;
    await delay(2);
  }
}

async function deliver(processPaymentUrl: string, { secret }: Endpoint, body: string): Promise<void> {
  const seconds = Math.floor(Date.now() / 1000);
  const signature = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
  const response = await fetch(processPaymentUrl.replace("processPayment", "processWebhook"), {
    method: "POST",
    headers: { "content-type": "application/json", "stripe-signature": `t=${seconds},v1=${signature}` },
    body,
  });
  if (!response.ok) throw new Error(`A webhook was answered with ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

/** Resolves when that many calls of a handler are suspended. */
export async function untilSuspended(house: House, target: string, count: number): Promise<void> {
  for (;;) {
    const [row] = await house.sql<{ n: number }>(
      `select count(1) as n from sys_invocation where status = 'suspended' and target = '${target}'`,
    );
    if (Number(row?.n) === count) return;
    await delay(500);
  }
}
