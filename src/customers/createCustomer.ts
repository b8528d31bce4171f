import type { CreateCustomerRequest, CustomerState } from "./contract.ts";
import type { Call } from "../durable/call.ts";
import { createFirst } from "../durable/createFirst.ts";
import { throughPages, type CreatedKind } from "../durable/createOnce.ts";
import { failure, refused } from "../durable/failures.ts";
import { customerParameters, type CustomerParameters } from "./stripe.ts";

const customerCreation: CreatedKind<CustomerParameters, CustomerState> = {
  noun: "Customer",
  step: "create Customer",
  send: (stripe, request) => stripe.createCustomer(request),
  detailsOf: (customerId) => ({ customerId }),

  async read(call, customerId) {
    const read = await call.ask("read Customer", (stripe) => stripe.readCustomer(customerId));
    if (read.kind === "customer") return read.customer;
    throw failure("needs_review", `Stripe no longer knows the Customer ${customerId}.`, { customerId });
  },

  /** In the list of the email's Customers, which shows at once what exists. */
  async find(call, creation, { email }) {
    const page = (after: string | null) =>
      call.ask("list Customers", (stripe) => stripe.listCustomers(email, creation, after));
    return (await throughPages(page)) ?? [];
  },

  /** A Customer costs nothing, and another program may use it by now. */
  undoAllButOne: async (_call, ids) => ({ keptId: ids[0] ?? "", message: "All are left as they are." }),
};

/**
 * Creates a Customer, once per idempotency key, whatever crashes when. https://docs.stripe.com/api/customers/create
 * @throws TerminalError `invalid_request` or `needs_review`
 */
export async function createCustomer(call: Call, request: CreateCustomerRequest): Promise<CustomerState> {
  const { outcome: created } = await createFirst(call, customerCreation, {
    parameters: (maker) => customerParameters(request, maker),
    extra: () => ({}),
  });
  switch (created.kind) {
    case "created":
      return created.made;
    case "refused":
      throw refused(created.refusal, {});
    case "declined":
      throw failure("needs_review", created.failure.message, {});
  }
}
