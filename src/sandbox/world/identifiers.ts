import { randomBytes } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// Asking the system for randomness costs more than all the rest of an id, so it is fetched in stock.
const stock = { bytes: randomBytes(8192), used: 0 };

export function randomText(length: number): string {
  if (stock.used + length > stock.bytes.length) {
    stock.bytes = randomBytes(8192);
    stock.used = 0;
  }
  let text = "";
  for (const byte of stock.bytes.subarray(stock.used, stock.used + length)) {
    text += ALPHABET.charAt(byte % ALPHABET.length);
  }
  stock.used += length;
  return text;
}

export function randomDigits(length: number): string {
  return Array.from(randomBytes(length), (byte) => byte % 10).join("");
}

/**
 * An id as Stripe makes them: the kind's prefix and 24 characters, the first of which tell when. Ids that are made together
 * so stand together in the store's indexes, and a commit writes fewer of their pages.
 */
export function newId(prefix: string): string {
  let when = "";
  for (let rest = Date.now(); rest > 0; rest = Math.floor(rest / ALPHABET.length)) {
    when = ALPHABET.charAt(rest % ALPHABET.length) + when;
  }
  return `${prefix}_${when}${randomText(24 - when.length)}`;
}

export function newRequestId(): string {
  return newId("req").slice(0, 18);
}

/** The platform that every key belongs to that names no other one; see platforms.ts. */
export const PLATFORM_ACCOUNT = "acct_1SandboxPlatform";
