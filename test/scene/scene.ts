/**
 * A scene is everything a payment needs, for real: the engine, our Stripe sandbox and the service, on free ports and with
 * data of its own. Nothing of it is mocked; faults are asked of the sandbox.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Stripe } from "stripe";
import { expect } from "vitest";
import { createBarrier } from "./barrier.ts";
import { startRelay, type Retelling } from "./relay.ts";
import { startEngine, type Engine } from "../../src/dev/engine.ts";
import { freePorts } from "../../src/dev/ports.ts";
import { describeExit } from "../../src/dev/processes.ts";
import { registerDeployment } from "../../src/dev/registration.ts";
import { notificationTimings } from "../../src/notifications/options.ts";
import { startCheckedSandbox } from "../sandbox/schemas/checked.ts";
import type { ServiceOptions } from "../../src/merchants/options.ts";
import { serveServices } from "../../src/app/services.ts";
import type { Served } from "../../src/durable/serve.ts";
import { createStripeGateway } from "../../src/merchants/gateway.ts";

const hourMs = 3_600_000;
/** A webhook, a look, a notification: as many invocations may send for one another, each ended before the next has arrived. */
const longestChain = 3;
export const secretKey = "sk_test_scene";
export const webhookSecret = "whsec_scene_current";
export const oldWebhookSecret = "whsec_scene_old";

/** How the engine runs the handlers: as in production, or suspending and replaying at every await. */
export const modes = [
  { mode: "as in production", inactivityTimeoutMs: 1000 },
  { mode: "suspending at every await", inactivityTimeoutMs: 0 },
] as const;

export type Answer = { readonly status: number; readonly body: Body };
type Body = {
  readonly code?: number;
  readonly message?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly paymentIntentId?: string;
  readonly status?: string;
  readonly settledBy?: string;
  readonly nextAction?: { readonly type: string; readonly redirectUrl: string | null };
  readonly [field: string]: unknown;
};
export type Fault = Readonly<Record<string, string | number>>;
type ServiceSettings = Partial<Omit<ServiceOptions, "inactivityTimeoutMs">>;

export type Scene = Awaited<ReturnType<typeof openScene>>;

/**
 * Opens a scene. Bank debits settle when the test says so (`settle`), and nothing is polled unless `settings` say so.
 * @param retell stands between the service and Stripe, and may change what the service is told; the test may change `retell.with`
 * @param beside another scene, whose Stripe account this one shares: another installation on it
 */
