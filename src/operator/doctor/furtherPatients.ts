/** The merchants of MERCHANTS_FILE, for the doctor. */
import { existsSync } from "node:fs";
import { ConfigError } from "../../config/config.ts";
import type { OperatorConfig } from "../../config/operatorConfig.ts";
import type { Environment } from "../../config/settings.ts";
import { readEntries } from "../../merchants/file/entries.ts";
import { watchMerchants } from "../../merchants/file/watchMerchants.ts";
import { sandboxMerchantKey, sandboxMerchantsFile } from "../../dev/sandboxMerchants.ts";
import type { PatientMerchant } from "./patient.ts";

/** @throws ConfigError listing every problem of the file: the service doesn't start with it either */
export function furtherPatients(config: OperatorConfig, environment: Environment): readonly PatientMerchant[] {
  if (config.merchantsFile === undefined) return [];
  // Without a key in the settings there is the sandbox of npm start, where each merchant has an account.
  const isSandbox = config.secretKey === undefined;
  const path = isSandbox ? sandboxMerchantsFile(config.dataDir) : config.merchantsFile;
  const apiBase = isSandbox ? `http://127.0.0.1:${config.sandboxPort}` : config.apiBase;
  if (isSandbox && !existsSync(path)) {
    throw new ConfigError([
      `MERCHANTS_FILE is set, and npm start has not served its merchants yet: there is no ${path}. Start it with this setting, or set STRIPE_SECRET_KEY for merchants with accounts of Stripe's.`,
    ]);
  }
  const { webhookSecrets: ownWebhookSecrets } = config;
  const file = watchMerchants(
    { path, environment, ownWebhookSecrets, whyNoLiveKeys: null, onWarning: () => undefined },
    readEntries,
  );
  file.close();
  return file.current().map(({ id, secretKey, mode, webhookSecrets, receiver }) => ({
    id,
    stripe: {
      kind: isSandbox ? "sandbox" : "account",
      secretKey,
      apiBase,
      mode,
      webhookSecrets,
      settings: {
        key: `stripeSecretKey of ${id} (MERCHANTS_FILE)`,
        secrets: `webhookSecrets of ${id} (MERCHANTS_FILE)`,
        shell: isSandbox ? sandboxMerchantKey(id) : `<the key of ${id}>`,
      },
    },
    isTold: receiver !== null,
  }));
}
