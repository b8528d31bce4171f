/**
 * What the edge tells a handler: when the call was accepted, and the fingerprint of its request. It stands in one header, which the
 * engine journals with the request, so that every replay reads the same. The header is signed with a secret that edge and service
 * share, over the handler, the engine's key, the time and the fingerprint: whoever reaches the engine without the edge can't make
 * one, nor use one of another call.
 *
 * ```
 * x-payments-edge: v1 k=<engine's key> t=<accepted at, in ms; or -> f=<fingerprint> s=<HMAC-SHA-256>
 * ```
 */
import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from "node:crypto";

export const edgeHeaderName = "x-payments-edge";

/** The field of an answer, and of a failure's metadata, in which a handler repeats the fingerprint. The edge takes it out again. */
export const fingerprintField = "requestFingerprint";

export type EdgeHeader = {
  /** The idempotency key that the engine got. */
  readonly engineKey: string;
  /** In epoch milliseconds; null where the edge doesn't trust its clock. */
  readonly acceptedAtMs: number | null;
  readonly fingerprint: string;
};

/** The call that a header belongs to. */
export type CallTarget = { readonly service: string; readonly handler: string };

const headerShape = /^v1 k=([\w.-]{1,255}) t=(-|\d{13}) f=([\w-]{43}) s=([\w-]{43})$/;

export function writeEdgeHeader(secret: string, target: CallTarget, header: EdgeHeader): string {
  const { engineKey, acceptedAtMs, fingerprint } = header;
  const signature = signatureOf(secret, target, header).toString("base64url");
  return `v1 k=${engineKey} t=${acceptedAtMs ?? "-"} f=${fingerprint} s=${signature}`;
}

/** @returns null for anything but a header that was signed with one of the secrets, for this target */
export function readEdgeHeader(secrets: readonly string[], target: CallTarget, text: string): EdgeHeader | null {
  const [, engineKey, time, fingerprint, signature] = headerShape.exec(text) ?? [];
  if (engineKey === undefined || fingerprint === undefined || signature === undefined) return null;
  const header = { engineKey, acceptedAtMs: time === "-" ? null : Number(time), fingerprint };
  const given = Buffer.from(signature, "base64url");
  const isGenuine = secrets.some((secret) => timingSafeEqual(signatureOf(secret, target, header), given));
  return isGenuine ? header : null;
}

/** The time in a header, whoever signed it, in epoch milliseconds; null where it says none. Nothing is granted by it. */
export function unverifiedTimeOf(text: string): number | null {
  const time = headerShape.exec(text)?.[2];
  return time === undefined || time === "-" ? null : Number(time);
}

function signatureOf(secret: string, { service, handler }: CallTarget, header: EdgeHeader): Buffer {
  const { engineKey, acceptedAtMs, fingerprint } = header;
  const signed = ["v1", service, handler, engineKey, acceptedAtMs ?? "-", fingerprint].join("\n");
  return createHmac("sha256", keyOf(secret)).update(signed).digest();
}

/** Made once: a secret that is a text is made a key at each use. */
const keys = new Map<string, KeyObject>();

function keyOf(secret: string): KeyObject {
  const known = keys.get(secret);
  if (known !== undefined) return known;
  const key = createSecretKey(secret, "utf8");
  keys.set(secret, key);
  return key;
}
