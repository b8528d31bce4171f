/**
 * Whose payments a run makes: three merchants, and four connected accounts. `toys` has a key of the Stripe account of `default`, and so
 * the same connected accounts: what keeps the two apart is who made an object.
 */
import type { Account } from "../../src/merchants/rules.ts";
import type { Door } from "./caller.ts";
import { type Dice, diceOf } from "./dice.ts";
import type { MerchantRecord } from "./records.ts";
import type { Plan } from "./work.ts";

export const furtherMerchants = ["books", "toys"] as const;
export type FurtherMerchant = (typeof furtherMerchants)[number];
export type MerchantName = "default" | FurtherMerchant;

/** An account before there is a sandbox that gives it an id: `books/2` is the second connected account of `books`. */
export type Seat = {
  readonly name: string;
  readonly merchant: MerchantName;
  /** Which connected account of the merchant's platform, from 1; null for the merchant's own. */
  readonly connected: number | null;
};

/** How often each comes, in parts of all. */
const shares: Readonly<Record<string, number>> = {
  default: 8,
  "default/1": 2,
  "default/2": 2,
  books: 3,
  "books/1": 2,
  "books/2": 1,
  toys: 3,
  // The same connected account as that of `default/1`.
  "toys/1": 2,
};

export const seats: readonly Seat[] = Object.keys(shares).map((name) => {
  const [merchant, connected] = name.split("/");
  return {
    name,
    merchant: merchant as MerchantName,
    connected: connected === undefined ? null : Number(connected),
  };
});

/** Where each payment is, drawn by its name; the second payment of one reference is on another account than the first. */
export function drawSeats(seed: number, plans: readonly Pick<Plan, "name" | "twinOf">[]): ReadonlyMap<string, Seat> {
  const drawn = new Map<string, Seat>();
  for (const { name, twinOf } of plans) {
    const taken = twinOf === null ? undefined : drawn.get(twinOf);
    drawn.set(name, pick(diceOf(seed, `account of ${name}`), taken));
  }
  return drawn;
}

function pick(dice: Dice, taken: Seat | undefined): Seat {
  const free = seats.filter((seat) => seat !== taken);
  return dice.pick(free.flatMap((seat) => Array.from({ length: shares[seat.name] ?? 0 }, () => seat)));
}

/** By which door the calls of each payment come. Two payments of one reference come by the same. */
export function drawDoors(seed: number, plans: readonly Pick<Plan, "name" | "twinOf">[]): ReadonlyMap<string, Door> {
  return new Map(
    plans.map(({ name, twinOf }) => [name, diceOf(seed, `door of ${twinOf ?? name}`).chance(0.6) ? "edge" : "ingress"]),
  );
}

/** @param merchants as they are at the sandbox */
export function accountAt({ name, merchant, connected }: Seat, merchants: readonly MerchantRecord[]): Account {
  if (connected === null) return { merchant, stripeAccount: null };
  const stripeAccount = merchants.find(({ id }) => id === merchant)?.connected[connected - 1];
  if (stripeAccount === undefined) throw new Error(`There is no account ${name} at the sandbox.`);
  return { merchant, stripeAccount };
}

/**
 * The payment in whose name the calls of each one have their idempotency keys. The callers of two merchants who use one reference use
 * the same keys at the edge, which keeps them apart; the engine's ingress doesn't.
 */
export function keyNames(
  plans: readonly Pick<Plan, "name" | "twinOf">[],
  seatOf: ReadonlyMap<string, Seat>,
  isByEdge: (payment: string) => boolean,
): ReadonlyMap<string, string> {
  return new Map(
    plans.map(({ name, twinOf }) => {
      const isShared = twinOf !== null && isByEdge(name) && seatOf.get(name)?.merchant !== seatOf.get(twinOf)?.merchant;
      return [name, isShared ? twinOf : name];
    }),
  );
}
