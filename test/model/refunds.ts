/** Refunds in the model, as the calls that make them see them. */
import { end, failed, givenBack, heardBy, stopped, type Cause } from "./answers.ts";
import * as stripe from "./stripe.ts";
import { paymentOf, type Party, type Refund, type World } from "./world.ts";

/** @param amount what to give back, null for all that is left */
export function makeRefund(world: World, party: Party, amount: number | null): void {
  const { id, payment: index } = party;
  const payment = paymentOf(world, index);
  if (payment.status !== "succeeded") return end(world, id, failed(409, "conflict", index));
  if ((amount ?? 0) > payment.received) return end(world, id, failed(400, "invalid_request", index));
  const made = stripe.refund(world, index, amount);
  const number = made ?? (amount === null ? decisiveRefund(payment.refunds) : -1);
  const target = payment.refunds[number];
  if (target === undefined) return end(world, id, failed(409, "conflict", index));
  if (target.status === "succeeded") {
    return end(world, id, givenBack(index, target.amount, made === null ? ["poll"] : ["response"]));
  }
  party.waiting = { for: "refund", refund: number, hasDoorbell: true };
  party.stir = "none";
}

/** Which refund decides where nothing is left: one that may fail yet, before all others the newest that holds. */
function decisiveRefund(refunds: readonly Refund[]): number {
  const pending = refunds.findLastIndex(({ status }) => status === "pending");
  return pending >= 0 ? pending : refunds.findLastIndex(({ status }) => status === "succeeded");
}

export function lookAtRefund(world: World, party: Party, number: number, cause: Cause): void {
  const { id, payment: index } = party;
  const target = paymentOf(world, index).refunds[number];
  if (target === undefined) return;
  if (target.status === "succeeded") return end(world, id, givenBack(index, target.amount, heardBy(world, cause)));
  if (target.status === "failed") return end(world, id, failed(409, "refund_failed", index));
  end(world, id, stopped(cause, index));
}
