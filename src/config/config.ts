/**
 * The only reader of the environment. A setting is read once, at start; a bad one stops the process with a message that names
 * the variable, what was expected and an example. All bad ones are listed at once, and no secret is ever part of a message.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import type { NotificationReceiver } from "../notifications/settings.ts";
import { paceOf, type Pace } from "../stripe/pacing.ts";
import {
  defaults,
  expectation,
  isOnThisMachine,
  isPlainElsewhere,
  isUnset,
  parseSettings,
  type Environment,
  type Settings,
} from "./settings.ts";

export type StripeMode = "test" | "live";

type StripeConfig = {
  readonly secretKey: string;
  readonly webhookSecrets: readonly string[];
  readonly apiBase: string | undefined;
  readonly mode: StripeMode;
  /** How many requests this process sends per second; null: as many as come. */
  readonly pace: Pace | null;
  /** Of the Connect platform, for OAuth; null where no account is connected so. */
  readonly clientId: string | null;
};

type PaymentsConfig = {
  readonly pollScheduleMs: readonly number[];
  readonly timeoutMs: number;
  readonly idempotencyRetentionMs: number;
  /** Null for ever. */
  readonly referenceRetentionMs: number | null;
  /** 0: never. */
  readonly reconcileIntervalMs: number;
};

export type AppConfig = {
  readonly stripe: StripeConfig;
  readonly payments: PaymentsConfig;
  /** Who is told what became of payments; null for nobody. */
  readonly notificationReceiver: NotificationReceiver | null;
  readonly port: number;
  readonly identityKeys: readonly string[];
  /** Shared with the edge; empty: nothing is taken from one. */
  readonly edgeSecrets: readonly string[];
  /** Where Stripe leads the owners of accounts after OAuth; null: where its own settings say. */
  readonly connectRedirectUri: string | null;
  /** Undefined: there is one merchant, that of these settings. */
  readonly merchantsFile: string | undefined;
  /** Why no merchant may have a live key; null where they may. */
  readonly whyNoLiveKeys: string | null;
};

/** What the development runtime needs; the Stripe settings as found, because without a key there is the sandbox. */
export type DevConfig = {
  readonly edgePort: number;
  /** Undefined: the engine's ingress listens on a Unix socket only. */
  readonly ingressPort: number | undefined;
  readonly adminPort: number;
  readonly sandboxPort: number;
  readonly servicePort: number;
  readonly dataDir: string;
  readonly secretKey: string | undefined;
  readonly webhookSecrets: readonly string[];
  readonly apiBase: string | undefined;
  /** Parsed JSON; what it must say is the sandbox's to know. */
  readonly sandboxFaults: unknown;
  readonly sandboxFaultSeed: number | undefined;
};

export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(["The settings need a correction:", ...problems.map((problem) => `  - ${problem}`)].join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** The process environment, and under it the `.env` file of the working directory when there is one. */
export function readEnvironment(): Environment {
  return { ...readDotEnv(), ...process.env };
}

/** @throws ConfigError listing every bad or missing setting */
export function loadAppConfig(environment: Environment): AppConfig {
  const { settings, problems } = parseSettings(environment);
  const { STRIPE_SECRET_KEY: secretKey, STRIPE_WEBHOOK_SECRET: webhookSecrets } = settings;
  if (isUnset(environment, "STRIPE_SECRET_KEY"))
    problems.push(`STRIPE_SECRET_KEY is missing. ${expectation.secretKey}`);
  if (isUnset(environment, "STRIPE_WEBHOOK_SECRET")) {
    problems.push(`STRIPE_WEBHOOK_SECRET is missing. ${expectation.webhookSecrets}`);
  }
  problems.push(...receiverProblems(settings, environment), ...unsignedProblems(settings, environment));
  if (problems.length > 0 || secretKey === undefined || webhookSecrets === undefined) throw new ConfigError(problems);
  return {
    stripe: {
      secretKey,
      webhookSecrets,
      apiBase: settings.STRIPE_API_BASE,
      mode: stripeModeOf(secretKey),
      pace: paceFor(settings.STRIPE_REQUESTS_PER_SECOND, settings.STRIPE_API_BASE, stripeModeOf(secretKey)),
      clientId: settings.STRIPE_CLIENT_ID ?? null,
    },
    payments: {
      pollScheduleMs: settings.PAYMENT_POLL_SCHEDULE ?? defaults.pollScheduleMs,
      timeoutMs: settings.PAYMENT_TIMEOUT ?? defaults.timeoutMs,
      idempotencyRetentionMs: settings.IDEMPOTENCY_RETENTION ?? defaults.idempotencyRetentionMs,
      referenceRetentionMs: settings.REFERENCE_RETENTION ?? null,
      reconcileIntervalMs: settings.RECONCILE_INTERVAL ?? defaults.reconcileIntervalMs,
    },
    notificationReceiver: receiverOf(settings),
    connectRedirectUri: settings.PUBLIC_URL === undefined ? null : `${settings.PUBLIC_URL}/connect/callback`,
    port: settings.PORT ?? defaults.servicePort,
    identityKeys: settings.RESTATE_IDENTITY_KEYS ?? [],
    edgeSecrets: settings.EDGE_SECRET ?? [],
    merchantsFile: settings.MERCHANTS_FILE,
    whyNoLiveKeys: whyNoLiveKeys(settings, environment),
  };
}

/**
 * Settings of `npm start`, `npm run sandbox` and `npm run demo`. Those of the service are checked here as well, so that a
 * bad one is reported before anything has been started.
 * @throws ConfigError listing every bad setting
 */
export function loadDevConfig(environment: Environment): DevConfig {
  const { settings, problems } = parseSettings(environment);
  const ports = {
    EDGE_PORT: settings.EDGE_PORT ?? defaults.edgePort,
    RESTATE_ADMIN_PORT: settings.RESTATE_ADMIN_PORT ?? defaults.adminPort,
    SANDBOX_PORT: settings.SANDBOX_PORT ?? defaults.sandboxPort,
    PORT: settings.PORT ?? defaults.servicePort,
  };
  const { RESTATE_INGRESS_PORT: ingressPort } = settings;
  const allPorts = ingressPort === undefined ? ports : { ...ports, RESTATE_INGRESS_PORT: ingressPort };
  for (const [first, second] of samePorts(allPorts)) {
    problems.push(`${first} and ${second} are the same port. Expected a port of its own for each.`);
  }
  if (isUnset(environment, "STRIPE_SECRET_KEY") && !isUnset(environment, "STRIPE_API_BASE")) {
    problems.push(
      "STRIPE_API_BASE needs STRIPE_SECRET_KEY. Without a key the sandbox is started and used; its port is SANDBOX_PORT, for example 12111.",
    );
  }
  problems.push(...receiverProblems(settings, environment));
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    edgePort: ports.EDGE_PORT,
    ingressPort,
    adminPort: ports.RESTATE_ADMIN_PORT,
    sandboxPort: ports.SANDBOX_PORT,
    servicePort: ports.PORT,
    dataDir: resolve(settings.DATA_DIR ?? ".data"),
    secretKey: settings.STRIPE_SECRET_KEY,
    webhookSecrets: settings.STRIPE_WEBHOOK_SECRET ?? [],
    apiBase: settings.STRIPE_API_BASE,
    sandboxFaults: settings.SANDBOX_FAULTS,
    sandboxFaultSeed: settings.SANDBOX_FAULT_SEED,
  };
}

