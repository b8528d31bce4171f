/**
 * Currencies, their decimals and the smallest charge in major units, by settlement currency.
 * https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
 */
const ZERO_DECIMAL = new Set("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" "));
const THREE_DECIMAL = new Set("bhd jod kwd omr tnd".split(" "));

const MINIMUM_MAJOR: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    "usd ars aud brl cad chf cop eur idr ils inr nzd php rub sgd zar".split(" ").map((c) => [c, 0.5]),
  ),
  aed: 2,
  czk: 15,
  dkk: 2.5,
  gbp: 0.3,
  hkd: 4,
  huf: 175,
  jpy: 50,
  krw: 50,
  mxn: 10,
  myr: 2,
  nok: 3,
  pln: 2,
  ron: 2,
  sek: 3,
  thb: 10,
};

const OTHER_CURRENCIES =
  "afn all amd ang aoa awg azn bam bbd bdt bgn bhd bif bmd bnd bob bsd bwp byn bzd cdf clp cny crc cve djf dop dzd egp etb fjd fkp gel gip gmd gnf gtq gyd hnl htg isk jmd jod kes kgs khr kmf kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mzn nad ngn nio npr omr pab pen pgk pkr pyg qar rsd rwf sar sbd scr shp sle sos srd std szl tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zmw";

export const SUPPORTED_CURRENCIES: ReadonlySet<string> = new Set([
  ...Object.keys(MINIMUM_MAJOR),
  ...OTHER_CURRENCIES.split(" "),
]);

/** Digits of the largest charge. https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts */
const CARD_DIGITS = 12;
const OTHER_DIGITS = 8;
const OTHER_DIGITS_OF: Readonly<Record<string, number>> = { idr: 12, cop: 10, inr: 9 };

/** Payment methods that take less than the currency's smallest charge. https://docs.stripe.com/payments/ideal */
const MINIMUM_OF_METHOD: Readonly<Record<string, number>> = { ideal: 1 };

/**
 * Two-decimal by name and zero-decimal in fact, and those whose third decimal must be 0.
 * https://docs.stripe.com/currencies
 */
const AMOUNT_STEPS: Readonly<Record<string, number>> = {
  isk: 100,
  ugx: 100,
  ...Object.fromEntries([...THREE_DECIMAL].map((currency) => [currency, 10])),
};

/** Every amount of the currency is a multiple of this. */
export function amountStepOf(currency: string): number {
  return AMOUNT_STEPS[currency] ?? 1;
}

function decimalsOf(currency: string): number {
  return ZERO_DECIMAL.has(currency) ? 0 : THREE_DECIMAL.has(currency) ? 3 : 2;
}

/** @param type of the payment method, null where it is not known yet */
export function maximumAmountMinor(currency: string, type: string | null): number {
  const digits = type === null || type === "card" ? CARD_DIGITS : (OTHER_DIGITS_OF[currency] ?? OTHER_DIGITS);
  return 10 ** digits - 1;
}

/** @param type of the payment method, null where it is not known yet */
export function minimumAmountMinor(currency: string, type: string | null): number {
  const ofMethod = type === null ? undefined : MINIMUM_OF_METHOD[type];
  if (ofMethod !== undefined) return ofMethod;
  return Math.round((MINIMUM_MAJOR[currency] ?? 0) * 10 ** decimalsOf(currency));
}

/** An amount as Stripe's messages print it: "$0.50" for dollars, "€0.50", otherwise "0.50 sek". */
export function printAmount(amountMinor: number, currency: string): string {
  const decimals = decimalsOf(currency);
  const major = (amountMinor / 10 ** decimals).toLocaleString("en-US", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  const symbol = { usd: "$", eur: "€", gbp: "£", jpy: "¥" }[currency];
  return symbol === undefined ? `${major} ${currency}` : `${symbol}${major}`;
}

/** An amount as a person types it: "10.00" for dollars, "1000" for yen. */
export function amountInputOf(amountMinor: number, currency: string): string {
  const decimals = decimalsOf(currency);
  return (amountMinor / 10 ** decimals).toFixed(decimals);
}

/** Reads what `amountInputOf` writes, and anything a person may mean by it; null when it isn't an amount above 0. */
export function readAmountInput(text: string, currency: string): number | null {
  const [, major = "", minor = ""] = /^\s*(\d{1,12})(?:[.,](\d{1,3}))?\s*$/.exec(text) ?? [];
  const decimals = decimalsOf(currency);
  if (major === "" || minor.length > decimals) return null;
  const amountMinor = Number(major) * 10 ** decimals + Number(minor.padEnd(decimals, "0") || "0");
  return amountMinor > 0 ? amountMinor : null;
}
