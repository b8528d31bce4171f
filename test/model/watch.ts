/** The private watch in the model: it looks after payments that no call waits for any more. */
import type { Cause } from "./answers.ts";
import * as stripe from "./stripe.ts";
import { goOnClosing, join, leave, paymentOf, type Party, type World } from "./world.ts";

/** The private watch: nobody waits for it, so it shows only in what becomes of the payment. */
export function watch(world: World, payment: number, mode: "customer" | "abandoned", isHurried: boolean): void {
  const id = `watch of ${payment}`;
  join(world, { id, role: { does: "watch", mode }, payment, waiting: { for: "payment" }, isHurried, stir: "must" });
}

export function lookAfter(world: World, party: Party, cause: Cause): void {
  if (party.role.does !== "watch") return;
  const { id, payment: index, role } = party;
  const payment = paymentOf(world, index);
  if (cause === "deadline" && role.mode === "customer") role.mode = "expired";
  switch (payment.status) {
    case "succeeded":
      return role.mode === "abandoned" ? giveBack(world, party) : leave(world, id);
    case "requires_capture":
    case "canceled":
      return leave(world, id);
    case "requires_payment_method":
      if (party.closing === null) {
        payment.isNoted = true;
        return goOnClosing(party, { because: "failure", isRefused: false });
      }
      stripe.cancel(world, index);
      return leave(world, id);
    case "requires_action":
      if (role.mode === "customer") return;
      stripe.cancel(world, index);
      return leave(world, id);
    case "processing":
      return;
  }
}

/** Gives back what is left, after everybody else's refunds, and waits for each refund's end. */
export function giveBack(world: World, party: Party): void {
  const { id, payment: index, waiting } = party;
  const { refunds } = paymentOf(world, index);
  if (waiting.for === "refund") {
    const status = refunds[waiting.refund]?.status;
    if (status === "pending") return;
    // What made it fail rarely passes at once.
    if (status === "failed") return void (party.waiting = { for: "poll" });
  }
  const made = stripe.refund(world, index, null);
  const number = made ?? refunds.findLastIndex(({ status }) => status === "pending");
  if (number < 0) return leave(world, id);
  party.waiting = { for: "refund", refund: number, hasDoorbell: made !== null };
}
