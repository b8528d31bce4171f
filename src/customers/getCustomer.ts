import type { Context } from "@restatedev/restate-sdk";
import { failure } from "../durable/failures.ts";
import type { CustomerState, GetCustomerRequest } from "./contract.ts";
import type { PaymentsOptions } from "../merchants/options.ts";
import { stripeStep } from "../durable/stripeStep.ts";

/** Reads a Customer; one that was deleted is not found. https://docs.stripe.com/api/customers/retrieve */
export async function getCustomer(
  ctx: Context,
  options: PaymentsOptions,
  { customerId }: GetCustomerRequest,
): Promise<CustomerState> {
  const { stripe } = options;
  const read = await stripeStep(ctx, "read Customer", () => stripe.readCustomer(customerId));
  if (read.kind === "missing") {
    throw failure("not_found", `Stripe knows no Customer ${customerId}, or it was deleted.`, { customerId });
  }
  return read.customer;
}
