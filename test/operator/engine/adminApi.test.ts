import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { connectToAdmin, EngineAdminError } from "../../../src/operator/engine/adminApi.ts";

const token = "key_of_the_operator";

/** An admin API behind something that asks for a token, as Restate Cloud does. */
async function guardedAdmin(): Promise<string> {
  const server = createServer((request, response) => {
    const isAllowed = request.headers.authorization === `Bearer ${token}`;
    response.writeHead(isAllowed ? 200 : 401).end(isAllowed ? '{"version":"1.7.12"}' : "");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("sends the token to an admin API that asks for one", async () => {
  expect(await connectToAdmin({ adminUrl: await guardedAdmin(), authToken: token }).version()).toBe("1.7.12");
});

it("names the setting, and not the token, when the token is refused", async () => {
  const admin = connectToAdmin({ adminUrl: await guardedAdmin(), authToken: "wrong_token" });
  const error = await admin.version().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(EngineAdminError);
  expect(String(error)).toContain("RESTATE_AUTH_TOKEN");
  expect(String(error)).not.toContain("wrong_token");
});
