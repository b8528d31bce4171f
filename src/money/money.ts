/**
 * Money is an integer in the currency's minor unit, as Stripe counts it. This file holds Stripe's rules per currency as
 * data: which currencies a charge may use, and what multiple its amount must be. It refuses only sums that can't be right
 * anywhere. Stripe's smallest charge is stated in the currency that the account settles in, and its largest charge depends on
 * the payment method, so both are left to Stripe.
 *
 * Source: https://docs.stripe.com/currencies (presentment currencies, "Zero-decimal", "Special cases", "Minimum and maximum").
 */

/**
 * Stripe takes twelve digits of cards, in any currency, and of other payment methods in rupiah. Other payment methods take
 * ten digits of Colombian pesos, nine of Indian rupees and eight of every other currency: Stripe says so when it is asked.
 * https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
 */
export const maximumAmountMinor = 999_999_999_999;

const twoDecimal =
  "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd xcg yer zar zmw";
const zeroDecimal = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf";
/** Two decimals at Stripe for backward compatibility, but no fraction exists: the amount ends in 00. */
const twoDecimalWithoutFraction = "isk ugx";
/** Three decimals, of which the card networks carry two: the last digit is 0. */
const threeDecimal = "bhd jod kwd omr tnd";

const multipleByCurrency: ReadonlyMap<string, number> = new Map([
  ...twoDecimal.split(" ").map((currency) => [currency, 1] as const),
  ...zeroDecimal.split(" ").map((currency) => [currency, 1] as const),
  ...twoDecimalWithoutFraction.split(" ").map((currency) => [currency, 100] as const),
  ...threeDecimal.split(" ").map((currency) => [currency, 10] as const),
]);

/** The currencies that Stripe charges in, in lower case. */
export const currencies: readonly string[] = [...multipleByCurrency.keys()].toSorted();

/** What is wrong with a sum of money: the field at fault and a sentence for the caller. */
export type MoneyProblem = { readonly field: "amount" | "currency"; readonly message: string };

/**
 * Says what Stripe would refuse anywhere about a charge of `amountMinor` in `currency` (lower case), or null when nothing.
 * The amount is taken to be a positive integer already.
 */
export function moneyProblem(amountMinor: number, currency: string): MoneyProblem | null {
  const multiple = multipleByCurrency.get(currency);
  if (multiple === undefined) {
    return { field: "currency", message: `"${currency}" is not a currency that Stripe charges in` };
  }
  const fraction = fractionProblem(amountMinor, currency);
  return fraction === null ? null : { field: "amount", message: fraction };
}

/**
 * Says whether a sum has a fraction that its currency lacks, in a sentence for the caller, or null. Captures and
 * refunds are held against the currency of their payment.
 */
export function fractionProblem(amountMinor: number, currency: string): string | null {
  const multiple = multipleByCurrency.get(currency) ?? 1;
  if (amountMinor % multiple === 0) return null;
  return `must be a multiple of ${multiple} in ${currency}: Stripe takes no smaller fraction`;
}
