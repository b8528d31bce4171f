/** Stripe's side of the model: what changes there, and which events say so. */
import { amountMinor, fates, paymentOf, ring, type Kind, type Payment, type Refund, type World } from "./world.ts";

/** Makes and confirms a PaymentIntent; gives its number. */
export function create(world: World, kind: Kind): number {
  const { first } = fates[kind];
  const payment: Payment = {
    kind,
    status: first,
    received: first === "succeeded" ? amountMinor : 0,
    capturable: first === "requires_capture" ? amountMinor : 0,
    refunds: [],
    isAbandoned: false,
    isNoted: false,
    fired: [],
    isUnheard: false,
  };
  const index = world.payments.push(payment) - 1;
  if (first !== "processing") fire(world, index, eventOf(first));
  return index;
}

/** The bank's word on a debit. */
export function settle(world: World, index: number, outcome: "succeeded" | "failed"): void {
  const payment = paymentOf(world, index);
  if (payment.status !== "processing") return;
  move(world, index, outcome === "succeeded" ? "succeeded" : "requires_payment_method");
}

/** The customer's act. */
export function authorize(world: World, index: number, outcome: "succeeded" | "failed"): void {
  const payment = paymentOf(world, index);
  if (payment.status !== "requires_action") return;
  move(
    world,
    index,
    outcome === "failed" ? "requires_payment_method" : (fates[payment.kind].afterAction ?? "succeeded"),
  );
}

/** True if Stripe cancels it; if not, nothing happens. */
export function cancel(world: World, index: number): boolean {
  const payment = paymentOf(world, index);
  if (!isCancelable(payment)) return false;
  move(world, index, "canceled");
  return true;
}

function isCancelable({ status, kind }: Payment): boolean {
  switch (status) {
    case "requires_payment_method":
    case "requires_action":
    case "requires_capture":
      return true;
    case "processing":
      return fates[kind].stops;
    case "succeeded":
    case "canceled":
      return false;
  }
}

/** Only an authorized payment is captured, once. */
export function capture(world: World, index: number, amount: number): void {
  move(world, index, "succeeded");
  paymentOf(world, index).received = amount;
}

function leftToRefund({ received, refunds }: Payment): number {
  return received - refunds.filter(({ status }) => status !== "failed").reduce((sum, { amount }) => sum + amount, 0);
}

/** Gives the number of the new refund, or null where Stripe refuses. */
export function refund(world: World, index: number, amount: number | null): number | null {
  const payment = paymentOf(world, index);
  const left = leftToRefund(payment);
  if (payment.status !== "succeeded" || left === 0 || (amount ?? 1) > left) return null;
  const status = fates[payment.kind].slowRefunds ? "pending" : "succeeded";
  return payment.refunds.push({ amount: amount ?? left, status, isUnheard: false }) - 1;
}

export function settleRefund(world: World, index: number, number: number, outcome: "succeeded" | "failed"): void {
  const target = paymentOf(world, index).refunds[number];
  if (target?.status !== "pending") return;
  target.status = outcome;
  hear(
    world,
    target,
    (party) => party.payment === index && party.waiting.for === "refund" && party.waiting.refund === number,
  );
}

function move(world: World, index: number, status: Payment["status"]): void {
  const payment = paymentOf(world, index);
  payment.status = status;
  payment.capturable = status === "requires_capture" ? amountMinor : 0;
  if (status === "succeeded") payment.received = amountMinor;
  if (status !== "processing") fire(world, index, eventOf(status));
}

function fire(world: World, index: number, type: string): void {
  const payment = paymentOf(world, index);
  payment.fired.push(type);
  hear(world, payment, (party) => party.payment === index && party.waiting.for === "payment");
}

function hear(world: World, about: Payment | Refund, whom: Parameters<typeof ring>[2]): void {
  if (world.isPrompt) ring(world, "must", whom);
  else about.isUnheard = true;
}

/** Everything that was fired and not delivered yet is delivered now. */
export function deliverNews(world: World): void {
  for (const [index, payment] of world.payments.entries()) {
    if (payment.isUnheard) ring(world, "must", (party) => party.payment === index && party.waiting.for === "payment");
    payment.isUnheard = false;
    for (const [number, target] of payment.refunds.entries()) {
      if (target.isUnheard) {
        ring(
          world,
          "must",
          ({ payment: of, waiting }) => of === index && waiting.for === "refund" && waiting.refund === number,
        );
      }
      target.isUnheard = false;
    }
  }
}

function eventOf(status: Exclude<Payment["status"], "processing">): string {
  switch (status) {
    case "succeeded":
      return "payment_intent.succeeded";
    case "canceled":
      return "payment_intent.canceled";
    case "requires_action":
      return "payment_intent.requires_action";
    case "requires_capture":
      return "payment_intent.amount_capturable_updated";
    case "requires_payment_method":
      return "payment_intent.payment_failed";
  }
}
