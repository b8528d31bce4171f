/**
 * A decline is *soft* if the same means of payment may fare better by itself, a moment or some days later: the bank could not
 * be reached, or the money was not there yet. Every other decline is *hard*: the same again would be declined again, and card
 * networks fine merchants for asking. What Stripe advises goes before what we think of a code.
 */
import type { PaymentFailure } from "./payment.ts";

/** `by_advice`: soft if Stripe advises to try again later. */
type DeclineKind = "soft" | "hard" | "by_advice";

/** Stripe's decline codes. https://docs.stripe.com/declines/codes */
const declineKinds: Readonly<Record<string, DeclineKind | undefined>> = {
  approve_with_id: "soft",
  issuer_not_available: "soft",
  processing_error: "soft",
  reenter_transaction: "soft",
  try_again_later: "soft",

  // The card has the money, or the right to it, at another time.
  card_velocity_exceeded: "by_advice",
  insufficient_funds: "by_advice",
  withdrawal_count_limit_exceeded: "by_advice",

  authentication_not_handled: "hard",
  authentication_required: "hard",
  call_issuer: "hard",
  card_not_supported: "hard",
  currency_not_supported: "hard",
  do_not_honor: "hard",
  do_not_try_again: "hard",
  duplicate_transaction: "hard",
  expired_card: "hard",
  fraudulent: "hard",
  // Nobody says why. The customer has to ask the bank, whatever the advice is.
  generic_decline: "hard",
  highest_risk_level: "hard",
  incorrect_address: "hard",
  incorrect_cvc: "hard",
  incorrect_number: "hard",
  incorrect_pin: "hard",
  incorrect_zip: "hard",
  invalid_account: "hard",
  invalid_amount: "hard",
  invalid_cvc: "hard",
  invalid_expiry_month: "hard",
  invalid_expiry_year: "hard",
  invalid_number: "hard",
  invalid_pin: "hard",
  lost_card: "hard",
  merchant_blacklist: "hard",
  mobile_device_authentication_required: "hard",
  new_account_information_available: "hard",
  no_action_taken: "hard",
  not_permitted: "hard",
  offline_pin_required: "hard",
  online_or_offline_pin_required: "hard",
  pickup_card: "hard",
  pin_try_exceeded: "hard",
  restricted_card: "hard",
  revocation_of_all_authorizations: "hard",
  revocation_of_authorization: "hard",
  security_violation: "hard",
  service_not_allowed: "hard",
  stolen_card: "hard",
  stop_payment_order: "hard",
  testmode_decline: "hard",
  transaction_not_allowed: "hard",
};

/** Tells whether the same means of payment may be tried again. A code that is not known here is judged by Stripe's advice. */
export function isSoftDecline(
  failure: Partial<Pick<PaymentFailure, "stripeCode" | "declineCode" | "adviceCode">>,
): boolean {
  const { stripeCode, declineCode, adviceCode } = failure;
  if (adviceCode === "do_not_try_again" || adviceCode === "confirm_card_data") return false;
  // Errors of the issuer, such as `processing_error`, have no decline code.
  const kind = declineKinds[declineCode ?? stripeCode ?? ""] ?? "by_advice";
  return kind === "by_advice" ? adviceCode === "try_again_later" : kind === "soft";
}
