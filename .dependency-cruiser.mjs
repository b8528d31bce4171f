/**
 * Who may import whom in `src`: the table and the order of DESIGN.md as rules by kind of file. What an import may
 * name of a package, and which globals a kind of file may use, stands in .oxlintrc.json.
 */

/** Calls between handlers go leftwards in this order. A message against it goes through `interface.ts`. */
const nouns = [
  "customers",
  "setups",
  "refunds",
  "payments",
  "disputes",
  "accounts",
  "orders",
  "checkout",
  "subscriptions",
];
/** Folders with handlers that are about no noun of Stripe's: they listen to the nouns, and tell of them. */
const tellers = ["webhooks", "notifications"];

const aNoun = `^src/(${nouns.join("|")})/`;
const aHouse = `^src/(${[...nouns, ...tellers].join("|")})/`;

/** A kind of file, in any folder: `rules.ts`, or a folder `rules`. */
const kind = (...names) => names.map((name) => `^src/[^/]+/${name}[./]`);
const rules = kind("rules");
const money = "^src/money/";
const api = "^src/api/";
const npm = (...names) => names.map((name) => `^node_modules/${name}/`);

/** All that other folders may know of a noun without knowing its handlers. */
const noHandlers = [
  ...kind("rules", "contract", "interface", "stripe", "object", "events"),
  ...kind("options", "settings", "eventTable", "verification", "receiver"),
];

/** What is told of a payment is read of several nouns; undelivered events are read as delivered ones are. */
const stripeExceptions = ["^src/(payments|refunds)/stripe[./]", "^src/webhooks/eventNews\\.ts$"];

/** An import of these that is not `import type`. */
const notOnlyTypes = { dependencyTypesNot: ["type-only"] };

