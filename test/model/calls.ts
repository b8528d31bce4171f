/** The service's side of the model: what each call comes to, given what it sees at Stripe when it looks. */
import { end, failed, gaveUp, heardBy, paid, stopped, type Cause } from "./answers.ts";
import { lookAtRefund, makeRefund } from "./refunds.ts";
import * as stripe from "./stripe.ts";
import { giveBack, lookAfter, watch } from "./watch.ts";
import {
  amountMinor,
  goOnClosing,
  join,
  leave,
  paymentOf,
  type Answer,
  type Kind,
  type Means,
  type Party,
  type World,
} from "./world.ts";

/** A new payment: the answer where Stripe knows it at once, or a call that waits. */
export function pay(world: World, id: string, kind: Kind, isHurried: boolean): void {
  const payment = stripe.create(world, kind);
  if (world.reference !== null) world.reference.payment = payment;
  const { status } = paymentOf(world, payment);
  switch (status) {
    case "processing":
      join(world, { id, role: { does: "pay" }, payment, waiting: { for: "payment" }, isHurried });
      return;
    case "requires_action":
      watch(world, payment, "customer", isHurried);
      return end(world, id, paid(world, payment, ["response"]));
    case "succeeded":
    case "requires_capture":
      return end(world, id, paid(world, payment, ["response"]));
    case "requires_payment_method":
      return end(world, id, failed(402, "declined", payment));
    case "canceled":
      return;
  }
}

/** Starts a call about a payment that exists: it looks, and waits if it must. */
export function begin(world: World, party: Pick<Party, "id" | "role" | "payment"> & Partial<Party>): void {
  look(world, join(world, { waiting: { for: "payment" }, ...party }), "start");
}

/** What a party does when it looks. One that goes on to wait changes nothing. */
export function look(world: World, party: Party, cause: Cause): void {
  const { waiting } = party;
  if (waiting.for === "poll" || (waiting.for === "refund" && party.role.does === "watch"))
    return giveBack(world, party);
  if (waiting.for === "refund") return lookAtRefund(world, party, waiting.refund, cause);
  switch (party.role.does) {
    case "pay":
      return lookAtOwn(world, party, cause);
    case "await":
      return end(world, party.id, awaited(world, party, cause));
    case "capture":
      return lookToCapture(world, party, party.role.amount, cause);
    case "cancel":
      return lookToCancel(world, party, party.role.refundIfSucceeded, cause);
    case "refund":
      // On a busy machine two seconds may pass before it asks Stripe, and nothing is sent for the first time after that.
      if (cause === "deadline") return end(world, party.id, stopped(cause, party.payment));
      return makeRefund(world, party, party.role.amount);
    case "watch":
      return lookAfter(world, party, cause);
    case "queue":
      if (cause === "cancellation") return end(world, party.id, { ...gaveUp(cause, 0, "none"), payment: null });
      if (world.reference?.holder === null) {
        leave(world, party.id);
        underReference(world, party.id, party.role.means);
      }
  }
}

function lookAtOwn(world: World, party: Party, cause: Cause): void {
  if (party.closing !== null) return closeOwn(world, party, party.closing);
  const { id, payment: index } = party;
  const payment = paymentOf(world, index);
  switch (payment.status) {
    case "succeeded":
    case "requires_capture":
      return end(world, id, paid(world, index, heardBy(world, cause)));
    case "requires_payment_method":
      payment.isNoted = true;
      return goOnClosing(party, { because: "failure", isRefused: false });
    case "canceled":
      return end(
        world,
        id,
        payment.isNoted ? failed(402, "declined", index, "canceled") : failed(409, "canceled", index),
      );
    case "requires_action":
      return;
    case "processing":
      if (cause === "deadline" || cause === "cancellation") goOnClosing(party, { because: cause, isRefused: false });
  }
}

/**
 * Closes its payment so that it can't succeed behind the caller's back, and answers why. What fails between the look that
 * decided this and Stripe's cancellation is cancelled all the same; its failure is noted only if it was seen.
 */
function closeOwn(world: World, party: Party, { because, isRefused }: NonNullable<Party["closing"]>): void {
  const { id, payment: index } = party;
  const payment = paymentOf(world, index);
  if (payment.status === "succeeded") return end(world, id, paid(world, index, ["poll"]));
  if (isRefused && payment.status === "requires_payment_method") payment.isNoted = true;
  const isClosed = payment.status === "canceled" || stripe.cancel(world, index);
  if (!isClosed && !isRefused) return goOnClosing(party, { because, isRefused: true });
  if (because === "failure") return end(world, id, failed(402, "declined", index, "canceled"));
  if (isClosed) return end(world, id, gaveUp(because, index, "canceled"));
  payment.isAbandoned = true;
  watch(world, index, "abandoned", false);
  end(world, id, gaveUp(because, index, "watching"));
}

