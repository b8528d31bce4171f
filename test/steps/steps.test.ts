/**
 * Every step, crashed: each scenario is played once to see what its invocations write to the journal and ask of Stripe, and
 * then once for every step, where the service is killed before or after it. The steps are not listed anywhere: a new one is
 * seen, and one that no scenario comes to fails the test.
 *
 * This is a part of all deaths, which `npm run crashes` lets the service die: half of the steps that have a name of their own.
 */
import { randomInt } from "node:crypto";
import { afterAll, beforeAll, describe as group, expect, it } from "vitest";
import { describe } from "./campaign.ts";
import { dieAll, gatewayMethods, namedSteps, offeredHandlers, recordAll, sampleOf } from "./program.ts";
import type { Recording } from "./campaign.ts";
import { scenarios } from "./scenarios.ts";
import { openTheatre, type Theatre } from "./theatre.ts";

/**
 * The schedule of the reconciler is one for the whole service, as the list of the connected accounts is that it goes through, so trials
 * side by side can't have one each. It is killed in test/webhooks/reconciler.test.ts.
 */
const scheduleOnly: readonly string[] = [
  "webhookReconciler/wake",
  "webhookReconciler/tick",
  "webhookReconciler/fanOut",
  "fix the interval",
  "list connected accounts",
  "listConnectedAccounts",
];
/** Asked once per process, so it belongs to no trial. test/durable/installations.test.ts asks. */
const processOnly: readonly string[] = ["installation/identify", "choose an identity"];
const isMissing = (seen: ReadonlySet<string>) => (name: string) =>
  !seen.has(name) && !scheduleOnly.includes(name) && !processOnly.includes(name);

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
    expect(offeredHandlers().filter(isMissing(seen))).toEqual([]);
  });

  it("comes to every step that the handlers name", () => {
    const seen = new Set(
      recordings.flatMap(({ steps }) => steps.map(({ what }) => /^run "(.*)"$/.exec(what)?.[1] ?? "")),
    );
    expect(namedSteps().length).toBeGreaterThan(0);
    expect(namedSteps().filter((name) => name === null || isMissing(seen)(name))).toEqual([]);
  });

  it("comes to every request that the gateway can make", () => {
    const seen = new Set(recordings.flatMap(({ methods }) => [...methods]));
    expect(gatewayMethods().filter(isMissing(seen))).toEqual([]);
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
