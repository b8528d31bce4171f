import { describe, expect, it } from "vitest";
import { TokenBucket } from "../../src/stripe/tokenBucket.ts";

/** When each of so many requests goes that are asked for at once. */
function times(bucket: TokenBucket, count: number, fromMs = 0): readonly number[] {
  let nowMs = fromMs;
  return Array.from({ length: count }, () => {
    nowMs += bucket.waitMs(nowMs);
    bucket.take(nowMs);
    return Math.round(nowMs);
  });
}

describe("a token bucket", () => {
  it.each([
    [20, 5, [0, 0, 50, 100, 150]],
    [80, 11, [0, 0, 0, 0, 0, 0, 0, 0, 13, 25, 38]],
    [1, 3, [0, 1000, 2000]],
    [5, 3, [0, 200, 400]],
  ])("of %i per second lets %i requests go in its rhythm", (perSecond, count, expected) => {
    expect(times(new TokenBucket(perSecond, 0), count)).toEqual(expected);
  });

  it.each([1, 5, 20, 80, 1000])("of %i per second lets hardly more than that go in any second", (perSecond) => {
    const sent = times(new TokenBucket(perSecond, 0), perSecond * 5, 60_000);
    const busiest = Math.max(
      ...sent.map((fromMs) => sent.filter((atMs) => atMs >= fromMs && atMs < fromMs + 1000).length),
    );
    expect(busiest).toBeLessThanOrEqual(Math.ceil(perSecond * 1.1) + 1);
    expect(busiest).toBeGreaterThanOrEqual(perSecond);
  });

  it("keeps no more than a tenth of a second's worth for later", () => {
    const bucket = new TokenBucket(20, 0);
    expect(times(bucket, 3, 3_600_000).map((atMs) => atMs - 3_600_000)).toEqual([0, 0, 50]);
  });

  it.each([
    [[0], 40],
    // Requests that were sent before the rate was halved, or in the second after, tell of the same overload. It has recovered by 4.
    [[0, -500, 0, 999], 44],
    [[0, 1000], 22],
    [[0, 1000, 2000], 13],
  ])("is halved once for each overload: refusals of requests sent at %j", (sentAtMs, expected) => {
    const bucket = new TokenBucket(80, -1000);
    for (const atMs of sentAtMs) bucket.halve(Math.max(0, atMs), atMs);
    expect(Math.round(bucket.perSecond(Math.max(...sentAtMs)))).toBe(expected);
  });

  it("never goes below one per second, nor below its own rate", () => {
    const bucket = new TokenBucket(2, 0);
    const slow = new TokenBucket(1, 0);
    for (let nowMs = 0; nowMs < 20_000; nowMs += 1000) {
      bucket.halve(nowMs, nowMs);
      slow.halve(nowMs, nowMs);
      expect(bucket.perSecond(nowMs)).toBe(1);
      expect(slow.perSecond(nowMs)).toBe(1);
    }
  });

  it.each([
    [0, 40],
    [2500, 50],
    [5000, 60],
    [10_000, 80],
    [60_000, 80],
  ])("has recovered by a steady amount after %i ms: %i per second", (afterMs, perSecond) => {
    const bucket = new TokenBucket(80, 0);
    expect(bucket.halve(0, 0)).toBe(true);
    expect(bucket.perSecond(afterMs)).toBe(perSecond);
  });

  it("lets nothing go at once after it was halved", () => {
    const bucket = new TokenBucket(80, 0);
    bucket.halve(0, 0);
    expect(bucket.waitMs(0)).toBe(25);
  });
});
