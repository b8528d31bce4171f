/** Serves the front door: the app with its parts, on a server that no slow or idle sender can hold. */
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { calls } from "../api/calls.ts";
import type { EdgeConfig } from "../config/edgeConfig.ts";
import { withoutSecrets } from "../telemetry/secrets.ts";
import { openApiKeys } from "./apiKeys.ts";
import { createEdgeApp } from "./app.ts";
import { createEngineClient } from "./engineClient.ts";
import { createEngineOperator } from "./engineOperator.ts";
import { failureAnswer, notFound } from "./failures.ts";
import { createInstallation } from "./installation.ts";
import { edgeMerchantsOf, type EdgeMerchant } from "./merchants.ts";
import { openRateLimits } from "./rateLimits.ts";
import { watchStripeClock } from "./stripeClock.ts";

export type Edge = { readonly url: string; readonly port: number; close(): Promise<void> };

export type EdgeOptions = EdgeConfig & {
  readonly version: string;
  /** The merchants beside the default one, as they are configured now. */
  readonly furtherMerchants?: () => readonly EdgeMerchant[];
  /** For a person: a setting that is wrong, an error that nobody expected. */
  readonly onWarning: (line: string) => void;
  readonly patience?: Partial<SenderPatience>;
};

/** How long the edge waits for those who send slowly, or nothing. */
type SenderPatience = {
  /** For the headers of a request, and for the whole of it. */
  readonly headersMs: number;
  readonly requestMs: number;
  /** For the next request on an idle connection. Callers' pools expect about a minute. */
  readonly keepAliveMs: number;
  /** How often connections are looked at for that. */
  readonly checkEveryMs: number;
};

const defaultPatience: SenderPatience = {
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 65_000,
  checkEveryMs: 5_000,
};

const liveStripe = "https://api.stripe.com";

/** @throws the listen error, e.g. EADDRINUSE; KeyFileError */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { secrets, stripe, onWarning } = options;
  const patience = { ...defaultPatience, ...options.patience };
  const apiKeys = options.apiKeysFile === undefined ? null : openApiKeys(options.apiKeysFile, onWarning);
  const engine = createEngineClient(options.ingressUrl);
  const clock = watchStripeClock(stripe.apiBase ?? liveStripe, onWarning);
  const installation = createInstallation(engine, secrets, () => onWarning(untrusted));
  // Known before the first call asks for it, if the service is there already.
  installation.id().catch(() => {});
  const app = createEdgeApp({
    engine,
    installation,
    clock,
    secrets,
    operator: createEngineOperator(options.adminUrl, options.authToken),
    callers: { apiKeys, isSandbox: stripe.isSandbox, trustProxy: options.trustProxy },
    rateLimits: openRateLimits(options.rateLimits),
    merchants: edgeMerchantsOf(stripe, options.furtherMerchants),
    calls,
    version: options.version,
    onError: (error) =>
      onWarning(withoutSecrets(error instanceof Error ? (error.stack ?? error.message) : String(error))),
  });
  const listener = getRequestListener((request, bindings) => app.fetch(request, bindings), {
    // An address that is no URL, or a `Host` header that is none.
    errorHandler: () => {
      const { status, body } = failureAnswer(notFound);
      return Response.json(body, { status });
    },
    hostname: options.host,
  });
  const server = createServer(
    {
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      keepAliveTimeout: patience.keepAliveMs,
      connectionsCheckingInterval: patience.checkEveryMs,
      // Headers of an upgrade are none of ours.
      insecureHTTPParser: false,
    },
    (request, response) => void listener(request, response),
  );
  await listening(server, options);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      // Calls that wait are not lost: their callers ask again with the same key.
      setTimeout(() => server.closeAllConnections(), closeGraceMs).unref();
      await closed;
      clock.close();
      apiKeys?.close();
      await engine.close();
    },
  };
}

const closeGraceMs = 1_000;

/** Connections that wait to be taken: as many as Linux lets wait. Node's own 511 are fewer than the callers of one busy shop may open at once. */
const maximumBacklog = 4_096;

const untrusted =
  "The service doesn't believe the edge: they have no EDGE_SECRET in common. Calls are right, but slower, and their deadlines count from later.";

async function listening(server: Server, { host, port }: EdgeOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: maximumBacklog }, resolve);
  });
}
