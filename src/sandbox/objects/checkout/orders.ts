import type { Stripe } from "stripe";
import type { Order, StoredLineItem } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/**
 * The part of a Checkout Session or Payment Link that isn't shown as it is: its line items and the PaymentIntent to be
 * made.
 */
const ORDER = "order_of_";

function orderId(id: string): string {
  return `${ORDER}${id}`;
}

/** The id of the Session or Payment Link that holds the order. */
export function ownerOf({ id }: Order): string {
  return id.slice(ORDER.length);
}

export function saveOrder(
  unit: UnitOfWork,
  id: string,
  items: readonly StoredLineItem[],
  draft: Stripe.PaymentIntent | null,
): void {
  const order: Order = {
    id: orderId(id),
    object: "order",
    created: unit.nowSeconds,
    items,
    draft,
    payment_intent: draft?.id ?? null,
  };
  unit.save(order);
}

export function draftOf(unit: UnitOfWork, id: string): Stripe.PaymentIntent | null {
  return unit.find("order", orderId(id))?.draft ?? null;
}

export function lineItemsOf(unit: UnitOfWork, id: string): readonly StoredLineItem[] {
  return unit.find("order", orderId(id))?.items ?? [];
}
