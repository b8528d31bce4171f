import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { createEngineClient, EngineLost, EngineUnavailable } from "../../src/edge/engineClient.ts";

const target = { service: "payments", handler: "processPayment" };
const call = { target, engineKey: "key", edgeHeader: null, body: "{}" };

/** As an engine with a full disk does: it takes the request, and answers nothing. */
async function silentEngine() {
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = createEngineClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 50);
  onTestFinished(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  return client;
}

it("waits for no answer of a silent engine but that of a call", async () => {
  const engine = await silentEngine();
  // It may have been taken.
  await expect(engine.send(call)).rejects.toThrow(EngineLost);
  await expect(engine.ring("sign_1x")).rejects.toThrow(EngineLost);
  // These change nothing.
  await expect(engine.outcome(target, "key")).rejects.toThrow(EngineUnavailable);
  await expect(engine.invocationId(target, "key")).rejects.toThrow(EngineUnavailable);
  // Its end may be weeks away: only who waits gives it up.
  await expect(engine.call(call, AbortSignal.timeout(3000))).rejects.toMatchObject({ name: "TimeoutError" });
});
