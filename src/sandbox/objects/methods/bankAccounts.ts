import type { Stripe } from "stripe";
import { randomText } from "../../world/identifiers.ts";
import type { ChargeFacts, MethodFacts } from "./methodFacts.ts";

/** Accounts that are debited, as their PaymentMethods and Charges show them. */
type Details = Stripe.Charge.PaymentMethodDetails;

export function showUsAccount({ given, scenario }: MethodFacts): Stripe.PaymentMethod.UsBankAccount {
  return {
    account_holder_type: given?.string("account_holder_type") ?? "individual",
    account_type: given?.string("account_type") ?? "checking",
    bank_name: "STRIPE TEST BANK",
    financial_connections_account: null,
    fingerprint: randomText(16),
    last4: scenario.number.slice(-4),
    networks: { preferred: "ach", supported: ["ach"] },
    routing_number: "110000000",
    status_details: {},
  };
}

export function chargeOfUsAccount(
  shown: Stripe.PaymentMethod.UsBankAccount,
  { mandate }: ChargeFacts,
): NonNullable<Details["us_bank_account"]> {
  const { account_holder_type, account_type, bank_name, fingerprint, last4, routing_number } = shown;
  return {
    account_holder_type,
    account_type,
    bank_name,
    fingerprint,
    last4,
    routing_number,
    ...(mandate === null ? {} : { mandate: mandate.id }),
    payment_reference: null,
  };
}

const BANK_CODE_ENDS: Readonly<Record<string, number>> = { DE: 12, AT: 9 };

export function showIban({ scenario: { number } }: MethodFacts): Stripe.PaymentMethod.SepaDebit {
  const country = number.slice(0, 2);
  return {
    bank_code: number.slice(4, BANK_CODE_ENDS[country] ?? 9),
    branch_code: "",
    country,
    fingerprint: randomText(16),
    generated_from: null,
    last4: number.slice(-4),
  };
}

export function chargeOfIban(
  shown: Stripe.PaymentMethod.SepaDebit,
  { mandate }: ChargeFacts,
): NonNullable<Details["sepa_debit"]> {
  const { bank_code, branch_code, country, fingerprint, last4 } = shown;
  return { bank_code, branch_code, country, fingerprint, last4, mandate: mandate?.id ?? null };
}
