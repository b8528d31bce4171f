/**
 * The sandbox: a local Stripe for development and tests. The unmodified `stripe` package talks to it over HTTP. It moves no
 * money, and says in a header of every response what it is.
 *
 * Its rooms, each of which imports only from those before it:
 * 1. `assets/`: the files that it reads, all named in one place;
 * 2. `world/`: the clock, the store, ids, units of work, faults, limits, and tables that know nothing of requests;
 * 3. `http/`: reading requests and writing responses: parameters, errors, lists, saved answers;
 * 4. `webhooks/`: the endpoints, and the delivery of events to them;
 * 5. `objects/`: Stripe's API, a file per noun; `endpoints.ts` lists it, `ledger.ts` commits what it does;
 * 6. `control/`: the API under `/_sandbox`, for interventions that Stripe has no API for;
 * 7. `pages/`: Checkout, the customer's other pages, and the dashboard;
 * 8. `app.ts` joins the routes, and `sandbox.ts`, the only public file, starts it all.
 */
import { listen } from "./http/listen.ts";
import { SavedAnswers } from "./http/savedAnswers.ts";
import type { Sent } from "./http/sent.ts";
import { Ledger } from "./objects/ledger.ts";
import { createApp } from "./app.ts";
import { Deliveries } from "./webhooks/deliveries.ts";
import { configureEndpoints } from "./webhooks/configuredEndpoints.ts";
import type { ConfiguredWebhook } from "./webhooks/configuredWebhook.ts";
import { DAY_MS, SandboxClock, toUnixSeconds } from "./world/clock.ts";
import { type FaultInput, Faults } from "./world/faults.ts";
import { Limits, type LimitsInput } from "./world/limits.ts";
import { Store } from "./world/store.ts";

/** How a sandbox is started; every option has a default. */
export type SandboxOptions = {
  /** The sandbox listens on 127.0.0.1 only. Default 0, which takes any free port. */
  readonly port?: number;
  /** The folder of its SQLite file, created if need be. Default null, which keeps everything in memory. */
  readonly dataDir?: string | null;
  /**
   * An endpoint for events of every type, or a list of such; with `connect`, for those of connected accounts; with
   * `secretKey`, of that key's platform. Default null.
   */
  readonly webhook?: ConfiguredWebhook | readonly ConfiguredWebhook[] | null;
  /** How long a bank debit stays in `processing`; the "Delayed" test accounts take four times that. Default 2500. */
  readonly settlementDelayMs?: number;
  /** How long to wait before each retry of a webhook, in real and in virtual time; after the last one the webhook is given up. */
  readonly webhookRetryDelaysMs?: readonly number[];
  /** Search sees an object only this long after its last change. Default 500. */
  readonly searchLagMs?: number;
  /** Faults from the first request on, as `POST /_sandbox/faults` takes them. */
  readonly faults?: readonly FaultInput[];
  /** Makes the faults of a probability below 1 repeatable; random by default. */
  readonly faultSeed?: number;
  /** Limits the rate of requests as Stripe does, as `POST /_sandbox/limits` takes them: `{}` for those of a sandbox of Stripe's. Default null: no limits. */
  readonly limits?: LimitsInput | null;
  /** Sees every answer of the API and every webhook as it is sent. */
  readonly onSent?: (sent: Sent) => void;
  /** Is told, a line at a time, what the person who runs the sandbox should know: that its disk is full, say. */
  readonly onWarning?: (line: string) => void;
};

export type { ConfiguredWebhook };

export type Sandbox = {
  /** Where it listens, `http://127.0.0.1:<port>`; a browser finds the dashboard there. */
  readonly url: string;
  /** The same in parts, named as the `stripe` package's options are. */
  readonly protocol: "http";
  readonly host: string;
  readonly port: number;
  /** Any key that begins with `sk_test_` or `rk_test_` is taken; this is one. `sk_test_account_<name>` is a platform of its own, with small letters, digits, `-` and `_` in its name. */
  readonly secretKey: string;
  /** Stops it and closes every connection, also those whose answer is still due. */
  close(): Promise<void>;
};

const HOST = "127.0.0.1";
const SECRET_KEY = "sk_test_sandbox";

const HOUR_MS = 3_600_000;

/**
 * Stripe retries for up to three days and doesn't publish its intervals. In virtual time our retries go on as long; in
 * real time their intervals begin short, for a service that is being restarted, and end after a day.
 * https://docs.stripe.com/webhooks#retries
 */
const RETRY_DELAYS_MS = {
  real: [1000, 5000, 30_000, 120_000, 600_000, HOUR_MS, 4 * HOUR_MS, 8 * HOUR_MS, 12 * HOUR_MS],
  virtual: [0.1, 0.5, 2, 5, 10, 12, 12, 12, 12].map((hours) => hours * HOUR_MS),
};

/**
 * Starts a sandbox of your own in this process, say in a test. It begins empty unless `dataDir` names a folder.
 *
 * ```ts
 * import { Stripe } from "stripe";
 * import { startSandbox } from "restate-stripe-payments/sandbox";
 *
 * const sandbox = await startSandbox();
 * const { protocol, host, port } = sandbox;
 * const stripe = new Stripe(sandbox.secretKey, { protocol, host, port });
 *
 * // Webhooks go to the option `webhook`, or to every endpoint that is made as at Stripe; the answer holds the secret.
 * const { secret } = await stripe.webhookEndpoints.create({ url: "http://127.0.0.1:3000/", enabled_events: ["*"] });
 *
 * await sandbox.close();
 * ```
 *
 * @throws Node's EADDRINUSE error when the port is taken, a DiskFullError when the folder's disk is full, and a TypeError for a
 *   webhook's `secretKey` that is no test key
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { port: wantedPort = 0, dataDir = null, webhook = null } = options;
  const faults = new Faults(options.faults ?? [], options.faultSeed);
  const limits = new Limits(options.limits);
  const store = new Store(dataDir, options.onWarning);
  const clock = new SandboxClock(store);
  const answers = new SavedAnswers(store);
  await store
    .write(() => configureEndpoints(store, webhook, toUnixSeconds(clock.now())))
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
  const app = createApp({ store, clock, ledger, deliveries, faults, limits, answers }, options.onSent);
  const server = await listen(app, HOST, wantedPort).catch((error: unknown) => {
    store.close();
    throw error;
  });
  const { port } = server;
  url = `http://${HOST}:${port}`;
  const prune = () => {
    void store.writeInTheEnd(() => answers.prune(clock.now()));
    clock.setAlarm(clock.now() + DAY_MS, prune);
  };
  prune();
  // On a full disk the jobs are done when there is space.
  await Promise.race([ledger.runDueJobs(), store.becomesFull]);
  deliveries.resume();
  return {
    url,
    protocol: "http",
    host: HOST,
    port,
    secretKey: SECRET_KEY,
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
