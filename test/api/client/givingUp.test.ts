/** The end of a caller's patience. */
import { getEventListeners } from "node:events";
import { statusOfEdgeReason } from "../../../src/api/edgeFailures.ts";
import { describe, expect, it, onTestFinished } from "vitest";
import { PaymentsClient } from "../../../src/api/client.ts";
import { asked, errorOf, outcome, pay, post, succeeded } from "./paying.ts";
import * as edge from "./scriptedEdge.ts";

describe("giving up", () => {
  it("says what is known, and the id of the call", async () => {
    const { answer } = await pay([edge.accepted("call_1"), edge.html(504)], { timeoutMs: 2000 });
    const error = await errorOf(answer);
    expect(error).toMatchObject({ reason: "unknown", status: statusOfEdgeReason.unknown, callId: "call_1" });
    expect(error.message).toMatch(/gave up payments\/processPayment after 2000 ms.*504.*same idempotency key/);
  });

  it("names the system's error where nobody listens", async () => {
    const server = await edge.startScriptedEdge([succeeded]);
    await server.close();
    const client = new PaymentsClient({ url: server.url });
    const answer = client.payments.getPayment({ paymentIntentId: "pi_1" }, { timeoutMs: 300 });
    expect((await errorOf(answer)).message).toContain("ECONNREFUSED");
  });

  it.each([
    ["while the edge hangs", edge.hangs],
    ["in a pause", edge.failed(429, "rate_limited", {}, { "retry-after": "60" })],
  ])("happens %s when the caller aborts, with his reason", async (_name, line) => {
    const controller = new AbortController();
    const { server, answer } = await pay([line], { signal: controller.signal });
    while (server.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const reason = new Error("The shop closes.");
    controller.abort(reason);
    const error = await errorOf(answer);
    expect([error.reason, error.cause]).toEqual(["unknown", reason]);
    expect(error.message).toContain("signal");
    expect(asked(server)).toEqual([post]);
  });

  it("sends nothing if the caller aborted before", async () => {
    const { server, answer } = await pay([succeeded], { signal: AbortSignal.abort() });
    expect((await errorOf(answer)).message).toContain("nothing was sent");
    expect(server.received).toEqual([]);
  });

  it("lets go of the caller's signal, as every end does", async () => {
    const { signal } = new AbortController();
    await (
      await pay([succeeded], { signal })
    ).answer;
    await errorOf((await pay([edge.failed(402, "declined")], { signal })).answer);
    await errorOf((await pay([edge.hangs], { signal, timeoutMs: 100 })).answer);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("closes the connection", async () => {
    const { server, answer } = await pay([edge.hangs], { timeoutMs: 100 });
    await errorOf(answer);
    while (server.left() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(server.left()).toBe(1);
  });

  it("is far away for a time-out of weeks, and no timer is too long for the runtime", async () => {
    const warnings: string[] = [];
    const note = ({ name }: Error) => warnings.push(name);
    process.on("warning", note);
    onTestFinished(() => void process.off("warning", note));
    const { answer } = await pay([edge.failed(503, "unavailable"), succeeded], { timeoutMs: 90 * 86_400_000 });
    expect(await answer).toEqual(outcome);
    expect(warnings).toEqual([]);
  });
});

it.each([0, -1, NaN])("A time-out of %s ms is refused", async (timeoutMs) => {
  const client = new PaymentsClient({ url: "http://edge.test" });
  await expect(client.payments.getPayment({ paymentIntentId: "pi_1" }, { timeoutMs })).rejects.toThrow(TypeError);
});
