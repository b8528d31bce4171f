import { describe, expect, it } from "vitest";
import { isKeyStillSafe } from "../../src/stripe/idempotency.ts";

const hourMs = 3_600_000;

describe("isKeyStillSafe", () => {
  it.each([
    [0, true],
    [22.9 * hourMs, true],
    [23 * hourMs, false],
    [24 * hourMs, false],
    [30 * 24 * hourMs, false],
    // A clock that was set back: the key is young.
    [-hourMs, true],
  ])("after %i ms: %s", (ageMs, safe) => {
    expect(isKeyStillSafe(1_800_000_000_000, 1_800_000_000_000 + ageMs)).toBe(safe);
  });
});
