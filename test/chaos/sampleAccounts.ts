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

const indexOfWait = 17;

/** Of the call that waits for the payment of `books`. */
export const doorbellOfBooks = `sign_1${Buffer.from([...Array<number>(24).fill(7), 0, 0, 0, indexOfWait]).toString("base64url")}`;
export const waiterOfBooks = invocationOf(doorbellOfBooks) ?? "none";

export function tellOf(name: string, account: Account, receiver = account.merchant): ToldRecord {
  return { receiver, paymentIntentId: `pi_${name}`, type: "payment.succeeded", account };
}

/** The call that waits for the payment of `books` is woken by a webhook that is signed for `books`. */
export const sampleRings: RunRecord["rings"] = {
  rings: [{ invocationId: waiterOfBooks, index: indexOfWait, atMs: 20_000 }],
  handed: [
    { merchant: "toys", maker: "books", doorbells: [doorbellOfBooks], atMs: 15_000 },
    { merchant: "books", maker: "books", doorbells: [doorbellOfBooks], atMs: 19_000 },
  ],
  lists: [
    { stripeAccount: "acct_own", atMs: 19_000 },
    { stripeAccount: "acct_books", atMs: 1000 },
  ],
  signalled: ["inv_paid"],
};
