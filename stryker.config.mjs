/**
 * `npm run mutation`: changes the pure rules and everything that speaks to Stripe (`rules`, `stripe`, `money`) in a thousand small ways, one at a time, and runs
 * the unit tests that reach the change; a change that no test notices is a rule that nobody checks. What survives, and
 * why, is in test/mutation/README.md.
 *
 * Texts for people are mutated like everything else: a caller acts on them, so tests ask for the words that matter.
 */
export default {
  mutate: [
    "src/{stripe,money,merchants}/**/*.ts",
    "src/*/{rules,stripe}.ts",
    "src/*/{rules,stripe}/**/*.ts",
    "src/*/{events,eventNews,eventTable,verification,pollSchedule,duration}.ts",
    "!src/{sandbox,dev,bin,operator}/**",
  ],
  testRunner: "vitest",
  vitest: { configFile: "test/mutation/vitest.config.ts" },
  coverageAnalysis: "perTest",
  // The project's Node strips the types. Stryker would rewrite this file with TypeScript's old programming interface.
  tsconfigFile: "none: stryker cannot read it with TypeScript 7",
  // What was tested before and hasn't changed is not tested again, and an interrupted run goes on where it was. A change of
  // what tests share is not noticed: `npm run mutation -- --force` begins anew.
  incremental: true,
  incrementalFile: ".data/mutation/incremental.json",
  concurrency: 2,
  timeoutMS: 60_000,
  thresholds: { high: 95, low: 88, break: 85 },
  reporters: ["clear-text", "progress-append-only", "html", "json"],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  htmlReporter: { fileName: ".data/mutation/report.html" },
  jsonReporter: { fileName: ".data/mutation/report.json" },
  tempDirName: ".data/mutation/sandbox",
  ignorePatterns: [".data*", "deploy", "README.md"],
  allowConsoleColors: false,
};
