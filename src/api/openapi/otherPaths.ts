/** The addresses that are no calls: Stripe's webhooks, the probes, and this document. */
import { z } from "zod";
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from "zod-openapi";
import { webhookReceiptSchema } from "../../webhooks/contract.ts";
import { edgeFailureResponses } from "./failureResponses.ts";

const signature = z.string().meta({
  param: {
    in: "header",
    name: "stripe-signature",
    id: "StripeSignature",
    description: "Stripe's signature over the raw body, at most 300 seconds old.",
  },
});

const merchant = z.string().meta({
  param: { in: "path", name: "merchant", id: "Merchant", description: "The id of a merchant of this installation." },
});

export function webhookPaths(): ZodOpenApiPathsObject {
  return {
    "/payments/processWebhook": {
      post: webhookOperation("processWebhook", "Takes Stripe's webhooks of the merchant `default`.", [signature]),
    },
    "/webhooks/{merchant}": {
      post: webhookOperation("processWebhookOf", "Takes Stripe's webhooks of a merchant.", [merchant, signature]),
    },
  };
}

function webhookOperation(
  operationId: string,
  summary: string,
  parameters: readonly z.ZodType[],
): ZodOpenApiOperationObject {
  return {
    operationId,
    tags: ["webhooks"],
    summary,
    security: [],
    parameters: [...parameters],
    requestBody: {
      required: true,
      description: "The event as Stripe sent it, byte for byte, to 1 MiB.",
      content: { "application/json": { schema: { type: "object" } } },
    },
    responses: {
      200: {
        description: "The engine has the event, or nobody needs it.",
        content: { "application/json": { schema: webhookReceiptSchema } },
      },
      ...edgeFailureResponses(["invalid_request", "not_found", "too_large", "rate_limited", "unknown", "unavailable"], {
        invalid_request: "The signature is missing, malformed, wrong, or older than 300 seconds.",
        not_found: "There is no such merchant.",
      }),
    },
  };
}

export function operationPaths(): ZodOpenApiPathsObject {
  return {
    "/livez": { get: probe("livez", "Answers 200 while the process runs.", {}) },
    "/readyz": {
      get: probe("readyz", "Answers 200 if the engine took a durable call a moment ago.", {
        503: { description: "The engine took no call." },
      }),
    },
    "/openapi.json": {
      get: {
        operationId: "openApiDocument",
        tags: ["operation"],
        summary: "Returns this document.",
        security: [],
        responses: {
          200: { description: "OpenAPI 3.1.", content: { "application/json": { schema: { type: "object" } } } },
        },
      },
    },
  };
}

function probe(
  operationId: string,
  summary: string,
  failures: ZodOpenApiOperationObject["responses"],
): ZodOpenApiOperationObject {
  return {
    operationId,
    tags: ["operation"],
    summary,
    security: [],
    responses: { 200: { description: "Yes." }, ...failures },
  };
}
