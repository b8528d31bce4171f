import { describe, expect, it } from "vitest";
import { Limits } from "../../../src/sandbox/world/limits.ts";
import { cardPayment, control, withSandbox } from "../surroundings.ts";

describe("the limits on the rate of requests", () => {
  const read = "GET /v1/payment_intents/:id";
  const create = "POST /v1/payment_intents";
  const search = "GET /v1/payment_intents/search";

  /** Each request comes at a time, and is taken (null) or refused. */
  it.each<[string, readonly (readonly [number, string, string | null])[]]>([
    [
      "let a second's worth through, by operation",
      [
        [0, read, null],
        [10, read, null],
        [20, read, "endpoint-rate"],
        [30, create, null],
        [999, read, "endpoint-rate"],
        [1000, read, null],
        [1009, read, "endpoint-rate"],
        [1010, read, null],
      ],
    ],
    [
      "let a second's worth through, of all",
      [
        [0, read, null],
        [0, read, null],
        [0, create, null],
        [0, create, null],
        [0, search, "global-rate"],
        [1000, search, null],
      ],
    ],
    [
      "are lower for search",
      [
        [0, search, null],
        [0, search, "endpoint-rate"],
      ],
    ],
  ])("%s", (_what, requests) => {
    let nowMs = 0;
    const limits = new Limits({ perSecond: 4, perOperation: 2, search: 1 }, () => nowMs);
    for (const [atMs, operation, refused] of requests) {
      nowMs = atMs;
      expect([atMs, limits.count("acct_1", operation)]).toEqual([atMs, refused]);
    }
    // Another account has limits of its own.
    expect(limits.count("acct_2", search)).toBeNull();
  });

  it("are off, are switched on with Stripe's numbers, and are switched off", async () => {
    await withSandbox(async ({ sandbox }) => {
      expect(await control(sandbox, "GET", "/limits")).toMatchObject({ status: 200, body: null });
      const stripes = { perSecond: 25, perOperation: 25, search: 20 };
      expect(await control(sandbox, "POST", "/limits", {})).toMatchObject({ status: 200, body: stripes });
      expect(await control(sandbox, "GET", "/limits")).toMatchObject({ body: stripes });
      expect(await control(sandbox, "POST", "/limits", { perSecond: 0 })).toMatchObject({ status: 400 });
      expect(await control(sandbox, "POST", "/limits", { perMinute: 1 })).toMatchObject({ status: 400 });
      expect(await control(sandbox, "DELETE", "/limits")).toMatchObject({ status: 200, body: null });
    });
  });

  it.each([
    ["endpoint-rate", { perSecond: 100, perOperation: 1 }],
    ["global-rate", { perSecond: 1, perOperation: 1 }],
  ])(
    "refuse as Stripe does (%s): nothing is done, nothing is saved, and nobody says when to try again",
    async (reason, limits) => {
      await withSandbox(
        async ({ stripe, sandbox }) => {
          const keys = ["order-1", "order-2", "order-3"];
          const pay = (idempotencyKey: string) => stripe.paymentIntents.create(cardPayment(), { idempotencyKey });
          const errors = await Promise.all(
            keys.map((key) =>
              pay(key).then(
                () => null,
                (error: unknown) => error,
              ),
            ),
          );
          const refused = errors.filter((error) => error !== null);
          expect(refused).toHaveLength(2);
          for (const error of refused) {
            expect(error).toMatchObject({ statusCode: 429, code: "rate_limit", rawType: "invalid_request_error" });
            expect(error).toMatchObject({ headers: { "stripe-rate-limited-reason": reason } });
            expect(error).not.toHaveProperty("headers.retry-after");
          }
          await control(sandbox, "DELETE", "/limits");
          expect((await stripe.paymentIntents.list()).data).toHaveLength(1);
          for (const key of keys) await pay(key);
          expect((await stripe.paymentIntents.list()).data).toHaveLength(3);
        },
        { limits },
      );
    },
  );
});
