import type { Stripe } from "stripe";
import { PLATFORM_ACCOUNT } from "./identifiers.ts";
import type { Store } from "./store.ts";

/**
 * Platforms and the accounts that are connected to them. The key `sk_test_account_shoes` belongs to the platform
 * `acct_1Sandboxshoes`, whose client id is `ca_account_shoes`; every other key belongs to the default platform. Names are
 * written small, so that in the id of an account, which has letters and digits only, `D` is a dash and `U` an underscore.
 * The row of an account names the platform that it is connected to, or the account itself once it has left. An account has
 * one platform at most, where Stripe lets an account of its own have several.
 */
const NAMED_PLATFORM = "acct_1Sandbox";
const DEFAULT_CLIENT_ID = "ca_sandbox_platform";

export function platformOfKey(key: string): string {
  const [, name] = /^[sr]k_test_account_([a-z0-9_-]+)$/.exec(key) ?? [];
  return name === undefined ? PLATFORM_ACCOUNT : accountNamed(name);
}

export function isPlatform(account: string): boolean {
  return account === PLATFORM_ACCOUNT || /^acct_1Sandbox[a-z0-9DU]+$/.test(account);
}

/** The platform as its connected accounts know it; its id is the `client_id` of OAuth. */
export function applicationOf(platform: string): Stripe.Application {
  const name = platform.slice(NAMED_PLATFORM.length).replaceAll("D", "-").replaceAll("U", "_");
  return platform === PLATFORM_ACCOUNT
    ? { id: DEFAULT_CLIENT_ID, object: "application", name: "Sandbox platform" }
    : { id: `ca_account_${name}`, object: "application", name: `Sandbox platform ${name}` };
}

export function platformOfClientId(clientId: string): string | null {
  if (clientId === DEFAULT_CLIENT_ID) return PLATFORM_ACCOUNT;
  const [, name] = /^ca_account_([a-z0-9_-]+)$/.exec(clientId) ?? [];
  return name === undefined ? null : accountNamed(name);
}

function accountNamed(name: string): string {
  return `${NAMED_PLATFORM}${name.replaceAll("-", "D").replaceAll("_", "U")}`;
}

/** The platform that the account is connected to; null for one that is connected to none, and for a platform itself. */
export function platformOf(store: Store, account: string): string | null {
  if (isPlatform(account)) return null;
  const platform = store.row("SELECT account FROM objects WHERE id = ? AND kind = 'account'", account)?.["account"];
  return typeof platform === "string" && platform !== account ? platform : null;
}

/** Connects the account to the platform, or to itself, which means to none. Runs inside the transaction of a unit of work. */
export function connectTo(store: Store, account: string, platform: string): void {
  store.run("UPDATE objects SET account = ? WHERE id = ? AND kind = 'account'", platform, account);
}
