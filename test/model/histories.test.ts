/** A share of the histories under the money's own rules, and of the planted faults, for every test run. */
import { randomInt } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkHistories } from "./histories.ts";
import { catchFault, plantedFaults } from "./plantedFaults.ts";

const patienceMs = 5 * 60_000;

describe("histories of payments", { timeout: patienceMs }, () => {
  it("keep the rules of money, whatever happens and whenever", async () => {
    const { verdicts, failure } = await checkHistories({ count: 40, seed: randomInt(2 ** 30), atOnce: 8 });
    expect(failure).toBe(null);
    expect(verdicts.filter(({ checked }) => checked === 0)).toEqual([]);
  });

  it("catch a planted fault by the rule that it breaks", async () => {
    const seed = randomInt(2 ** 30);
    const fault = plantedFaults[seed % plantedFaults.length];
    if (fault === undefined) throw new Error("There is no fault to plant.");
    const planted = await catchFault(fault, { seed });
    expect(planted.unplanted).toBe(null);
    expect([fault.name, ...planted.broken.keys()]).toContain(fault.rule);
    const sound = await catchFault(fault, { seed, isPlanted: false });
    expect([fault.name, ...sound.broken.keys()]).toEqual([fault.name]);
  });
});
