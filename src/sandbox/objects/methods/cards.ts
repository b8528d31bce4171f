import type { Stripe } from "stripe";
import { cardError } from "../../http/apiError.ts";
import { DAY_MS, toUnixSeconds } from "../../world/clock.ts";
import { randomText } from "../../world/identifiers.ts";
import type { Parameters } from "../../http/parameters.ts";
import type { ChargeFacts, MethodFacts } from "./methodFacts.ts";

/** Cards as PaymentMethods and Charges show them, and the errors that a card meets before any bank is asked. */
type Expiry = { readonly month: number; readonly year: number };

/** Visa's usual hold on a card. https://docs.stripe.com/payments/place-a-hold-on-a-payment-method */
export const AUTHORIZATION_DAYS = 7;
const MULTICAPTURE_BRANDS: readonly string[] = ["amex", "diners", "discover", "jcb", "mastercard", "unionpay", "visa"];

const LONGEST_YEARS = 50;
const CVC_LENGTH = 3;
const AMEX_CVC_LENGTH = 4;

/** The card as its PaymentMethod shows it; throws Stripe's error for an expiry or security code that can't be right. */
export function showCard({ given, nowMs, scenario: { card, number } }: MethodFacts): Stripe.PaymentMethod.Card {
  const { brand, country, funding } = card;
  const { month, year } = readExpiry(given, nowMs);
  checkCvc(given, brand);
  const isUnchecked = given?.has("number") === true && !given.has("cvc");
  return {
    brand,
    checks: {
      address_line1_check: null,
      address_postal_code_check: null,
      cvc_check: isUnchecked ? null : "pass",
    },
    country,
    display_brand: brand,
    exp_month: month,
    exp_year: year,
    fingerprint: randomText(16),
    funding,
    generated_from: null,
    last4: number.slice(-4),
    networks: { available: [brand], preferred: null },
    regulated_status: "unregulated",
    three_d_secure_usage: { supported: true },
    wallet: null,
  };
}

/** The card as a Charge shows it. */
export function chargeOfCard(
  card: Stripe.PaymentMethod.Card,
  { mandate, nowMs, paymentIntent }: ChargeFacts,
): Stripe.Charge.PaymentMethodDetails.Card {
  const holdsUntil = toUnixSeconds(nowMs + AUTHORIZATION_DAYS * DAY_MS);
  return {
    amount_authorized: paymentIntent.amount,
    authorization_code: randomText(6).toUpperCase(),
    brand: card.brand,
    ...(paymentIntent.capture_method === "manual" ? { capture_before: holdsUntil } : {}),
    checks: card.checks,
    country: card.country,
    electronic_commerce_indicator: null,
    exp_month: card.exp_month,
    exp_year: card.exp_year,
    extended_authorization: { status: "disabled" },
    fingerprint: card.fingerprint ?? null,
    funding: card.funding,
    incremental_authorization: { status: "unavailable" },
    installments: null,
    last4: card.last4,
    mandate: mandate?.id ?? null,
    multicapture: { status: allowsSeveralCaptures(card, paymentIntent) ? "available" : "unavailable" },
    network: card.brand,
    network_transaction_id: randomText(15),
    overcapture: { maximum_amount_capturable: paymentIntent.amount, status: "unavailable" },
    regulated_status: "unregulated",
    three_d_secure: null,
    transaction_link_id: null,
    wallet: null,
  };
}

/** Several captures have to be asked for, and are for cards of these brands. https://docs.stripe.com/payments/multicapture */
function allowsSeveralCaptures({ brand }: Stripe.PaymentMethod.Card, paymentIntent: Stripe.PaymentIntent): boolean {
  return (
    paymentIntent.capture_method === "manual" &&
    paymentIntent.payment_method_options?.card?.request_multicapture === "if_available" &&
    MULTICAPTURE_BRANDS.includes(brand)
  );
}

/** A card is good until its month ends; the card of a token or test method is good for some years. */
function readExpiry(given: Parameters | undefined, nowMs: number): Expiry {
  const now = new Date(nowMs);
  const thisYear = now.getUTCFullYear();
  const month = given?.integer("exp_month");
  const shortYear = given?.integer("exp_year");
  if (month === undefined || shortYear === undefined) return { month: 12, year: thisYear + 4 };
  const year = shortYear >= 0 && shortYear < 100 ? 2000 + shortYear : shortYear;
  if (month < 1 || month > 12 || (year === thisYear && month < now.getUTCMonth() + 1)) {
    throw cardError("Your card's expiration month is invalid.", { code: "invalid_expiry_month", param: "exp_month" });
  }
  if (year < thisYear || year > thisYear + LONGEST_YEARS) {
    throw cardError("Your card's expiration year is invalid.", { code: "invalid_expiry_year", param: "exp_year" });
  }
  return { month, year };
}

function checkCvc(given: Parameters | undefined, brand: string): void {
  const cvc = given?.string("cvc");
  const length = brand === "amex" ? AMEX_CVC_LENGTH : CVC_LENGTH;
  if (cvc === undefined || (/^\d+$/.test(cvc) && cvc.length === length)) return;
  throw cardError("Your card's security code is invalid.", { code: "invalid_cvc", param: "cvc" });
}

/**
 * The last digit of a card number is a checksum of the others. The library `card-validator` isn't used: it checks dates
 * against the machine's clock and not the sandbox's, skips the checksum of UnionPay cards, and refuses every number of a
 * brand that it doesn't know, where Stripe says something else of a wrong checksum than of a strange card.
 */
export function passesLuhn(number: string): boolean {
  if (!/^\d{12,19}$/.test(number)) return false;
  const sum = number
    .split("")
    .toReversed()
    .reduce((total, digit, index) => {
      const value = Number(digit) * (index % 2 === 0 ? 1 : 2);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
  return sum % 10 === 0;
}
