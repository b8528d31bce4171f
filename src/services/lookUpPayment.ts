/** Finding out what a call made whose answer was lost for good: by the invocation id in the metadata, never by trying again. */
import type { Context } from "@restatedev/restate-sdk";
import { resolveDoubleCharge } from "../domain/doubleCharge.ts";
import type { PaymentSnapshot } from "../domain/payment.ts";
import type { StripeGateway } from "../stripe/gateway.ts";
import { needsReview } from "./failures.ts";
import { takeBack } from "./letGo.ts";
import { readOwnPayment } from "./readPayment.ts";
import { stripeStep } from "./stripeStep.ts";

/** The call that made a PaymentIntent, and when its request was fixed, in epoch milliseconds. */
export type Creation = { readonly invocationId: string; readonly fixedAtMs: number };

/**
 * Looks once for the PaymentIntent that a call made; null if there is none that Stripe shows yet.
 *
 * Several of one call must not be, and are a person's to judge. Until then one stays, and every other one is cancelled or
 * refunded, so that the customer pays once.
 * @throws TerminalError `needs_review` if there are several
 */
export async function lookUpPayment(
  ctx: Context,
  stripe: StripeGateway,
  { invocationId, fixedAtMs }: Creation,
): Promise<string | null> {
  const found = await stripeStep(ctx, "look up PaymentIntent", () => stripe.findPayments(invocationId, fixedAtMs));
  if (found.length <= 1) return found[0] ?? null;
  const payments: PaymentSnapshot[] = [];
  for (const paymentIntentId of found) payments.push(await readOwnPayment(ctx, stripe, paymentIntentId));
  const { kept, extra } = resolveDoubleCharge(payments);
  for (const payment of extra) await takeBack(ctx, stripe, payment);
  const extraIds = extra.map(({ paymentIntentId }) => paymentIntentId);
  throw needsReview(
    `One call seems to have made several PaymentIntents: ${found.join(", ")}. ${kept.paymentIntentId} (${kept.stripeStatus}) is left as it is; cancelled or refunded: ${extraIds.join(", ") || "none"}.`,
    kept.paymentIntentId,
  );
}
