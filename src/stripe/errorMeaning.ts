import { Stripe } from "stripe";
import type { PaymentFailure } from "../payments/rules/payment.ts";
import { failureOfAttempt } from "./snapshot.ts";

/**
 * What an error of Stripe's means to us. Only `retry` is thrown on as an outage; the engine repeats the step with the same
 * idempotency key.
 *
 * https://docs.stripe.com/error-low-level and https://docs.stripe.com/error-codes
 */
export type ErrorMeaning =
  /** Card or bank said no: final for this attempt. The PaymentIntent or SetupIntent exists, and the error carries it. */
  | {
      readonly kind: "declined";
      readonly failure: PaymentFailure;
      readonly paymentIntent: Stripe.PaymentIntent | undefined;
      readonly setupIntent: Stripe.SetupIntent | undefined;
    }
  /** The object's state does not allow it: re-read it, never trust the code. */
  | {
      readonly kind: "unexpected_state";
      readonly message: string;
      readonly paymentIntentId: string | null;
      readonly setupIntentId: string | null;
    }
  /** The addressed object does not exist. */
  | {
      readonly kind: "missing";
      readonly refusal: Refusal;
      readonly paymentIntentId: string | null;
      readonly setupIntentId: string | null;
    }
  /** The request is wrong. The object is there if one was made all the same. */
  | {
      readonly kind: "refused";
      readonly refusal: Refusal;
      readonly paymentIntentId: string | null;
      readonly setupIntentId: string | null;
    }
  /** The connected account that the request names is none of ours, or it has left: nothing was done. */
  | { readonly kind: "account_gone"; readonly refusal: Refusal }
  /** Not to be repeated blindly: a person or a look-up has to say what happened. */
  | { readonly kind: "needs_review"; readonly message: string }
  /** A 5xx that Stripe saved under the key and will replay for ever: the outcome is unknown and stays so. */
  | { readonly kind: "saved_failure" }
  /** The key is rejected or lacks a permission; nothing was done. */
  | { readonly kind: "operator"; readonly problem: AccessProblem; readonly message: string }
  /** Outage, rate limit, lock or a cut connection: the same request again is safe while its key is young. */
  | { readonly kind: "retry"; readonly message: string };

/** What is wrong with the key: Stripe does not take it at all, or not for this. */
export type AccessProblem = "rejected" | "forbidden";

/** Stripe's refusal of a request, in its own terms. */
export type Refusal = { readonly stripeCode: string | null; readonly param: string | null; readonly message: string };

/** The codes of refusals that say nothing about the request: the merchant's balance, or a connected account's, is too low now. */
const lowBalance: ReadonlySet<string | null> = new Set(["balance_insufficient", "insufficient_funds"]);

/** Tells whether a refusal passes with time, so that the same request may be taken later. https://docs.stripe.com/error-codes */
export function isLowBalance({ stripeCode }: Refusal): boolean {
  return lowBalance.has(stripeCode);
}

const accountInvalid = "account_invalid";

/** Stripe's text is not repeated: it quotes the key in part. */
function goneAccount(text: string): Refusal {
  const [, named = "that the request names"] = /\b(acct_\w{1,64})\b/.exec(text) ?? [];
  const message = `The account ${named} is not connected to yours: it does not exist, or it has left.`;
  return { stripeCode: accountInvalid, param: "stripeAccount", message };
}

/** OAuth's endpoints have errors of their own, whose type says what is wrong. https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
function oauthRefusal({ rawType, message }: Stripe.errors.StripeError): Refusal | null {
  const type: string | undefined = rawType;
  switch (type) {
    case "invalid_client":
      // Stripe's text may quote the key.
      return { stripeCode: type, param: null, message: "Stripe knows no such connection (invalid_client)." };
    case "invalid_grant":
    case "invalid_request":
    case "invalid_scope":
    case "unsupported_grant_type":
      return { stripeCode: type, param: null, message };
    default:
      return null;
  }
}

/** An account lacks a capability, or Stripe disabled it. https://docs.stripe.com/connect/account-capabilities */
const incapable: ReadonlySet<string | undefined> = new Set(["capability_not_active", "transfers_not_allowed"]);

/** Says what an error of the stripe package means. Anything that is no Stripe error is a bug of ours and thrown on. */
export function meaningOf(error: unknown): ErrorMeaning {
  if (!(error instanceof Stripe.errors.StripeError)) throw error;
  const status = error.statusCode;

  // No status: the connection failed, timed out, was cut, or the answer was no JSON (an HTML page of a proxy).
  if (status === undefined) return { kind: "retry", message: `Stripe could not be reached (${error.type}).` };

  const oauth = oauthRefusal(error);
  if (oauth !== null) return { kind: "refused", refusal: oauth, paymentIntentId: null, setupIntentId: null };
  if (status === 401) {
    return { kind: "operator", problem: "rejected", message: "Stripe rejects the API key (401)." };
  }
  if (status === 403 && error.code === accountInvalid)
    return { kind: "account_gone", refusal: goneAccount(error.message) };
  if (status === 403) {
    const named = permissionsIn(error.message);
    const which = named.length === 0 ? "Stripe's request log names it" : `Stripe names ${named.join(", ")}`;
    const message = `The API key lacks a permission that this call needs (403): ${which}.`;
    return { kind: "operator", problem: "forbidden", message };
  }
  if (status === 402) {
    return {
      kind: "declined",
      failure: failureOfAttempt(error, "The payment attempt failed."),
      paymentIntent: error.payment_intent,
      setupIntent: error.setup_intent,
    };
  }
  // Since v23 a 409 comes as StripeAPIError, so the status decides and not the class; a lock timeout is a 429.
  if (status === 409 || status === 429 || error.code === "rate_limit" || error.code === "lock_timeout") {
    return {
      kind: "retry",
      message: `Stripe asks to try again later (${status}${error.code ? ` ${error.code}` : ""}).`,
    };
  }
  if (status >= 500 || status === 424) {
    return error.headers?.["idempotent-replayed"] === "true"
      ? { kind: "saved_failure" }
      : { kind: "retry", message: `Stripe failed (${status}).` };
  }
  if (error.rawType === "idempotency_error") {
    return {
      kind: "needs_review",
      message: "Stripe saw this idempotency key with other parameters; the request was not repeated.",
    };
  }
  // Stripe names no parameter, because the account is named by none.
  const param = error.param ?? (incapable.has(error.code) ? "stripeAccount" : null);
  const refusal: Refusal = { stripeCode: error.code ?? null, param, message: error.message };
  const made = { paymentIntentId: error.payment_intent?.id ?? null, setupIntentId: error.setup_intent?.id ?? null };
  if (error.code === "payment_intent_unexpected_state" || error.code === "setup_intent_unexpected_state") {
    return { kind: "unexpected_state", message: error.message, ...made };
  }
  if (status === 404) return { kind: "missing", refusal, ...made };
  if (status >= 400) return { kind: "refused", refusal, ...made };
  return { kind: "needs_review", message: `Stripe answered with an error and the status ${status}.` };
}

/** The permissions that Stripe's text names in quotes. The text itself is not repeated: it quotes the key in part. */
function permissionsIn(text: string): readonly string[] {
  return [...text.matchAll(/'((?:rak_)?[a-z_]+_(?:read|write))'/g)].map(([, name = ""]) => name);
}
