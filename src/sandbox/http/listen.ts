import { createServer } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { SandboxApp } from "./app.ts";
import { refusalReply, reply } from "./replies.ts";

export type Listening = { readonly port: number; close(): Promise<void> };

/** A client that comes back to an idle connection within this time finds it open. */
const KEEP_ALIVE_MS = 72_000;

/**
 * Serves the app; port 0 takes any free one. Rejects with Node's EADDRINUSE error when the port is taken.
 */
export async function listen(app: SandboxApp, host: string, port: number): Promise<Listening> {
  const listener = getRequestListener((request, bindings) => app.fetch(request, bindings), {
    // An address that is no URL, or a `Host` header that is none.
    errorHandler: (error) => {
      const { status, body, headers } = refusalReply(400, error instanceof Error ? error.message : String(error));
      return reply(status, body, headers);
    },
    hostname: host,
    // The sandbox runs in the process of others' tests, too, whose globals are not its own.
    overrideGlobalObjects: false,
  });
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }, (request, response) => {
    void listener(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The sandbox's server has no port.");
  return {
    port: address.port,
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await closed;
    },
  };
}
