import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { noRateLimits } from "../../src/config/edgeRateLimits.ts";
import { openRateLimits, type Taken } from "../../src/edge/rateLimits.ts";

const refused: Taken = { allowed: false, retryAfterSeconds: 1 };

async function allowedOf(count: number, take: () => Promise<Taken>): Promise<number> {
  let allowed = 0;
  for (let taken = 0; taken < count; taken++) if ((await take()).allowed) allowed++;
  return allowed;
}

describe("limits", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("count the calls of each key for itself, and begin anew each second", async () => {
    const limits = openRateLimits({ keyPerSecond: 3, refusedPerSecond: null });
    expect(await allowedOf(5, () => limits.takeCall("shop"))).toBe(3);
    expect(await limits.takeCall("shop")).toEqual(refused);
    expect(await allowedOf(5, () => limits.takeCall("reports"))).toBe(3);
    vi.advanceTimersByTime(999);
    expect(await limits.takeCall("shop")).toEqual(refused);
    vi.advanceTimersByTime(1);
    expect(await allowedOf(5, () => limits.takeCall("shop"))).toBe(3);
  });

  it("let a key call again after the time that they say", async () => {
    const limits = openRateLimits({ keyPerSecond: 1, refusedPerSecond: null });
    await limits.takeCall("shop");
    const taken = await limits.takeCall("shop");
    if (taken.allowed) throw new Error("The key has called too often.");
    vi.advanceTimersByTime(taken.retryAfterSeconds * 1000);
    expect(await limits.takeCall("shop")).toEqual({ allowed: true });
  });

  it("count refused requests apart from calls", async () => {
    const limits = openRateLimits({ keyPerSecond: 1, refusedPerSecond: 2 });
    expect(await allowedOf(4, () => limits.takeRefused("192.0.2.1"))).toBe(2);
    expect(await limits.takeCall("192.0.2.1")).toEqual({ allowed: true });
  });

  it.each([
    ["one address in two spellings", "192.0.2.1", "::ffff:192.0.2.1"],
    ["one IPv6 address in two spellings", "2001:db8::1", "2001:DB8:0:0:0:0:0:1"],
    ["two addresses of one /64", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:ffff::1"],
    ["two addresses of one /64 that is shortened", "2001:db8::1", "2001:db8::ffff:0:0:2"],
    ["what is no address", "unknown", "nonsense"],
  ])("count %s together", async (_what, first, second) => {
    const limits = openRateLimits({ keyPerSecond: null, refusedPerSecond: 1 });
    expect(await limits.takeRefused(first)).toEqual({ allowed: true });
    expect(await limits.takeRefused(second)).toEqual(refused);
  });

  it.each([
    ["two addresses", "192.0.2.1", "192.0.2.2"],
    ["two networks", "2001:db8:1:2::1", "2001:db8:1:3::1"],
    ["networks that end alike", "2001:db8::1", "2001:db9::1"],
    ["IPv4 and IPv6", "192.0.2.1", "::192.0.2.1"],
  ])("count %s apart", async (_what, first, second) => {
    // Two share a counter by chance, one time in 16,384; never three times running.
    const isApart = async () => {
      const limits = openRateLimits({ keyPerSecond: null, refusedPerSecond: 1 });
      await limits.takeRefused(first);
      return (await limits.takeRefused(second)).allowed;
    };
    expect([await isApart(), await isApart(), await isApart()]).toContain(true);
  });

  it("are off where they are not set", async () => {
    const limits = openRateLimits(noRateLimits);
    expect(await allowedOf(1000, () => limits.takeCall("shop"))).toBe(1000);
    expect(await allowedOf(1000, () => limits.takeRefused("192.0.2.1"))).toBe(1000);
  });
});

describe("the memory for refused requests", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const heapBytes = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };

  it("has a bound, which 131,072 networks are far beyond", async () => {
    const limits = openRateLimits({ keyPerSecond: null, refusedPerSecond: 50 });
    const before = heapBytes();
    const addedMiB = () => (heapBytes() - before) / 1024 / 1024;
    // Nothing here waits for a timer, so nothing is forgotten meanwhile.
    for (let number = 0; number < 65_536; number++) {
      await limits.takeRefused(`10.0.${number >> 8}.${number & 255}`);
      await limits.takeRefused(`2001:db8:0:${number.toString(16)}::1`);
    }
    expect(addedMiB()).toBeLessThan(16);
    await delay(1100);
    expect(addedMiB()).toBeLessThan(4);
    expect(await allowedOf(60, () => limits.takeRefused("192.0.2.1"))).toBe(50);
  });
});
