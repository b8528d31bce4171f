/** The guard of the admin API, before a server that tells what reaches it. A browser and the engine itself: adminGuard.browser.test.ts. */
import { once } from "node:events";
import {
  createServer,
  request as requestHttp,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
} from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { startAdminGuard, type AdminGuard } from "../../src/dev/adminGuard.ts";
import { temporaryDirectory } from "./conditions.ts";

type Seen = {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
};

/** A guard before a server on a socket, and what has reached that. */
async function guarded(answer: RequestListener = (_, response) => response.end("from the engine")): Promise<{
  readonly guard: AdminGuard;
  readonly port: number;
  readonly seen: Seen[];
  readonly stopEngine: () => Promise<void>;
}> {
  const seen: Seen[] = [];
  const socket = join(temporaryDirectory(), "s");
  const engine = createServer((request, response) => {
    const { method, url, headers } = request;
    seen.push({ method, url, headers });
    // What the engine says to everybody.
    response.setHeader("access-control-allow-origin", "*");
    answer(request, response);
  });
  engine.listen(socket);
  await once(engine, "listening");
  const guard = await startAdminGuard(0, `unix:${socket}`);
  const stopEngine = async () => {
    engine.closeAllConnections();
    if (engine.listening) await new Promise((closed) => engine.close(closed));
  };
  onTestFinished(stopEngine);
  onTestFinished(() => guard.close());
  return { guard, port: Number(new URL(guard.url).port), seen, stopEngine };
}

