/** Whose webhooks the edge takes, by MERCHANTS_FILE: the same file as the service's, of which it needs no Stripe key. */
import { readWebhooks, type MerchantWebhooks } from "./entries.ts";
import { watchMerchants, type MerchantsFileOptions } from "./watchMerchants.ts";

/** The merchants beside the default one, as the file says now. */
export type FurtherWebhooks = { all(): readonly MerchantWebhooks[]; close(): void };

/** @throws ConfigError listing every problem of the file */
export function openMerchantWebhooks(options: MerchantsFileOptions): FurtherWebhooks {
  const watched = watchMerchants(options, readWebhooks);
  return { all: () => watched.current(), close: () => watched.close() };
}
