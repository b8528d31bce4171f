/** `npm start` on a disk that runs full: what was acknowledged survives, nothing is charged twice, and a person is told. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Stripe } from "stripe";
import { freePorts } from "../../src/dev/ports.ts";
import { sandboxSecretKey } from "../../src/dev/sandboxLaunch.ts";
import { startStack } from "../../src/dev/stack.ts";
import type { Stack, StackOptions } from "../../src/dev/stackOptions.ts";
import { mountSmallDisk, noSmallDisk, type SmallDisk } from "../faults/smallDisk.ts";
import { bankDebit, card, newOrder, until } from "../scene/scene.ts";

describe.skipIf(noSmallDisk !== null)("npm start on a disk that runs full", () => {
  let disk: SmallDisk;
  let options: StackOptions;
  let stack: Stack;
  const warnings: string[] = [];

  beforeAll(async () => {
    disk = mountSmallDisk(160);
    const [edge = 0, ingress = 0, admin = 0, service = 0, sandbox = 0] = await freePorts(5);
    options = {
      ports: { edge, ingress, admin, service, sandbox },
      dataDir: disk.path,
      stripe: { kind: "sandbox", settlementDelayMs: 3_600_000 },
      environment: process.env,
      serviceSettings: { PAYMENT_POLL_SCHEDULE: "1s" },
      enginePartitions: 1,
      onWarning: (part, line) => warnings.push(`[${part}] ${line}`),
    };
    stack = await startStack(options);
  }, 120_000);
  afterAll(async () => {
    await stack.stop();
    disk.unmount();
  });

  /** The answer's status and outcome; null where there was none. */
  async function call(path: string, body: object, key: string, timeoutMs = 20_000) {
    try {
      const response = await fetch(`${stack.ingressUrl}/payments/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: response.status, body: (await response.json()) as { status?: string } };
    } catch {
      return null;
    }
  }

  it("keeps what it acknowledged, charges nothing twice, and says what to do", { timeout: 180_000 }, async () => {
    const [paid, waiting, ...orders] = Array.from({ length: 8 }, newOrder) as [string, string, ...string[]];
    expect(await call("processPayment", card(paid), paid)).toMatchObject({ status: 200 });
    expect(await call("processPayment/send", bankDebit(waiting), waiting)).toMatchObject({ status: 202 });
    disk.fill();

    // Some may still be accepted, in space that the engine has reserved; the others get no answer.
    const accepted = await Promise.all(
      orders.map(async (order) => ({ order, answer: await call("processPayment/send", card(order), order, 4000) })),
    );
    for (const { answer } of accepted) expect([202, undefined]).toContain(answer?.status);
    const isFull = expect.stringMatching(/^\[engine\] The disk that holds .* is full\. .*Free space.*start again\.$/);
    await vi.waitFor(() => expect(warnings).toContainEqual(isFull), { timeout: 10_000 });

    disk.free();
    const goesOn = expect.stringMatching(/^\[engine\] There is space again .*press Ctrl-C and start again\.$/);
    await vi.waitFor(() => expect(warnings).toContainEqual(goesOn), { timeout: 10_000 });
    await stack.stop();
    stack = await startStack(options);

    expect(await call("processPayment", card(paid), paid)).toMatchObject({
      status: 200,
      body: { status: "succeeded" },
    });
    const stripe = new Stripe(sandboxSecretKey, { host: "127.0.0.1", port: options.ports.sandbox, protocol: "http" });
    const paymentsOf = async (order: string) =>
      (await stripe.paymentIntents.list({ limit: 100 })).data.filter(({ metadata }) => metadata["orderId"] === order);
    // What was acknowledged is done without anybody asking again.
    for (const { order, answer } of accepted.filter((each) => each.answer?.status === 202)) {
      await until(`the payment of ${order}`, async () => {
        const [payment] = await paymentsOf(order);
        return answer !== null && payment?.status === "succeeded" ? true : undefined;
      });
    }
    // Whoever had no answer asks again with the same key.
    for (const order of orders) {
      expect(await call("processPayment", card(order), order)).toMatchObject({ status: 200 });
      expect(await paymentsOf(order)).toHaveLength(1);
    }
    const debit = await until("the debit that waits", async () => (await paymentsOf(waiting))[0]);
    await fetch(`http://127.0.0.1:${options.ports.sandbox}/_sandbox/settle`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id: debit.id, outcome: "succeeded" }),
    });
    expect(await call("processPayment", bankDebit(waiting), waiting)).toMatchObject({
      status: 200,
      body: { status: "succeeded" },
    });
    expect(await paymentsOf(waiting)).toHaveLength(1);
  });
});
