/** The gateway's requests about Customers. */
import type { Stripe } from "stripe";
import { isKeyStillSafe } from "../stripe/idempotency.ts";
import { invocationIdKey, merchantMetadata } from "../stripe/metadata.ts";
import type { CreateCustomerRequest, CustomerState } from "./contract.ts";
import type { Refusal } from "../stripe/errorMeaning.ts";
import { ask, clockToleranceMs, expectObject, unexpectedAnswer, type FixedRequest } from "../stripe/request.ts";

export type CustomerParameters = Stripe.CustomerCreateParams & { readonly email: string };

type CreateCustomerResult =
  | { readonly kind: "customer"; readonly customer: CustomerState }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** Whether it was made is not known, and asking again with the key can no longer tell: look it up. */
  | { readonly kind: "unknown" }
  | { readonly kind: "needs_review"; readonly message: string };

/** `missing`: it never was, or it was deleted. */
type ReadCustomerResult =
  | { readonly kind: "customer"; readonly customer: CustomerState }
  | { readonly kind: "missing" };

/** The parameters of one Customer. https://docs.stripe.com/api/customers/create */
export function customerParameters(
  { email, name, metadata }: CreateCustomerRequest,
  origin: { readonly invocationId: string },
): CustomerParameters {
  return {
    email,
    ...(name === undefined ? {} : { name }),
    metadata: { ...metadata, [invocationIdKey]: origin.invocationId },
  };
}

export function customerRequests(stripe: Stripe) {
  return {
    /** Creates a Customer. Sends nothing once Stripe may have forgotten the idempotency key. */
    async createCustomer(request: FixedRequest<CustomerParameters>): Promise<CreateCustomerResult> {
      if (!isKeyStillSafe(request.fixedAtMs, Date.now())) return { kind: "unknown" };
      const { parameters, idempotencyKey } = request;
      return await ask<CreateCustomerResult>(
        async () => {
          const created = await stripe.customers.create(parameters, { idempotencyKey });
          return { kind: "customer", customer: snapshotOfCustomer(expectObject("customer", created)) };
        },
        (meaning) => {
          switch (meaning.kind) {
            case "refused":
            case "missing":
              return { kind: "refused", refusal: meaning.refusal };
            case "saved_failure":
              return { kind: "unknown" };
            case "declined":
              return { kind: "needs_review", message: meaning.failure.message };
            case "unexpected_state":
            case "needs_review":
              return { kind: "needs_review", message: meaning.message };
          }
        },
      );
    },

    /**
     * Finds the Customers that an invocation created, by their email and the invocation id in their metadata. The list,
     * unlike search, shows what was just made. https://docs.stripe.com/api/customers/list
     */
    async findCustomers(email: string, invocationId: string, fixedAtMs: number): Promise<readonly CustomerState[]> {
      const createdSince = Math.floor((fixedAtMs - clockToleranceMs) / 1000);
      return await ask(
        async () => {
          const found: CustomerState[] = [];
          const list = stripe.customers.list({ email, created: { gte: createdSince }, limit: 100 });
          for await (const customer of list) {
            if (customer.metadata[invocationIdKey] === invocationId) found.push(snapshotOfCustomer(customer));
          }
          return found;
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
