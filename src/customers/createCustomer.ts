import type { Context } from "@restatedev/restate-sdk";
import { customerParameters } from "./stripe.ts";
import { failure } from "../durable/failures.ts";
import type { CreateCustomerRequest, CustomerState } from "./contract.ts";
import type { PaymentsOptions } from "../merchants/options.ts";
import { stripeStep } from "../durable/stripeStep.ts";

/** Creates a Customer, once per idempotency key, whatever crashes when. https://docs.stripe.com/api/customers/create */
export async function createCustomer(
  ctx: Context,
  options: PaymentsOptions,
  request: CreateCustomerRequest,
): Promise<CustomerState> {
  const { stripe } = options;
  const invocationId = ctx.request().id;
  const idempotencyKey = ctx.rand.uuidv4();
  const fixed = await ctx.run("fix the request", () =>
    stripe.fixRequest(customerParameters(request, { invocationId }), idempotencyKey),
  );
  const lookUp = () =>
    stripeStep(ctx, "look up Customer", () => stripe.findCustomers(request.email, invocationId, fixed.fixedAtMs));

  const created = await stripeStep(ctx, "create Customer", () => stripe.createCustomer(fixed));
  switch (created.kind) {
    case "customer":
      return created.customer;
    case "refused": {
      const { message, ...refusal } = created.refusal;
      throw failure("invalid_request", message, refusal);
    }
    case "needs_review": {
      const [found] = await lookUp();
      throw failure("needs_review", created.message, { customerId: found?.customerId ?? null });
    }
    case "unknown": {
      // The list shows what was just made, so one look tells.
      const [found, ...others] = await lookUp();
      if (found !== undefined && others.length === 0) return found;
      const message =
        found === undefined
          ? `Whether Stripe created the Customer is unknown, and none with the metadata restate_invocation_id=${invocationId} was found.`
          : `One call seems to have made several Customers: ${[found, ...others].map((one) => one.customerId).join(", ")}.`;
      throw failure("needs_review", message, { customerId: found?.customerId ?? null });
    }
  }
}
