/** The merchants that a process serves, by its settings: the environment's, and those of MERCHANTS_FILE. */
import type { AppConfig } from "../config/config.ts";
import type { Environment } from "../config/settings.ts";
import { openMerchants } from "../merchants/file/openMerchants.ts";
import { createStripeGateway } from "../merchants/gateway.ts";
import type { ServiceOptions } from "../merchants/options.ts";
import { defaultMerchant } from "../merchants/rules.ts";

export type ServedMerchants = {
  readonly options: Pick<ServiceOptions, "stripe" | "mode" | "webhookSecrets" | "clientId" | "furtherMerchants">;
  /** Stops looking at the file. */
  close(): void;
};

/**
 * @param onWarning is told, line by line, what a person should know while the process runs
 * @throws ConfigError listing every problem of the file
 */
export function openServedMerchants(
  { stripe, merchantsFile, whyNoLiveKeys }: Pick<AppConfig, "stripe" | "merchantsFile" | "whyNoLiveKeys">,
  environment: Environment,
  onWarning: (line: string) => void,
): ServedMerchants {
  const { mode, webhookSecrets, clientId, secretKey, apiBase, pace } = stripe;
  const own = { mode, webhookSecrets, clientId };
  const target = { secretKey, apiBase, pace };
  if (merchantsFile === undefined) {
    return { options: { ...own, stripe: createStripeGateway(target, { onSlowed: onWarning }) }, close() {} };
  }
  const furtherMerchants = openMerchants({
    path: merchantsFile,
    environment,
    apiBase,
    ownWebhookSecrets: webhookSecrets,
    whyNoLiveKeys,
    onWarning,
    onSlowed: onWarning,
  });
  // A further merchant may have the same Stripe account.
  const gateway = createStripeGateway({ ...target, sharedBy: defaultMerchant }, { onSlowed: onWarning });
  return { options: { ...own, stripe: gateway, furtherMerchants }, close: () => furtherMerchants.close() };
}
