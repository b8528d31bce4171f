import type { Stripe } from "stripe";

/**
 * Why an attempt fails: the code and words that Stripe puts in the error, in `last_payment_error` and on the Charge.
 * https://docs.stripe.com/declines/codes and https://docs.stripe.com/testing#declined-payments
 */
export type Decline = {
  readonly code: string;
  readonly declineCode: string | null;
  readonly adviceCode: "confirm_card_data" | "do_not_try_again" | "try_again_later" | null;
  /** The card network's code; null where the network was not asked, and for banks. https://docs.stripe.com/declines/network-codes */
  readonly networkDeclineCode: string | null;
  readonly message: string;
  readonly param?: string;
  /** `Charge.outcome.type`: Radar's blocks never reach the issuer. */
  readonly outcomeType: "issuer_declined" | "blocked";
};

function cardDecline(
  declineCode: string,
  adviceCode: Decline["adviceCode"],
  networkDeclineCode: string | null,
  message = "Your card was declined.",
): Decline {
  return {
    code: "card_declined",
    declineCode,
    adviceCode,
    networkDeclineCode,
    message,
    outcomeType: "issuer_declined",
  };
}

function issuerError(
  code: string,
  message: string,
  param: string | null,
  adviceCode: Decline["adviceCode"],
  networkDeclineCode: string,
): Decline {
  const rest = param === null ? {} : { param };
  const codes = { code, declineCode: null, adviceCode, networkDeclineCode };
  return { ...codes, message, outcomeType: "issuer_declined", ...rest };
}

function bankFailure(code: string, message: string): Decline {
  const codes = { code, declineCode: null, adviceCode: null, networkDeclineCode: null };
  return { ...codes, message, outcomeType: "issuer_declined" };
}

const TOO_FREQUENT =
  "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.";
const NEEDS_AUTHENTICATION = "Your card was declined. This transaction requires authentication.";
const NOT_HANDLED =
  "This payment required an authentication action to complete, but `error_on_requires_action` was set. When you're ready, you can upgrade your integration to handle actions at https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions.";
const NOT_AUTHENTICATED =
  "We are unable to authenticate your payment method. Please choose a different payment method and try again.";

export const DECLINES = {
  generic: cardDecline("generic_decline", "try_again_later", "01"),
  insufficientFunds: cardDecline("insufficient_funds", "try_again_later", "51", "Your card has insufficient funds."),
  lostCard: cardDecline("lost_card", "do_not_try_again", "41"),
  stolenCard: cardDecline("stolen_card", "do_not_try_again", "43"),
  velocity: cardDecline("card_velocity_exceeded", "try_again_later", "65", TOO_FREQUENT),
  blocked: { ...cardDecline("fraudulent", "do_not_try_again", null), outcomeType: "blocked" },
  expiredCard: issuerError("expired_card", "Your card has expired.", "exp_month", "do_not_try_again", "54"),
  incorrectCvc: issuerError(
    "incorrect_cvc",
    "Your card's security code is incorrect.",
    "cvc",
    "confirm_card_data",
    "N7",
  ),
  processingError: issuerError(
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
    null,
    "try_again_later",
    "96",
  ),
  authenticationRequired: {
    ...cardDecline("authentication_required", null, "1A", NEEDS_AUTHENTICATION),
    code: "authentication_required",
  },
  authenticationNotHandled: {
    ...cardDecline("authentication_not_handled", null, null, NOT_HANDLED),
    code: "authentication_required",
  },
  authenticationFailed: bankFailure("payment_intent_authentication_failure", NOT_AUTHENTICATED),
  setupAuthenticationFailed: bankFailure("setup_intent_authentication_failure", NOT_AUTHENTICATED),
  setupRefused: bankFailure("setup_attempt_failed", "The customer's bank didn't accept the account."),
  redirectFailed: bankFailure("payment_intent_payment_attempt_failed", "The customer failed or abandoned the payment."),
  voucherExpired: bankFailure(
    "payment_intent_payment_attempt_expired",
    "The voucher expired before the customer paid it.",
  ),
  accountClosed: bankFailure("account_closed", "The customer's bank account has been closed."),
  noAccount: bankFailure("no_account", "The customer's bank account could not be located."),
  bankInsufficientFunds: bankFailure(
    "insufficient_funds",
    "The customer's account has insufficient funds to cover this payment.",
  ),
  debitNotAuthorized: bankFailure(
    "debit_not_authorized",
    "The customer has notified their bank that this payment was unauthorized.",
  ),
  invalidCurrency: bankFailure("invalid_currency", "The customer's bank account doesn't support this currency."),
  weeklyLimit: bankFailure(
    "charge_exceeds_source_limit",
    "This payment exceeds the account's weekly payment volume limit.",
  ),
  paymentCanceled: bankFailure("payment_canceled", "The payment was canceled before it reached the bank."),
  bankRefused: bankFailure("generic_could_not_process", "The customer's bank could not process this payment."),
} as const satisfies Record<string, Decline>;

/** The decline's fields in an error. */
export function declineFields(decline: Decline): {
  code: string;
  decline_code?: string;
  advice_code?: string;
  network_decline_code?: string;
  param?: string;
} {
  return {
    code: decline.code,
    ...(decline.declineCode === null ? {} : { decline_code: decline.declineCode }),
    ...(decline.adviceCode === null ? {} : { advice_code: decline.adviceCode }),
    ...(decline.networkDeclineCode === null ? {} : { network_decline_code: decline.networkDeclineCode }),
    ...(decline.param === undefined ? {} : { param: decline.param }),
  };
}

/** The error of a failed attempt that an intent shows until its next change. */
export function attemptError(decline: Decline, paymentMethod: Stripe.PaymentMethod) {
  const notAuthenticated: readonly Decline[] = [DECLINES.authenticationFailed, DECLINES.setupAuthenticationFailed];
  const isCardError = paymentMethod.type === "card" && !notAuthenticated.includes(decline);
  return {
    ...declineFields(decline),
    message: decline.message,
    payment_method: paymentMethod,
    type: isCardError ? "card_error" : "invalid_request_error",
  };
}
