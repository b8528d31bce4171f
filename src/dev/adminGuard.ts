/**
 * Stands before the engine's admin API, which asks for no authentication: whoever reaches it runs SQL and registers deployments. The engine's
 * own listens on a Unix socket; this guard has the port that the CLI and the engine's UI use, and passes on what programs of this machine and
 * the UI itself send. It refuses what a web page sends: a page knows our port and not our data, a name of its own that points to this machine
 * makes it our origin, and a browser says all three in headers that a page can't write.
 * https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { Agent } from "undici";
import { connectionTo, type Connection } from "../engine/address.ts";

export type AdminGuard = {
  readonly url: string;
  close(): Promise<void>;
};

/**
 * Listens on the port of this machine, and passes requests on to the engine.
 * @param adminUrl of the engine; `unix:` and a path, or `http://…`
 * @throws the listen error, e.g. EADDRINUSE
 */
export async function startAdminGuard(port: number, adminUrl: string): Promise<AdminGuard> {
  const engine = connectionTo(adminUrl);
  // A query takes as long as it takes.
  const agent = new Agent({ connect: { socketPath: engine.socketPath }, headersTimeout: 0, bodyTimeout: 0 });
  const server = createServer((request, response) => {
    const ownPort = (server.address() as AddressInfo).port;
    const refusal = refusalOf(request, ownPort);
    if (refusal === undefined) void passOn(request, response, { ...engine, agent });
    else refuse(response, 403, refusal);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
      await agent.destroy();
    },
  };
}

/** Why a request is not passed on; undefined where it is. */
function refusalOf({ headersDistinct, url = "" }: IncomingMessage, port: number): string | undefined {
  const { host, origin, "sec-fetch-site": site } = headersDistinct;
  const [name = ""] = host ?? [];
  if (host?.length !== 1 || !ownHosts(port).includes(name.toLowerCase())) {
    return `The Host header names another server than this machine's port ${port}. A web page reaches this port so, by a name of its own.`;
  }
  if (origin !== undefined && (origin.length !== 1 || origin[0] !== `http://${name.toLowerCase()}`)) {
    return "The request comes from a web page of another origin.";
  }
  if (site !== undefined && !site.every((each) => each === "same-origin" || each === "none")) {
    return "The request comes from a web page of another site. Open the address by hand, not by a link.";
  }
  return url.startsWith("/") ? undefined : "The request is one for a proxy.";
}

/** A browser leaves port 80 out. */
function ownHosts(port: number): readonly string[] {
  const names = ["127.0.0.1", "localhost", "[::1]"];
  return names.flatMap((name) => (port === 80 ? [name, `${name}:${port}`] : [`${name}:${port}`]));
}

/** Streams both ways: a query's answer may be long, and is read as it comes. */
async function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  engine: Connection & { readonly agent: Agent },
): Promise<void> {
  const { method = "GET", url: path = "/", headers } = request;
  const isBodyless = headers["content-length"] === undefined && headers["transfer-encoding"] === undefined;
  // Nobody reads the answer any more.
  const abandoned = new AbortController();
  response.once("close", () => abandoned.abort());
  try {
    const answer = await engine.agent.request({
      origin: engine.origin,
      method,
      path,
      headers: endToEnd(headers),
      body: isBodyless ? null : request,
      signal: abandoned.signal,
    });
    response.writeHead(answer.statusCode, {
      ...withoutCors(endToEnd(answer.headers)),
      // For browsers that send no Sec-Fetch-Site: the UI can't be laid under somebody's page.
      "x-frame-options": "SAMEORIGIN",
    });
    await pipeline(answer.body, response);
  } catch {
    if (response.headersSent) response.destroy();
    else refuse(response, 502, "The engine does not answer.");
  }
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response
    .writeHead(status, {
      "content-type": "text/plain; charset=utf-8",
      "x-content-type-options": "nosniff",
      // A body that nobody reads may still be on its way.
      connection: "close",
    })
    .end(`${why}\n`);
}

/** Of a connection, and not of what it carries; Node has answered `expect`. https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const hopByHop = new Set(
  "connection expect keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade".split(
    " ",
  ),
);

type Headers = Readonly<Record<string, string | string[] | undefined>>;

function endToEnd(headers: Headers): Record<string, string | string[]> {
  const named = [headers["connection"] ?? []].flat().flatMap((value) => value.toLowerCase().split(/\s*,\s*/));
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || hopByHop.has(name) || named.includes(name) ? [] : [[name, value] as const],
    ),
  );
}

/** The engine says yes to every origin. */
function withoutCors(headers: Record<string, string | string[]>): Record<string, string | string[]> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("access-control-")));
}