export async function openScene(
  inactivityTimeoutMs: number,
  retell: Retelling = { with: null },
  beside: { readonly sandboxUrl: string; readonly stripe: Stripe } | null = null,
) {
  const folder = await mkdtemp(join(tmpdir(), "restate-stripe-payments-"));
  const [ingressPort = 0, adminPort = 0, servicePort = 0] = await freePorts(3);
  const engineOptions = {
    ingressPort,
    adminPort,
    dataDir: join(folder, "engine"),
    partitions: 1,
    environment: {
      RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT: `${inactivityTimeoutMs}ms`,
      RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: "64MB",
    },
  };
  const webhookUrl = `http://127.0.0.1:${ingressPort}/payments/processWebhook`;
  const sandbox =
    beside === null
      ? await startCheckedSandbox({
          port: 0,
          dataDir: null,
          webhook: { url: webhookUrl, secret: webhookSecret },
          settlementDelayMs: hourMs,
          webhookRetryDelaysMs: [200, 200, 400, 800, 1600],
          searchLagMs: 300,
        })
      : await neighbour(beside);
  const relay = await startRelay(sandbox.url, retell);
  const stripe = createStripeGateway({ secretKey, apiBase: relay?.url ?? sandbox.url });
  const serviceOptions: ServiceOptions = {
    stripe,
    mode: "test",
    webhookSecrets: [oldWebhookSecret, webhookSecret, ...(await endpointSecrets(beside, webhookUrl))],
    pollScheduleMs: [hourMs],
    timeoutMs: 24 * hourMs,
    idempotencyRetentionMs: 48 * hourMs,
    referenceRetentionMs: null,
    reconcileIntervalMs: 0,
    lookUpDelaysMs: [0, 100, 600],
    notifications: { ...notificationTimings, receiver: null },
    inactivityTimeoutMs,
  };
  const serve = (settings: ServiceSettings = {}): Promise<Served> =>
    serveServices({ ...serviceOptions, ...settings, port: servicePort, identityKeys: [] });
  let engine: Engine = await startEngine(engineOptions);
  /** The last engine whose end was asked for. */
  let ended: Engine | null = null;
  let revival: Promise<void> = Promise.resolve();
  void watchOver(engine);
  /** An engine that ends by itself is started again, as a supervisor would, and the test's output says how it ended. */
  async function watchOver(watched: Engine): Promise<void> {
    const exit = await watched.exited;
    if (ended === watched) return;
    console.error(`The engine ${describeExit(exit)}, unasked, and is started again.\n${watched.tail()}`);
    revival = scene.startEngine();
    await revival;
  }
  let service = await serve();
  await registerDeployment(engine.adminUrl, `http://127.0.0.1:${servicePort}`);

  const ingress = engine.ingressUrl;
  const admin = engine.adminUrl;
  const barrier = createBarrier(engine);
  const scene = {
    ingress,
    admin,
    servicePort,
    /** Of this scene alone: the engine's data are in `engine`. */
    folder,
    /** What its service is made with, for another version of it. */
    serviceOptions,
    sandboxUrl: sandbox.url,
    /** The real client, for what a merchant does at Stripe beside us. */
    stripe: new Stripe(secretKey, {
      host: "127.0.0.1",
      port: sandbox.port,
      protocol: "http",
      maxNetworkRetries: 0,
    }),

    /**
     * Calls a handler of `payments`, or of the service that is named before a slash, as `curl` would. Every call has an idempotency key;
     * name one to use it again.
     */
    async call(
      handler: string,
      body: unknown,
      key: string = crypto.randomUUID(),
      headers: Readonly<Record<string, string>> = {},
    ): Promise<Answer> {
      const path = handler.includes("/") ? handler : `payments/${handler}`;
      return await post(`${ingress}/${path}`, body, { ...headers, "idempotency-key": key });
    },

    /** Posts a raw webhook body, as Stripe does; signed unless headers say otherwise. */
    async webhook(payload: string, headers: Readonly<Record<string, string>> = sign(payload)): Promise<Answer> {
      const response = await fetch(`${ingress}/payments/processWebhook`, {
        method: "POST",
        body: payload,
        headers: { "content-type": "application/json; charset=utf-8", ...headers },
      });
      return { status: response.status, body: (await response.json()) as Body };
    },

    async fault(...faults: readonly Fault[]): Promise<void> {
      expect((await post(`${sandbox.url}/_sandbox/faults`, faults)).status).toBe(200);
    },
    /** Resolves when everything that was asked for has happened. */
    async faultsMet(): Promise<void> {
      await until("the faults to be met", async () => {
        const left = (await (await fetch(`${sandbox.url}/_sandbox/faults`)).json()) as unknown[];
        return left.length === 0 ? true : undefined;
      });
    },
    async clearFaults(): Promise<void> {
      await fetch(`${sandbox.url}/_sandbox/faults`, { method: "DELETE" });
    },
    async settle(id: string, outcome: "succeeded" | "failed" = "succeeded"): Promise<void> {
      expect(await post(`${sandbox.url}/_sandbox/settle`, { id, outcome })).toMatchObject({ status: 200 });
    },
    /** What the owners of connected accounts do, and Stripe with them: `onboard` or `deauthorize`. */
    async connected(order: "onboard" | "deauthorize", body: Readonly<Record<string, string>>): Promise<void> {
      expect(await post(`${sandbox.url}/_sandbox/${order}`, body)).toMatchObject({ status: 200 });
    },
    async authorize(id: string, outcome: "succeeded" | "failed"): Promise<void> {
      expect(await post(`${sandbox.url}/_sandbox/authorize`, { id, outcome })).toMatchObject({ status: 200 });
    },
    /** What reached the sandbox's API, oldest first. */
    async requests(method: string, path: string): Promise<readonly LoggedRequest[]> {
      const url = `${sandbox.url}/_sandbox/requests?method=${method}&path=${encodeURIComponent(path)}`;
      const answer = (await (await fetch(url)).json()) as { data?: LoggedRequest[] } | LoggedRequest[];
      return Array.isArray(answer) ? answer : (answer.data ?? []);
    },

    /** Every PaymentIntent whose metadata carry this order id. */
    async paymentsOf(orderId: string): Promise<readonly Stripe.PaymentIntent[]> {
      const found: Stripe.PaymentIntent[] = [];
      for await (const payment of scene.stripe.paymentIntents.list({ limit: 100 })) {
        if (payment.metadata["orderId"] === orderId) found.push(payment);
      }
      return found;
    },
    /** The one PaymentIntent of an order, as soon as it exists. */
    async paymentOf(orderId: string): Promise<Stripe.PaymentIntent> {
      return await until(`a PaymentIntent of ${orderId}`, async () => (await scene.paymentsOf(orderId))[0]);
    },
    /** The PaymentIntent of an order, as soon as its call is suspended: written to the journal and waiting. */
    async waitingPaymentOf(orderId: string): Promise<Stripe.PaymentIntent> {
      const payment = await scene.paymentOf(orderId);
      const id = payment.metadata["restate_invocation_id"] ?? "";
      await scene.untilStatus(id, "suspended");
      return payment;
    },

    async sql<Row>(query: string): Promise<readonly Row[]> {
      const response = await fetch(`${admin}/query`, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify({ query }),
      });
      return ((await response.json()) as { rows: Row[] }).rows;
    },
    /** Cancels an invocation as the CLI does, but at once: in the middle of a request, say. */
    async cancel(invocationId: string): Promise<void> {
      const answer = await fetch(`${admin}/invocations/${invocationId}/cancel`, { method: "PATCH" });
      expect(answer.status).toBeLessThan(300);
    },
    async untilStatus(invocationId: string, status: string): Promise<void> {
      await until(`${invocationId} to be ${status}`, async () => {
        const rows = await scene.sql<{ status: string }>(
          `select status from sys_invocation where id = '${invocationId}'`,
        );
        return rows[0]?.status === status ? true : undefined;
      });
    },
    /** The invocation of an idempotency key, as soon as it is suspended. */
    async suspended(key: string): Promise<string> {
      return await until(`the call of ${key} to be suspended`, async () => {
        const rows = await scene.sql<{ id: string }>(
          `select id from sys_invocation where idempotency_key = '${key}' and status = 'suspended'`,
        );
        return rows[0]?.id;
      });
    },
    /** Resolves when everything has arrived in the engine that was on its way. */
    async barrier(): Promise<void> {
      await barrier.pass();
    },
    /** Resolves when a look finds nothing at work, however often what was on its way has arrived meanwhile. */
    async atRest(what: string, isAtRest: () => Promise<boolean>, patienceMs?: number): Promise<void> {
      let looks = 0;
      const look = async () => {
        looks = (await isAtRest()) ? looks + 1 : 0;
        if (looks > longestChain) return true;
        if (looks > 0) await barrier.pass();
        return undefined;
      };
      await until(what, look, patienceMs);
    },
    /** Resolves when no invocation of these services is open any more, nor on its way. */
    async untilEnded(...services: readonly string[]): Promise<void> {
      await scene.atRest(
        `the invocations of ${services.join(" and ")} to end`,
        async () => (await scene.openInvocations(...services)) === 0,
      );
    },
    /** How many invocations of these services have not ended. */
    async openInvocations(...services: readonly string[]): Promise<number> {
      const names = services.map((name) => `'${name}'`).join(", ");
      const rows = await scene.sql<{ n: number }>(
        `select count(1) as n from sys_invocation where target_service_name in (${names}) and status <> 'completed'`,
      );
      return rows[0]?.n ?? 0;
    },

    /** Resolves when everything that has happened so far has been noticed and told, or waits for a receiver. */
    async quiet(): Promise<void> {
      await scene.atRest("the webhooks to be delivered and dealt with", async () => {
        const deliveries = (await (await fetch(`${sandbox.url}/_sandbox/deliveries`)).json()) as { state: string }[];
        if (deliveries.some(({ state }) => state === "pending")) return false;
        const [open] = await scene.sql<{ n: number }>(
          "select count(1) as n from sys_invocation where status not in ('completed', 'scheduled') and (target_handler_name = 'processWebhook' or target_service_name = 'paymentNotifier')",
        );
        return open?.n === 0;
      });
    },

    /** Stops the service and starts it again, with other settings if any are given: a deploy in place. */
    async restartService(settings: ServiceSettings = {}): Promise<void> {
      await service.close();
      service = await serve(settings);
    },
    async stopService(): Promise<void> {
      await service.close();
    },
    async startService(settings: ServiceSettings = {}): Promise<void> {
      service = await serve(settings);
    },
    /** SIGKILL, then a start with the same data. */
    async crashEngine(): Promise<void> {
      await scene.killEngine();
      await scene.startEngine();
    },
    async killEngine(): Promise<void> {
      // Nobody would end one that is only just starting.
      await revival;
      ended = engine;
      await engine.kill();
    },
    async startEngine(): Promise<void> {
      engine = await startEngine(engineOptions);
      void watchOver(engine);
    },
    /** Halts Stripe's clock, or moves it: what is due by then happens, and old idempotency keys are forgotten. */
    async stripeClock(order: { readonly mode: "virtual" | "real" } | { readonly advanceMs: number }): Promise<void> {
      expect(await post(`${sandbox.url}/_sandbox/clock`, order)).toMatchObject({ status: 200 });
    },

    async close(): Promise<void> {
      await service.close();
      await scene.killEngine();
      await barrier.close();
      await relay?.close();
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return scene;
}

/** The sandbox of another scene: that one closes it. */
async function neighbour({ sandboxUrl }: { readonly sandboxUrl: string }) {
  return { url: sandboxUrl, port: Number(new URL(sandboxUrl).port), close: async () => {} };
}

/** An endpoint of its own at a Stripe account that it shares. */
async function endpointSecrets(beside: { readonly stripe: Stripe } | null, url: string): Promise<readonly string[]> {
  if (beside === null) return [];
  const { secret } = await beside.stripe.webhookEndpoints.create({ url, enabled_events: ["*"] });
  return secret === undefined ? [] : [secret];
}

export type LoggedRequest = {
  readonly method: string;
  readonly path: string;
  readonly status: number | null;
  readonly idempotencyKey: string | null;
};

export function sign(payload: string, more: { secret?: string; timestamp?: number } = {}): Record<string, string> {
  return {
    "stripe-signature": Stripe.webhooks.generateTestHeaderString({ payload, secret: webhookSecret, ...more }),
  };
}

/** An event as Stripe would send it, about an object as it is given. */
export function eventAbout(type: string, object: unknown): string {
  return JSON.stringify({
    id: `evt_${crypto.randomUUID().replaceAll("-", "")}`,
    object: "event",
    api_version: "2026-10-28.endive",
    created: Math.floor(Date.now() / 1000),
    livemode: false,
    pending_webhooks: 1,
    request: null,
    type,
    data: { object },
  });
}

/** Asks again until there is an answer; the test's own time limit ends it. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, patienceMs = 30_000): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`Waited ${patienceMs / 1000} s in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Waits until that many later waiters have hung their doorbells beside the creator's own. */
export async function untilHung(
  waiters: number,
  read: () => Promise<{ readonly metadata: Readonly<Record<string, string>> | null }>,
): Promise<void> {
  await until(`${waiters} doorbells`, async () => {
    const { metadata } = await read();
    const hung = Object.keys(metadata ?? {}).filter((key) => key.startsWith("restate_callback_id_"));
    return hung.length === waiters ? true : undefined;
  });
}

/** A bank debit with the mandate it needs, and an order id to find it by. */
export function bankDebit(orderId: string, paymentMethodId = "pm_usBankAccount_success") {
  return { paymentMethodId, amount: 4000, mandate: { type: "offline" }, metadata: { orderId } };
}

export function card(orderId: string, paymentMethodId = "pm_card_visa") {
  return { paymentMethodId, amount: 109, metadata: { orderId } };
}

export function newOrder(): string {
  return `order-${crypto.randomUUID()}`;
}

async function post(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : (JSON.parse(text) as Body) };
}
