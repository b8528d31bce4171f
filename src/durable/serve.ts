/** Serves Restate services over HTTP/2, and stops without dropping what is in flight. */
import { createServer, type ServerHttp2Session } from "node:http2";
import { createEndpointHandler } from "@restatedev/restate-sdk";
import { log } from "../telemetry/logger.ts";

export type EndpointOptions = {
  /** 0 takes any free port. */
  readonly port: number;
  /** Public keys that the engine signs its requests with; without any, every caller that reaches the port is believed. */
  readonly identityKeys: readonly string[];
};

type Services = Parameters<typeof createEndpointHandler>[0]["services"];

export type Served = { readonly port: number; close(): Promise<void> };

/**
 * Starts to serve, on the loopback interface only: an endpoint without identity keys must not be reachable from outside.
 * @throws the listen error, e.g. EADDRINUSE
 */
export async function serve(services: Services, options: EndpointOptions): Promise<Served> {
  const server = createServer(
    createEndpointHandler({
      services,
      logger: log,
      ...(options.identityKeys.length > 0 && { identityKeys: [...options.identityKeys] }),
    }),
  );
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Calls in flight finish; the engine sends new ones to whoever listens next.
      for (const session of sessions) session.close();
      await closed;
    },
  };
}
