import { describe, expect, it } from "vitest";
import { inPortions } from "../../src/stripe/eventTypes.ts";

describe("event types in portions that one request can name", () => {
  it.each([
    [0, []],
    [1, [1]],
    [20, [20]],
    [21, [20, 1]],
    [45, [20, 20, 5]],
  ])("%i types", (count, sizes) => {
    const types = Array.from({ length: count }, (_, index) => `type.${index}`);
    const portions = inPortions(types);
    expect(portions.map(({ length }) => length)).toEqual(sizes);
    expect(portions.flat()).toEqual(types);
  });
});
