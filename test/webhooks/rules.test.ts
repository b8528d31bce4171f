import { describe, expect, it } from "vitest";
import { isScheduled, reconcileDelayMs, reconcileSince } from "../../src/webhooks/rules.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const nowMs = 1_795_000_000_000;

describe("the schedule of the reconciler", () => {
  it.each([
    ["there is none", null, false],
    ["its next run is due now", 0, true],
    ["its next run is due in an interval", hourMs, true],
    ["its next run is due later than the interval allows", hourMs + 1, false],
    ["its next run is late by less than an interval", -hourMs, true],
    ["its next run never came", -hourMs - 1, false],
  ])("when %s, is alive: %s %s", (_what, inMs, alive) => {
    const schedule = inMs === null ? null : { nextAtMs: nowMs + inMs, token: "t" };
    expect(isScheduled(schedule, hourMs, nowMs)).toBe(alive);
  });
});

describe("where a reconciliation begins", () => {
  it.each([
    ["at the oldest that Stripe lists, the first time", null, nowMs - 30 * dayMs],
    ["two hours before the last one", nowMs - dayMs, nowMs - dayMs - 2 * hourMs],
    ["at the oldest that Stripe lists after a long pause", nowMs - 90 * dayMs, nowMs - 30 * dayMs],
    ["two hours before a last one that a clock put into the future", nowMs + 10 * hourMs, nowMs + 8 * hourMs],
  ])("is %s", (_what, reconciledUntilMs, sinceMs) => {
    expect(reconcileSince(reconciledUntilMs, nowMs)).toBe(Math.floor(sinceMs / 1000));
  });
});

describe("the time of a connected account", () => {
  it.each([
    ["the first", 0, hourMs, 0],
    ["the sixth", 5, hourMs, 1000],
    ["the last of an hour", 17_999, hourMs, hourMs - 200],
    ["one more than an hour takes", 18_000, hourMs, 0],
    ["the third of a short interval", 2, 500, 400],
    ["the fourth of a short interval", 3, 500, 100],
  ])("of %s is within the interval", (_what, place, intervalMs, delayMs) => {
    expect(reconcileDelayMs(place, intervalMs)).toBe(delayMs);
  });
});
