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
  readonly stripe: PatientStripe;
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
};

export function patientOf(config: OperatorConfig, longWaitMs: number): Patient {
  return {
    config,
    admin: connectToAdmin(config),
    cli: restateCommand(config.adminUrl),
    stripe: stripeOf(config),
    offer: offeredServices,
    longWaitMs,
  };
}

function stripeOf({ secretKey, apiBase, webhookSecrets, dataDir, sandboxPort }: OperatorConfig): PatientStripe {
  if (secretKey !== undefined) {
    return { kind: "account", secretKey, apiBase, webhookSecrets, mode: stripeModeOf(secretKey) };
  }
  const secret = knownSandboxWebhookSecret(dataDir);
  return {
    kind: "sandbox",
    secretKey: sandboxSecretKey,
    apiBase: `http://127.0.0.1:${sandboxPort}`,
    webhookSecrets: secret === undefined ? [] : [secret],
    mode: "test",
  };
}
