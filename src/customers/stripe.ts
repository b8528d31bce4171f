/** The gateway's requests about Customers. */
import type { Stripe } from "stripe";
import type { CreateCustomerRequest, CustomerState } from "./contract.ts";
import { makersMarks, merchantMetadata, type Maker } from "../stripe/metadata.ts";
import { madeBy, pageQuery, type Creation } from "../stripe/creation.ts";
import {
  ask,
  expectObject,
  sendOnce,
  unexpectedAnswer,
  type FixedRequest,
  type Page,
  type Sent,
} from "../stripe/request.ts";

export type CustomerParameters = Stripe.CustomerCreateParams & { readonly email: string };

/** `missing`: it never was, or it was deleted. */
type ReadCustomerResult =
  | { readonly kind: "customer"; readonly customer: CustomerState }
  | { readonly kind: "missing" };

/** The parameters of one Customer. https://docs.stripe.com/api/customers/create */
export function customerParameters({ email, name, metadata }: CreateCustomerRequest, maker: Maker): CustomerParameters {
  return {
    email,
    ...(name === undefined ? {} : { name }),
    metadata: { ...metadata, ...makersMarks(maker) },
  };
}

export function customerRequests(stripe: Stripe) {
  return {
    /** Creates a Customer. https://docs.stripe.com/api/customers/create */
    async createCustomer(request: FixedRequest<CustomerParameters>): Promise<Sent<CustomerState>> {
      return await sendOnce(request, async (parameters, options) => {
        const created = await stripe.customers.create(parameters, options);
        return snapshotOfCustomer(expectObject("customer", created));
      });
    },

    /**
     * Looks on one page of the list of an email's Customers for those that a call made. A list, unlike search, shows what was
     * just made. https://docs.stripe.com/api/customers/list
     * @param after the `next` of the page before, or null for the first page
     */
    async listCustomers(email: string, creation: Creation, after: string | null): Promise<Page<string>> {
      return await ask<Page<string>>(
        async () => {
          const page = await stripe.customers.list({ email, ...pageQuery(creation, after) });
          return madeBy(creation, expectObject("list", page), ({ id }) => id);
        },
        (meaning) => unexpectedAnswer("list Customers", meaning),
      );
    },

    /** Reads a Customer; a deleted one is missing. https://docs.stripe.com/api/customers/retrieve */
    async readCustomer(customerId: string): Promise<ReadCustomerResult> {
      return await ask<ReadCustomerResult>(
        async () => {
          const customer = await stripe.customers.retrieve(customerId);
          if (customer.deleted === true) return { kind: "missing" };
          return { kind: "customer", customer: snapshotOfCustomer(expectObject("customer", customer)) };
        },
        (meaning) =>
          meaning.kind === "missing" || meaning.kind === "refused"
            ? { kind: "missing" }
            : unexpectedAnswer("read the Customer", meaning),
      );
    },
  };
}

function snapshotOfCustomer(customer: Stripe.Customer): CustomerState {
  return {
    customerId: customer.id,
    email: customer.email,
    name: customer.name ?? null,
    metadata: merchantMetadata(customer.metadata),
  };
}
