import { describe, expect, test } from "vitest";
import { formatDuration, parseDurationMs } from "../../src/config/duration.ts";

describe("parseDurationMs", () => {
  test.each([
    ["500ms", 500],
    ["0s", 0],
    ["30s", 30_000],
    ["5m", 300_000],
    ["6h", 21_600_000],
    ["21d", 1_814_400_000],
    [" 7d ", 604_800_000],
  ])("reads %s as %d ms", (text, expected) => {
    expect(parseDurationMs(text)).toBe(expected);
  });

  test.each(["", "5", "m", "1.5h", "-1s", "5 m", "5M", "1w", "1h30m", "1e3s", "99999999999999d", "５s"])(
    "refuses %j and says what a duration looks like",
    (text) => {
      expect(() => parseDurationMs(text)).toThrow(/whole number and a unit .* 500ms, 30s, 5m, 6h, 21d/);
    },
  );
});

test.each([
  [-5, "0 ms"],
  [0, "0 ms"],
  [850.4, "850 ms"],
  [999.6, "1.0 s"],
  [2_400, "2.4 s"],
  [59_940, "59.9 s"],
  [59_960, "1m 00s"],
  [65_000, "1m 05s"],
  [3_599_600, "1h 00m"],
  [11_220_000, "3h 07m"],
  [86_399_999, "1d 00h"],
  [1_828_800_000, "21d 04h"],
])("formatDuration(%d) is %s", (durationMs, expected) => {
  expect(formatDuration(durationMs)).toBe(expected);
});
