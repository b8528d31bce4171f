/** How a PaymentIntent is made once. */
import type { Call } from "../durable/call.ts";
import { throughPages, type CreatedKind } from "../durable/createOnce.ts";
import type { Creation } from "../stripe/creation.ts";
import { takeBack } from "./giveUp.ts";
import { readOwnPayment } from "./object.ts";
import { resolveDoubleCharge } from "./rules/doubleCharge.ts";
import type { PaymentSnapshot } from "./rules/payment.ts";
import type { PaymentParameters } from "./stripe/parameters.ts";

/** Where search works, the list only bridges its lag: as far back as the last 2,000 PaymentIntents of a busy account. */
const maximumPages = 20;

export const paymentCreation: CreatedKind<PaymentParameters, PaymentSnapshot> = {
  noun: "PaymentIntent",
  step: "create PaymentIntent",
  isLookedAfter: true,
  send: (stripe, request) => stripe.createPayment(request),
  read: readOwnPayment,
  detailsOf: (paymentIntentId) => ({ paymentIntentId }),

  find: paymentsMadeBy,

  /** The others are cancelled or refunded, so that the customer pays once. */
  async undoAllButOne(call, ids) {
    const payments: PaymentSnapshot[] = [];
    for (const paymentIntentId of ids) payments.push(await readOwnPayment(call, paymentIntentId));
    const { kept, extra } = resolveDoubleCharge(payments);
    for (const payment of extra) await takeBack(call, payment);
    const extraIds = extra.map(({ paymentIntentId }) => paymentIntentId).join(", ") || "none";
    const message = `${kept.paymentIntentId} (${kept.stripeStatus}) is left as it is; cancelled or refunded: ${extraIds}.`;
    return { keptId: kept.paymentIntentId, message };
  },
};

/** The PaymentIntents that a call made, oldest first: by search, and where that shows nothing, by the account's list. */
export async function paymentsMadeBy(call: Call, creation: Creation): Promise<readonly string[]> {
  const searched = await call.ask("search PaymentIntents", (stripe) => stripe.searchPayments(creation));
  if (searched !== null && searched.length > 0) return searched.toReversed();
  const page = (after: string | null) =>
    call.ask("list PaymentIntents", (stripe) => stripe.listPayments(creation, after));
  return (await throughPages(page, searched === null ? Infinity : maximumPages)) ?? [];
}
