/** The calls as OpenAPI operations: `POST /{service}/{handler}`, and how a caller asks later for the outcome of one. */
import { z } from "zod";
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from "zod-openapi";
import type { Call } from "../calls.ts";
import { hasNamesake } from "./schemas.ts";
import { edgeFailureResponses, failureResponsesOf, failureResponsesOfAll } from "./failureResponses.ts";
import { apiKeyScheme } from "./security.ts";

/** The longest time that `Prefer: wait` may ask for. */
const maximumWaitSeconds = 300;

const keyText =
  "1 to 255 printable ASCII characters, not blank. The same key with the same body joins the call or gets its answer, and never charges twice.";
const keySchema = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[ -~]*[!-~][ -~]*$/);
const keyParameter = { in: "header", name: "idempotency-key", id: "IdempotencyKey", description: keyText } as const;
const requiredKey = keySchema.meta({ param: keyParameter });
const optionalKey = keySchema.optional().meta({ param: { ...keyParameter, id: "OptionalIdempotencyKey" } });

const prefer = z
  .string()
  .optional()
  .meta({
    param: {
      in: "header",
      name: "Prefer",
      id: "Prefer",
      description: `\`respond-async\`: answer 202 at once. \`wait=<seconds>\`, to ${maximumWaitSeconds}: answer with the outcome, or 202 after this time. Without it the answer is the outcome, whenever it comes.`,
      example: "wait=25",
    },
  });
const preferWait = z
  .string()
  .optional()
  .meta({
    param: {
      in: "header",
      name: "Prefer",
      id: "PreferWait",
      description: `\`wait=<seconds>\`, to ${maximumWaitSeconds}: wait as long for the outcome before the answer is 202.`,
      example: "wait=25",
    },
  });

const callId = z.string().meta({
  param: { in: "path", name: "callId", id: "CallId", description: "As an answer 202 gave it." },
});

/** The call was accepted and goes on by itself. */
const accepted = {
  id: "Accepted",
  description:
    "The call goes on. Ask for its outcome at the address in `Location`, or post it again with the same key.",
  headers: {
    Location: { description: "`/calls/{callId}`", required: true, schema: { type: "string" as const } },
  },
  content: { "application/json": { schema: z.object({ callId: z.string() }) } },
};

export function callPaths(calls: readonly Call[]): ZodOpenApiPathsObject {
  return Object.fromEntries(
    calls.map((call) => [`/${call.service}/${call.handler}`, { post: operationOf(call, calls) }] as const),
  );
}

function operationOf(call: Call, calls: readonly Call[]): ZodOpenApiOperationObject {
  const { service, handler, description, input, output, scope } = call;
  return {
    operationId: operationId(call, calls),
    tags: [service],
    summary: description,
    description: `The API key needs the scope \`${scope}\`.`,
    security: [{ [apiKeyScheme]: [scope] }],
    parameters: [...keyParameters(call), prefer],
    requestBody: { required: true, content: { "application/json": { schema: input } } },
    responses: {
      200: { description: `The answer of \`${handler}\`.`, content: { "application/json": { schema: output } } },
      202: accepted,
      ...failureResponsesOf(call),
    },
  };
}

/** Handlers of one service have different names; those of two services may not. */
function operationId(call: Call, calls: readonly Call[]): string {
  const { service, handler } = call;
  return hasNamesake(call, calls) ? `${service}_${handler}` : handler;
}

function keyParameters({ needsKey, keeps }: Call) {
  if (needsKey) return [requiredKey];
  // The answer of a read is not kept, so a key would change nothing.
  return keeps === "nothing" ? [] : [optionalKey];
}

/** `/calls/{callId}` and its cancellation. */
export function laterPaths(calls: readonly Call[]): ZodOpenApiPathsObject {
  const outputs = [...new Set(calls.map(({ output }) => output))];
  return {
    "/calls/{callId}": {
      get: {
        operationId: "getCall",
        tags: ["calls"],
        summary: "Returns the outcome of a call that your API key made, or 202 while there is none.",
        security: [{ [apiKeyScheme]: [] }],
        parameters: [callId, preferWait],
        responses: {
          200: {
            description: "The answer of the call.",
            content: { "application/json": { schema: z.union(outputs) } },
          },
          202: accepted,
          ...failureResponsesOfAll(calls),
        },
      },
    },
    "/calls/{callId}/cancel": {
      post: {
        operationId: "cancelCall",
        tags: ["calls"],
        summary: "Cancels a call that your API key made. Its outcome then says what became of it.",
        security: [{ [apiKeyScheme]: [] }],
        parameters: [callId],
        responses: {
          202: accepted,
          ...edgeFailureResponses(["unauthorized", "forbidden", "not_found", "rate_limited", "unknown", "unavailable"]),
        },
      },
    },
  };
}
