/**
 * Limits of the edge (`EDGE_RATE_LIMITS`): calls of a key, and refused requests of an address, per second. Each edge counts for itself,
 * in memory.
 */
import { hash, randomBytes } from "node:crypto";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { addressOf } from "../config/addresses.ts";
import type { EdgeRateLimits } from "../config/edgeRateLimits.ts";

export type Taken = { readonly allowed: true } | { readonly allowed: false; readonly retryAfterSeconds: number };

export type RateLimits = {
  /** Counts a call of a key that is in use. */
  takeCall(keyId: string): Promise<Taken>;
  /** Counts a request that was refused. It never keeps one from being answered that would be taken. */
  takeRefused(address: string): Promise<Taken>;
};

export function openRateLimits({ keyPerSecond, refusedPerSecond }: EdgeRateLimits): RateLimits {
  const perKey = limiter(keyPerSecond);
  const perAddress = limiter(refusedPerSecond);
  const seed = randomBytes(16).toString("hex");
  return {
    takeCall: (keyId) => take(perKey, keyId),
    takeRefused: (address) => take(perAddress, slotOf(seed, networkOf(address))),
  };
}

function limiter(perSecond: number | null): RateLimiterMemory | null {
  return perSecond === null ? null : new RateLimiterMemory({ points: perSecond, duration: 1 });
}

async function take(limits: RateLimiterMemory | null, name: string): Promise<Taken> {
  try {
    await limits?.consume(name);
    return { allowed: true };
  } catch (error) {
    // The library throws what is left of the second; anything else is a mistake of ours.
    if (!(error instanceof RateLimiterRes)) throw error;
    return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(error.msBeforeNext / 1000)) };
  }
}

/** A caller with one IPv6 address has all 2^64 of its network, and would count anew with each. https://www.rfc-editor.org/rfc/rfc6177 */
function networkOf(text: string): string {
  const address = addressOf(text);
  if (address === null || !address.includes(":")) return address ?? "unknown";
  const [before = "", after] = address.split("::");
  const head = before.split(":").filter((group) => group !== "");
  const tail = (after ?? "").split(":").filter((group) => group !== "");
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return [...head, ...zeros, ...tail].slice(0, 4).join(":");
}

/**
 * There are never more counters, however many addresses call: two networks may share one. The seed keeps a caller from choosing a network
 * that shares the counter of another caller.
 */
const slotCount = 16_384;

function slotOf(seed: string, network: string): string {
  return String(hash("sha256", seed + network, "buffer").readUInt32BE() % slotCount);
}
