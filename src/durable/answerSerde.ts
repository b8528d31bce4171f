/** How the SDK writes a call's answer: by its schema, which the engine's OpenAPI shows. */
import { serde, type Serde } from "@restatedev/restate-sdk";
import type { z } from "zod";
import { fingerprintField } from "../api/edgeHeader.ts";

/** An answer, and the fingerprint of its request, which the edge gets with it and takes out again; null where the edge said none. */
type Answered<Answer> = { readonly answer: Answer; readonly fingerprint: string | null };

export function answerSerde<Answer>(schema: z.ZodType<Answer>): Serde<Answered<Answer>> {
  const declared = serde.schema(schema);
  return {
    ...(declared.contentType === undefined ? {} : { contentType: declared.contentType }),
    ...(declared.jsonSchema === undefined ? {} : { jsonSchema: declared.jsonSchema }),
    serialize({ answer, fingerprint }) {
      const shown = fingerprint === null ? answer : { ...answer, [fingerprintField]: fingerprint };
      return declared.serialize(shown);
    },
    deserialize: (bytes) => ({ answer: declared.deserialize(bytes), fingerprint: null }),
  };
}
