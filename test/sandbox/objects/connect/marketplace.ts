/** A sandbox with a platform and connected accounts, and questions about their money. */
import type { Stripe } from "stripe";
import { until } from "../../surroundings.ts";

/** A card payment whose money is divided as soon as it is taken. */
export function payment(more: Partial<Stripe.PaymentIntentCreateParams> = {}): Stripe.PaymentIntentCreateParams {
  return {
    amount: 10_000,
    currency: "usd",
    confirm: true,
    payment_method: "pm_card_visa",
    capture_method: "automatic",
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    expand: ["latest_charge"],
    ...more,
  };
}

/** The charge of a PaymentIntent that was made with it expanded. */
export function chargeOf({ latest_charge: charge }: Stripe.PaymentIntent): Stripe.Charge {
  if (typeof charge !== "object" || charge === null) throw new Error("The charge wasn't expanded.");
  return charge;
}

export function idOf(reference: string | { readonly id: string } | null | undefined): string {
  const id = typeof reference === "object" ? reference?.id : reference;
  if (id === undefined) throw new Error("There is no id.");
  return id;
}

export function on(account: string): Stripe.RequestOptions {
  return { stripeAccount: account };
}

/** What an account has, available or pending, in one currency. */
export async function balanceOf(stripe: Stripe, account: string | null, currency = "usd"): Promise<number> {
  const { available, pending } = await stripe.balance.retrieve({}, account === null ? {} : on(account));
  return [...available, ...pending]
    .filter((one) => one.currency === currency)
    .reduce((sum, { amount }) => sum + amount, 0);
}

/** The amounts that moved in an account, oldest first, as `type amount - fee`. */
export async function movements(stripe: Stripe, account: string | null): Promise<string[]> {
  const { data } = await stripe.balanceTransactions.list({ limit: 100 }, account === null ? {} : on(account));
  return data.toReversed().map(({ amount, fee, type }) => `${type} ${amount}${fee === 0 ? "" : ` - ${fee}`}`);
}

/** The types of an account's events, oldest first. */
export async function eventsOf(stripe: Stripe, account: string | null): Promise<string[]> {
  const { data } = await stripe.events.list({ limit: 100 }, account === null ? {} : on(account));
  return data.toReversed().map(({ type }) => type);
}

/** The transfer of a charge, once its money is divided. */
export async function transferOf(stripe: Stripe, paymentIntentId: string): Promise<Stripe.Transfer> {
  return await until(`the transfer of ${paymentIntentId}`, async () => {
    const found = await stripe.paymentIntents.retrieve(paymentIntentId, { expand: ["latest_charge.transfer"] });
    const { transfer } = chargeOf(found);
    return typeof transfer === "object" ? transfer : undefined;
  });
}
