import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { answers, freePorts, portProblems } from "../../src/dev/ports.ts";

async function listenOn(host: string): Promise<number> {
  const server = createServer();
  server.listen(0, host);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test("free ports are all different and can be used", async () => {
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
  const needs = ports.map((port) => ({ port, who: "The test", variable: "X" }));
  expect(await portProblems(needs)).toEqual([]);
});

test("free ports can't be lost to an outgoing connection", async () => {
  // Linux and macOS give those 32768 and higher ones.
  expect(Math.max(...(await freePorts(50)))).toBeLessThan(32_768);
});

test.each(["127.0.0.1", "0.0.0.0", "::1"])(
  "a port taken on %s is named, with who needs it and what changes it",
  async (host) => {
    const port = await listenOn(host);
    const [free] = await freePorts(1);
    const problems = await portProblems([
      { port, who: "The payments service", variable: "PORT" },
      { port: free ?? 0, who: "The Stripe sandbox", variable: "SANDBOX_PORT" },
    ]);
    expect(problems).toEqual([
      `Port ${port} is taken. The payments service needs it. Choose another one, for example PORT=${port + 1}, or stop what listens there.`,
    ]);
  },
);

test("tells whether somebody listens", async () => {
  const [free] = await freePorts(1);
  expect(await answers("127.0.0.1", await listenOn("127.0.0.1"))).toBe(true);
  expect(await answers("127.0.0.1", free ?? 0)).toBe(false);
});
