/** The accounts of the sample: three merchants, two of whom share a Stripe account. */
import type { Account } from "../../src/merchants/rules.ts";
import { invocationOf } from "./doorbells.ts";
import type { Place, RunRecord, ToldRecord } from "./records.ts";

export const sampleMerchants: RunRecord["merchants"] = [
  { id: "default", ownAccount: "acct_own", connected: ["acct_connected"], isTold: false },
  { id: "books", ownAccount: "acct_books", connected: ["acct_seller"], isTold: true },
  { id: "toys", ownAccount: "acct_own", connected: ["acct_connected"], isTold: true },
];
export const ownPlace: Place = { stripeAccount: "acct_own", merchant: "default" };
export const placeOfBooks: Place = { stripeAccount: "acct_books", merchant: "books" };
export const placeOfSeller: Place = { stripeAccount: "acct_seller", merchant: "books" };
export const placeOfToys: Place = { stripeAccount: "acct_own", merchant: "toys" };
export const ofSeller = { merchant: "books", stripeAccount: "acct_seller" };

/** Of the call that waits for the payment of `books`. */
export const doorbellOfBooks = `sign_1${Buffer.from([...Array(27).fill(7), 17]).toString("base64url")}`;
export const waiterOfBooks = invocationOf(doorbellOfBooks) ?? "none";

export function tellOf(name: string, account: Account, receiver = account.merchant): ToldRecord {
  return { receiver, paymentIntentId: `pi_${name}`, type: "payment.succeeded", account };
}
