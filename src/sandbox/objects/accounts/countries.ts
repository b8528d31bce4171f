/** The countries whose businesses may have an account, with the currency of each. https://stripe.com/global */
const COUNTRIES: Readonly<Record<string, string>> = {
  AE: "aed",
  AU: "aud",
  BG: "eur",
  BR: "brl",
  CA: "cad",
  CH: "chf",
  CZ: "czk",
  DK: "dkk",
  GB: "gbp",
  GI: "gbp",
  HK: "hkd",
  HU: "huf",
  IN: "inr",
  JP: "jpy",
  LI: "chf",
  MX: "mxn",
  MY: "myr",
  NO: "nok",
  NZ: "nzd",
  PL: "pln",
  RO: "ron",
  SE: "sek",
  SG: "sgd",
  TH: "thb",
  US: "usd",
  ...Object.fromEntries(
    "AT BE CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK".split(" ").map((country) => [country, "eur"]),
  ),
};

/** Undefined for a country that Stripe doesn't serve. */
export function currencyOfCountry(country: string): string | undefined {
  return Object.hasOwn(COUNTRIES, country) ? COUNTRIES[country] : undefined;
}
