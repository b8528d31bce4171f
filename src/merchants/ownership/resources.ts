/**
 * Stripe's objects as far as a merchant owns them: where one is read, what Stripe calls it where there is none, and which object it belongs
 * to. https://docs.stripe.com/api
 */

/** Where an object of a kind is read: `/v1/<path>/<id>`. */
const pathsByKind: Readonly<Record<string, string>> = {
  account: "accounts",
  application_fee: "application_fees",
  charge: "charges",
  "checkout.session": "checkout/sessions",
  customer: "customers",
  dispute: "disputes",
  invoice: "invoices",
  payment_intent: "payment_intents",
  payment_link: "payment_links",
  payment_method: "payment_methods",
  refund: "refunds",
  setup_intent: "setup_intents",
  subscription: "subscriptions",
  transfer: "transfers",
};

/** The kind of object that a field of a request or of another object names. */
const kindsByField: Readonly<Record<string, string>> = {
  account: "account",
  charge: "charge",
  customer: "customer",
  destination: "account",
  dispute: "dispute",
  fee: "application_fee",
  invoice: "invoice",
  on_behalf_of: "account",
  payment_intent: "payment_intent",
  payment_link: "payment_link",
  payment_method: "payment_method",
  refund: "refund",
  setup_intent: "setup_intent",
  source_transaction: "charge",
  stripe_user_id: "account",
  subscription: "subscription",
  transfer: "transfer",
};

/**
 * A payment method is no field to look at: Stripe takes one that belongs to a customer together with that customer only.
 * https://docs.stripe.com/payments/save-and-reuse
 */
const unaskedFields: ReadonlySet<string> = new Set(["payment_method"]);

/**
 * The fields by which an object that no call of ours made belongs to another one, the first that is there: a refund or dispute of the
 * dashboard is its payment's.
 */
const parentFields: Readonly<Record<string, readonly string[]>> = {
  application_fee: ["charge"],
  balance_transaction: ["source"],
  charge: ["payment_intent", "customer"],
  "checkout.session": ["payment_intent", "setup_intent", "payment_link", "subscription", "customer"],
  customer_balance_transaction: ["customer"],
  customer_cash_balance_transaction: ["customer"],
  dispute: ["payment_intent", "charge"],
  fee_refund: ["fee"],
  invoice: ["customer"],
  mandate: ["payment_method"],
  payment_intent: ["customer"],
  payment_method: ["customer"],
  "radar.early_fraud_warning": ["payment_intent", "charge"],
  refund: ["payment_intent", "charge"],
  setup_attempt: ["setup_intent"],
  setup_intent: ["customer"],
  subscription: ["customer"],
  transfer: ["source_transaction"],
  transfer_reversal: ["transfer"],
};

/** The same for an object that is nobody's by those: a transfer of the dashboard, of money that no call took, is its account's. */
const furtherParentFields: Readonly<Record<string, readonly string[]>> = { transfer: ["destination"] };

/** What a balance transaction is about, by the beginning of its id. */
const kindsByPrefix: Readonly<Record<string, string>> = {
  ch: "charge",
  dp: "dispute",
  du: "dispute",
  fee: "application_fee",
  py: "charge",
  pyr: "refund",
  re: "refund",
  tr: "transfer",
};

/** The names of the object and of the parameter in Stripe's errors, where those aren't the kind and `id`. */
const namesByKind: Readonly<Record<string, readonly [noun: string, param: string]>> = {
  charge: ["charge", "charge"],
  "checkout.session": ["checkout.session", "session"],
  payment_intent: ["payment_intent", "intent"],
  payment_method: ["PaymentMethod", "payment_method"],
  refund: ["refund", "refund"],
  setup_intent: ["setupintent", "intent"],
  transfer: ["transfer", "transfer"],
};

/** An object at Stripe. */
export type Reference = {
  /** As Stripe calls it in `object`. */
  readonly kind: string;
  readonly path: string;
  readonly id: string;
};

