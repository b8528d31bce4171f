/** Whose doorbell an address is: it holds the bytes of the id of the call that waits. */
import { isDoorbellAddress } from "../../src/stripe/metadata.ts";

const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** The engine writes ids as two numbers of base 62, the lowest byte first: 8 bytes that place the call, and 16 that name it. */
const parts = [
  { from: 0, to: 8, length: 11 },
  { from: 8, to: 24, length: 22 },
] as const;

/** The id of the call that waits; null for what is no doorbell. */
export function invocationOf(address: string): string | null {
  return waitOf(address)?.invocationId ?? null;
}

/** The call that waits, and the number of its wait; null for what is no doorbell. */
export function waitOf(address: string): { readonly invocationId: string; readonly index: number } | null {
  if (!isDoorbellAddress(address)) return null;
  const bytes = Buffer.from(address.slice("sign_1".length), "base64url");
  const texts = parts.map(({ from, to, length }) => inBase62(bytes.subarray(from, to)).padStart(length, "0"));
  return { invocationId: `inv_1${texts.join("")}`, index: bytes.readUInt32BE(24) };
}

function inBase62(bytes: Uint8Array): string {
  let text = "";
  for (let rest = BigInt(`0x${Buffer.from(bytes.toReversed()).toString("hex")}`); rest > 0n; rest /= 62n) {
    text = digits.charAt(Number(rest % 62n)) + text;
  }
  return text;
}
