import { configDefaults, defineConfig } from "vitest/config";

const pages = ["test/sandbox/pages/**/*.test.ts", "test/edge/pages/**/*.test.ts", "test/**/*.browser.test.ts"];

export default defineConfig({
  test: {
    silent: "passed-only",
    // The copies of `src` that test/guards makes: the project's Node runs them as they are, much faster than Vite reads them.
    server: { deps: { external: [/restate-stripe-payments-guard-/] } },
    // A generous limit instead of tuned ones.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      // A browser keeps two cores busy by itself, and starves beside another one.
      { extends: true, test: { name: "pages", include: pages, maxWorkers: 1, sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: {
          name: "rest",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...pages],
          // Many of them start a real engine, and wait for its timers more than they work: twice as many as CI has cores.
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
