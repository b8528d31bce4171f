/**
 * Secrets that are known by their form, wherever they stand in a text: an error message that quotes a header, say. What kind of
 * secret it was stays readable.
 */
const secretForms: readonly RegExp[] = [
  // API keys: secret, restricted and ephemeral ones. https://docs.stripe.com/keys
  /(?<![A-Za-z0-9])([sre]k_(?:org_)?(?:live|test)_)\w+/g,
  // Signing secrets of webhooks, Stripe's and those of notifications. https://docs.stripe.com/webhooks#verify-events
  /(whsec_)[\w+/=-]+/g,
  // Client secrets: whoever has one can confirm the payment. https://docs.stripe.com/api/payment_intents/object#payment_intent_object-client_secret
  /([a-z]+_[A-Za-z0-9]+_secret_)\w+/g,
  /\b((?:Bearer|Basic) )[\w.~+/=-]+/gi,
  // API keys of the edge: src/edge/apiKeyForm.ts. The id is no secret.
  /(?<![A-Za-z0-9])(rsp_[a-z0-9]+_)\w+/g,
  // Passwords in addresses.
  /(:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g,
];

/** The same value without secrets: texts anywhere in it are cleaned, names of fields are kept. */
export function withoutSecrets(value: string): string;
export function withoutSecrets(value: unknown): unknown;
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === "string") return secretForms.reduce((text, form) => text.replace(form, "$1[redacted]"), value);
  if (typeof value !== "object" || value === null) return value;
  // As JSON, which is what is logged. A log never throws: what is no JSON is left out.
  try {
    return JSON.parse(JSON.stringify(value, cleaned) ?? "null") as unknown;
  } catch {
    return "[not JSON]";
  }
}

function cleaned(_key: string, entry: unknown): unknown {
  if (typeof entry === "bigint") return String(entry);
  return typeof entry === "string" ? withoutSecrets(entry) : entry;
}
