/** The requests of a call, its outcome and its failure. */
import { describe, expect, it } from "vitest";
import { type Fetch } from "../../../src/api/client/waitForOutcome.ts";
import { fieldErrorSchema } from "../../../src/api/edgeFailures.ts";
import { PaymentsClient } from "../../../src/api/client.ts";
import { apiKey, asked, errorOf, get, outcome, pay, payment, post, succeeded } from "./paying.ts";
import * as edge from "./scriptedEdge.ts";

describe("a request", () => {
  it("has the body, the idempotency key, the API key and the wish for an answer in time", async () => {
    const { server, answer } = await pay([succeeded]);
    expect(await answer).toEqual(outcome);
    const [request] = server.received;
    expect(asked(server)).toEqual([post]);
    expect(JSON.parse(request?.body ?? "")).toEqual(payment);
    expect(request?.headers).toMatchObject({
      "idempotency-key": "order-1",
      authorization: `Bearer ${apiKey}`,
      "content-type": "application/json",
      accept: "application/json",
      prefer: "wait=25",
    });
  });

  it("asks for no longer wait than its caller has patience", async () => {
    const { server, answer } = await pay([succeeded], { timeoutMs: 2500 });
    await answer;
    expect(server.received[0]?.headers["prefer"]).toBe("wait=3");
  });

  it("goes to the path of the url, and without an API key has none", async () => {
    const server = await edge.startScriptedEdge([edge.accepted("a/b?c"), succeeded]);
    const client = new PaymentsClient({ url: `${server.url}/edge/` });
    await client.payments.processPayment(payment, { idempotencyKey: "order-1" });
    expect(asked(server)).toEqual(["POST /edge/payments/processPayment", "GET /edge/calls/a%2Fb%3Fc"]);
    expect(server.received[0]?.headers).not.toHaveProperty("authorization");
  });

  it("goes out by the fetch that was given", async () => {
    const addresses: string[] = [];
    const fetch: Fetch = async (url) => {
      addresses.push(url);
      return Response.json(outcome);
    };
    const client = new PaymentsClient({ url: "https://payments.example.com", fetch });
    expect(await client.payments.getPayment({ paymentIntentId: "pi_1" })).toEqual(outcome);
    expect(addresses).toEqual(["https://payments.example.com/payments/getPayment"]);
  });
});

describe("a call that goes on", () => {
  it("is followed until its outcome", async () => {
    const { server, answer } = await pay([edge.accepted("call_1"), edge.accepted("call_1"), succeeded]);
    expect(await answer).toEqual(outcome);
    expect(asked(server)).toEqual([post, get, get]);
    expect(server.received[1]?.headers).toMatchObject({ authorization: `Bearer ${apiKey}`, prefer: "wait=25" });
    expect(server.received[1]?.headers).not.toHaveProperty("idempotency-key");
  });

  it("is not asked for in a hurry by an edge that does not wait", async () => {
    const { server, answer } = await pay([edge.accepted("call_1")], { timeoutMs: 3000 });
    await errorOf(answer);
    expect(server.received.length).toBeGreaterThan(2);
    expect(server.received.length).toBeLessThan(9);
  });

  it("ends with its failure", async () => {
    const { answer } = await pay([
      edge.accepted("call_1"),
      edge.failed(402, "declined", { declineCode: "insufficient_funds", paymentIntentId: "pi_1" }),
    ]);
    expect(await errorOf(answer)).toMatchObject({
      name: "PaymentsError",
      message: "It is declined.",
      reason: "declined",
      status: 402,
      metadata: { reason: "declined", declineCode: "insufficient_funds", paymentIntentId: "pi_1" },
      errors: [],
      callId: "call_1",
    });
  });

  it("is posted again where the edge no longer knows it: the key brings its answer", async () => {
    const { server, answer } = await pay([edge.accepted("call_1"), edge.failed(404, "not_found"), succeeded]);
    expect(await answer).toEqual(outcome);
    expect(asked(server)).toEqual([post, get, post]);
    expect(server.received[2]?.headers["idempotency-key"]).toBe("order-1");
    expect(server.received[2]?.body).toBe(server.received[0]?.body);
  });

  it("that ends with 404 ends with 404", async () => {
    const missing = edge.failed(404, "not_found");
    const { server, answer } = await pay([edge.accepted("call_1"), missing, missing]);
    expect(await errorOf(answer)).toMatchObject({ reason: "not_found", status: 404 });
    expect(asked(server)).toEqual([post, get, post]);
  });

  it("is not posted in a hurry by an edge that forgets at once", async () => {
    const forgetful = Array.from({ length: 40 }, () => [edge.accepted("call_1"), edge.failed(404, "not_found")]).flat();
    const { server, answer } = await pay(forgetful, { timeoutMs: 1500 });
    await errorOf(answer);
    expect(server.received.length).toBeLessThan(14);
  });
});

describe("a failure", () => {
  it.each([
    [400, "invalid_request"],
    [401, "unauthorized"],
    [403, "forbidden"],
    [404, "not_found"],
    [408, "timed_out"],
    [409, "canceled"],
    [409, "conflict"],
    [413, "too_large"],
    [422, "idempotency_key_reused"],
    [502, "needs_review"],
  ])("%s %s ends the call at once", async (status, reason) => {
    const { server, answer } = await pay([edge.failed(status, reason, { compensation: "none" })]);
    const error = await errorOf(answer);
    expect(error).toMatchObject({ status, reason, metadata: { reason, compensation: "none" }, callId: null });
    expect(asked(server)).toEqual([post]);
  });

  it("has the wrong fields of a request", async () => {
    const errors = [fieldErrorSchema.parse({ path: "/amount", message: "is no integer" })];
    const { answer } = await pay([
      edge.json(400, { code: 400, message: "No.", metadata: { reason: "invalid_request" }, errors }),
    ]);
    expect((await errorOf(answer)).errors).toEqual(errors);
  });

  it("of a schema at the engine's own ingress has no metadata, and is invalid_request", async () => {
    const { answer } = await pay([edge.json(400, { code: 400, message: "(at /amount) is no integer" })]);
    expect(await errorOf(answer)).toMatchObject({ reason: "invalid_request", message: "(at /amount) is no integer" });
  });

  it.each([404, 403, 405, 301, 304])("of another server, %s, is unknown and says where to look", async (status) => {
    const { server, answer } = await pay([edge.html(status)]);
    const error = await errorOf(answer);
    expect(error).toMatchObject({ reason: "unknown", status });
    expect(error.message).toContain("url");
    expect(server.received.length).toBe(1);
  });

  it("is told instead of following a redirect, which would take the API key along", async () => {
    const elsewhere = await edge.startScriptedEdge([succeeded]);
    const { answer } = await pay([edge.json(307, {}, { location: `${elsewhere.url}/payments/processPayment` })]);
    expect(await errorOf(answer)).toMatchObject({ reason: "unknown", status: 307 });
    expect(elsewhere.received).toEqual([]);
  });
});
