/**
 * What names a call: the engine's key, made of the caller and his idempotency key, the fingerprint of the request, and the id by which
 * the caller asks for the call again. All follow from the request and from the installation, and from nothing that is rotated, so that
 * any edge, today's or tomorrow's, makes the same of the same.
 */
import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import type { CallTarget } from "../api/edgeHeader.ts";

/** Whose keys don't meet another's: the callers of one name of one merchant. */
export type KeySpace = { readonly merchant: string; readonly name: string };

export type CallIdentity = {
  readonly target: CallTarget;
  readonly engineKey: string;
  readonly fingerprint: string;
};

const ownerLength = 22;

/** @param idempotencyKey the caller's */
export function engineKeyOf(installationId: string, space: KeySpace, idempotencyKey: string): string {
  return `${ownerOf(installationId, space)}.${digest(["key", installationId, space.merchant, space.name, idempotencyKey])}`;
}

function ownerOf(installationId: string, { merchant, name }: KeySpace): string {
  const parts = ["owner", installationId, merchant, name];
  const known = owners.get(parts.join("\n"));
  if (known !== undefined) return known;
  const owner = digest(parts).slice(0, ownerLength);
  owners.set(parts.join("\n"), owner);
  return owner;
}

/** There are as many as names of API keys; none of the parts has a line break. */
const owners = new Map<string, string>();

/** Of a request's JSON value: the order of its fields, blanks and escapes don't count. https://www.rfc-editor.org/rfc/rfc8785 */
export function fingerprintOf({ service, handler }: CallTarget, value: unknown): string {
  return digest(["request", service, handler, canonicalize(value) ?? ""]);
}

const prefix = "call_";

export function callIdOf({ target, engineKey, fingerprint }: CallIdentity): string {
  const text = [target.service, target.handler, engineKey, fingerprint].join("/");
  return `${prefix}${Buffer.from(text).toString("base64url")}`;
}

const callShape = /^(\w+)\/(\w+)\/([\w-]{22}\.[\w-]{43})\/([\w-]{43})$/;

/** @returns null for anything but the id of a call that was made in this key space */
export function readCallId(installationId: string, space: KeySpace, callId: string): CallIdentity | null {
  if (!callId.startsWith(prefix) || callId.length > 512) return null;
  const encoded = callId.slice(prefix.length);
  const bytes = Buffer.from(encoded, "base64url");
  // Only the one form: several ids of one call would be several truths.
  if (bytes.toString("base64url") !== encoded) return null;
  const [, service, handler, engineKey, fingerprint] = callShape.exec(bytes.toString("latin1")) ?? [];
  if (service === undefined || handler === undefined || engineKey === undefined || fingerprint === undefined)
    return null;
  if (!engineKey.startsWith(`${ownerOf(installationId, space)}.`)) return null;
  return { target: { service, handler }, engineKey, fingerprint };
}

/** JSON keeps the parts apart, whatever stands in them. */
function digest(parts: readonly string[]): string {
  return hash("sha256", JSON.stringify(parts), "base64url");
}
