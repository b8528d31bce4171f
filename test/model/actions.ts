/** What happens to a payment, as data: the commands that fast-check draws, and what each does in the model. */
import { end, stateNow } from "./answers.ts";
import { begin, pay, underReference } from "./calls.ts";
import { makeRefund } from "./refunds.ts";
import * as stripe from "./stripe.ts";
import { amountMinor, join, paymentOf, ring, stir, type Kind, type Means, type World } from "./world.ts";

type Outcome = "succeeded" | "failed";

const partMinor = 1500;
const tooMuchMinor = amountMinor + 1;

/** How much: everything that there is, a part of it, or more than there is. */
export type Share = "all" | "part" | "too much";

export type Action =
  /** The merchant calls the service. `isHurried`: with a deadline of two seconds. */
  | { readonly do: "pay"; readonly kind: Kind; readonly isHurried: boolean; readonly byReference: boolean }
  | { readonly do: "pay with the same key" }
  | { readonly do: "pay under the same reference"; readonly means: Means | "for another amount" }
  | { readonly do: "await"; readonly isHurried: boolean }
  | { readonly do: "get" }
  | { readonly do: "capture"; readonly share: Share; readonly isHurried: boolean }
  | { readonly do: "cancel"; readonly refundIfSucceeded: boolean }
  | { readonly do: "refund"; readonly share: Share; readonly isHurried: boolean }
  /** An operator cancels a call, of those that are open. */
  | { readonly do: "cancel a call"; readonly which: number }
  /** The bank, the customer, and the merchant in Stripe's dashboard. */
  | { readonly do: "settle"; readonly outcome: Outcome }
  | { readonly do: "settle a refund"; readonly outcome: Outcome }
  | { readonly do: "authorize"; readonly outcome: Outcome }
  | { readonly do: "cancel in the dashboard" }
  | { readonly do: "refund in the dashboard"; readonly share: Share }
  /** Webhooks, genuine ones first. */
  | { readonly do: "deliver the news"; readonly how: "in order" | "backwards" | "twice" }
  | { readonly do: "deliver an old event"; readonly which: number; readonly rings: boolean }
  | { readonly do: "send a forged event" }
  | { readonly do: "send a lie"; readonly type: string; readonly rings: boolean }
  | { readonly do: "ring"; readonly how: "resolve" | "reject" }
  /** Time passes. */
  | { readonly do: "reach the deadlines" }
  | { readonly do: "poll" }
  /** A process is killed, and another one started. */
  | { readonly do: "crash"; readonly process: "service" | "engine"; readonly afterMs: number };

/**
 * An action of one run. Calls have their ids, so that the model and the service speak of the same ones.
 * @property target the call that is cancelled
 */
export type Move = Action & { readonly id: string; readonly target: string | null };

export function minorOf(share: Share): number | null {
  switch (share) {
    case "all":
      return null;
    case "part":
      return partMinor;
    case "too much":
      return tooMuchMinor;
  }
}

/** The payment that an action is about: the last one that was made. */
function current(world: World): number {
  return world.payments.length - 1;
}

/** Calls without an answer that have a key of their own. */
export function openCalls(world: World): readonly string[] {
  return world.calls.filter(({ answer, sameAs }) => answer === null && sameAs === null).map(({ id }) => id);
}

/** The refund that a bank's word is about: the oldest that is pending. */
function pendingRefund(world: World): number {
  return world.payments[current(world)]?.refunds.findIndex(({ status }) => status === "pending") ?? -1;
}

/** Does an action to a world, in place. What follows from it by itself, `explore.ts` finds. */
export function apply(world: World, move: Move): void {
  const { id } = move;
  const payment = current(world);
  switch (move.do) {
    case "pay":
      called(world, id);
      if (move.byReference) world.reference = { means: "first", payment: null, end: null, kept: null, holder: id };
      return pay(world, id, move.kind, move.isHurried);
    case "pay with the same key":
      return called(world, id, world.calls[0]?.id);
    case "pay under the same reference":
      called(world, id);
      if (move.means !== "for another amount") return underReference(world, id, move.means);
      return end(world, id, {
        ...stateNow(world, payment),
        code: 409,
        word: "conflict",
        payment: null,
        received: null,
      });
    case "await":
      called(world, id);
      return begin(world, { id, role: { does: "await" }, payment, isHurried: move.isHurried });
    case "get":
      called(world, id);
      return end(world, id, stateNow(world, payment));
    case "capture": {
      called(world, id);
      const role = { does: "capture", amount: minorOf(move.share) } as const;
      return begin(world, { id, role, payment, isHurried: move.isHurried });
    }
    case "cancel": {
      called(world, id);
      const { refundIfSucceeded } = move;
      return begin(world, { id, role: { does: "cancel", refundIfSucceeded }, payment });
    }
    case "refund": {
      called(world, id);
      const { isHurried } = move;
      const amount = minorOf(move.share);
      const party = join(world, {
        id,
        role: { does: "refund", amount },
        payment,
        waiting: { for: "payment" },
        isHurried,
        stir: isHurried ? "must" : "none",
      });
      // A call in a hurry may come to its deadline before it asks Stripe.
      return isHurried ? undefined : makeRefund(world, party, amount);
    }
    case "cancel a call": {
      const target = world.parties.find((party) => party.id === move.target);
      if (target !== undefined) target.isCancelled = true;
      return;
    }
    case "settle":
      return stripe.settle(world, payment, move.outcome);
    case "settle a refund":
      return stripe.settleRefund(world, payment, pendingRefund(world), move.outcome);
    case "authorize":
      return stripe.authorize(world, payment, move.outcome);
    case "cancel in the dashboard":
      return void stripe.cancel(world, payment);
    case "refund in the dashboard":
      return void stripe.refund(world, payment, minorOf(move.share));
    case "deliver the news":
      return stripe.deliverNews(world);
    case "deliver an old event":
    case "send a lie":
      return move.rings ? ring(world, "may", ({ waiting }) => waiting.for === "payment") : undefined;
    case "ring":
      return ring(world, "may", ({ waiting }) => waiting.for === "payment");
    case "reach the deadlines":
      for (const party of world.parties) party.isDue = party.isHurried;
      return;
    case "poll":
      for (const party of world.parties) if (party.waiting.for !== "turn") stir(party, "must");
      return;
    // Nothing may come of these.
    case "send a forged event":
    case "crash":
      return;
  }
}

function called(world: World, id: string, sameAs: string | null = null): void {
  world.calls.push({ id, sameAs, answer: null });
}

/** Whether an action can be done at all in a world: what it is about has to exist. */
export function isPossible(world: World, action: Action): boolean {
  switch (action.do) {
    case "pay":
      return world.payments.length === 0;
    case "pay under the same reference":
      return world.reference !== null;
    case "cancel a call":
      return openCalls(world).length > action.which;
    case "settle a refund":
      return pendingRefund(world) >= 0;
    case "settle":
      return paymentOf(world, current(world)).status === "processing";
    case "authorize":
      return paymentOf(world, current(world)).status === "requires_action";
    case "reach the deadlines":
      return world.parties.some(({ isHurried }) => isHurried);
    case "poll":
      return world.polls;
    case "deliver the news":
      return !world.isPrompt;
    case "pay with the same key":
    case "await":
    case "get":
    case "capture":
    case "cancel":
    case "refund":
    case "cancel in the dashboard":
    case "refund in the dashboard":
    case "deliver an old event":
    case "send a forged event":
    case "send a lie":
    case "ring":
    case "crash":
      return world.payments.length > 0;
  }
}
