/**
 * Writes the JSON Schema of the file of merchants, by which an editor helps whoever writes one:
 *
 *   npm run schemas
 */
import { writeFileSync } from "node:fs";
import { z } from "zod";
import { merchantsFileSchema } from "../../src/merchants/file/schema.ts";

export const merchantsSchemaFile = new URL("../../src/merchants/file/merchants.schema.json", import.meta.url);

/** The file as it should be. */
export function merchantsFileSchemaText(): string {
  const { $schema, ...shape } = z.toJSONSchema(merchantsFileSchema, { io: "input" });
  const head = {
    $schema,
    title: "The file of merchants, MERCHANTS_FILE",
    $comment: "Written by `npm run schemas`; not to be edited.",
  };
  return `${JSON.stringify({ ...head, ...shape }, null, 2)}\n`;
}

if (import.meta.main) writeFileSync(merchantsSchemaFile, merchantsFileSchemaText());
