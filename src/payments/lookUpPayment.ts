/** Finding out what a call made whose answer was lost for good: by the invocation id in the metadata, never by trying again. */
import type { Context } from "@restatedev/restate-sdk";
import { resolveDoubleCharge } from "./rules/doubleCharge.ts";
import type { PaymentSnapshot } from "./rules/payment.ts";
import type { StripeGateway } from "../merchants/gateway.ts";
import type { Creation, ListedPayments } from "./stripe/search.ts";
import { needsReview } from "../durable/failures.ts";
import { takeBack } from "./giveUp.ts";
import { readOwnPayment } from "./readPayment.ts";
import { stripeStep } from "../durable/stripeStep.ts";

/** Where search works, the list only bridges its lag: as far back as the last 2,000 PaymentIntents of a busy account. */
const maximumPages = 20;

/**
 * Looks once for the PaymentIntent that a call made; null if there is none that Stripe shows yet.
 *
 * Several of one call must not be, and are a person's to judge. Until then one stays, and every other one is cancelled or
 * refunded, so that the customer pays once.
 * @throws TerminalError `needs_review` if there are several
 */
export async function lookUpPayment(ctx: Context, stripe: StripeGateway, creation: Creation): Promise<string | null> {
  const found = await findPayments(ctx, stripe, creation);
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

/**
 * Every PaymentIntent of a call, oldest first: by search, and where that shows nothing, by the account's list. Each page is
 * a step of its own, so that an outage in the middle of a long list does not begin it again.
 */
async function findPayments(ctx: Context, stripe: StripeGateway, creation: Creation): Promise<readonly string[]> {
  const searched = await stripeStep(ctx, "search PaymentIntents", () => stripe.searchPayments(creation));
  if (searched !== null && searched.length > 0) return searched.toReversed();
  const listed: string[] = [];
  let after: string | null = null;
  for (let pages = 1; ; pages++) {
    const page: ListedPayments = await listPage(ctx, stripe, creation, after);
    listed.push(...page.found);
    after = page.next;
    if (after === null || (searched !== null && pages >= maximumPages)) return listed.toReversed();
  }
}

function listPage(ctx: Context, stripe: StripeGateway, creation: Creation, after: string | null) {
  return stripeStep(ctx, "list PaymentIntents", () => stripe.listPayments(creation, after));
}
