/** The engine's identity: an Ed25519 key, whose public half is written `publickeyv1_` and base58 of its 32 bytes. https://docs.restate.dev/services/security */
import type { KeyObject } from "node:crypto";

const prefix = "publickeyv1_";
const keyBytes = 32;

/** Bitcoin's alphabet: no character is easily taken for another. https://datatracker.ietf.org/doc/html/draft-msporny-base58-03 */
const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const base = BigInt(alphabet.length);

/** Whether the text is a public key that the SDK takes: it throws at any other length. */
export function isIdentityKey(text: string): boolean {
  if (!text.startsWith(prefix)) return false;
  const digits = text.slice(prefix.length);
  // Thirty-two bytes are at most forty-four digits, and a longer number would take long to read.
  return /^[1-9A-HJ-NP-Za-km-z]{1,44}$/.test(digits) && byteCount(digits) === keyBytes;
}

/** How the engine and the SDK write a public key. */
export function identityKeyOf(publicKey: KeyObject): string {
  const bytes = publicKey.export({ type: "spki", format: "der" }).subarray(-keyBytes);
  let number = BigInt(`0x${bytes.toString("hex")}`);
  let digits = "";
  for (; number > 0n; number /= base) digits = `${alphabet[Number(number % base)]}${digits}`;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return `${prefix}${"1".repeat(zeros)}${digits}`;
}

/** Every leading zero byte is a digit of its own, because a number has no leading zeros. */
function byteCount(digits: string): number {
  const zeros = /^1*/.exec(digits)?.[0].length ?? 0;
  let number = 0n;
  for (const digit of digits) number = number * base + BigInt(alphabet.indexOf(digit));
  return zeros + (number === 0n ? 0 : Math.ceil(number.toString(16).length / 2));
}
