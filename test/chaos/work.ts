/** What the callers ask for, drawn from the seed before anything runs. */
import type { Dice } from "./dice.ts";

/** How often each kind comes, in parts of all. Those of outages come in groups, a group for each outage. */
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
  "given up, then other means": 4,
  "asked again after a soft decline": 3,
  "captured elsewhere": 3,
  "outage past the deadline": 0,
  "cancelled in an outage": 0,
} as const;

export type Kind = keyof typeof shares;
export const kinds = Object.keys(shares) as readonly Kind[];

/** Who meets an outage: half of them let their deadline pass, and half are cancelled while they back off. */
const outageKinds: readonly Kind[] = [
  "outage past the deadline",
  "cancelled in an outage",
  "outage past the deadline",
  "cancelled in an outage",
  "outage past the deadline",
  "cancelled in an outage",
  "outage past the deadline",
  "outage past the deadline",
];

/** One outage for so many payments. */
const paymentsPerOutage = 100;

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
  /** The deadline of who meets an outage, which lasts longer. */
  readonly timeoutSeconds: number;
  /** Which outage it meets, if any. */
  readonly outage: number | null;
  /** Whether the payment is only authorized. */
  readonly isHeld: boolean;
  /** What it is paid for, where its kind says so. Of two payments of one reference, each is on an account of its own. */
  readonly reference: string;
  /** The payment whose reference it has, if any. */
  readonly twinOf: string | null;
};

const declinedCards = ["pm_card_visa_chargeDeclined", "pm_card_visa_chargeDeclinedInsufficientFunds"] as const;
const failingDebits = ["pm_usBankAccount_insufficientFunds", "pm_usBankAccount_accountClosed"] as const;
const goodDebit = "pm_usBankAccount_success";
/** One that Stripe settles, and one that stays pending until somebody cancels it. */
const slowDebits = [goodDebit, "pm_usBankAccount_processing"] as const;
const softDeclines = ["pm_card_chargeDeclinedProcessingError", "pm_card_visa_chargeDeclinedInsufficientFunds"] as const;
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
  "given up, then other means": [goodDebit],
  "asked again after a soft decline": softDeclines,
  "captured elsewhere": ["pm_card_visa"],
  "outage past the deadline": ["pm_card_visa", "pm_card_visa", goodDebit, "pm_card_threeDSecure2Required"],
  "cancelled in an outage": ["pm_card_visa", "pm_card_visa", goodDebit],
};

/** Every kind comes once if there is room; the rest is drawn by share. Whoever meets the same outage comes in a row. */
export function drawPlans(dice: Dice, payments: number): readonly Plan[] {
  const outages = outagesOf(payments);
  const single = kinds.filter((kind) => shares[kind] > 0);
  const urn = single.flatMap((kind) => Array.from({ length: shares[kind] }, () => kind));
  const drawn = Array.from(
    { length: payments - outages * outageKinds.length },
    (_, index) => single[index] ?? dice.pick(urn),
  );
  const planned = dice.shuffled(drawn).map((kind) => ({ kind, outage: null as number | null }));
  for (let outage = outages - 1; outage >= 0; outage--) {
    // Not with the last payments: processes are killed meanwhile.
    const from = Math.round(((outage + dice.fraction() * 0.8) * planned.length) / outages);
    planned.splice(from, 0, ...outageKinds.map((kind) => ({ kind, outage })));
  }
  const plans = planned.map(({ kind, outage }, index) => drawPlan(dice, kind, `p${index}`, outage));
  return withTwins(dice, plans);
}

export function outagesOf(payments: number): number {
  return Math.ceil(payments / paymentsPerOutage);
}

/** What is asked for at the end of a run, when references are forgotten soon. */
export function drawLatePlans(dice: Dice): readonly Plan[] {
  const late = kinds.filter((kind) => rememberedKinds.includes(kind));
  const plans = [...late, ...late].map((kind, index) => drawPlan(dice, kind, `late${index}`, null));
  return withTwins(dice, plans);
}

const rememberedKinds: readonly Kind[] = [
  "reference",
  "reference with other means",
  "given up, then other means",
  "asked again after a soft decline",
  "captured elsewhere",
];

function drawPlan(dice: Dice, kind: Kind, name: string, outage: number | null): Plan {
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
    byReference: dice.chance(outage === null ? 0.3 : 0.5),
    timeoutSeconds: dice.integer(2, 4),
    outage,
    isHeld: outage !== null && dice.chance(0.2),
    reference: name,
    twinOf: null,
  };
}

/** Kinds that always ask by reference. */
const referenceKinds: readonly Kind[] = [...rememberedKinds, "awaited by others"];

/** Now and then the next payment by reference has the reference of the one before, so that both are under way at once. */
function withTwins(dice: Dice, plans: readonly Plan[]): readonly Plan[] {
  let first: Plan | null = null;
  return plans.map((plan) => {
    if (!referenceKinds.includes(plan.kind)) return plan;
    const twin: Plan = first === null ? plan : { ...plan, reference: first.reference, twinOf: first.name };
    first = first === null && dice.chance(0.5) ? plan : null;
    return twin;
  });
}
