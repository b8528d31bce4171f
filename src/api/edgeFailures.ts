/**
 * How the edge itself fails a request, beside the failures of the calls. The body has the same form, and a refused request
 * body names each bad field in `errors`.
 */
import { z } from "zod";
import { failureBodySchema, failureReasonSchema } from "./failures.ts";

/** `metadata.reason` of a request that the edge answers by itself. `invalid_request` and `not_found` are those of failures.ts. */
export const edgeFailureReasons = z.enum([
  "unauthorized",
  "forbidden",
  "too_large",
  "idempotency_key_reused",
  "rate_limited",
  "unknown",
  "unavailable",
]);

export type EdgeFailureReason = z.output<typeof edgeFailureReasons>;

/** The HTTP status that the edge answers with this reason. */
export const statusOfEdgeReason: Readonly<Record<EdgeFailureReason, number>> = {
  unauthorized: 401,
  forbidden: 403,
  too_large: 413,
  idempotency_key_reused: 422,
  rate_limited: 429,
  unknown: 502,
  unavailable: 503,
};

/** One bad field of a refused request body. */
export const fieldErrorSchema = z.object({
  path: z.string().describe("A JSON Pointer to the field, such as /lineItems/0/amount; empty for the whole body."),
  message: z.string(),
});

export type FieldError = z.output<typeof fieldErrorSchema>;

/** The JSON body of every request that fails at the edge, whether the call failed or the edge refused it. */
export const edgeFailureBodySchema = failureBodySchema.extend({
  metadata: failureBodySchema.shape.metadata
    .unwrap()
    .extend({ reason: z.enum([...failureReasonSchema.options, ...edgeFailureReasons.options]) }),
  errors: z.array(fieldErrorSchema).readonly().exactOptional().describe("With invalid_request: the bad fields."),
});

export type EdgeFailureBody = z.output<typeof edgeFailureBodySchema>;
