/** `EDGE_RATE_LIMITS`: how many calls of a key, and how many refused requests of an address, an edge takes per second. */

export type EdgeRateLimits = {
  /** Null: no limit. */
  readonly keyPerSecond: number | null;
  readonly refusedPerSecond: number | null;
};

/**
 * The default. A limit of calls would break callers that call more often than it says, and a refusal costs the edge about as much as the
 * answer that there were too many.
 */
export const noRateLimits: EdgeRateLimits = { keyPerSecond: null, refusedPerSecond: null };

const largest = 1_000_000;

/** `off`, or a limit for one or both: `key=200,refused=50`. What is not named has no limit. Undefined for any other text. */
export function edgeRateLimitsOf(text: string): EdgeRateLimits | undefined {
  if (text === "off") return noRateLimits;
  const limits = new Map<string, number>();
  for (const part of text.split(",")) {
    const [, name = "", digits = ""] = /^(key|refused)=(\d{1,7})$/.exec(part.trim()) ?? [];
    const limit = Number(digits);
    if (name === "" || limits.has(name) || limit < 1 || limit > largest) return undefined;
    limits.set(name, limit);
  }
  return { keyPerSecond: limits.get("key") ?? null, refusedPerSecond: limits.get("refused") ?? null };
}
