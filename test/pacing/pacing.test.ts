/** A small storm, for what is told to the callers. How soon it is told is measured by `npm run pacing`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openRig } from "./rig.ts";
import { playStorm } from "./storm.ts";

it("calls are told what the bank said while more of them ask than Stripe answers", async () => {
  const folder = await mkdtemp(join(tmpdir(), "restate-stripe-payments-pacing-"));
  const rig = await openRig(folder);
  try {
    const report = await playStorm(rig, {
      debits: 100,
      settleMs: 1000,
      cardsPerSecond: 2,
      limits: { perSecond: 15, perOperation: 15 },
      requestsPerSecond: 10,
      onProgress: () => {},
    });
    expect(report.wrong).toEqual([]);
    expect(report.debits).toEqual({ succeeded: 90, declined: 10 });
    // More came at once than a line holds.
    expect(report.sleeps).toBeGreaterThan(0);
  } finally {
    await rig.close();
    await rm(folder, { recursive: true });
  }
}, 300_000);
