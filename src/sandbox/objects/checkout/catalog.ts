import type { Stripe } from "stripe";
import { missing, refusal } from "../../http/apiError.ts";
import { readCurrency } from "../payments/paymentIntentParameters.ts";
import type { ApiCall, Endpoint } from "../../http/endpoint.ts";
import { newId } from "../../world/identifiers.ts";
import { mergeMetadata, type Parameters } from "../../http/parameters.ts";
import { readable, writable } from "../../http/resources.ts";
import type { StoredPrice } from "../../world/storedObjects.ts";
import type { UnitOfWork } from "../../world/unitOfWork.ts";

/** Products and their prices. https://docs.stripe.com/products-prices/how-products-and-prices-work */
export const CATALOG: readonly Endpoint[] = [
  ...readable("product", "/v1/products"),
  ...writable("product", "/v1/products", {
    blank: ({ unit }) => blankProduct(unit),
    write: (before, { parameters, unit }) => writeProduct(unit, before, parameters),
    created: "product_created",
    updated: "product_updated",
  }),
  ...readable("price", "/v1/prices"),
  ...writable("price", "/v1/prices", {
    blank: ({ unit, parameters }: ApiCall) => makePrice(unit, parameters),
    write: (before, { parameters }) => ({
      ...before,
      active: parameters.boolean("active") ?? before.active,
      lookup_key: parameters.text("lookup_key", before.lookup_key),
      metadata: mergeMetadata(before.metadata, parameters.metadata()),
      nickname: parameters.text("nickname", before.nickname),
    }),
    created: "price_created",
    updated: "price_updated",
  }),
];

function blankProduct(unit: UnitOfWork): Stripe.Product {
  return {
    id: newId("prod"),
    object: "product",
    active: true,
    created: unit.nowSeconds,
    default_price: null,
    description: null,
    images: [],
    livemode: false,
    marketing_features: [],
    metadata: {},
    name: "",
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    tax_details: null,
    type: "service",
    unit_label: null,
    updated: unit.nowSeconds,
    url: null,
  };
}

function writeProduct(unit: UnitOfWork, before: Stripe.Product, parameters: Parameters): Stripe.Product {
  return {
    ...before,
    active: parameters.boolean("active") ?? before.active,
    default_price: parameters.string("default_price") ?? before.default_price ?? null,
    description: parameters.text("description", before.description),
    images: [...(parameters.list("images") ?? before.images)],
    metadata: mergeMetadata(before.metadata, parameters.metadata()),
    name: parameters.string("name") ?? before.name,
    statement_descriptor: parameters.text("statement_descriptor", before.statement_descriptor ?? null),
    unit_label: parameters.text("unit_label", before.unit_label ?? null),
    updated: unit.nowSeconds,
    url: parameters.text("url", before.url),
  };
}

/** A new price, and its product if that is written out too. */
export function makePrice(unit: UnitOfWork, parameters: Parameters): StoredPrice {
  const data = parameters.hash("product_data");
  const named = parameters.string("product");
  if (named !== undefined && unit.find("product", named) === undefined) throw missing("product", named, "product");
  if ((data === undefined) === (named === undefined)) {
    throw refusal("You must specify either `product` or `product_data` when creating a price.", { param: "product" });
  }
  const product = data === undefined ? named : unit.save(writeProduct(unit, blankProduct(unit), data)).id;
  const every = parameters.hash("recurring");
  const amount = parameters.integer("unit_amount") ?? 0;
  return {
    id: newId("price"),
    object: "price",
    active: true,
    billing_scheme: "per_unit",
    created: unit.nowSeconds,
    currency: readCurrency(parameters),
    custom_unit_amount: null,
    livemode: false,
    lookup_key: null,
    metadata: {},
    nickname: null,
    product: product ?? "",
    recurring:
      every === undefined
        ? null
        : {
            interval: every.string("interval") ?? "month",
            interval_count: every.integer("interval_count") ?? 1,
            meter: null,
            trial_period_days: null,
            usage_type: "licensed",
          },
    tax_behavior: parameters.string("tax_behavior") ?? "unspecified",
    tiers_mode: null,
    transform_quantity: null,
    type: every === undefined ? "one_time" : "recurring",
    unit_amount: amount,
    unit_amount_decimal: String(amount),
  };
}
