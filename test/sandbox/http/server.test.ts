/** How the sandbox's server treats requests that no well-behaved client sends. */
import { request } from "node:http";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { withSandbox } from "../surroundings.ts";

type Answer = { readonly status: number; readonly headers: NodeJS.Dict<string | string[]>; readonly text: string };

/** Sends the path as it is written: `fetch` would tidy it up. */
async function send(port: number, method: string, path: string, body = "", headers = {}): Promise<Answer> {
  const authorization = "Bearer sk_test_of_the_tests";
  return await new Promise((resolve, reject) => {
    const call = request({ port, method, path, headers: { authorization, ...headers } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    call.on("error", reject).end(body);
  });
}

/** Sends a request by hand, so that nothing mends its `Host`, and gives the whole answer. */
async function sendRaw(port: number, method: string, path: string, host: string): Promise<string> {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Authorization: Bearer sk_test_raw",
    "Connection: close",
  ];
  return await new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(`${lines.join("\r\n")}\r\n\r\n`));
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    socket.on("end", () => resolve(text)).on("error", reject);
  });
}

const chunked = { "transfer-encoding": "chunked" };
const large = `name=${"x".repeat(2 * 1024 * 1024)}`;

describe("the sandbox's server", () => {
  it.each([
    ["an unknown address", "GET", "/v1/nothing", "", {}, 404, "Unrecognized request URL"],
    ["another method", "PUT", "/v1/charges", "", {}, 404, "Unrecognized request URL"],
    ["OPTIONS", "OPTIONS", "/v1/charges", "", {}, 404, "Unrecognized request URL"],
    ["a percent sign that encodes nothing", "GET", "/v1/charges/%zz", "", {}, 400, "is not a valid url component"],
    ["a body that is too large", "POST", "/v1/customers", large, {}, 413, "too large"],
    ["a body of unknown length that is too large", "POST", "/v1/customers", large, chunked, 413, "too large"],
    ["a `Host` that is none", "GET", "/v1/charges", "", { host: "no host" }, 400, "Invalid URL"],
  ])("answers %s in Stripe's form", async (_, method, path, body, headers, status, words) => {
    await withSandbox(async ({ sandbox: { port } }) => {
      const answer = await send(port, method, path, body, headers);
      expect(answer.status).toBe(status);
      expect(answer.headers["x-sandbox"]).toContain("not Stripe");
      expect(answer.headers["request-id"]).toMatch(/^req_/);
      expect(JSON.parse(answer.text)).toMatchObject({ error: { type: "invalid_request_error" } });
      expect(answer.text).toContain(words);
    });
  });

  it.each([
    "shop.example",
    "rebound.attacker.test:PORT",
    "127.0.0.1.attacker.test:PORT",
    "localhost.attacker.test:PORT",
    "attacker-localhost:PORT",
    "192.168.0.7:PORT",
    "0.0.0.0:PORT",
    "[::2]:PORT",
    "",
  ])("refuses reads and changes under the `Host` %j, which is not this machine", async (host) => {
    await withSandbox(async ({ sandbox: { port } }) => {
      for (const [method, path] of [
        ["GET", "/"],
        ["HEAD", "/"],
        ["GET", "/v1/payment_intents"],
        ["POST", "/v1/customers"],
        ["GET", "/_sandbox/requests"],
        ["POST", "/_sandbox/clock"],
        ["GET", "/_sandbox/checkout/cs_test_1"],
        ["GET", "/_sandbox/nothing"],
      ] as const) {
        const answer = await sendRaw(port, method, path, host.replace("PORT", String(port)));
        expect(answer).toContain("HTTP/1.1 403 ");
        expect(answer).toContain("not Stripe");
      }
    });
  });

  it.each([
    "localhost:PORT",
    "LocalHost:PORT",
    "127.0.0.1:PORT",
    "127.1.2.3:PORT",
    "[::1]:PORT",
    "localhost",
    "127.0.0.1:9",
  ])("answers under the `Host` %s", async (host) => {
    await withSandbox(async ({ sandbox: { port } }) => {
      for (const path of ["/", "/v1/payment_intents", "/_sandbox/requests"]) {
        expect(await sendRaw(port, "GET", path, host.replace("PORT", String(port)))).toContain("HTTP/1.1 200 ");
      }
    });
  });

  it("answers HEAD as GET, without the body", async () => {
    await withSandbox(async ({ sandbox: { port } }) => {
      const [get, head] = [await send(port, "GET", "/v1/charges"), await send(port, "HEAD", "/v1/charges")];
      expect([head.status, head.text]).toEqual([200, ""]);
      expect(head.headers["content-length"]).toBe(String(get.text.length));
    });
  });

  it("reads an id that is percent-encoded", async () => {
    await withSandbox(async ({ sandbox: { port } }) => {
      expect((await send(port, "GET", "/v1/charges/a%2Fb%25")).text).toContain("No such charge: 'a/b%'");
    });
  });

  it("finds the search among the PaymentIntents' ids", async () => {
    await withSandbox(async ({ sandbox: { port } }) => {
      const { text } = await send(port, "GET", "/v1/payment_intents/search?query=status%3A%27x%27");
      expect(JSON.parse(text)).toMatchObject({ object: "search_result" });
    });
  });

  it("goes on when a client breaks off in the middle of a body", async () => {
    await withSandbox(async ({ sandbox: { port } }) => {
      const socket = connect(port, "127.0.0.1");
      await new Promise<void>((resolve) => {
        socket.write("POST /v1/customers HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nname=", () => resolve());
      });
      socket.destroy();
      expect((await send(port, "GET", "/v1/customers")).status).toBe(200);
    });
  });

  it("closes connections that are open when it stops", async () => {
    let closed: Promise<string> = Promise.resolve("never opened");
    await withSandbox(async ({ sandbox: { port } }) => {
      const socket = connect(port, "127.0.0.1");
      closed = new Promise((resolve) => socket.on("error", () => {}).on("close", () => resolve("closed")));
      await new Promise<void>((resolve) => socket.on("connect", resolve));
    });
    expect(await closed).toBe("closed");
  });
});
