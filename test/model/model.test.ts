/** The payment's state machine as a pure model, against the real handlers, with random commands. */
import { randomInt } from "node:crypto";
import { describe, expect, it } from "vitest";
import { check } from "./check.ts";

/** For a machine that has other things to do; alone it takes a minute. */
const patienceMs = 15 * 60_000;

describe("the model of a payment", { timeout: patienceMs }, () => {
  it.each([
    ["webhooks alone wake calls", 50, false],
    ["polls wake calls as well", 50, true],
  ])("is what callers and Stripe see, whatever happens and whenever, where %s", async (_what, runs, polls) => {
    const result = await check({ runs, seed: randomInt(2 ** 30), atOnce: 8, polls, shrinks: 10 });
    expect(result.failure).toBe(null);
    expect(result.runs).toBe(runs);
  });

  it.each(["takes every wake for a success", "forgets the amount of a refund"] as const)(
    "disagrees with a service that %s",
    async (defect) => {
      const { failure } = await check({ runs: 40, seed: 1, atOnce: 4, polls: false, shrinks: 0, defect });
      expect(failure).toContain("what is seen is not what can be");
    },
  );
});