/**
 * Our own sandbox limits nothing unless it is told to.
 * @param requestsPerSecond as the settings say: null is off, undefined the default
 */
export function paceFor(
  requestsPerSecond: number | null | undefined,
  apiBase: string | undefined,
  mode: StripeMode,
): Pace | null {
  const byDefault = apiBase !== undefined && isOnThisMachine(apiBase) ? null : defaults.requestsPerSecond[mode];
  const asked = requestsPerSecond === undefined ? byDefault : requestsPerSecond;
  return asked === null ? null : paceOf(asked, mode);
}

export function receiverOf(settings: Settings): NotificationReceiver | null {
  const { NOTIFY_URL: url, NOTIFY_SECRET: secrets, NOTIFY_SERVICE: target } = settings;
  if (target !== undefined) return { kind: "service", ...target };
  return url === undefined || secrets === undefined ? null : { kind: "http", url: url.href, secrets };
}

/** What is wrong between the settings of the notifications. */
export function receiverProblems(settings: Settings, environment: Environment): readonly string[] {
  const { NOTIFY_URL: url, STRIPE_SECRET_KEY: secretKey = "" } = settings;
  const hasUrl = !isUnset(environment, "NOTIFY_URL");
  const hasSecret = !isUnset(environment, "NOTIFY_SECRET");
  const hasService = !isUnset(environment, "NOTIFY_SERVICE");
  return [
    ...(hasUrl && hasService ? ["NOTIFY_URL and NOTIFY_SERVICE are both set. Expected one receiver, not two."] : []),
    ...(hasUrl && !hasSecret ? [`NOTIFY_SECRET is missing, and NOTIFY_URL needs it. ${expectation.notifySecret}`] : []),
    ...(hasSecret && !hasUrl ? ["NOTIFY_SECRET is set without NOTIFY_URL: a Restate service needs no signature."] : []),
    ...(stripeModeOf(secretKey) === "live" && url !== undefined && isPlainElsewhere(url)
      ? [`NOTIFY_URL is plain http to another machine, with a live Stripe key. ${expectation.notifyUrl}`]
      : []),
  ];
}

function unsignedProblems(settings: Settings, environment: Environment): readonly string[] {
  const why = stripeModeOf(settings.STRIPE_SECRET_KEY ?? "") === "live" ? whyNoLiveKeys(settings, environment) : null;
  return why === null ? [] : [why];
}

/** With a live key a request that no engine has signed would charge: whoever reaches the service's port could make one by hand. */
function whyNoLiveKeys(settings: Settings, environment: Environment): string | null {
  if (settings.ALLOW_UNSIGNED_ENGINE === true || !isUnset(environment, "RESTATE_IDENTITY_KEYS")) return null;
  return `RESTATE_IDENTITY_KEYS is missing, and the Stripe key is a live one: whoever reaches the service's port could charge. ${expectation.identityKeys} Or set ALLOW_UNSIGNED_ENGINE=yes where nobody but the engine can reach the port.`;
}

/** Keys carry their mode: https://docs.stripe.com/keys */
export function stripeModeOf(secretKey: string): StripeMode {
  return /^(sk|rk)_live_/.test(secretKey) ? "live" : "test";
}

function samePorts(ports: Readonly<Record<string, number>>): readonly (readonly [string, string])[] {
  const entries = Object.entries(ports);
  return entries.flatMap(([first, port1], index) =>
    entries.slice(index + 1).flatMap(([second, port2]) => (port1 === port2 ? [[first, second] as const] : [])),
  );
}

function readDotEnv(): Environment {
  try {
    return parseEnv(textOf(readFileSync(".env")));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`.env cannot be read (${reason}). Expected lines such as PORT=9080, or no such file.`]);
  }
}

/**
 * Editors of Windows begin a text with a byte order mark, or write it in UTF-16. The mark is no part of the first variable's name.
 * https://encoding.spec.whatwg.org/#decode
 */
function textOf(bytes: Buffer): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}
