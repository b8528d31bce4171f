/**
 * A service may be restarted in place with other settings while a call is under way. So every scenario is played with an engine that
 * suspends at each await, by a service that makes every other attempt of an invocation with other settings: a decision that was
 * made of a setting and not of the journal would not fit the journal any more, and its call would never end.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { otherEdgeSecret } from "./origin.ts";
import { recordAll } from "./program.ts";
import { scenarios } from "./scenarios.ts";
import { openTheatre, type Profile, type Theatre } from "./theatre.ts";

const hourMs = 3_600_000;
const patienceMs = 300_000;

/** Every setting that could steer a handler, another one: longer, so that no scenario ends by it. */
function changing(profile: Profile): Profile {
  const { pollScheduleMs = [hourMs], referenceRetentionMs = null } = profile.settings ?? {};
  return {
    ...profile,
    settings: { ...profile.settings, inactivityTimeoutMs: 0 },
    otherSettings: {
      pollScheduleMs: pollScheduleMs.flatMap((delayMs) => [delayMs + 100, delayMs + 200]),
      timeoutMs: 48 * hourMs,
      idempotencyRetentionMs: 96 * hourMs,
      referenceRetentionMs: referenceRetentionMs === null ? 90 * 24 * hourMs : null,
      lookUpDelaysMs: [0, 50, 150, 700],
      reconcileIntervalMs: 0,
      edgeSecrets: [otherEdgeSecret],
      // Nobody could be connected with these.
      clientId: null,
      connectRedirectUri: "http://127.0.0.1:1/elsewhere",
      ...profile.otherSettings,
    },
  };
}

let theatre: Theatre;
beforeAll(async () => {
  theatre = await openTheatre(changing);
}, patienceMs);
afterAll(async () => {
  await theatre.close();
});

it(
  "A call goes on as it began when the service is restarted with other settings at every step",
  async () => {
    const recordings = await recordAll(theatre, scenarios);
    expect(recordings).toHaveLength(scenarios.length);
    const [mismatches] = await theatre.sql<{ n: number }>(
      "select count(1) as n from sys_invocation where last_failure_error_code = 'RT0016'",
    );
    expect(mismatches?.n).toBe(0);
  },
  patienceMs,
);
