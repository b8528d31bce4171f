/** Payments by bank transfer: which currencies have them, and under which name. */

/** https://docs.stripe.com/payments/bank-transfers#supported-countries */
const typeByCurrency: ReadonlyMap<string, string> = new Map([
  ["eur", "eu_bank_transfer"],
  ["gbp", "gb_bank_transfer"],
  ["jpy", "jp_bank_transfer"],
  ["mxn", "mx_bank_transfer"],
  ["usd", "us_bank_transfer"],
]);

/** Where Stripe has accounts for transfers in euros. */
export const euroTransferCountries = ["DE", "FR", "IE", "NL"] as const;

/** Stripe's name of the bank transfers in a currency (lower case), or null where there are none. */
export function bankTransferType(currency: string): string | null {
  return typeByCurrency.get(currency) ?? null;
}
