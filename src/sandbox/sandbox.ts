import fastify, { type FastifyError, type FastifyReply } from "fastify";
import { answerRequest } from "./objects/answerRequest.ts";
import type { Parts } from "./objects/parts.ts";
import { DAY_MS, SandboxClock, toUnixSeconds } from "./world/clock.ts";
import { addControlRoutes } from "./control/control.ts";
import { Deliveries } from "./webhooks/deliveries.ts";
import { ENDPOINTS } from "./objects/endpoints.ts";
import { type FaultInput, Faults } from "./world/faults.ts";
import { newRequestId } from "./world/identifiers.ts";
import { Ledger } from "./objects/ledger.ts";
import { addAuthorizePage } from "./pages/authorizePage.ts";
import { addCheckoutPage } from "./pages/checkoutPage.ts";
import { addInstructionsPages } from "./pages/instructionsPage.ts";
import { addLinkPage } from "./pages/linkPage.ts";
import { addDashboard } from "./pages/dashboard/dashboard.ts";
import { addAssets } from "./pages/page.ts";
import { comesFromElsewhere, FOREIGN_ORIGIN } from "./http/foreignOrigin.ts";
import { SavedAnswers } from "./http/savedAnswers.ts";
import type { Sent } from "./http/sent.ts";
import { Store } from "./world/store.ts";
import { configureEndpoint } from "./webhooks/webhookEndpoints.ts";

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

const BANNER = "restate-stripe-payments sandbox, not Stripe";

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
  const server = createServer({ store, clock, ledger, deliveries, faults, answers }, options.onSent);
  try {
    url = await server.listen({ host: "127.0.0.1", port: options.port });
  } catch (error) {
    store.close();
    throw error;
  }
  const prune = () => {
    void store.writeInTheEnd(() => answers.prune(clock.now()));
    clock.setAlarm(clock.now() + DAY_MS, prune);
  };
  prune();
  // On a full disk that is done when there is space.
  await Promise.race([ledger.runDueJobs(), store.becomesFull]);
  deliveries.resume();
  const { port } = new URL(url);
  return {
    url,
    port: Number(port),
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

function createServer(parts: Parts, onSent: SandboxOptions["onSent"]) {
  const server = fastify({
    forceCloseConnections: true,
    bodyLimit: 2 * 1024 * 1024,
    frameworkErrors: (error, _request, reply) => void refuse(error, reply),
    routerOptions: { maxParamLength: 5000 },
  });
  server.setErrorHandler<FastifyError>((error, _request, reply) => refuse(error, reply));
  // Stripe's API takes forms and the control API JSON; each reads the text itself, whatever its content type says.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));
  server.addHook("onRequest", (request, reply, done) => {
    if (!comesFromElsewhere(request)) return done();
    refuse({ name: "ForeignOrigin", code: "foreign_origin", statusCode: 403, message: FOREIGN_ORIGIN }, reply);
  });
  server.addHook("onSend", (request, reply, payload, done) => {
    reply.header("X-Sandbox", BANNER);
    const isOurs =
      request.url.startsWith("/v1/") && String(reply.getHeader("content-type")).startsWith("application/json");
    if (isOurs && typeof payload === "string") {
      const from = `${request.method} ${request.routeOptions.url ?? request.url}`;
      onSent?.({ from, status: reply.statusCode, body: payload });
    }
    done(null, payload);
  });
  for (const endpoint of ENDPOINTS) {
    server.route({
      method: endpoint.method,
      url: endpoint.path,
      handler: async (request, reply) => await answerRequest(parts, endpoint, request, reply),
    });
  }
  server.setNotFoundHandler(async (request, reply) => await answerRequest(parts, null, request, reply));
  addControlRoutes(server, parts);
  addAssets(server);
  addAuthorizePage(server, parts);
  addCheckoutPage(server, parts);
  addLinkPage(server, parts);
  addInstructionsPages(server, parts);
  addDashboard(server, parts);
  return server;
}

/** What Fastify refuses before or instead of our routes is answered in Stripe's form too. */
function refuse(error: FastifyError, reply: FastifyReply): FastifyReply {
  const status = error.statusCode ?? 500;
  const type = status >= 500 ? "api_error" : "invalid_request_error";
  reply.header("X-Sandbox", BANNER).header("Request-Id", newRequestId()).code(status);
  return reply.send({ error: { type, message: error.message } });
}
