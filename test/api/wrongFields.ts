import type { z } from "zod";

/** The paths of everything that a schema finds wrong with a body. */
export function wrongFields(schema: z.ZodType, body: unknown): string[] {
  const result = schema.safeParse(body);
  return result.success ? [] : result.error.issues.map((issue) => issue.path.join(".") || `(${issue.code})`);
}
