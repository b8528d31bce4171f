import { isTestKey } from "../http/authentication.ts";
import { PLATFORM_ACCOUNT } from "../world/identifiers.ts";
import { applicationOf, platformOfKey } from "../world/platforms.ts";
import type { Store } from "../world/store.ts";
import type { ConfiguredWebhook } from "./configuredWebhook.ts";
import { allEndpoints, findEndpoint, removeEndpoint, writeEndpoint } from "./webhookEndpoints.ts";

const ID = "we_configured_at_start";

/**
 * The endpoints named at the start replace those of an earlier start. Each keeps its id, and the webhooks that wait for it,
 * as long as its platform has as many of its sort, whatever becomes of the endpoints of others.
 */
export function configureEndpoints(
  store: Store,
  webhooks: ConfiguredWebhook | readonly ConfiguredWebhook[] | null,
  nowSeconds: number,
): void {
  const named = new Set<string>();
  for (const [index, webhook] of listOf(webhooks).entries()) {
    const account = platformOfWebhook(webhook, index);
    const id = freeId(account, webhook.connect === true, named);
    named.add(id);
    writeConfigured(store, id, account, webhook, nowSeconds);
  }
  for (const { shown } of allEndpoints(store)) {
    if (shown.id.startsWith(ID) && !named.has(shown.id)) removeEndpoint(store, shown.id);
  }
}

function listOf(webhooks: ConfiguredWebhook | readonly ConfiguredWebhook[] | null): readonly ConfiguredWebhook[] {
  if (webhooks === null) return [];
  return "url" in webhooks ? [webhooks] : webhooks;
}

/** A key says which platform, so one that the API would refuse is refused here. The message doesn't show it. */
function platformOfWebhook({ secretKey }: ConfiguredWebhook, index: number): string {
  if (secretKey === undefined) return PLATFORM_ACCOUNT;
  if (isTestKey(secretKey)) return platformOfKey(secretKey);
  throw new TypeError(
    `webhook[${index}].secretKey must be a test key, sk_test_account_<name> for the platform <name>.`,
  );
}

/** The id tells platforms and sorts apart, and counts from the second of a sort on. */
function freeId(account: string, isConnect: boolean, taken: ReadonlySet<string>): string {
  const platform = account === PLATFORM_ACCOUNT ? "" : `_${account.slice("acct_".length)}`;
  const sort = `${ID}${platform}${isConnect ? "_connect" : ""}`;
  let id = sort;
  for (let count = 2; taken.has(id); count++) id = `${sort}_${count}`;
  return id;
}

function writeConfigured(
  store: Store,
  id: string,
  account: string,
  { connect: isConnect = false, secret, url }: ConfiguredWebhook,
  nowSeconds: number,
): void {
  const created = findEndpoint(store, id)?.shown.created ?? nowSeconds;
  const shown = {
    id,
    object: "webhook_endpoint" as const,
    api_version: "2026-10-28.endive",
    application: isConnect ? applicationOf(account).id : null,
    created,
    description: "Configured when the sandbox was started",
    enabled_events: ["*"],
    livemode: false,
    metadata: {},
    status: "enabled",
    url,
  };
  writeEndpoint(store, { account, isConnect, shown, secret, old: null });
}
