/** Whom the doctor sees: one engine, one Stripe account or sandbox, and the service between them. */
import { stripeModeOf, type StripeMode } from "../../config/config.ts";
import type { OperatorConfig } from "../../config/operatorConfig.ts";
import { knownSandboxWebhookSecret, sandboxSecretKey } from "../../dev/sandboxLaunch.ts";
import { connectToAdmin, type EngineAdmin } from "../engine/adminApi.ts";
import { restateCommand } from "../engine/commands.ts";
import { offeredServices, type ServiceOffer } from "../../app/services.ts";
import type { StripeTarget } from "../../stripe/client.ts";

export type Patient = {
  readonly config: OperatorConfig;
  readonly admin: EngineAdmin;
  /** How the restate CLI is called to meet this engine. */
  readonly cli: string;
  /** Of the environment's merchant. */
  readonly stripe: PatientStripe;
  readonly furtherMerchants: readonly PatientMerchant[];
  /** What this checkout would serve. */
  readonly offer: readonly ServiceOffer[];
  /** From when on a waiting payment is worth a line. */
  readonly longWaitMs: number;
};

/** Without a key in the settings there is the sandbox of `npm start`. */
export type PatientStripe = StripeTarget & {
  readonly kind: "sandbox" | "account";
  readonly mode: StripeMode;
  readonly webhookSecrets: readonly string[];
  readonly settings: SettingNames;
};

/** What a person changes who gives a merchant another key or another secret. */
type SettingNames = {
  readonly key: string;
  readonly secrets: string;
  /** The key in a command. */
  readonly shell: string;
};

/** A merchant of MERCHANTS_FILE. */
export type PatientMerchant = {
  readonly id: string;
  readonly stripe: PatientStripe;
  readonly isTold: boolean;
};

const environmentSettings: SettingNames = {
  key: "STRIPE_SECRET_KEY",
  secrets: "STRIPE_WEBHOOK_SECRET",
  shell: "$STRIPE_SECRET_KEY",
};

export function patientOf(
  config: OperatorConfig,
  longWaitMs: number,
  furtherMerchants: readonly PatientMerchant[] = [],
): Patient {
  return {
    config,
    admin: connectToAdmin(config),
    cli: restateCommand(config.adminUrl),
    stripe: stripeOf(config),
    furtherMerchants,
    offer: offeredServices,
    longWaitMs,
  };
}

function stripeOf({ secretKey, apiBase, webhookSecrets, dataDir, sandboxPort }: OperatorConfig): PatientStripe {
  if (secretKey !== undefined) {
    const mode = stripeModeOf(secretKey);
    return { kind: "account", secretKey, apiBase, webhookSecrets, mode, settings: environmentSettings };
  }
  const secret = knownSandboxWebhookSecret(dataDir);
  return {
    kind: "sandbox",
    secretKey: sandboxSecretKey,
    apiBase: `http://127.0.0.1:${sandboxPort}`,
    webhookSecrets: secret === undefined ? [] : [secret],
    mode: "test",
    settings: { ...environmentSettings, shell: sandboxSecretKey },
  };
}
