/**
 * What the one wait promises, held against every noun that can be awaited. `npm run crashes` kills the service before and after
 * each step of each of these waits, too.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventAbout, modes, openScene, until, untilHung, type Answer, type Scene } from "../scene/scene.ts";
import type { Retelling } from "../scene/relay.ts";
import { awaitedNouns, type AwaitedNoun } from "./awaitedKinds.ts";

const hourMs = 3_600_000;

describe.each(modes)("the wait, $mode", ({ inactivityTimeoutMs }) => {
  describe.each(awaitedNouns)("for $noun", (noun) => {
    let scene: Scene;
    const retelling: Retelling = { with: (_request, told) => told };
    beforeAll(async () => {
      scene = await openScene(inactivityTimeoutMs, retelling);
    });
    afterAll(async () => {
      await scene.close();
    });

    /** The names of the timers that a call has set, as soon as there are so many. */
    async function timersOf(key: string, count: number): Promise<readonly string[]> {
      return await until(`${count} timers`, async () => {
        const rows = await scene.sql<{ name: string }>(
          `select j.name from sys_journal j join sys_invocation i on j.id = i.id where (i.idempotency_key = '${key}' or i.invoked_by_id in (select id from sys_invocation where idempotency_key = '${key}')) and j.entry_type = 'Command: Sleep' order by j.index`,
        );
        return rows.length >= count ? rows.map(({ name }) => name) : undefined;
      });
    }

    it("ends by a ring while its doorbell is being hung, twice", async () => {
      const id = await noun.make(scene);
      await scene.fault({ target: "webhook", effect: "double", count: 3 });
      await scene.fault({ target: "api", effect: "stall", method: "POST", path: noun.path, delayMs: 300, count: 1 });
      const call = begin(scene, noun, id);
      await until("the doorbell to be on its way", async () =>
        (await hung(scene, noun, id)).length > 0 ? true : undefined,
      );
      await settle(scene, noun, id);
      expect(await call.answer).toMatchObject({ status: 200 });
      expect(await hung(scene, noun, id)).toEqual([]);
      await scene.clearFaults();
    });

    it("goes on after a stranger's ring, with another doorbell", async () => {
      const id = await noun.make(scene);
      const call = begin(scene, noun, id);
      // The call may wait for a private one, which hangs the doorbell.
      await untilHung(1, () => noun.read(scene, id));
      await scene.suspended(call.key);
      const [[key, address]] = (await hung(scene, noun, id)) as [[string, string]];
      const ring = await fetch(`${scene.ingress}/restate/awakeables/${address}/resolve`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ status: "succeeded" }),
      });
      expect(ring.ok).toBe(true);
      await until("another doorbell", async () => {
        const { metadata } = await noun.read(scene, id);
        return metadata?.[key] !== undefined && metadata[key] !== address ? true : undefined;
      });
      // A lie in the name of Stripe itself brings no news either.
      const { metadata } = await noun.read(scene, id);
      await scene.webhook(eventAbout(noun.eventType, { id, metadata, status: "succeeded" }));
      await until("one more doorbell", async () => {
        const latest = (await noun.read(scene, id)).metadata?.[key];
        return latest !== undefined && latest !== metadata?.[key] ? true : undefined;
      });
      await settle(scene, noun, id);
      expect(await call.answer).toMatchObject({ status: 200 });
      expect(await hung(scene, noun, id)).toEqual([]);
    });

    it("leaves the object as it is at its deadline, and takes its doorbell off", async () => {
      const id = await noun.make(scene);
      const { status, body } = await begin(scene, noun, id, { timeoutSeconds: 1 }).answer;
      expect({ status, ...body.metadata }).toMatchObject({ status: 408, reason: "timed_out", compensation: "none" });
      expect(await hung(scene, noun, id)).toEqual([]);
    });

    it("leaves the object as it is when the call is cancelled, and takes its doorbell off", async () => {
      const id = await noun.make(scene);
      const call = begin(scene, noun, id);
      await scene.cancel(await scene.suspended(call.key));
      const { status, body } = await call.answer;
      expect({ status, ...body.metadata }).toMatchObject({ status: 409, reason: "canceled", compensation: "none" });
      expect(await hung(scene, noun, id)).toEqual([]);
    });

    it("says so where the object is gone", async () => {
      const id = await noun.make(scene);
      const call = begin(scene, noun, id);
      // A call that hands the wait on is suspended before the wait begins.
      await untilHung(1, () => noun.read(scene, id));
      await scene.suspended(call.key);
      const gone = {
        error: { type: "invalid_request_error", code: "resource_missing", message: `No such object: '${id}'` },
      };
      retelling.with = (request, told) => (request.path.includes(id) ? { status: 404, body: gone } : told);
      await settle(scene, noun, id);
      const { status, body } = await call.answer;
      expect({ status, reason: body.metadata?.["reason"] }).toEqual(
        noun.gone ?? { status: 502, reason: "needs_review" },
      );
      retelling.with = (_request, told) => told;
    });

    it("is not found where Stripe refuses its id", async () => {
      const id = await noun.make(scene);
      await scene.fault({ target: "api", effect: "error_400", method: "GET", path: `${noun.path}/${id}` });
      const { status, body } = await begin(scene, noun, id).answer;
      expect({ status, ...body.metadata }).toMatchObject({ status: 404, reason: "not_found" });
    });

    it.skipIf(noun.hasStatus === false)(
      "needs a person where Stripe reports a status that this version doesn't know",
      async () => {
        const id = await noun.make(scene);
        const call = begin(scene, noun, id);
        await scene.suspended(call.key);
        retelling.with = (_request, told) =>
          told.body["id"] === id ? { ...told, body: { ...told.body, status: "teleported" } } : told;
        await settle(scene, noun, id);
        const { status, body } = await call.answer;
        expect({ status, ...body.metadata }).toMatchObject({ status: 502, reason: "needs_review" });
        expect(body.message).toContain("teleported");
        retelling.with = (_request, told) => told;
        expect(await hung(scene, noun, id)).toEqual([]);
      },
    );

    it("polls where the metadata has no room for a doorbell", async () => {
      await scene.restartService({ pollScheduleMs: [1500] });
      const id = await noun.make(scene);
      const { metadata } = await noun.read(scene, id);
      const free = 50 - Object.keys(metadata ?? {}).length;
      await noun.annotate(scene, id, Object.fromEntries(Array.from({ length: free }, (_, n) => [`note_${n}`, "full"])));
      const call = begin(scene, noun, id);
      await timersOf(call.key, 1);
      await settle(scene, noun, id);
      expect(await call.answer).toMatchObject({
        status: 200,
        body: noun.noun === "a dispute" ? {} : { settledBy: "poll" },
      });
      await scene.restartService();
    });

    it("keeps to the deadline and the first poll that it began with when the settings change at a restart", async () => {
      // Longer than it takes to suspend: a service stops only when no call is awake in it.
      await scene.restartService({ pollScheduleMs: [1500] });
      const id = await noun.make(scene);
      const call = begin(scene, noun, id, { timeoutSeconds: 25 });
      await timersOf(call.key, 1);
      await scene.restartService({ pollScheduleMs: [6 * hourMs], timeoutMs: 1000 });
      // Each poll finds the object pending and is followed by another one, of the schedule that the wait began with.
      const timers = await timersOf(call.key, 3);
      expect(new Set(timers)).toEqual(new Set(["next poll"]));
      await settle(scene, noun, id);
      expect(await call.answer).toMatchObject({ status: 200 });
      await scene.restartService();
    });

    it("can be begun and ended sixty times on one object", async () => {
      const id = await noun.make(scene);
      const calls = Array.from({ length: 60 }, () => begin(scene, noun, id, { timeoutSeconds: 1 }).answer);
      expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([408]));
      expect(await hung(scene, noun, id)).toEqual([]);
      const last = begin(scene, noun, id);
      await untilHung(1, () => noun.read(scene, id));
      await scene.suspended(last.key);
      expect(await hung(scene, noun, id)).toHaveLength(1);
      await settle(scene, noun, id);
      expect(await last.answer).toMatchObject({ status: 200 });
    });
  });
});

function begin(
  scene: Scene,
  noun: AwaitedNoun,
  id: string,
  more: object = {},
): { key: string; answer: Promise<Answer> } {
  const key = crypto.randomUUID();
  return { key, answer: scene.call(noun.handler, { ...noun.body(id), ...more }, key) };
}

async function settle(scene: Scene, noun: AwaitedNoun, id: string): Promise<void> {
  await (noun.settle === undefined ? scene.settle(id) : noun.settle(scene, id));
}

/** The doorbells of waiting calls on an object, by their keys. */
async function hung(scene: Scene, noun: AwaitedNoun, id: string): Promise<readonly (readonly [string, string])[]> {
  const { metadata } = await noun.read(scene, id);
  return Object.entries(metadata ?? {}).filter(([key]) => key.startsWith("restate_callback_id"));
}
