/**
 * Every step, crashed: each scenario is played once to see what its invocations write to the journal and ask of Stripe, and
 * then once for every step, where the service is killed before or after it. The steps are not listed anywhere: a new one is
 * seen, and one that no scenario comes to fails the test.
 *
 * This is a part of all deaths, which `npm run crashes` lets the service die: every step of every handler that has a name of its own.
 */
import { randomInt } from "node:crypto";
import { afterAll, beforeAll, describe as group, expect, it } from "vitest";
import { describe } from "./campaign.ts";
import { dieAll, gatewayMethods, namedSteps, offeredHandlers, recordAll, sampleOf } from "./program.ts";
import type { Recording } from "./campaign.ts";
import { scenarios } from "./scenarios.ts";
import { openTheatre, type Theatre } from "./theatre.ts";

const seed = Number(process.env["CRASHES_SEED"] ?? randomInt(2 ** 31));
/** Far more than it takes: slow is not wrong. */
const patienceMs = 1_200_000;

group(`every step, crashed (CRASHES_SEED=${seed})`, () => {
  let theatre: Theatre;
  let recordings: readonly Recording[];
  beforeAll(async () => {
    theatre = await openTheatre();
    recordings = await recordAll(theatre, scenarios);
  }, patienceMs);
  afterAll(async () => {
    await theatre.close();
  });

  it("has a scenario for every handler that is offered", () => {
    const seen = new Set(recordings.flatMap(({ steps }) => steps.map(({ target }) => target)));
    expect(offeredHandlers().filter((handler) => !seen.has(handler))).toEqual([]);
  });

  it("comes to every step that the handlers name", () => {
    const seen = new Set(recordings.flatMap(({ steps }) => steps.map(({ what }) => what)));
    expect(namedSteps().length).toBeGreaterThan(0);
    expect(namedSteps().filter((name) => name === null || !seen.has(`run "${name}"`))).toEqual([]);
  });

  it("comes to every request that the gateway can make", () => {
    const seen = new Set(recordings.flatMap(({ methods }) => [...methods]));
    expect(gatewayMethods().filter((method) => !seen.has(method))).toEqual([]);
  });

  it(
    "has the right outcome wherever the service dies",
    async () => {
      const wrong = await dieAll(theatre, sampleOf(recordings, seed));
      expect(wrong.map(({ death, why, journal }) => `${describe(death)}\n${why}\n${journal}`).join("\n\n")).toBe("");
    },
    patienceMs,
  );
});