const forbidden = [
  {
    name: "no-circles",
    comment: "What needs each other is one thing, or shares a third.",
    from: {},
    to: { circular: true },
  },
  {
    name: "nothing-unresolved",
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: "app-runs-without-dev-dependencies",
    comment: "`npm ci --omit=dev && npm run app` installs only what the service needs.",
    from: { path: "^src/", pathNot: "^src/(sandbox|dev)/" },
    to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["npm", "type-only"] },
  },
  {
    name: "app-is-the-service-alone",
    from: { path: "^src/bin/app\\.ts$" },
    to: { path: "^src/(sandbox|dev|operator)/" },
  },

  // Kinds of file.
  {
    name: "rules-are-pure",
    comment: "rules.ts decides over plain data: rules of other nouns, and money.",
    from: { path: rules },
    to: { pathNot: [...rules, money, api, ...kind("contract")] },
  },
  {
    name: "rules-take-types-of-shapes",
    comment: "A rule may speak of a public shape, which is written in a contract.",
    from: { path: rules },
    to: { path: [api, ...kind("contract")], ...notOnlyTypes },
  },
  {
    name: "money-is-pure",
    from: { path: money },
    to: { pathNot: money },
  },
  {
    name: "stripe-files-stand-on-rules-and-src-stripe",
    from: { path: `${aHouse}stripe[./]` },
    to: {
      pathNot: [
        "^src/$1/stripe/",
        ...rules,
        "^src/stripe/",
        money,
        ...kind("contract"),
        api,
        ...npm("stripe", "zod"),
        ...stripeExceptions,
      ],
    },
  },
  {
    name: "stripe-files-take-types-of-contracts",
    from: { path: `${aHouse}stripe[./]` },
    to: { path: [...kind("contract"), api], ...notOnlyTypes },
  },
  {
    name: "contracts-are-shapes",
    comment: "contract.ts is the only place where a public shape is written: fields of the api, rules, money and zod.",
    from: { path: `${aHouse}contract\\.ts$` },
    to: { pathNot: [api, ...rules, money, ...npm("zod")] },
  },
  {
    name: "interfaces-are-names-and-types",
    from: { path: `${aHouse}interface\\.ts$` },
    to: { pathNot: [...kind("contract", "rules"), "^src/durable/failures\\.ts$", ...npm("@restatedev/restate-sdk")] },
  },
  {
    name: "interfaces-take-types-of-rules",
    comment: "But for the account that every object's key names.",
    from: { path: `${aHouse}interface\\.ts$` },
    to: { path: [...rules, "^src/durable/"], pathNot: "^src/merchants/rules\\.ts$", ...notOnlyTypes },
  },
  {
    name: "objects-read-and-judge",
    comment: "object.ts is how one is awaited.",
    from: { path: `${aHouse}object\\.ts$` },
    to: {
      pathNot: [
        ...rules,
        "^src/$1/stripe[./]",
        "^src/(stripe|durable|merchants)/",
        ...kind("contract"),
        ...npm("@restatedev/restate-sdk"),
      ],
    },
  },
  {
    name: "objects-take-types-of-contracts-and-the-sdk",
    from: { path: `${aHouse}object\\.ts$` },
    to: { path: [...kind("contract"), ...npm("@restatedev/restate-sdk")], ...notOnlyTypes },
  },
  {
    name: "events-know-rules",
    comment: "events.ts says which events are about the noun, whom they ring and what they may change.",
    from: { path: `${aHouse}events\\.ts$` },
    to: { pathNot: [...rules, "^src/webhooks/", money] },
  },
  {
    name: "events-take-shapes-of-webhooks",
    from: { path: `${aNoun}events\\.ts$` },
    to: { path: "^src/webhooks/", pathNot: rules, ...notOnlyTypes },
  },

  // Folders.
  ...nouns.slice(0, -1).map((noun, index) => ({
    name: `${noun}-call-leftwards`,
    comment: `Order: ${nouns.join(", ")}. To the right of ${noun} only interface.ts, contract.ts, rules, and object.ts, which only reads.`,
    from: { path: `^src/${noun}/` },
    to: {
      path: `^src/(${nouns.slice(index + 1).join("|")})/`,
      pathNot: kind("rules", "contract", "interface", "object"),
    },
  })),
  {
    name: "nouns-message-webhooks-and-notifications",
    comment:
      "Webhooks and notifications stand behind the nouns: their interface.ts, contract.ts, rules, types, or the wrapper that asks for a look.",
    from: { path: aNoun },
    to: {
      path: `^src/(${tellers.join("|")})/`,
      pathNot: kind("rules", "contract", "interface", "thenLook"),
      ...notOnlyTypes,
    },
  },
  {
    name: "foundations-know-no-handlers",
    comment:
      "durable, stripe, config and telemetry serve any noun: of one they know rules, shapes and settings at most.",
    from: { path: "^src/(durable|stripe|config|telemetry)/" },
    to: { path: aHouse, pathNot: kind("rules", "contract", "interface", "options", "settings") },
  },
  {
    name: "only-app-puts-services-together",
    comment: "A handler is imported by handlers, and by src/app.",
    from: { pathNot: [aHouse, "^src/app/"] },
    to: { path: aHouse, pathNot: noHandlers },
  },
  {
    name: "only-programs-import-app",
    from: { path: "^src/", pathNot: "^src/(app|bin|dev|operator)/" },
    to: { path: "^src/app/" },
  },
  {
    name: "nobody-imports-programs",
    comment: "bin, dev and operator are where a person comes in: they import, and are not imported.",
    from: { path: "^src/", pathNot: "^src/(bin|dev|operator)/" },
    to: { path: "^src/(bin|dev|operator)/" },
  },
  {
    name: "sandbox-proves-by-being-independent",
    comment: "It imports nothing of the service.",
    from: { path: "^src/sandbox/" },
    to: { path: "^src/", pathNot: "^src/sandbox/" },
  },
  {
    name: "service-knows-no-sandbox",
    from: { path: "^src/", pathNot: "^src/(sandbox|bin|dev)/" },
    to: { path: "^src/sandbox/" },
  },
  {
    name: "client-brings-nothing-along",
    comment: "The typed client runs where nothing else of ours does: it knows the registry and the shapes as types.",
    from: { path: "^src/api/client[./]" },
    to: { pathNot: "^src/api/client/", ...notOnlyTypes },
  },
  {
    name: "engine-is-an-address",
    comment: "How programs reach the engine, over HTTP or a socket: nothing of what they ask it.",
    from: { path: "^src/engine/" },
    to: { path: "^src/", pathNot: "^src/(engine|config)/" },
  },
  {
    name: "edge-calls-from-outside",
    comment:
      "The front door imports the api, the merchants, the verification of webhooks and telemetry; never a handler.",
    from: { path: "^src/edge/" },
    to: {
      path: "^src/",
      pathNot: ["^src/(edge|api|engine|merchants|telemetry|config)/", "^src/webhooks/verification\\.ts$"],
    },
  },
];

export default {
  forbidden: forbidden.map((rule) => ({ ...rule, severity: "error" })),
  options: {
    // The only parser here that reads TypeScript without the compiler's API, which TypeScript 7 doesn't have. Type imports
    // count with it as they are.
    parser: "swc",
    doNotFollow: { path: "node_modules" },
    // Both package.json: the package's and, for the service, src/package.json.
    combinedDependencies: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
