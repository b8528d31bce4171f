import type { Stripe } from "stripe";
import { cardError, missing, parameterMissing } from "./apiError.ts";
import type { Parameters } from "./parameters.ts";
import { findScenario, findScenarioByNumber, type Scenario } from "./scenarios.ts";

/** A card as the API takes it: by token or by number, with what can be said against it before any bank is asked. */
type Expiry = { readonly month: number; readonly year: number };

const LONGEST_YEARS = 50;
const CVC_LENGTH = 3;
const AMEX_CVC_LENGTH = 4;

/** Throws Stripe's error for a token or number that isn't one of its test cards. */
export function findCard(given: Parameters | undefined, param: string): Scenario {
  const token = given?.string("token");
  if (token !== undefined) {
    const scenario = token.startsWith("tok_") ? findScenario(token) : undefined;
    if (scenario === undefined) throw missing("token", token, `${param}[token]`);
    return scenario;
  }
  const number = given?.string("number")?.replaceAll(/[\s-]/g, "");
  if (number === undefined) throw parameterMissing(`${param}[number]`);
  for (const field of ["exp_month", "exp_year"]) {
    if (given?.integer(field) === undefined) throw parameterMissing(`${param}[${field}]`);
  }
  const scenario = findScenarioByNumber(number);
  if (scenario?.type === "card") return scenario;
  if (!passesLuhn(number)) {
    throw cardError("Your card number is incorrect.", { code: "incorrect_number", param: "number" });
  }
  throw cardError(
    "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test cards, visit: https://stripe.com/docs/testing.",
    { code: "card_declined", decline_code: "test_mode_live_card" },
  );
}

/** The card as its PaymentMethod shows it; throws Stripe's error for an expiry or security code that can't be right. */
export function showCard(
  { card, number }: Scenario,
  given: Parameters | undefined,
  fingerprint: string,
  nowMs: number,
): Stripe.PaymentMethod.Card {
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
    fingerprint,
    funding,
    generated_from: null,
    last4: number.slice(-4),
    networks: { available: [brand], preferred: null },
    regulated_status: "unregulated",
    three_d_secure_usage: { supported: true },
    wallet: null,
  };
}

/** A card is good until its month ends; a token's or test method's is for some years. */
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

/** The last digit of a card number is a checksum of the others. */
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
