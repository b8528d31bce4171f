/**
 * The form of an API key: `rsp_<id>_<secret>_<checksum>`. The prefix and the checksum let a scanner find a leaked key in a text without
 * false alarms, and let the edge refuse a mistyped one without a look at its keys. The id is no secret: it stands in lists and logs.
 * https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
 */
import { hash, randomInt } from "node:crypto";
import { crc32 } from "node:zlib";

const prefix = "rsp";
const base36 = "0123456789abcdefghijklmnopqrstuvwxyz";
const base62 = `${base36}ABCDEFGHIJKLMNOPQRSTUVWXYZ`;
const idLength = 10;
/** 190 random bits, so a fast hash of a key is as good as a slow one. */
const secretLength = 32;
/** Six digits hold the 32 bits of a CRC. */
const checksumLength = 6;

export const keyIdForm = new RegExp(`^[0-9a-z]{${idLength}}$`);
const keyForm = new RegExp(
  `^(${prefix}_([0-9a-z]{${idLength}})_[0-9A-Za-z]{${secretLength}})_([0-9A-Za-z]{${checksumLength}})$`,
);
const keyLength = prefix.length + idLength + secretLength + checksumLength + 3;

/** A new key, to be shown once, and its id and hash, to be stored. */
export function makeApiKey(): { readonly text: string; readonly id: string; readonly hash: string } {
  const id = randomText(base36, idLength);
  const body = `${prefix}_${id}_${randomText(base62, secretLength)}`;
  const text = `${body}_${checksumOf(body)}`;
  return { text, id, hash: hashOfKey(text).toString("hex") };
}

/** The id of a text that is a whole key; null for any other text, which needs no hashing to be refused. */
export function keyIdOf(presented: string): string | null {
  if (presented.length !== keyLength) return null;
  const [, body, id, checksum] = keyForm.exec(presented) ?? [];
  return body === undefined || id === undefined || checksum !== checksumOf(body) ? null : id;
}

export function hashOfKey(text: string): Buffer {
  return hash("sha256", text, "buffer");
}

function randomText(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join("");
}

function checksumOf(body: string): string {
  let digits = "";
  for (let rest = crc32(body); rest > 0; rest = Math.floor(rest / base62.length)) {
    digits = base62.charAt(rest % base62.length) + digits;
  }
  return digits.padStart(checksumLength, "0");
}
