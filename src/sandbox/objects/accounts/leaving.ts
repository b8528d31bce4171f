import { revokeTokensOfAccount } from "../../world/connectTokens.ts";
import { applicationOf, connectTo, platformOf } from "../../world/platforms.ts";
import { removeEndpointsOf } from "../../webhooks/webhookEndpoints.ts";
import type { Desk } from "./savedAccounts.ts";

/**
 * The account leaves its platform: it is connected to nobody then, its tokens and links open nothing, and nobody hears of it
 * any more. The platform's Connect endpoints hear that it left. https://docs.stripe.com/connect/webhooks
 */
export function leavePlatform({ unit, store }: Desk, account: string): void {
  const platform = platformOf(store, account);
  if (platform === null) return;
  unit.fire("account_left", [applicationOf(platform)], null, { account, platform });
  unit.alongside(() => {
    connectTo(store, account, account);
    revokeTokensOfAccount(store, account);
    removeEndpointsOf(store, account);
  });
}
