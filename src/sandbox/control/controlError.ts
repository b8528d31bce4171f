import { z } from "zod";

/** A request to the control API that can't be met, with the reason in words. */
export class ControlError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (!result.success) throw new ControlError(400, z.prettifyError(result.error));
  return result.data;
}
