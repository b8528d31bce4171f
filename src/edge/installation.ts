/**
 * What the edge knows of the service behind the engine: of which installation it is a part, whether it believes the edge's signature, and
 * whether anybody is told of payments. A durable call tells, which is also how the edge knows that calls are taken.
 */
import { edgeCheckSchema, edgeServiceName, type EdgeCheck } from "../api/edgeService.ts";
import { edgeHeaderName, writeEdgeHeader } from "../api/edgeHeader.ts";
import { EngineUnavailable, type EngineClient } from "./engineClient.ts";
import { fingerprintOf } from "./callIdentity.ts";

export type Installation = {
  /** The identity. @throws EngineUnavailable while it is not known yet */
  id(): Promise<string>;
  /** Asks, unless it was asked a moment ago. @throws EngineUnavailable when there is no answer in time */
  check(): Promise<EdgeCheck>;
  /** Whether anybody is told of payments, as far as is known; asks again behind the caller's back when that is old. */
  mayTell(): boolean;
};

/** A probe of readiness asks the engine at most this often. */
const freshMs = 5_000;
/** Settings of the service change with a restart of it. */
const staleMs = 30_000;
const patienceMs = 3_000;
/** A question that has no answer by then is asked anew: something may keep it from ever being answered. */
const forgottenMs = 60_000;

const target = { service: edgeServiceName, handler: "check" };

export function createInstallation(
  engine: EngineClient,
  secrets: readonly string[],
  onUntrusted: () => void,
): Installation {
  let last: { readonly check: EdgeCheck; readonly atMs: number } | null = null;
  let asking: Promise<EdgeCheck> | null = null;
  let wasTrusted = true;
  /** To ask the same once more starts no other call, so that probes of a service that is down leave no heap of calls. */
  let unanswered: { readonly engineKey: string; readonly sinceMs: number } | null = null;

  async function ask(): Promise<EdgeCheck> {
    if (unanswered === null || performance.now() - unanswered.sinceMs > forgottenMs) {
      unanswered = { engineKey: crypto.randomUUID(), sinceMs: performance.now() };
    }
    const { engineKey } = unanswered;
    const [secret] = secrets;
    const header = { engineKey, acceptedAtMs: null, fingerprint: fingerprintOf(target, null) };
    const edgeHeader =
      secret === undefined ? null : { name: edgeHeaderName, value: writeEdgeHeader(secret, target, header) };
    const call = { target, engineKey, edgeHeader, body: "" };
    try {
      const answer = await engine.call(call, AbortSignal.timeout(patienceMs));
      unanswered = null;
      if (answer.status !== 200) throw new EngineUnavailable(`The service answered ${answer.status}.`);
      const told = edgeCheckSchema.parse(JSON.parse(answer.body));
      last = { check: told, atMs: performance.now() };
      if (edgeHeader !== null && !told.isEdgeTrusted && wasTrusted) onUntrusted();
      wasTrusted = told.isEdgeTrusted;
      return told;
    } catch (error) {
      throw error instanceof EngineUnavailable ? error : new EngineUnavailable("The service gave no answer in time.");
    }
  }

  async function check(withinMs: number): Promise<EdgeCheck> {
    if (last !== null && performance.now() - last.atMs < withinMs) return last.check;
    asking ??= ask().finally(() => {
      asking = null;
    });
    return await asking;
  }

  return {
    check: async () => await check(freshMs),
    id: async () => last?.check.installationId ?? (await check(freshMs)).installationId,
    mayTell() {
      if (last === null || performance.now() - last.atMs > staleMs) check(freshMs).catch(() => {});
      return last === null || performance.now() - last.atMs > 2 * staleMs || last.check.isMerchantTold;
    },
  };
}
