import { ApiError, refusal } from "./apiError.ts";
import { findToken } from "../world/connectTokens.ts";
import { platformOf, platformOfKey } from "../world/platforms.ts";
import type { Store } from "../world/store.ts";

/** The caller's account and version: everything that the headers decide before the rest of a request is read. */
export type Caller = { readonly account: string; readonly apiVersion: string };

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The version of a request without `Stripe-Version`: that of an account of some age, which still takes
 * `payment_method_types`.
 */
export const DEFAULT_API_VERSION = "2025-03-31.basil";

/**
 * Throws Stripe's 401, 403 or 400. Keys are compared by form only, and never kept, logged or echoed; the tokens that OAuth
 * issued are known.
 */
export function identifyCaller(headers: Headers, store: Store): Caller {
  const own = accountOfKey(checkKey(readKey(header(headers, "authorization"))), store);
  const apiVersion = header(headers, "stripe-version") ?? DEFAULT_API_VERSION;
  if (!/^\d{4}-\d{2}-\d{2}(\.[a-z_]+)?$/.test(apiVersion)) {
    throw refusal(`Invalid Stripe API version: ${apiVersion}`);
  }
  const account = header(headers, "stripe-account") ?? own;
  if (account !== own && platformOf(store, account) !== own) throw accountInvalid(account);
  return { account, apiVersion };
}

/** Stripe says the same of an account that isn't connected, has left, or was never there. */
export function accountInvalid(account: string): ApiError {
  const message = `The provided key 'sk_test_***' does not have access to account '${account}' (or that account does not exist). Application access may have been revoked.`;
  return new ApiError(403, "refused", { type: "invalid_request_error", code: "account_invalid", message });
}

/** The platform behind a key, or the connected account behind an access token of OAuth. */
function accountOfKey(key: string, store: Store): string {
  if (!/^sk_test_connected_\w+$/.test(key)) return platformOfKey(key);
  const token = findToken(store, "access", key);
  if (token === null)
    throw unauthorized("Invalid API Key provided: ****. This access token was revoked or never issued.");
  return token.account;
}

export function header(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** `Bearer <key>`, or basic authentication with the key as user name, as `curl -u sk_test_…:` sends it. */
function readKey(authorization: string | undefined): string | undefined {
  const [scheme = "", credentials = ""] = (authorization ?? "").split(" ", 2);
  if (scheme.toLowerCase() === "bearer") return credentials;
  if (scheme.toLowerCase() === "basic") return Buffer.from(credentials, "base64").toString().split(":")[0];
  return undefined;
}

function checkKey(key: string | undefined): string {
  if (key === undefined || key === "") {
    throw unauthorized(
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
    );
  }
  if (/^[sr]k_live_/.test(key)) {
    throw unauthorized(
      "This is a local sandbox, not Stripe, and it was sent a live key. Give it a test key (sk_test_… or rk_test_…), and check which address your live key is meant for.",
    );
  }
  if (!isTestKey(key)) throw unauthorized(INVALID_KEY);
  return key;
}

export function isTestKey(key: string): boolean {
  return /^[sr]k_test_[\w-]+$/.test(key);
}

export const INVALID_KEY =
  "Invalid API Key provided: ****. This sandbox takes any key that begins with sk_test_ or rk_test_.";

export function unauthorized(message: string): ApiError {
  return new ApiError(401, "refused", { type: "invalid_request_error", message });
}
