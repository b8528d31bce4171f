import { expect, it } from "vitest";
import { createReconcilerAlarm } from "../../src/webhooks/reconcilerAlarm.ts";

it("rings for the first call, once per interval, and again for a call that asks again", () => {
  const alarm = createReconcilerAlarm(1000);
  expect(alarm.isDue(5000, "inv_a", "default")).toBe(true);
  expect(alarm.isDue(5001, "inv_b", "default")).toBe(false);
  // Its step failed, and what it was told was not recorded.
  expect(alarm.isDue(5002, "inv_a", "default")).toBe(true);
  expect(alarm.isDue(6000, "inv_b", "default")).toBe(true);
  expect(alarm.isDue(6001, "inv_a", "default")).toBe(false);
});

it("rings for each merchant by itself", () => {
  const alarm = createReconcilerAlarm(1000);
  expect(alarm.isDue(5000, "inv_a", "books")).toBe(true);
  expect(alarm.isDue(5001, "inv_b", "toys")).toBe(true);
  expect(alarm.isDue(5002, "inv_c", "books")).toBe(false);
});

it("never rings without an interval", () => {
  expect(createReconcilerAlarm(0).isDue(5000, "inv_a", "default")).toBe(false);
});
