import type { Stripe } from "stripe";

/** Stripe's client turns a decimal number into an object; over the wire and in the store it is text. */
export type StoredPrice = Omit<Stripe.Price, "unit_amount_decimal"> & { readonly unit_amount_decimal: string | null };

export type StoredLineItem = Omit<Stripe.LineItem, "price"> & { readonly price: StoredPrice };

/**
 * The part of a Checkout Session or Payment Link that isn't shown as it is; only its line items show in lists of their
 * own.
 */
export type Order = {
  readonly id: string;
  readonly object: "order";
  readonly created: number;
  readonly items: readonly StoredLineItem[];
  /** The PaymentIntent that confirming will make; null for a Payment Link. */
  readonly draft: Stripe.PaymentIntent | null;
  readonly payment_intent: string | null;
};

/** The rest of a Customer that was deleted, by which it is answered as deleted and not as unknown. */
type DeletedCustomer = { readonly id: string; readonly object: "deleted_customer"; readonly created: number };

/** The kinds of object that are kept, by the name Stripe gives them in `object`. */
export type StoredObjects = {
  payment_intent: Stripe.PaymentIntent;
  charge: Stripe.Charge;
  refund: Stripe.Refund;
  customer: Stripe.Customer;
  deleted_customer: DeletedCustomer;
  payment_method: Stripe.PaymentMethod;
  product: Stripe.Product;
  price: StoredPrice;
  account: Stripe.Account;
  dispute: Stripe.Dispute;
  "radar.early_fraud_warning": Stripe.Radar.EarlyFraudWarning;
  setup_intent: Stripe.SetupIntent;
  "checkout.session": Stripe.Checkout.Session;
  payment_link: Stripe.PaymentLink;
  order: Order;
  mandate: Stripe.Mandate;
  balance_transaction: Stripe.BalanceTransaction;
  customer_cash_balance_transaction: Stripe.CustomerCashBalanceTransaction;
  transfer: Stripe.Transfer;
  transfer_reversal: Stripe.TransferReversal;
  application_fee: Stripe.ApplicationFee;
  fee_refund: Stripe.FeeRefund;
};
export type StoredKind = keyof StoredObjects;
export type StoredObject = StoredObjects[StoredKind];

// The names of the object and the parameter in Stripe's errors, where those aren't the kind and "id".
const NOUNS: Readonly<Partial<Record<StoredKind, readonly [noun: string, param: string]>>> = {
  payment_intent: ["payment_intent", "intent"],
  setup_intent: ["setupintent", "intent"],
  "checkout.session": ["checkout.session", "session"],
  charge: ["charge", "charge"],
  refund: ["refund", "refund"],
  price: ["price", "price"],
  payment_method: ["PaymentMethod", "payment_method"],
  transfer: ["transfer", "transfer"],
  transfer_reversal: ["transfer reversal", "id"],
  application_fee: ["application fee", "id"],
  fee_refund: ["fee refund", "id"],
};

export function namesOf(kind: StoredKind): { readonly noun: string; readonly param: string } {
  const [noun, param] = NOUNS[kind] ?? [kind, "id"];
  return { noun, param };
}

export type ReferenceColumn = "charge" | "customer" | "payment_intent";

/** The other object that this one names, for the columns that objects are found by. */
export function referenceOf(object: StoredObject, column: ReferenceColumn): string | null {
  switch (column) {
    case "payment_intent":
      return idOf("payment_intent" in object ? object.payment_intent : null);
    case "charge":
      return idOf("charge" in object ? object.charge : null);
    case "customer":
      return idOf("customer" in object ? object.customer : null);
  }
}

/** The id behind a field that may be expanded. */
export function idOf(reference: string | { readonly id: string } | null | undefined): string | null {
  return typeof reference === "object" ? (reference?.id ?? null) : (reference ?? null);
}
