import { ApiError, refusal } from "./apiError.ts";
import { PLATFORM_ACCOUNT } from "../world/identifiers.ts";

/** The caller's account and version: everything that the headers decide before the rest of a request is read. */
export type Caller = { readonly account: string; readonly apiVersion: string };

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The version of a request without `Stripe-Version`: that of an account of some age, which still takes
 * `payment_method_types`.
 */
export const DEFAULT_API_VERSION = "2025-03-31.basil";

/** Throws Stripe's 401, 403 or 400. Keys are compared by form only, and never kept, logged or echoed. */
export function identifyCaller(headers: Headers): Caller {
  checkKey(readKey(header(headers, "authorization")));
  const apiVersion = header(headers, "stripe-version") ?? DEFAULT_API_VERSION;
  if (!/^\d{4}-\d{2}-\d{2}(\.[a-z_]+)?$/.test(apiVersion)) {
    throw refusal(`Invalid Stripe API version: ${apiVersion}`);
  }
  const account = header(headers, "stripe-account") ?? PLATFORM_ACCOUNT;
  if (!/^acct_[A-Za-z0-9]+$/.test(account)) {
    const message = `The provided key does not have access to account '${account}' (or that account does not exist). Application access may have been revoked.`;
    throw new ApiError(403, "refused", { type: "invalid_request_error", code: "account_invalid", message });
  }
  return { account, apiVersion };
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

function checkKey(key: string | undefined): void {
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
  if (!/^[sr]k_test_\w+$/.test(key)) throw unauthorized(INVALID_KEY);
}

export const INVALID_KEY =
  "Invalid API Key provided: ****. This sandbox takes any key that begins with sk_test_ or rk_test_.";

export function unauthorized(message: string): ApiError {
  return new ApiError(401, "refused", { type: "invalid_request_error", message });
}
