/** What a fault run is asked for: `npm run chaos -- --payments 300 --kills 6 --faults 0.1 --seed 42`. */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { z } from "zod";

export type ChaosOptions = {
  readonly payments: number;
  /** SIGKILLs; half as many SIGSTOPs come with them, five at least, so that every process meets both. */
  readonly kills: number;
  /** How likely a request to Stripe, or a webhook, meets a fault. */
  readonly faults: number;
  readonly seed: number;
  /** How many payments are under way at once. */
  readonly callers: number;
  /** Keep the data and the logs also when nothing is violated. */
  readonly keep: boolean;
};

const schema = z.strictObject({
  payments: z.coerce.number().int().min(1).default(300),
  kills: z.coerce.number().int().min(0).default(6),
  faults: z.coerce.number().min(0).max(0.5).default(0.1),
  seed: z.coerce.number().int().min(0).max(0x7fffffff).optional(),
  callers: z.coerce.number().int().min(1).max(500).default(32),
  keep: z.boolean().default(false),
});

/** @throws Error that says which option is wrong */
export function readOptions(argv: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      payments: { type: "string" },
      kills: { type: "string" },
      faults: { type: "string" },
      seed: { type: "string" },
      callers: { type: "string" },
      keep: { type: "boolean" },
    },
  });
  const parsed = schema.safeParse(values);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  return { ...parsed.data, seed: parsed.data.seed ?? randomInt(2 ** 31) };
}
