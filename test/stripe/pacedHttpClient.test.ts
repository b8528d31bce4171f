/** The pacer behind the real stripe package, against a server on this machine. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { createStripeGateway } from "../../src/merchants/gateway.ts";
import { createStripeClient } from "../../src/stripe/client.ts";
import { onTerms, WithdrawnRequest } from "../../src/stripe/terms.ts";
import { cannedStripe } from "../merchants/cannedStripe.ts";

const secretKey = "sk_test_canned";
const onePerSecond = { all: 1, eachOperation: 1, search: 1 };
const payment = {
  body: {
    id: "pi_1",
    object: "payment_intent",
    status: "succeeded",
    amount: 1,
    latest_charge: null,
    next_action: null,
    metadata: {},
  },
};
const limited = (headers: Readonly<Record<string, string>>) => ({
  status: 429,
  headers,
  body: { error: { type: "invalid_request_error", code: "rate_limit", message: "Slower." } },
});

afterEach(() => {
  vi.useRealTimers();
});

describe("the requests of a paced client", () => {
  it("are sent in their turns", async () => {
    const { url, sent } = await cannedStripe(payment);
    const stripe = createStripeClient({
      secretKey,
      apiBase: url,
      pace: { ...onePerSecond, all: 10, eachOperation: 10 },
    });
    const begunAtMs = performance.now();
    await Promise.all([
      ...Array.from({ length: 3 }, () => stripe.paymentIntents.retrieve("pi_1")),
      stripe.paymentIntents.create({ amount: 1, currency: "usd" }),
    ]);
    expect(performance.now() - begunAtMs).toBeGreaterThanOrEqual(295);
    expect(sent.map(({ line }) => line).indexOf("POST /v1/payment_intents")).toBeLessThanOrEqual(1);
  });

  it.each([
    ["global-rate", ["Stripe limits the rate of requests (global-rate). Requests: at most 5 per second for now."]],
    ["endpoint-rate", [expect.stringContaining("GET /v1/payment_intents/:id: at most 5 per second")]],
    // That is a lock on an object, and says nothing about the rate.
    [null, []],
  ])("slow down after a 429 with the reason %s", async (reason, words) => {
    const { url } = await cannedStripe(limited(reason === null ? {} : { "stripe-rate-limited-reason": reason }));
    const said: string[] = [];
    const pace = { all: 10, eachOperation: 10, search: 8 };
    const gateway = createStripeGateway(
      { secretKey, apiBase: url, pace },
      { onSlowed: (sentence) => said.push(sentence) },
    );
    await expect(gateway.readPayment("pi_1")).rejects.toMatchObject({ name: "StripeOutage" });
    expect(said).toEqual(words);
  });

  it("are given back when the line is too long, with the time of their turn", async () => {
    const { url, sent } = await cannedStripe(payment);
    const gateway = createStripeGateway({ secretKey, apiBase: url, pace: onePerSecond });
    const leaving = new AbortController();
    const many = Array.from({ length: 8 }, () =>
      onTerms({ signal: leaving.signal }, () => gateway.readPayment("pi_1")),
    );
    const answers = Promise.allSettled(many);
    await expect(gateway.readPayment("pi_1")).rejects.toMatchObject({
      name: "StripeOutage",
      retryAfterMs: expect.any(Number),
      message: expect.stringMatching(/^Too many requests to Stripe wait before this one: it has a turn in \d+ s\.$/),
    });
    leaving.abort(new Error("nobody waits"));
    await answers;
    expect(sent).toHaveLength(1);
  });

  it("are not sent once they must not be, and say why", async () => {
    const { url, sent } = await cannedStripe(payment);
    const gateway = createStripeGateway({ secretKey, apiBase: url, pace: onePerSecond });
    let why: "deadline" | null = null;
    const check = (): void => {
      if (why !== null) throw new WithdrawnRequest(why);
    };
    const first = onTerms({ check }, () => gateway.readPayment("pi_1"));
    const second = onTerms({ check }, () => gateway.readPayment("pi_1"));
    await first;
    why = "deadline";
    await expect(second).rejects.toMatchObject({ name: "WithdrawnRequest", why: "deadline" });
    expect(sent).toHaveLength(1);
  });

  it("are not sent with an idempotency key that has become too old while they waited", async () => {
    const { url, sent } = await cannedStripe(payment);
    const gateway = createStripeGateway({ secretKey, apiBase: url, pace: onePerSecond });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const fixed = gateway.fixRequest({ reason: "x" }, "key-1");
    await gateway.readPayment("pi_1");
    const waiting = gateway.createPayment(fixed as never);
    vi.setSystemTime(Date.now() + 23 * 3_600_000);
    expect(await waiting).toEqual({ kind: "unknown" });
    expect(sent.map(({ line }) => line)).toEqual(["GET /v1/payment_intents/pi_1"]);
  });
});
