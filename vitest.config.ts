import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Tests that start a real engine: two cores, so few at a time, and a generous limit instead of tuned ones.
    maxWorkers: 2,
    silent: "passed-only",
    // The copies of `src` that test/guards makes: the project's Node runs them as they are, much faster than Vite reads them.
    server: { deps: { external: [/restate-stripe-payments-guard-/] } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
