/**
 * When a call was accepted, and for which request: as the edge tells it in a signed header that the engine journals. With it, a
 * handler needs no step of its own that fixes its request: the time is the same in every replay.
 *
 * Whether the signature is good depends on the secrets of a process, and a replay may run in another one. So nothing that comes after
 * is decided by it outside a step: the step that uses the time records whether it did.
 */
import type { Context } from "@restatedev/restate-sdk";
import {
  edgeHeaderName,
  readEdgeHeader,
  unverifiedTimeOf,
  type CallTarget,
  type EdgeHeader,
} from "../api/edgeHeader.ts";
import { hasKey } from "./idempotencyKey.ts";

/** What the edge says of a call, if it says anything. */
export type Acceptance = {
  /** Whether there is a header, good or bad: the same in every replay. */
  readonly isClaimed: boolean;
  /** What a good header says. Not for decisions outside a step. */
  verified(): EdgeHeader | null;
  /** The time that a good header gives, in epoch milliseconds; null for none, and for one that is yet to come. */
  acceptedAtMs(nowMs: number): number | null;
  /**
   * Since when the call may have sent something, in epoch milliseconds: a process that finds a header bad doesn't know whether an
   * earlier one, which had another secret, found it good. So it is the header's time, good or bad, and now at the latest.
   */
  earliestMs(nowMs: number): number;
};

/** An edge and a service on different machines may disagree this much. */
const clockToleranceMs = 60_000;

export const noAcceptance: Acceptance = {
  isClaimed: false,
  verified: () => null,
  acceptedAtMs: () => null,
  earliestMs: (nowMs) => nowMs,
};

/** A call that a public call hands on is accepted when that one was. */
export function acceptedAt(knownAtMs: number | null): Acceptance {
  return { ...noAcceptance, acceptedAtMs: () => knownAtMs };
}

/** @param secrets those that edge and service share; without any, nothing is believed */
export function acceptanceOf(ctx: Context, target: CallTarget, secrets: readonly string[]): Acceptance {
  const { id, headers } = ctx.request();
  const text = headers.get(edgeHeaderName);
  if (text === undefined) return noAcceptance;
  let known: EdgeHeader | null | undefined;
  const verified = () => {
    if (known !== undefined) return known;
    const header = readEdgeHeader(secrets, target, text);
    known = header !== null && hasKey(id, target.service, target.handler, header.engineKey) ? header : null;
    if (known === null && secrets.length > 0) ctx.console.warn(badSignature);
    return known;
  };
  return {
    isClaimed: true,
    verified,
    acceptedAtMs(nowMs) {
      const atMs = verified()?.acceptedAtMs ?? null;
      return atMs !== null && atMs <= nowMs + clockToleranceMs ? atMs : null;
    },
    earliestMs: (nowMs) => Math.min(nowMs, unverifiedTimeOf(text) ?? nowMs),
  };
}

const badSignature =
  "The edge's header of this call is not signed with this service's EDGE_SECRET, so nothing is taken from it. Give edge and service the same EDGE_SECRET; npm run doctor tells whether they agree.";