/** What a mere wait comes to; null while it goes on. */
function awaited(world: World, { payment: index }: Party, cause: Cause): Answer | null {
  const { status, isAbandoned, isNoted } = paymentOf(world, index);
  switch (status) {
    case "succeeded":
      return isAbandoned ? failed(409, "canceled", index, "watching") : paid(world, index, heardBy(world, cause));
    case "requires_capture":
      return paid(world, index, heardBy(world, cause));
    case "requires_payment_method":
      return failed(402, "declined", index);
    case "canceled":
      return isNoted ? failed(402, "declined", index) : failed(409, "canceled", index);
    case "processing":
    case "requires_action":
      return stopped(cause, index);
  }
}

function lookToCapture(world: World, party: Party, amount: number | null, cause: Cause): void {
  const { id, payment: index } = party;
  const payment = paymentOf(world, index);
  switch (payment.status) {
    case "requires_capture":
      if ((amount ?? 0) > payment.capturable) return end(world, id, failed(400, "invalid_request", index));
      stripe.capture(world, index, amount ?? payment.capturable);
      return end(world, id, paid(world, index, ["response"]));
    case "succeeded": {
      if (cause !== "start" && payment.isAbandoned) return end(world, id, awaited(world, party, cause));
      const isAsWished = payment.received === (amount ?? amountMinor);
      return end(world, id, isAsWished ? paid(world, index, heardBy(world, cause)) : failed(409, "conflict", index));
    }
    case "processing":
      return end(world, id, stopped(cause, index));
    case "canceled":
    case "requires_payment_method":
      if (cause !== "start") return end(world, id, awaited(world, party, cause));
      return end(world, id, failed(409, payment.status === "canceled" ? "canceled" : "conflict", index));
    case "requires_action":
      return end(world, id, failed(409, "conflict", index));
  }
}

function lookToCancel(world: World, party: Party, refundIfSucceeded: boolean, cause: Cause): void {
  const { id, payment: index } = party;
  const { status } = paymentOf(world, index);
  const canceled = (settledBy: readonly string[]) => ({ ...paid(world, index, settledBy), word: "canceled" });
  if (status === "canceled") return end(world, id, canceled(heardBy(world, cause)));
  if (status === "succeeded") {
    return refundIfSucceeded ? makeRefund(world, party, null) : end(world, id, failed(409, "conflict", index));
  }
  if (stripe.cancel(world, index)) return end(world, id, canceled(["response"]));
  return end(world, id, stopped(cause, index));
}

/** A call under a reference, once nobody else's attempt is in the way. */
export function underReference(world: World, id: string, means: Means): void {
  const { reference } = world;
  if (reference === null) return;
  const isSame = reference.means === means;
  const conflict = { ...failed(409, "conflict", 0), payment: null };
  const { end: ended, kept, holder } = reference;
  const payment = reference.payment ?? 0;
  if (ended === null) {
    if (!isSame && !isOver(world, payment)) return end(world, id, conflict);
    if (holder !== null) {
      join(world, { id, role: { does: "queue", means }, payment, waiting: { for: "turn" } });
      return;
    }
    if (isSame) return reread(world, id);
  } else if (ended.kind === "answered") {
    if (isSame) return ended.isFinal ? end(world, id, kept) : reread(world, id);
    if (ended.isFinal || !isOver(world, payment)) return end(world, id, conflict);
  } else {
    if (isSame) return end(world, id, kept);
    if (!ended.isClosed && !isLetGo(world, payment)) return end(world, id, conflict);
  }
  world.reference = { means, payment: null, end: null, kept: null, holder: id };
  const isHeld = paymentOf(world, 0).kind.startsWith("held");
  pay(world, id, isHeld ? "held card" : "card", false);
}

/** A payment that has no money, and can't get any. */
function isOver(world: World, index: number): boolean {
  const { status } = paymentOf(world, index);
  return status === "canceled" || status === "requires_payment_method";
}

/** Whether a payment that was given up has no money, or none any more. One that still waits for somebody is cancelled. */
function isLetGo(world: World, index: number): boolean {
  const { status, received, refunds } = paymentOf(world, index);
  switch (status) {
    case "succeeded": {
      const refunded = refunds.filter((one) => one.status === "succeeded").reduce((sum, { amount }) => sum + amount, 0);
      return refunded >= received;
    }
    case "requires_action":
    case "requires_capture":
      return stripe.cancel(world, index);
    case "processing":
    case "canceled":
    case "requires_payment_method":
      return isOver(world, index);
  }
}

/** What was answered before its end, as it is now. */
function reread(world: World, id: string): void {
  const { reference } = world;
  if (reference === null) return;
  const payment = reference.payment ?? 0;
  reference.holder = id;
  if (paymentOf(world, payment).status === "requires_action") return end(world, id, paid(world, payment, ["poll"]));
  begin(world, { id, role: { does: "await" }, payment });
}
