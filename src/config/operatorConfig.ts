/** The settings of `npm run doctor` and `npm run deploy:check`. */
import { resolve } from "node:path";
import type { NotificationReceiver } from "../notifications/settings.ts";
import { ConfigError, receiverOf, receiverProblems } from "./config.ts";
import { defaults, isPrivate, parseSettings, type Environment } from "./settings.ts";

/** What `npm run doctor` and `npm run deploy:check` need: where the engine is asked, and what the service is meant to run with. */
export type OperatorConfig = {
  readonly adminUrl: string;
  /** Where webhooks come in: RESTATE_INGRESS_URL, or the edge of this machine. Undefined when only another machine's admin API is known. */
  readonly entryUrl: string | undefined;
  /** For an admin API that asks for one. */
  readonly authToken: string | undefined;
  readonly secretKey: string | undefined;
  readonly webhookSecrets: readonly string[];
  readonly apiBase: string | undefined;
  /** The address that Stripe sends webhooks to, where more than one endpoint of the account could be meant. */
  readonly webhookUrl: string | undefined;
  readonly notificationReceiver: NotificationReceiver | null;
  /** 0: never. */
  readonly reconcileIntervalMs: number;
  readonly identityKeys: readonly string[];
  readonly servicePort: number;
  readonly sandboxPort: number;
  /** Undefined: there is one merchant, that of these settings. */
  readonly merchantsFile: string | undefined;
  readonly dataDir: string;
};

/** @throws ConfigError listing every bad setting */
export function loadOperatorConfig(environment: Environment): OperatorConfig {
  const { settings, problems } = parseSettings(environment);
  const adminUrl =
    settings.RESTATE_ADMIN_URL ?? `http://127.0.0.1:${settings.RESTATE_ADMIN_PORT ?? defaults.adminPort}`;
  const localEdge = `http://127.0.0.1:${settings.EDGE_PORT ?? defaults.edgePort}`;
  if (settings.RESTATE_AUTH_TOKEN !== undefined && !isPrivate(adminUrl)) {
    problems.push(`RESTATE_ADMIN_URL is plain http to another machine, with a RESTATE_AUTH_TOKEN. Expected https.`);
  }
  problems.push(...receiverProblems(settings, environment));
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    adminUrl,
    entryUrl: settings.RESTATE_INGRESS_URL ?? (settings.RESTATE_ADMIN_URL === undefined ? localEdge : undefined),
    authToken: settings.RESTATE_AUTH_TOKEN,
    secretKey: settings.STRIPE_SECRET_KEY,
    webhookSecrets: settings.STRIPE_WEBHOOK_SECRET ?? [],
    apiBase: settings.STRIPE_API_BASE,
    webhookUrl: settings.WEBHOOK_URL,
    notificationReceiver: receiverOf(settings),
    reconcileIntervalMs: settings.RECONCILE_INTERVAL ?? defaults.reconcileIntervalMs,
    identityKeys: settings.RESTATE_IDENTITY_KEYS ?? [],
    servicePort: settings.PORT ?? defaults.servicePort,
    sandboxPort: settings.SANDBOX_PORT ?? defaults.sandboxPort,
    merchantsFile: settings.MERCHANTS_FILE,
    dataDir: resolve(settings.DATA_DIR ?? ".data"),
  };
}
