/**
 * The model's world: one payment as the caller and Stripe see it, as plain data. It knows nothing of the product's code.
 *
 * A *payment* is a PaymentIntent at Stripe. A *call* is a request of the merchant's with its answer, once it has one. A
 * *party* is whoever waits: a call that has no answer yet, or the private watch over a payment that nobody waits for. A party
 * that is *stirred* looks at Stripe again: it must, if something woke it for certain, and may, if something could have.
 */
export const amountMinor = 4000;

type Status =
  | "processing"
  | "requires_action"
  | "requires_capture"
  | "requires_payment_method"
  | "succeeded"
  | "canceled";

export type Kind =
  | "card"
  | "declined card"
  | "card that asks an absent customer"
  | "card that asks the customer"
  | "held card"
  | "held card that asks the customer"
  | "card with slow refunds"
  | "debit"
  | "debit that can be stopped"
  | "redirect with a debit behind it";

/** What Stripe makes of each kind, at once and after the customer acted. */
export type Fate = {
  readonly first: Status;
  readonly afterAction: Status | null;
  /** Whether Stripe cancels it while it is processing. */
  readonly stops: boolean;
  readonly slowRefunds: boolean;
};

const atOnce: Fate = { first: "succeeded", afterAction: null, stops: false, slowRefunds: false };

export const fates: Readonly<Record<Kind, Fate>> = {
  card: atOnce,
  "declined card": { ...atOnce, first: "requires_payment_method" },
  "card that asks an absent customer": { ...atOnce, first: "requires_payment_method" },
  "card that asks the customer": { ...atOnce, first: "requires_action", afterAction: "succeeded" },
  "held card": { ...atOnce, first: "requires_capture" },
  "held card that asks the customer": { ...atOnce, first: "requires_action", afterAction: "requires_capture" },
  "card with slow refunds": { ...atOnce, slowRefunds: true },
  debit: { ...atOnce, first: "processing", slowRefunds: true },
  "debit that can be stopped": { ...atOnce, first: "processing", stops: true, slowRefunds: true },
  "redirect with a debit behind it": {
    ...atOnce,
    first: "requires_action",
    afterAction: "processing",
    slowRefunds: true,
  },
};

export type Refund = { amount: number; status: "pending" | "succeeded" | "failed"; isUnheard: boolean };

export type Payment = {
  readonly kind: Kind;
  status: Status;
  received: number;
  capturable: number;
  refunds: Refund[];
  /** A caller was told that it is over, so that a success is taken back. */
  isAbandoned: boolean;
  /** It was closed after a failed attempt, and that is written on it. */
  isNoted: boolean;
  /** The types of the events that Stripe fired about it, of those that end waits. */
  fired: string[];
  /** Stripe fired one that nobody has delivered yet. */
  isUnheard: boolean;
};

export type Answer = {
  readonly code: number;
  /** The status of an answer, the reason of a failure. */
  readonly word: string;
  readonly compensation: string | null;
  /** Which payment it names; null where the model does not say. */
  readonly payment: number | null;
  readonly received: number | null;
  readonly refunded: number | null;
  /** What may have brought the outcome; null where the answer does not say. */
  readonly settledBy: readonly string[] | null;
};

type Call = {
  readonly id: string;
  /** The call whose idempotency key it has: it gets that one's answer, letter by letter. */
  readonly sameAs: string | null;
  answer: Answer | null;
};

export type Means = "first" | "other";

type Role =
  | { readonly does: "pay" }
  | { readonly does: "await" }
  | { readonly does: "capture"; readonly amount: number | null }
  | { readonly does: "cancel"; readonly refundIfSucceeded: boolean }
  | { readonly does: "refund"; readonly amount: number | null }
  /** Waits for the attempt before it under the same reference. */
  | { readonly does: "queue"; readonly means: Means }
  | { readonly does: "watch"; mode: "customer" | "expired" | "abandoned" };

type Waiting =
  | { readonly for: "payment" }
  | { readonly for: "refund"; readonly refund: number; readonly hasDoorbell: boolean }
  | { readonly for: "turn" }
  /** Only time moves it on. */
  | { readonly for: "poll" };

export type Party = {
  readonly id: string;
  readonly role: Role;
  readonly payment: number;
  waiting: Waiting;
  stir: "none" | "may" | "must";
  /** After ten rings that found nothing, a call polls only. */
  rings: number;
  /** It has a deadline of a second, which may come at any time. */
  isHurried: boolean;
  /** That deadline has been waited for. */
  isDue: boolean;
  isCancelled: boolean;
  /**
   * It has begun to close the payment, which takes several requests: others may come between them. `because` of what it
   * saw; `isRefused` once Stripe did not cancel it.
   */
  closing: { readonly because: "failure" | "deadline" | "cancellation"; readonly isRefused: boolean } | null;
};

/** What is remembered of the merchant's reference. */
type Reference = {
  means: Means;
  payment: number | null;
  /** Null while an attempt is under way, or goes on without its caller. */
  end:
    | { readonly kind: "answered"; readonly isFinal: boolean }
    | { readonly kind: "failed"; readonly isClosed: boolean }
    | null;
  kept: Answer | null;
  /** Whose attempt it is now. */
  holder: string | null;
};

export type World = {
  /** Webhooks are delivered as Stripe does it; if not, only when a command says so. */
  readonly isPrompt: boolean;
  /** Calls poll within a second; if not, never while the model runs. */
  readonly polls: boolean;
  payments: Payment[];
  calls: Call[];
  parties: Party[];
  reference: Reference | null;
};

export function emptyWorld(options: { readonly isPrompt: boolean; readonly polls: boolean }): World {
  return { ...options, payments: [], calls: [], parties: [], reference: null };
}

export function paymentOf(world: World, index: number): Payment {
  const payment = world.payments[index];
  if (payment === undefined) throw new RangeError(`There is no payment ${index}.`);
  return payment;
}

const rings = 10;

/** Wakes parties: by a webhook, or a ring of somebody else's. */
export function ring(world: World, how: "may" | "must", whom: (party: Party) => boolean): void {
  for (const party of world.parties) {
    if (party.waiting.for === "turn" || party.waiting.for === "poll" || !whom(party)) continue;
    if (party.waiting.for === "refund" && !party.waiting.hasDoorbell) continue;
    party.rings++;
    stir(party, how === "must" && (party.rings <= rings || world.polls) ? "must" : "may");
  }
}

export function stir(party: Party, how: "may" | "must"): void {
  if (party.stir !== "must") party.stir = how;
}

export function join(world: World, party: Pick<Party, "id" | "role" | "payment" | "waiting"> & Partial<Party>): Party {
  const fresh = { stir: "none", rings: 0, isHurried: false, isDue: false, isCancelled: false, closing: null } as const;
  const joined: Party = { ...fresh, ...party };
  world.parties.push(joined);
  return joined;
}

/** Goes on with closing, next. */
export function goOnClosing(party: Party, closing: NonNullable<Party["closing"]>): void {
  party.closing = closing;
  party.stir = "must";
}

export function leave(world: World, id: string): void {
  world.parties = world.parties.filter((party) => party.id !== id);
}
