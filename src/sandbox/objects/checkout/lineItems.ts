import { missing, refusal } from "../../http/apiError.ts";
import { makePrice } from "./catalog.ts";
import { newId } from "../../world/identifiers.ts";
import type { Parameters } from "../../http/parameters.ts";
import { idOf, type StoredLineItem, type StoredPrice } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/** The line items of a Checkout Session or a Payment Link: prices, each with a quantity. */
export function readLineItems(unit: UnitOfWork, parameters: Parameters): readonly StoredLineItem[] {
  const items = parameters.hashes("line_items").map((item, index) => readItem(unit, item, `line_items[${index}]`));
  const currencies = new Set(items.map(({ currency }) => currency));
  if (currencies.size > 1) {
    const message = "All prices on a Checkout Session must use the same currency.";
    throw refusal(message, { code: "checkout_session_line_item_currency_mismatch", param: "line_items" });
  }
  return items;
}

function readItem(unit: UnitOfWork, item: Parameters, param: string): StoredLineItem {
  const price = readPrice(unit, item, param);
  const quantity = item.integer("quantity") ?? 1;
  const amount = (price.unit_amount ?? 0) * quantity;
  return {
    id: newId("li"),
    object: "item",
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: price.currency,
    description: unit.find("product", idOf(price.product) ?? "")?.name ?? null,
    metadata: {},
    price,
    quantity,
  };
}

function readPrice(unit: UnitOfWork, item: Parameters, param: string): StoredPrice {
  const id = item.string("price");
  const data = item.hash("price_data");
  if ((id === undefined) === (data === undefined)) {
    throw refusal(`You must specify either \`price\` or \`price_data\` for ${param}.`, { param });
  }
  if (data !== undefined) return unit.save({ ...makePrice(unit, data), active: false });
  const price = unit.find("price", id ?? "");
  if (price === undefined) throw missing("price", id ?? "", `${param}[price]`);
  if (!price.active) {
    const message = `The price specified is inactive. This field only accepts active prices.`;
    throw refusal(message, { code: "price_inactive", param: `${param}[price]` });
  }
  return price;
}

export function totalOf(items: readonly StoredLineItem[]): number {
  return items.reduce((total, item) => total + item.amount_total, 0);
}
