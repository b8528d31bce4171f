import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pollDelayMs } from "../../src/durable/pollSchedule.ts";

const minuteMs = 60_000;
const schedule = [minuteMs, 5 * minuteMs, 15 * minuteMs];

describe("pollDelayMs", () => {
  it.each([
    [0, 0.5, minuteMs],
    [1, 0.5, 5 * minuteMs],
    [2, 0.5, 15 * minuteMs],
    [3, 0.5, 15 * minuteMs],
    [1000, 0.5, 15 * minuteMs],
    [0, 0, 54_000],
    [0, 0.999999, 66_000],
  ])("gives poll %i with random %f its delay", (index, random, expected) => {
    expect(pollDelayMs(schedule, index, random)).toBe(expected);
  });

  it("stays within ten percent of the schedule", () => {
    fc.assert(
      fc.property(fc.nat(50), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (index, random) => {
        const planned = schedule[Math.min(index, schedule.length - 1)] ?? 0;
        const delay = pollDelayMs(schedule, index, random);
        return delay >= planned * 0.9 && delay <= planned * 1.1;
      }),
    );
  });

  it("refuses an empty schedule", () => {
    expect(() => pollDelayMs([], 0, 0.5)).toThrow(new RangeError("A poll schedule has at least one entry."));
  });
});
