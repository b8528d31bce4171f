import type { Stripe } from "stripe";
import type { ApiCall, Endpoint } from "../http/endpoint.ts";
import { newId, randomText } from "../world/identifiers.ts";
import { listObjects } from "../http/lists.ts";
import { mergeMetadata } from "../http/parameters.ts";
import { get, retrieve, writable } from "../http/resources.ts";
import type { UnitOfWork } from "../world/unitOfWork.ts";

/** https://docs.stripe.com/api/customers */
export const CUSTOMERS: readonly Endpoint[] = [
  get("/v1/customers", listObjects("customer")),
  // A Customer that was deleted is still answered, as deleted.
  get("/v1/customers/:id", (call) => retrieveCustomer(call)),
  { method: "DELETE", path: "/v1/customers/:id", run: (call) => deleteCustomer(call) },
  ...writable("customer", "/v1/customers", {
    blank: blankCustomer,
    write: (before, { parameters }) => ({
      ...before,
      description: parameters.text("description", before.description),
      email: parameters.text("email", before.email),
      name: parameters.text("name", before.name ?? null),
      phone: parameters.text("phone", before.phone ?? null),
      metadata: mergeMetadata(before.metadata, parameters.metadata()),
    }),
    created: "customer_created",
    updated: "customer_updated",
  }),
];

function retrieveCustomer(call: ApiCall): Stripe.Customer | Stripe.DeletedCustomer {
  const { id, unit } = call;
  return unit.find("deleted_customer", id) === undefined ? retrieve(call, "customer") : deletedCustomer(id);
}

/** https://docs.stripe.com/api/customers/delete */
function deleteCustomer(call: ApiCall): Stripe.DeletedCustomer {
  const { id } = retrieve(call, "customer");
  call.unit.remove(id);
  call.unit.save({ id, object: "deleted_customer", created: call.unit.nowSeconds });
  return deletedCustomer(id);
}

function deletedCustomer(id: string): Stripe.DeletedCustomer {
  return { id, object: "customer", deleted: true };
}

/** The Customer that Checkout makes of a buyer. */
export function createCustomer(
  unit: UnitOfWork,
  said: { readonly email: string | null; readonly name: string | null; readonly phone: string | null },
): string {
  const customer = unit.save<Stripe.Customer>({ ...blankCustomer({ unit }), ...said });
  unit.fire("customer_created", [customer]);
  return customer.id;
}

function blankCustomer({ unit }: Pick<ApiCall, "unit">): Stripe.Customer {
  return {
    id: newId("cus"),
    object: "customer",
    address: null,
    balance: 0,
    created: unit.nowSeconds,
    currency: null,
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email: null,
    invoice_prefix: randomText(8).toUpperCase(),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata: {},
    name: null,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: "none",
    test_clock: null,
  };
}
