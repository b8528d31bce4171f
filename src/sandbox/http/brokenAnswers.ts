import { ApiError, refusal } from "./apiError.ts";
import { INVALID_KEY, unauthorized } from "./authentication.ts";
import type { ApiFault } from "../world/faults.ts";
import type { LimitedReason } from "../world/limits.ts";
import { keyInUse } from "./savedAnswers.ts";

/** The answers that faults put in the place of the right one. */
export function serverError(aftermath: ApiError["aftermath"]): ApiError {
  return new ApiError(500, aftermath, { type: "api_error", message: "An unknown error occurred" });
}

/** Stripe doesn't say when to try again. */
export function rateLimited(reason: LimitedReason): ApiError {
  const message =
    "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits.";
  const body = { type: "invalid_request_error", code: "rate_limit", message } as const;
  return new ApiError(429, "refused", body, { "Stripe-Rate-Limited-Reason": reason });
}

/** The faults in whose place nothing is executed and nothing saved. */
export function throwEarlyFault(
  { effect }: ApiFault,
  { key, method, path }: { readonly key: string | null; readonly method: string; readonly path: string },
  account: string,
): void {
  switch (effect) {
    case "error_400":
      throw refusal("Invalid request.");
    case "balance_insufficient":
      throw refusal("Insufficient funds in your Stripe balance to refund this amount.", {
        code: "balance_insufficient",
      });
    case "error_500":
      throw serverError("refused");
    case "rate_limit":
      throw rateLimited("global-rate");
    case "lock_timeout":
      throw new ApiError(429, "refused", {
        type: "invalid_request_error",
        code: "lock_timeout",
        message:
          "This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request. If you see this error frequently and are making multiple concurrent requests to a single object, make your requests serially or at a lower rate.",
      });
    case "conflict":
      throw keyInUse(key ?? "");
    case "unauthorized":
      throw unauthorized(INVALID_KEY);
    case "forbidden":
      throw new ApiError(403, "refused", {
        type: "invalid_request_error",
        message: `The provided key 'rk_test_****' does not have the required permissions for this endpoint on account '${account}'. ${permissionFor(method, path)} would allow this request to continue.`,
      });
    case "error_500_saved":
    case "error_500_saved_after":
    case "html_502":
    case "cut_before":
    case "cut_after":
    case "stall":
  }
}

/** Stripe names the permission, in words like these. The names are those that were seen; the others are left open. */
function permissionFor(method: string, path: string): string {
  const [, , resource = ""] = path.split("/");
  const name = PERMISSIONS[resource];
  return name === undefined
    ? "Having more permissions"
    : `Having the 'rak_${name}_${method === "GET" ? "read" : "write"}' permission`;
}

const PERMISSIONS: Readonly<Record<string, string>> = {
  charges: "charge",
  checkout: "checkout_session",
  customers: "customer",
  payment_intents: "payment_intent",
  webhook_endpoints: "webhook",
};
