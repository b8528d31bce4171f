/**
 * Money is an integer in the currency's minor unit, as Stripe counts it. This file holds Stripe's rules per currency as
 * data: which currencies a charge may use, what multiple its amount must be, and the smallest charge.
 *
 * Source: https://docs.stripe.com/currencies (presentment currencies, "Zero-decimal", "Special cases", "Minimum").
 */

/** Stripe takes eight digits for every currency; some cards take more, which no payment method is promised. */
export const maximumAmountMinor = 99_999_999;

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

/** The smallest charge in minor units. Stripe states it per settlement currency; the others are left to Stripe. */
const minimumByCurrency: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ...Object.fromEntries(
      "usd ars aud brl cad chf cop eur idr ils inr nzd php rub sgd zar".split(" ").map((currency) => [currency, 50]),
    ),
    aed: 200,
    czk: 1500,
    dkk: 250,
    gbp: 30,
    hkd: 400,
    huf: 17_500,
    jpy: 50,
    krw: 50,
    mxn: 1000,
    myr: 200,
    nok: 300,
    pln: 200,
    ron: 200,
    sek: 300,
    thb: 1000,
  }),
);

/** What is wrong with a sum of money: the field at fault and a sentence for the caller. */
export type MoneyProblem = { readonly field: "amount" | "currency"; readonly message: string };

/**
 * Says what Stripe would refuse about a charge of `amountMinor` in `currency` (lower case), or null when nothing.
 * The amount is taken to be a positive integer already.
 */
export function moneyProblem(amountMinor: number, currency: string): MoneyProblem | null {
  const multiple = multipleByCurrency.get(currency);
  if (multiple === undefined) {
    return { field: "currency", message: `"${currency}" is not a currency that Stripe charges in` };
  }
  const minimum = minimumByCurrency.get(currency) ?? 1;
  if (amountMinor < minimum) {
    return {
      field: "amount",
      message: `must be at least ${minimum} in ${currency} (Stripe's minimum charge, in minor units)`,
    };
  }
  const fraction = fractionProblem(amountMinor, currency);
  return fraction === null ? null : { field: "amount", message: fraction };
}

/**
 * Says whether a sum has a fraction that its currency lacks, in a sentence for the caller, or null. Captures and refunds
 * have no minimum, so this alone holds for them.
 */
export function fractionProblem(amountMinor: number, currency: string): string | null {
  const multiple = multipleByCurrency.get(currency) ?? 1;
  if (amountMinor % multiple === 0) return null;
  return `must be a multiple of ${multiple} in ${currency}: Stripe takes no smaller fraction`;
}
