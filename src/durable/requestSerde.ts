/** How the SDK reads a call's body: by its schema, which the engine's OpenAPI shows, and by our own reader of bytes. */
import { serde, type Serde } from "@restatedev/restate-sdk";
import type { z } from "zod";
import { readRequestBody } from "../api/requestBody.ts";

/** What its `deserialize` throws, the SDK answers with 400 before the handler runs. */
export function requestSerde<Request>(schema: z.ZodType<Request>): Serde<Request> {
  const declared = serde.schema(schema);
  return {
    ...(declared.contentType === undefined ? {} : { contentType: declared.contentType }),
    ...(declared.jsonSchema === undefined ? {} : { jsonSchema: declared.jsonSchema }),
    serialize: (request) => declared.serialize(request),
    deserialize: (bytes) => readRequestBody(schema, bytes),
  };
}