/** Sends the headers as they are; `fetch` would not let us write some of them. */
async function ask(url: string, headers: Readonly<Record<string, string | string[]>>, method = "GET", body = "") {
  const request = requestHttp(url, { method, headers });
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

/** Sends the bytes, and gives all that comes back until the other side has ended. */
async function send(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(bytes);
  return await text(socket);
}

const host = (name: string) => ({ host: name });

test.each<[string, (port: number) => Record<string, string | string[]>]>([
  ["a program", (port) => host(`127.0.0.1:${port}`)],
  ["a program that says localhost", (port) => host(`localhost:${port}`)],
  ["one that says it in capitals", (port) => host(`LOCALHOST:${port}`)],
  ["one that says ::1", (port) => host(`[::1]:${port}`)],
  [
    "the UI's own page",
    (port) => ({ host: `127.0.0.1:${port}`, origin: `http://127.0.0.1:${port}`, "sec-fetch-site": "same-origin" }),
  ],
  ["a person who opens the address", (port) => ({ host: `localhost:${port}`, "sec-fetch-site": "none" })],
])("passes on what comes from %s", async (_who, headers) => {
  const { guard, port, seen } = await guarded();
  const answer = await ask(`${guard.url}/version`, headers(port));
  expect([answer.status, answer.body]).toEqual([200, "from the engine"]);
  expect(answer.headers["x-frame-options"]).toBe("SAMEORIGIN");
  expect(seen).toMatchObject([{ method: "GET", url: "/version" }]);
});

test.each<[string, (port: number) => Record<string, string | string[]>, RegExp]>([
  ["a name that points to this machine", (port) => host(`rebound.example:${port}`), /^The Host header names another/],
  ["a name that only begins as ours", (port) => host(`localhost.evil.example:${port}`), /^The Host header/],
  ["a name that only ends as ours", (port) => host(`evil.localhost:${port}`), /^The Host header/],
  ["an address that is no loopback", (port) => host(`0.0.0.0:${port}`), /^The Host header/],
  ["our name with a dot", (port) => host(`localhost.:${port}`), /^The Host header/],
  ["our name without the port", () => host("127.0.0.1"), /^The Host header/],
  ["our name with another port", (port) => host(`127.0.0.1:${port + 1}`), /^The Host header/],
  ["a user before our name", (port) => host(`a@127.0.0.1:${port}`), /^The Host header/],
  [
    "a page of another origin",
    (port) => ({ host: `127.0.0.1:${port}`, origin: "https://evil.example" }),
    /^The request comes from a web page of another origin/,
  ],
  [
    "a page at another port of this machine",
    (port) => ({ host: `127.0.0.1:${port}`, origin: `http://127.0.0.1:${port + 1}` }),
    /another origin/,
  ],
  [
    "a page at another name of this machine",
    (port) => ({ host: `127.0.0.1:${port}`, origin: `http://localhost:${port}` }),
    /another origin/,
  ],
  ["a page over TLS", (port) => ({ host: `127.0.0.1:${port}`, origin: `https://127.0.0.1:${port}` }), /another origin/],
  ["a page without an origin", (port) => ({ host: `127.0.0.1:${port}`, origin: "null" }), /another origin/],
  ["an empty origin", (port) => ({ host: `127.0.0.1:${port}`, origin: "" }), /another origin/],
  ["a link elsewhere", (port) => ({ host: `127.0.0.1:${port}`, "sec-fetch-site": "cross-site" }), /another site/],
  ["a page of this machine", (port) => ({ host: `127.0.0.1:${port}`, "sec-fetch-site": "same-site" }), /another site/],
  ["a browser to come", (port) => ({ host: `127.0.0.1:${port}`, "sec-fetch-site": "new" }), /another site/],
])("refuses %s, says why, and passes nothing on", async (_who, headers, why) => {
  const { guard, port, seen } = await guarded();
  for (const method of ["GET", "POST", "OPTIONS", "DELETE"]) {
    const answer = await ask(`${guard.url}/query`, headers(port), method, method === "POST" ? "{}" : "");
    expect([method, answer.status]).toEqual([method, 403]);
    expect(answer.body).toMatch(why);
    expect(answer.headers).toMatchObject({
      "content-type": "text/plain; charset=utf-8",
      "x-content-type-options": "nosniff",
    });
    expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
  }
  expect(seen).toEqual([]);
});

test.each([
  ["two names", "GET /version HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\nhost: evil.example\r\n\r\n", "403"],
  ["two names, ours last", "GET /version HTTP/1.1\r\nhost: evil.example\r\nhost: 127.0.0.1:PORT\r\n\r\n", "403"],
  ["an empty name", "GET /version HTTP/1.1\r\nhost:\r\n\r\n", "403"],
  ["no name at all", "GET /version HTTP/1.1\r\n\r\n", "400"],
  ["no name, as a program of 1996", "GET /version HTTP/1.0\r\n\r\n", "403"],
  [
    "two origins",
    "GET / HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\norigin: http://127.0.0.1:PORT\r\norigin: null\r\n\r\n",
    "403",
  ],
  [
    "two sites",
    "GET / HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\nsec-fetch-site: none\r\nsec-fetch-site: cross-site\r\n\r\n",
    "403",
  ],
  ["a whole address", "GET http://evil.example/version HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\n\r\n", "403"],
  ["an asterisk", "OPTIONS * HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\n\r\n", "403"],
  [
    "two lengths",
    "POST /query HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nDELETE /deployments/1 HTTP/1.1\r\nhost: evil\r\n\r\n",
    "400",
  ],
])("refuses a request with %s", async (_what, bytes, status) => {
  const { port, seen } = await guarded();
  const answer = await send(port, bytes.replaceAll("PORT", String(port)));
  expect(answer.split(" ")[1]).toBe(status);
  expect(seen).toEqual([]);
});

test("a tunnel is none of its trade", async () => {
  const { port, seen } = await guarded();
  expect(await send(port, `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`)).toBe("");
  expect(seen).toEqual([]);
});

test("a body arrives whole, with its length or in chunks, whatever the method, and never becomes a request of its own", async () => {
  const bodies: string[] = [];
  const { port, seen } = await guarded((request, response) => {
    void text(request).then((body) => response.end(String(bodies.push(body))));
  });
  const hidden = `GET /hidden HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`;
  const large = "x".repeat(1_000_000);
  for (const method of ["POST", "PATCH", "PUT", "DELETE", "GET"]) {
    for (const body of [hidden, large]) {
      const head = `${method} /query HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n`;
      const size = body.length.toString(16);
      const sent = [
        await send(port, `${head}content-length: ${body.length}\r\n\r\n${body}`),
        await send(port, `${head}transfer-encoding: chunked\r\n\r\n${size}\r\n${body}\r\n0\r\n\r\n`),
      ];
      expect([method, sent.map((answer) => answer.split(" ")[1])]).toEqual([method, ["200", "200"]]);
      expect(bodies.splice(0).map((received) => received === body)).toEqual([true, true]);
    }
  }
  expect(new Set(seen.map(({ url }) => url))).toEqual(new Set(["/query"]));
});

test("both directions stream: the answer begins before the request has ended", async () => {
  const { guard } = await guarded((request, response) => {
    request.once("data", (chunk) => response.write(`got ${String(chunk)}`));
    request.on("end", () => response.end(" and the end"));
  });
  const request = requestHttp(`${guard.url}/query`, { method: "POST" });
  request.write("the beginning");
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const [first] = (await once(response, "data")) as [Buffer];
  expect(first.toString()).toBe("got the beginning");
  request.end();
  const [rest] = (await once(response, "data")) as [Buffer];
  expect(rest.toString()).toBe(" and the end");
});

test("headers of the connection stay behind, and those of the content pass", async () => {
  const { guard, seen } = await guarded((_, response) => {
    response.writeHead(201, { "content-type": "application/vnd.apache.arrow.stream", connection: "close", "x-a": "1" });
    response.end();
  });
  const answer = await ask(
    `${guard.url}/query`,
    {
      accept: "application/json",
      connection: "keep-alive, x-hop",
      "x-hop": "1",
      te: "trailers",
      "proxy-authorization": "x",
    },
    "POST",
    "{}",
  );
  expect(answer.status).toBe(201);
  expect(answer.headers).toMatchObject({ "content-type": "application/vnd.apache.arrow.stream", "x-a": "1" });
  expect(answer.headers["connection"]).toBe("keep-alive");
  const [{ headers } = { headers: {} }] = seen;
  expect(headers).toMatchObject({ accept: "application/json", host: new URL(guard.url).host });
  for (const name of ["x-hop", "te", "proxy-authorization"]) expect(headers).not.toHaveProperty(name);
});

test("an engine that is gone, and one that ends in the middle, are told apart from an answer", async () => {
  const { guard, stopEngine } = await guarded((_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half an answer");
    setTimeout(() => response.destroy(), 50);
  });
  await expect(fetch(`${guard.url}/query`).then((response) => response.text())).rejects.toThrow("terminated");
  await stopEngine();
  const gone = await fetch(`${guard.url}/query`);
  expect([gone.status, await gone.text()]).toEqual([502, "The engine does not answer.\n"]);
});

test("what nobody reads any more is given up", async () => {
  const { promise: givenUp, resolve } = Promise.withResolvers<void>();
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const { guard } = await guarded((_, response) => {
    response.on("close", () => resolve());
    arrive();
  });
  const stop = new AbortController();
  const asking = fetch(`${guard.url}/query`, { signal: stop.signal });
  await arrived;
  stop.abort();
  await expect(asking).rejects.toThrow("aborted");
  await givenUp;
});

test("it listens on this machine only, and not beside somebody else", async () => {
  const { guard, port } = await guarded();
  expect(guard.url).toBe(`http://127.0.0.1:${port}`);
  await expect(startAdminGuard(port, "unix:/nowhere")).rejects.toMatchObject({ code: "EADDRINUSE" });
});
