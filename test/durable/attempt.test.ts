/** How long a failed step waits before it is tried again: by how long this step fails, and by nothing that the call met before. */
import { RetryableError, type Context } from "@restatedev/restate-sdk";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { attempt, Stop } from "../../src/durable/attempt.ts";
import { StripeOutage } from "../../src/stripe/request.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

type From = Parameters<typeof attempt>[3];

function contextOf(id: string): Context {
  return { request: () => ({ id }), console: { warn: () => {} } } as unknown as Context;
}

async function stripeFails(): Promise<never> {
  throw new StripeOutage("Stripe failed (500).");
}

async function failed(invocationId: string, begunAtMs: number, untilMs = Infinity): Promise<unknown> {
  const from: From = { begunAtMs, untilMs, isHurried: true, isBooked: false };
  try {
    return await attempt(contextOf(invocationId), "read PaymentIntent", stripeFails, from);
  } catch (error) {
    return error instanceof RetryableError ? error.retryAfter : error;
  }
}

it("waits half as long as the step has failed for, a quarter of a second at least, and a minute at most", async () => {
  expect(await failed("inv_slow", 5)).toBe(250);
  vi.advanceTimersByTime(250);
  expect(await failed("inv_slow", 5)).toBe(250);
  vi.advanceTimersByTime(3750);
  expect(await failed("inv_slow", 5)).toBe(2000);
  vi.advanceTimersByTime(3_600_000);
  expect(await failed("inv_slow", 5)).toBe(60_000);
});

it("begins anew with each step, and with each call", async () => {
  await failed("inv_a", 5);
  vi.advanceTimersByTime(3_600_000);
  expect(await failed("inv_a", 5)).toBe(60_000);
  expect(await failed("inv_a", 6)).toBe(250);
  expect(await failed("inv_b", 5)).toBe(250);
});

it("waits not past the deadline of what is asked, and stops there", async () => {
  const untilMs = Date.now() + 4100;
  expect(await failed("inv_due", 5, untilMs)).toBe(250);
  vi.advanceTimersByTime(4000);
  expect(await failed("inv_due", 5, untilMs)).toBe(100);
  vi.advanceTimersByTime(100);
  expect(await failed("inv_due", 5, untilMs)).toEqual(new Stop("deadline"));
});
