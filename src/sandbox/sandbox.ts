import { listen } from "./http/listen.ts";
import { SavedAnswers } from "./http/savedAnswers.ts";
import type { Sent } from "./http/sent.ts";
import { Ledger } from "./objects/ledger.ts";
import { createApp } from "./app.ts";
import { Deliveries } from "./webhooks/deliveries.ts";
import { configureEndpoint } from "./webhooks/webhookEndpoints.ts";
import { DAY_MS, SandboxClock, toUnixSeconds } from "./world/clock.ts";
import { type FaultInput, Faults } from "./world/faults.ts";
import { Store } from "./world/store.ts";

/**
 * A local Stripe for development and tests: the unmodified `stripe` package talks to it over HTTP. It moves no money, and
 * says in a header of every response what it is.
 */
export type SandboxOptions = {
  /** 0 takes any free port; the sandbox listens on 127.0.0.1 only. */
  readonly port: number;
  /** The folder of its SQLite file, created if need be; null keeps everything in memory. */
  readonly dataDir: string | null;
  /** An endpoint for events of every type; with `connect`, for those of connected accounts instead of its own. */
  readonly webhook: { readonly url: string; readonly secret: string; readonly connect?: boolean } | null;
  /** How long a bank debit stays in `processing`; the "Delayed" test accounts take four times that. Default 2500. */
  readonly settlementDelayMs?: number;
  /** How long to wait before each retry of a webhook, in real and in virtual time; after the last one it is given up. */
  readonly webhookRetryDelaysMs?: readonly number[];
  /** Search sees an object only this long after its last change. Default 500. */
  readonly searchLagMs?: number;
  /** Faults from the first request on, as `POST /_sandbox/faults` takes them. */
  readonly faults?: readonly FaultInput[];
  /** Makes the faults of a probability below 1 repeatable; random by default. */
  readonly faultSeed?: number;
  /** Sees every answer of the API and every webhook as it is sent. */
  readonly onSent?: (sent: Sent) => void;
  /** Told what whoever runs the sandbox should know, a line at a time: that its disk is full, say. */
  readonly onWarning?: (line: string) => void;
};

export type Sandbox = { readonly url: string; readonly port: number; close(): Promise<void> };

const HOUR_MS = 3_600_000;

/**
 * Stripe retries for up to three days and doesn't publish its intervals. In virtual time ours are as long; in real time they
 * begin short, for a service that is being restarted, and end after a day. https://docs.stripe.com/webhooks#retries
 */
const RETRY_DELAYS_MS = {
  real: [1000, 5000, 30_000, 120_000, 600_000, HOUR_MS, 4 * HOUR_MS, 8 * HOUR_MS, 12 * HOUR_MS],
  virtual: [0.1, 0.5, 2, 5, 10, 12, 12, 12, 12].map((hours) => hours * HOUR_MS),
};

/** Starts a sandbox; rejects with Node's EADDRINUSE error when the port is taken, and with a DiskFullError. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const store = new Store(options.dataDir, options.onWarning);
  const clock = new SandboxClock(store);
  const faults = new Faults(options.faults ?? [], options.faultSeed);
  const answers = new SavedAnswers(store);
  await store
    .write(() => configureEndpoint(store, options.webhook, toUnixSeconds(clock.now())))
    .catch((error: unknown) => {
      store.close();
      throw error;
    });
  const retryDelaysMs = () => options.webhookRetryDelaysMs ?? RETRY_DELAYS_MS[clock.mode];
  const deliveries = new Deliveries(store, clock, faults, retryDelaysMs, options.onSent);
  let url = "";
  const ledger = new Ledger(store, clock, deliveries, {
    settlementDelayMs: options.settlementDelayMs ?? 2500,
    searchLagMs: options.searchLagMs ?? 500,
    baseUrl: () => url,
  });
  const app = createApp({ store, clock, ledger, deliveries, faults, answers }, options.onSent);
  const server = await listen(app, options.port).catch((error: unknown) => {
    store.close();
    throw error;
  });
  const { port } = server;
  url = `http://127.0.0.1:${port}`;
  const prune = () => {
    void store.writeInTheEnd(() => answers.prune(clock.now()));
    clock.setAlarm(clock.now() + DAY_MS, prune);
  };
  prune();
  // On a full disk that is done when there is space.
  await Promise.race([ledger.runDueJobs(), store.becomesFull]);
  deliveries.resume();
  return {
    url,
    port,
    async close() {
      store.stopRetrying();
      clock.close();
      ledger.close();
      await deliveries.close();
      await server.close();
      store.close();
    },
  };
}
