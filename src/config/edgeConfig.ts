/** The settings of the edge, `npm run edge`: read once, at its start. */
import type { BlockList } from "node:net";
import { resolve } from "node:path";
import { ConfigError, stripeModeOf, type StripeMode } from "./config.ts";
import { noRateLimits, type EdgeRateLimits } from "./edgeRateLimits.ts";
import { engineDir, ingressSocket, sandboxDir, socketAddress } from "./engineSockets.ts";
import {
  defaults,
  expectation,
  isPrivate,
  isUnset,
  loopbackHosts,
  parseSettings,
  type Environment,
  type Settings,
} from "./settings.ts";

export type EdgeConfig = {
  /** An IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** `http://…`, or `unix:` and the path of a socket. */
  readonly ingressUrl: string;
  /** Likewise. */
  readonly adminUrl: string;
  /** For an engine that asks for one. */
  readonly authToken: string | undefined;
  /** The first one signs, each one verifies. Empty: the edge tells the handlers nothing. */
  readonly secrets: readonly string[];
  /** Undefined: calls are taken from this machine only, without a key. */
  readonly apiKeysFile: string | undefined;
  /** Undefined: there is one merchant, that of these settings. */
  readonly merchantsFile: string | undefined;
  /** Addresses whose `x-forwarded-for` counts; null for none. */
  readonly trustProxy: BlockList | null;
  readonly rateLimits: EdgeRateLimits;
  readonly stripe: {
    /** Events of the other mode are none of ours. */
    readonly mode: StripeMode;
    readonly webhookSecrets: readonly string[];
    readonly apiBase: string | undefined;
    /** No money is at stake: Stripe's API is one on this machine, and the mode is test. */
    readonly isSandbox: boolean;
  };
};

/** @throws ConfigError listing every bad or missing setting */
export function loadEdgeConfig(environment: Environment): EdgeConfig {
  const { settings, problems } = parseSettings(environment);
  const { STRIPE_WEBHOOK_SECRET: webhookSecrets, STRIPE_API_BASE: apiBase } = settings;
  if (isUnset(environment, "STRIPE_WEBHOOK_SECRET")) {
    problems.push(`STRIPE_WEBHOOK_SECRET is missing. ${expectation.webhookSecrets}`);
  }
  const isOnThisMachine = apiBase !== undefined && loopbackHosts.includes(new URL(apiBase).hostname);
  const mode = modeOf(settings, isOnThisMachine);
  problems.push(...modeProblems(settings, environment, mode));
  const isSandbox = isOnThisMachine && mode === "test";
  if (isUnset(environment, "API_KEYS_FILE") && !isSandbox) problems.push(withoutKeys);
  const urls = engineUrls(settings);
  if (!isPrivate(urls.adminUrl) && settings.RESTATE_AUTH_TOKEN !== undefined) {
    problems.push(`RESTATE_ADMIN_URL is plain http to another machine, with a RESTATE_AUTH_TOKEN. Expected https.`);
  }
  if (problems.length > 0 || webhookSecrets === undefined || mode === undefined) throw new ConfigError(problems);
  return {
    host: settings.EDGE_HOST ?? defaults.edgeHost,
    port: settings.EDGE_PORT ?? defaults.edgePort,
    ...urls,
    authToken: settings.RESTATE_AUTH_TOKEN,
    secrets: settings.EDGE_SECRET ?? [],
    apiKeysFile: settings.API_KEYS_FILE,
    merchantsFile: settings.MERCHANTS_FILE,
    trustProxy: settings.TRUST_PROXY ?? null,
    rateLimits: settings.EDGE_RATE_LIMITS ?? noRateLimits,
    stripe: { mode, webhookSecrets, apiBase, isSandbox },
  };
}

const withoutKeys =
  "API_KEYS_FILE is missing: without it whoever reaches the edge could charge, so it starts only with a sandbox as Stripe (STRIPE_API_BASE on this machine, in test mode). Expected the file that npm run keys writes, for example api-keys.json.";

function modeOf(settings: Settings, isOnThisMachine: boolean): StripeMode | undefined {
  if (settings.STRIPE_MODE !== undefined) return settings.STRIPE_MODE;
  if (settings.STRIPE_SECRET_KEY !== undefined) return stripeModeOf(settings.STRIPE_SECRET_KEY);
  return isOnThisMachine ? "test" : undefined;
}

function modeProblems(settings: Settings, environment: Environment, mode: StripeMode | undefined): readonly string[] {
  const { STRIPE_SECRET_KEY: secretKey } = settings;
  if (mode !== undefined && secretKey !== undefined && stripeModeOf(secretKey) !== mode) {
    return [`STRIPE_MODE is ${mode}, and STRIPE_SECRET_KEY is a key of the other mode. Expected one mode, not two.`];
  }
  // A setting with a bad value is reported as such.
  if (mode !== undefined || !isUnset(environment, "STRIPE_MODE") || !isUnset(environment, "STRIPE_SECRET_KEY"))
    return [];
  return [
    `STRIPE_MODE is missing, and there is no STRIPE_SECRET_KEY that would tell the mode. ${expectation.stripeMode}`,
  ];
}

/** The engine of `npm start` with the sandbox, unless told otherwise. */
function engineUrls(settings: Settings): Pick<EdgeConfig, "ingressUrl" | "adminUrl"> {
  const { RESTATE_INGRESS_PORT: ingressPort, RESTATE_ADMIN_PORT: adminPort = defaults.adminPort } = settings;
  const dataDir = resolve(settings.DATA_DIR ?? ".data");
  const local =
    ingressPort === undefined
      ? socketAddress(ingressSocket(engineDir(sandboxDir(dataDir))))
      : `http://127.0.0.1:${ingressPort}`;
  return {
    ingressUrl: settings.RESTATE_INGRESS_URL ?? local,
    adminUrl: settings.RESTATE_ADMIN_URL ?? `http://127.0.0.1:${adminPort}`,
  };
}
