import { expect, it } from "vitest";
import { createReconcilerAlarm } from "../../src/webhooks/reconcilerAlarm.ts";

it("rings for the first call, once per interval, and again for a call that asks again", () => {
  const alarm = createReconcilerAlarm(1000);
  expect(alarm.isDue(5000, "inv_a")).toBe(true);
  expect(alarm.isDue(5001, "inv_b")).toBe(false);
  // Its step failed, and what it was told was not recorded.
  expect(alarm.isDue(5002, "inv_a")).toBe(true);
  expect(alarm.isDue(6000, "inv_b")).toBe(true);
  expect(alarm.isDue(6001, "inv_a")).toBe(false);
});

it("never rings without an interval", () => {
  expect(createReconcilerAlarm(0).isDue(5000, "inv_a")).toBe(false);
});
