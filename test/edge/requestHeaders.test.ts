/** What Node's own server tells of headers that come twice, over a real socket. */
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, it, onTestFinished } from "vitest";
import { identifyCaller } from "../../src/edge/caller.ts";

/** The status of the answer, and the caller that the server saw in the request. */
async function callerOf(lines: readonly string[]) {
  let seen: unknown = null;
  const server = createServer((request, response) => {
    const { method = "", headersDistinct: headers } = request;
    const { remoteAddress } = request.socket;
    const rules = { apiKeys: null, isSandbox: true, trustProxy: null };
    seen = identifyCaller({ method, headers, remoteAddress }, rules);
    response.end();
  });
  server.listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write(["GET / HTTP/1.1", ...lines, "connection: close", "", ""].join("\r\n"));
  const status = Number((await text(socket)).split(" ")[1]);
  return { status, seen };
}

it("A request of this machine is the developer's", async () => {
  expect(await callerOf(["Host: localhost:8080"])).toEqual({ status: 200, seen: { kind: "developer" } });
});

it.each([
  ["two hosts", ["Host: localhost:8080", "Host: evil.example"]],
  ["two hosts, the other way round", ["Host: evil.example", "Host: localhost:8080"]],
  ["a header of a proxy in capitals", ["Host: localhost:8080", "X-FORWARDED-FOR: 203.0.113.9"]],
  ["an empty header of a proxy", ["Host: localhost:8080", "Via:"]],
  ["two origins", ["Host: localhost:8080", "Origin: http://localhost:8080", "Origin: https://evil.example"]],
  ["a key and another one", ["Host: localhost:8080", "Authorization: Bearer a", "Authorization: Bearer b"]],
  ["an empty key", ["Host: localhost:8080", "Authorization:"]],
])("A request with %s is refused", async (_what, lines) => {
  const { status, seen } = await callerOf(lines);
  expect(status === 400 ? { kind: "refused" } : seen).toMatchObject({ kind: "refused" });
});
