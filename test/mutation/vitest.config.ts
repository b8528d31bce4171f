import { defineConfig } from "vitest/config";

/**
 * The tests that are run for every mutant: the unit tests of the mutated folders. Those that start a sandbox are left out:
 * it takes a second to load, a thousand times, and what the gateway sends and makes of every answer is pinned without it.
 */
export default defineConfig({
  test: {
    include: [
      "test/{stripe,merchants,money}/**/*.test.ts",
      "test/*/rules.test.ts",
      "test/*/rules/**/*.test.ts",
      "test/payments/stripe/**/*.test.ts",
      "test/setups/parameters.test.ts",
      "test/durable/pollSchedule.test.ts",
      "test/config/duration.test.ts",
      "test/webhooks/{verification,undeliveredEvents}.test.ts",
    ],
    exclude: ["test/merchants/gateway.test.ts"],
    // One worker for all files of a run loads the stripe package once; Stryker starts a fresh one for every mutant.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
