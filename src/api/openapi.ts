/**
 * The public calls as OpenAPI 3.1, made of the registry, the contracts and the guide to failures. Nothing is read and nothing
 * is sent: the same version is always the same document.
 */
import { z } from "zod";
import { createDocument, type CreateDocumentOptions } from "zod-openapi";
import { calls as registry, serviceDescriptions, type Call } from "./calls.ts";
import { callPaths, laterPaths } from "./openapi/callOperations.ts";
import { operationPaths, webhookPaths } from "./openapi/otherPaths.ts";
import { namedSchemas } from "./openapi/schemas.ts";
import { securitySchemes } from "./openapi/security.ts";

export type OpenApiDocument = ReturnType<typeof createDocument>;

const about = `Stripe payments as single calls: each call returns the final outcome, whether Stripe knows it at once or days later.

Amounts are integers in the currency's minor unit (cents), moments are ISO 8601 in UTC, and unknown fields are refused. A call that moves money needs an
\`idempotency-key\`: where a connection drops, or the answer is 502 \`unknown\`, post the same body with the same key again.`;

/** @param version of this project, which is shown as the version of the document */
export function openApiDocument({
  version,
  calls = registry,
}: {
  readonly version: string;
  readonly calls?: readonly Call[];
}): OpenApiDocument {
  return createDocument(
    {
      openapi: "3.1.1",
      info: { title: "Payments", version, description: about, license: { name: "MIT", identifier: "MIT" } },
      tags: [
        ...serviceTags(calls),
        { name: "calls", description: "The outcome of a call, asked for later." },
        { name: "webhooks", description: "Addresses for Stripe." },
        { name: "operation", description: "Addresses for probes and tools." },
      ],
      paths: { ...callPaths(calls), ...laterPaths(calls), ...webhookPaths(), ...operationPaths() },
      components: { schemas: namedSchemas(calls), securitySchemes },
    },
    { override: fitForClients },
  );
}

/** A group of operations for each service. */
function serviceTags(calls: readonly Call[]) {
  const descriptions: Readonly<Record<string, string>> = serviceDescriptions;
  return [...new Set(calls.map(({ service }) => service))].map((name) => {
    const description = descriptions[name];
    return { name, ...(description !== undefined && { description }) };
  });
}

const fitForClients: NonNullable<CreateDocumentOptions["override"]> = ({ io, jsonSchema, zodSchema }) => {
  // A later version may answer with more fields: a client that is made of the document must not refuse them.
  if (io === "output" && zodSchema instanceof z.ZodObject) delete jsonSchema.additionalProperties;
  // zod's limits of every integer, and a word of TypeScript's that means something else in OpenAPI.
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  delete jsonSchema.readOnly;
};
