/** The public contract of the calls about customers, as zod schemas. */
import { z } from "zod";
import { addressFields, customerIdSchema, emailSchema, metadataSchema, text } from "../api/fields.ts";

/** Body of `createCustomer`. */
export const createCustomerRequestSchema = z.strictObject({
  email: emailSchema,
  name: text(256).optional(),
  metadata: metadataSchema.optional(),
  ...addressFields,
});

export type CreateCustomerRequest = z.output<typeof createCustomerRequestSchema>;

/** Body of `getCustomer`. */
export const getCustomerRequestSchema = z.strictObject({
  customerId: customerIdSchema,
  ...addressFields,
});

export type GetCustomerRequest = z.output<typeof getCustomerRequestSchema>;

/** Answer of `createCustomer` and `getCustomer`. */
export const customerStateSchema = z.object({
  customerId: z.string(),
  email: z.string().nullable(),
  name: z.string().nullable(),
  metadata: z.record(z.string(), z.string()).readonly().describe("Without the keys that begin with restate_."),
});

export type CustomerState = z.output<typeof customerStateSchema>;
