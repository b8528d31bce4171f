/**
 * `npm run bench:sandbox [-- --objects 100000] [-- --profile <folder>]`: how many PaymentIntents per second the sandbox
 * creates and confirms, in one request and in two, with its data on disk, without and with a receiver of all webhooks; and
 * how its memory grows meanwhile. The sandbox has a process of its own; client and receiver share this one.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { freePorts } from "../../src/dev/ports.ts";
import { cpuMs, residentBytes } from "./measures.ts";

const CONCURRENCY = 32;
const WARM_UP_PAYMENTS = 2000;
const payment = "amount=1099&currency=usd&payment_method=pm_card_visa";
const noRedirects = "automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never";

const { values } = parseArgs({ options: { objects: { type: "string" }, profile: { type: "string" } } });
/** A PaymentIntent and its Charge each. */
const payments = Math.ceil(Number(values.objects ?? 20_000) / 2);

type Client = (path: string, body: string) => Promise<{ readonly id: string; readonly status: string }>;

/** As fast as Node's own client is: the `stripe` package would measure itself. */
function clientOf(port: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  const headers = { authorization: "Bearer sk_test_bench", "content-type": "application/x-www-form-urlencoded" };
  return async (path, body) =>
    await new Promise((resolve, reject) => {
      const idempotent = { ...headers, "idempotency-key": crypto.randomUUID() };
      const call = request({ agent, port, path, method: "POST", headers: idempotent }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode === 200) resolve(JSON.parse(text) as { id: string; status: string });
          else reject(new Error(text));
        });
      });
      call.on("error", reject).end(body);
    });
}

const WAYS: Readonly<Record<string, (client: Client) => Promise<{ readonly status: string }>>> = {
  "one request": (client) => client("/v1/payment_intents", `${payment}&${noRedirects}&confirm=true`),
  "two requests": async (client) => {
    const { id } = await client("/v1/payment_intents", `${payment}&${noRedirects}`);
    return await client(`/v1/payment_intents/${id}/confirm`, "");
  },
};

async function repeat(times: number, work: () => Promise<{ readonly status: string }>): Promise<void> {
  let left = times;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const { status } = await work();
      if (status !== "succeeded") throw new Error(`A payment is ${status}.`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

const residentMb = (pid: number | undefined): number => Math.round(residentBytes(pid) / 2 ** 20);

async function untilHealthy(port: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/_sandbox/health`).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function measure(way: string, hasReceiver: boolean): Promise<void> {
  const [port = 0, hookPort = 0] = await freePorts(2);
  const dataDir = await mkdtemp(join(tmpdir(), "bench-sandbox-"));
  const profiling = values.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${values.profile}`];
  const sandbox = spawn(process.execPath, [...profiling, "src/bin/sandbox.ts"], {
    env: { ...process.env, SANDBOX_PORT: String(port), DATA_DIR: dataDir },
    stdio: ["ignore", "ignore", "inherit"],
  });
  let received = 0;
  const receiver = createServer((incoming, response) => {
    incoming.resume().on("end", () => response.end());
    received += 1;
  });
  try {
    await untilHealthy(port);
    const client = clientOf(port);
    const pay = WAYS[way];
    if (pay === undefined) throw new Error(`There is no way "${way}".`);
    await repeat(WARM_UP_PAYMENTS, () => pay(client));
    if (hasReceiver) {
      await new Promise<void>((resolve) => receiver.listen(hookPort, "127.0.0.1", resolve));
      await client("/v1/webhook_endpoints", `url=http://127.0.0.1:${hookPort}/&enabled_events[]=*`);
    }
    const memoryMb = [residentMb(sandbox.pid)];
    const startMs = performance.now();
    const startCpu = cpuMs(sandbox.pid) / 1000;
    // In parts, to see whether memory grows with what went through or comes to rest.
    for (let part = 0; part < 5; part++) {
      await repeat(Math.ceil(payments / 5), () => pay(client));
      memoryMb.push(residentMb(sandbox.pid));
    }
    const seconds = (performance.now() - startMs) / 1000;
    const cpu = cpuMs(sandbox.pid) / 1000 - startCpu;
    const delivered = hasReceiver ? `, ${received} webhooks delivered meanwhile` : "";
    console.log(
      `${way}, ${hasReceiver ? "with" : "without"} a receiver: ${Math.round(payments / seconds)} payments/s ` +
        `(${payments} in ${seconds.toFixed(1)} s, ${cpu.toFixed(1)} s of CPU${delivered}), memory ${memoryMb.join(" → ")} MB`,
    );
  } finally {
    sandbox.kill("SIGTERM");
    await once(sandbox, "exit");
    receiver.closeAllConnections();
    receiver.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

for (const hasReceiver of [false, true]) {
  for (const way of Object.keys(WAYS)) await measure(way, hasReceiver);
}
process.exit();
