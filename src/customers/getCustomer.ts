import type { CustomerState, GetCustomerRequest } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { failure } from "../durable/failures.ts";

/**
 * Reads a Customer; one that was deleted is not found. https://docs.stripe.com/api/customers/retrieve
 * @throws TerminalError `not_found`
 */
export async function getCustomer(call: Call, { customerId }: GetCustomerRequest): Promise<CustomerState> {
  const read = await call.ask("read Customer", (stripe) => stripe.readCustomer(customerId));
  if (read.kind === "customer") return read.customer;
  throw failure("not_found", `Stripe knows no Customer ${customerId}, or it was deleted.`, { customerId });
}
