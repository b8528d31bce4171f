/** What the callers ask for, drawn from the seed before anything runs. */
import type { Dice } from "./dice.ts";

/** How often each kind comes, in parts of all. */
const shares = {
  card: 14,
  "declined card": 7,
  debit: 10,
  "failing debit": 6,
  "delayed status": 4,
  "captured in full": 5,
  "captured in part": 5,
  "authorization cancelled": 4,
  "authorization held": 2,
  "refunded in full": 5,
  "refunded in parts": 4,
  "rival refunds": 5,
  "slow refund": 3,
  reference: 8,
  "reference with other means": 4,
  "awaited by others": 5,
  "call cancelled": 6,
  deadline: 5,
  customer: 4,
  "cancel or refund": 4,
} as const;

export type Kind = keyof typeof shares;
export const kinds = Object.keys(shares) as readonly Kind[];

export type Plan = {
  /** The name of the payment, in its metadata and in every key. */
  readonly name: string;
  readonly kind: Kind;
  readonly paymentMethodId: string;
  readonly amount: number;
  /** The part that is captured or refunded, in minor units. */
  readonly partMinor: number;
  /** How many callers ask at once, where several do. */
  readonly callers: number;
  /** How long to wait before the second act: a cancellation, another caller, the customer. */
  readonly pauseMs: number;
  readonly customer: "succeeded" | "failed" | "absent";
  readonly byReference: boolean;
};

const declinedCards = ["pm_card_visa_chargeDeclined", "pm_card_visa_chargeDeclinedInsufficientFunds"] as const;
const failingDebits = ["pm_usBankAccount_insufficientFunds", "pm_usBankAccount_accountClosed"] as const;
const goodDebit = "pm_usBankAccount_success";
/** One that Stripe settles, and one that stays pending until somebody cancels it. */
const slowDebits = [goodDebit, "pm_usBankAccount_processing"] as const;
const anyMethods = ["pm_card_visa", goodDebit, ...declinedCards, ...failingDebits] as const;

const methods: Readonly<Record<Kind, readonly string[]>> = {
  card: ["pm_card_visa", "pm_card_mastercard"],
  "declined card": declinedCards,
  debit: [goodDebit],
  "failing debit": failingDebits,
  "delayed status": ["pm_card_visa", ...declinedCards],
  "captured in full": ["pm_card_visa"],
  "captured in part": ["pm_card_visa"],
  "authorization cancelled": ["pm_card_visa"],
  "authorization held": ["pm_card_visa"],
  "refunded in full": ["pm_card_visa", goodDebit],
  "refunded in parts": ["pm_card_visa"],
  "rival refunds": ["pm_card_visa", "pm_card_pendingRefund"],
  "slow refund": ["pm_card_pendingRefund"],
  reference: anyMethods,
  "reference with other means": declinedCards,
  "awaited by others": [goodDebit, ...failingDebits],
  "call cancelled": slowDebits,
  deadline: slowDebits,
  customer: ["pm_card_threeDSecure2Required"],
  "cancel or refund": ["pm_card_visa", goodDebit],
};

/** Every kind comes once if there is room; the rest is drawn by share. */
export function drawPlans(dice: Dice, payments: number): readonly Plan[] {
  const urn = kinds.flatMap((kind) => Array.from({ length: shares[kind] }, () => kind));
  const drawn = Array.from({ length: payments }, (_, index) => kinds[index] ?? dice.pick(urn));
  return dice.shuffled(drawn).map((kind, index) => drawPlan(dice, kind, `p${index}`));
}

function drawPlan(dice: Dice, kind: Kind, name: string): Plan {
  const amount = dice.integer(100, 99_999);
  return {
    name,
    kind,
    paymentMethodId: dice.pick(methods[kind]),
    amount,
    partMinor: Math.max(1, Math.floor(amount * (0.3 + dice.fraction() * 0.4))),
    callers: dice.integer(2, 4),
    pauseMs: dice.integer(0, 1500),
    customer: dice.pick(["succeeded", "failed", "absent"] as const),
    byReference: dice.chance(0.3),
  };
}