/** Null for a kind that is read nowhere, or that nobody owns. */
export function referenceTo(kind: string, id: string): Reference | null {
  const path = pathsByKind[kind];
  return path === undefined || id === "" ? null : { kind, path: `/v1/${path}/${encodeURIComponent(id)}`, id };
}

/** The object that a request names by this parameter, such as `payment_intent` or `transfer_data[destination]`. */
export function namedBy(parameter: string, id: string): Reference | null {
  if (partsOf(parameter).includes("metadata")) return null;
  const field = fieldOf(parameter);
  const kind = unaskedFields.has(field) ? undefined : kindsByField[field];
  // `destination` and `account` may name a bank's.
  return kind === undefined || (kind === "account" && !id.startsWith("acct_")) ? null : referenceTo(kind, id);
}

function fieldOf(parameter: string): string {
  return partsOf(parameter).at(-1) ?? "";
}

function partsOf(parameter: string): readonly string[] {
  return parameter.split(/[[\]]+/).filter((part) => part !== "");
}

/** The kind of the objects that are read below a path, such as `checkout/sessions`. */
export function kindAt(path: string): string {
  return (
    Object.entries(pathsByKind).find(([, under]) => path === under)?.[0] ?? path.replace("/", ".").replace(/s$/, "")
  );
}

/** A JSON object of Stripe's. */
export type StripeObject = { readonly object: string } & Readonly<Record<string, unknown>>;

export function isStripeObject(value: unknown): value is StripeObject {
  return typeof value === "object" && value !== null && "object" in value && typeof value.object === "string";
}

/**
 * The objects that this one belongs to, each as it stands there in full, or where it is. A later one counts where those before it are
 * nobody's.
 */
export function parentsOf(object: StripeObject): readonly (StripeObject | Reference)[] {
  return [parentFields, furtherParentFields].flatMap((fields) => firstParent(object, fields[object.object] ?? []));
}

function firstParent(object: StripeObject, fields: readonly string[]): readonly (StripeObject | Reference)[] {
  for (const field of fields) {
    const parent = object[field];
    if (isStripeObject(parent)) return [parent];
    if (typeof parent !== "string" || parent === "") continue;
    const kind = field === "source" ? kindsByPrefix[parent.split("_")[0] ?? ""] : kindsByField[field];
    const reference = kind === undefined ? null : referenceTo(kind, parent);
    if (reference !== null) return [reference];
  }
  return [];
}

export type StripeRefusal = {
  readonly status: number;
  readonly error: { readonly type: string; readonly code?: string; readonly message: string };
};

/**
 * What Stripe answers where there is no such object. It says 404 for the object that the path names, and 400 for one that a parameter
 * names.
 */
export function noSuch({ kind, id }: Reference, parameter: string | null): StripeRefusal {
  if (kind === "account" && parameter === null) return noAccess(id);
  if (parameter === "stripe_user_id") return notConnected(id);
  const [ownNoun, ownParam] = namesByKind[kind] ?? [kind, "id"];
  // An account has the name of the field that names it.
  const noun = kind === "account" ? fieldOf(parameter ?? "") : ownNoun;
  const error = { code: "resource_missing", param: parameter ?? ownParam, message: `No such ${noun}: '${id}'` };
  return { status: parameter === null ? 404 : 400, error: { type: "invalid_request_error", ...error } };
}

/** What Stripe answers where an account isn't connected. https://docs.stripe.com/error-codes#account-invalid */
export function noAccess(account: string): StripeRefusal {
  const message = `The provided key does not have access to account '${account}' (or that account does not exist). Application access may have been revoked.`;
  return { status: 403, error: { type: "invalid_request_error", code: "account_invalid", message } };
}

/** OAuth's answer where an account isn't connected. https://docs.stripe.com/connect/oauth-reference#post-deauthorize */
function notConnected(account: string): StripeRefusal {
  const message = `This application is not connected to stripe account ${account}, or that account does not exist.`;
  return { status: 401, error: { type: "invalid_client", message } };
}
