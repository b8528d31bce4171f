/**
 * A doorbell is a Restate awakeable whose address travels in the metadata of a Stripe object. A webhook about the object
 * rings every doorbell it finds there. A ring carries no data: whoever wakes reads Stripe.
 *
 * The creator's address is under `restate_callback_id`, each later waiter's under a key of its own, because Stripe merges
 * metadata key by key and nobody may silence anybody.
 */
import { ownMetadataPrefix } from "../api/fields.ts";
import { defaultMerchant } from "../merchants/rules.ts";

export const creatorCallbackKey = "restate_callback_id";
export const invocationIdKey = "restate_invocation_id";
/** On everything that we make: of which installation the call is. */
export const installationKey = "restate_installation";
/** On everything that we make for a merchant but the default one. */
export const merchantKey = "restate_merchant";
/** Left on a PaymentIntent that we close after a failed attempt: Stripe's codes of that failure, as JSON. */
export const failureNoteKey = "restate_failure";
/**
 * Left on a PaymentIntent whose caller is told that it is over while it is still pending: the invocation that says so. Until
 * Stripe's answer to this note has said which came first, the note or the payment's success, the note is marked as undecided.
 */
export const abandonmentNoteKey = "restate_abandoned_by";
const undecidedMark = " (undecided)";

/** Who makes an object: a call of an installation. Two installations may have a call of one id. */
export type Maker = { readonly invocationId: string; readonly installationId: string; readonly merchant: string };

/** What an object is known by as its maker's. */
export function makersMarks({ invocationId, installationId, merchant }: Maker): Record<string, string> {
  return {
    [invocationIdKey]: invocationId,
    [installationKey]: installationId,
    ...(merchant !== defaultMerchant && { [merchantKey]: merchant }),
  };
}

/**
 * The merchant whose call made an object; null for one that no call of ours made. Several merchants may have one Stripe account, and
 * none may know of another's objects.
 */
export function makersMerchant(metadata: Readonly<Record<string, string>>): string | null {
  return invocationIdKey in metadata ? (metadata[merchantKey] ?? defaultMerchant) : null;
}

/** Whether a call made an object. A version before this one wrote no installation. */
export function isMadeBy(maker: Omit<Maker, "merchant">, metadata: Readonly<Record<string, string>> | null): boolean {
  if (metadata?.[invocationIdKey] !== maker.invocationId) return false;
  return (metadata[installationKey] ?? maker.installationId) === maker.installationId;
}

/** A note that its writer may still take back. */
export function undecidedNote(invocationId: string): string {
  return `${invocationId}${undecidedMark}`;
}

export type AbandonmentNote = "none" | "undecided" | "decided";

export function abandonmentNoteOf(metadata: Readonly<Record<string, string>>): AbandonmentNote {
  const note = metadata[abandonmentNoteKey];
  if (note === undefined) return "none";
  return note.endsWith(undecidedMark) ? "undecided" : "decided";
}
/** Left on a dispute before it is accepted: the invocation that did it. Stripe doesn't say why a dispute was lost. */
export const acceptanceNoteKey = "restate_accepted_by";

/** The metadata key of a waiter that did not create the object. */
export function waiterCallbackKey(invocationId: string): string {
  return `${creatorCallbackKey}_${invocationId.slice(-8)}`;
}

/** The merchant's own entries: an object's metadata without ours. */
export function merchantMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !key.startsWith(ownMetadataPrefix)));
}

/** `sign_1`, then base64url of the 24 bytes of the invocation id and the 4 bytes of the index. */
const addressPattern = /^sign_1([A-Za-z0-9_-]{38})$/;
const addressBytes = 28;
const indexBytes = 4;
/** Lower indexes are the engine's own signals: index 1 cancels the invocation. */
const firstAwakeableIndex = 17;

/**
 * Tells whether a text is the address of an awakeable, so that resolving it is safe: the engine retries a malformed one
 * for ever, and the same form with a low index would cancel an invocation. Metadata is data from outside.
 */
export function isDoorbellAddress(text: string): boolean {
  const encoded = addressPattern.exec(text)?.[1];
  if (encoded === undefined) return false;
  const bytes = Buffer.from(encoded, "base64url");
  // The canonical form only: 38 characters hold 4 bits more than 28 bytes, which must be zero.
  if (bytes.toString("base64url") !== encoded) return false;
  return bytes.readUInt32BE(addressBytes - indexBytes) >= firstAwakeableIndex;
}

/** Every valid doorbell address in an object's metadata, each once. Damaged and foreign values are passed over. */
export function doorbellAddresses(metadata: Readonly<Record<string, string>>): readonly string[] {
  const addresses = Object.entries(metadata)
    .filter(([key, value]) => isCallbackKey(key) && isDoorbellAddress(value))
    .map(([, value]) => value);
  return [...new Set(addresses)];
}

function isCallbackKey(key: string): boolean {
  return key === creatorCallbackKey || key.startsWith(`${creatorCallbackKey}_`);
}
