/**
 * Every way of forging a webhook that we could think of. Each takes genuine ones, which an attacker may well have seen, and
 * makes another of them without knowing the secret. What comes out is a forgery only if `isGenuine` agrees.
 */
import { createHash, createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { type SignedWebhook, signWebhook, type Webhook } from "./signedWebhook.ts";

/** What the attacker has to work with: two genuine webhooks with different bodies, and chance. */
type Material = {
  readonly seen: SignedWebhook;
  readonly other: SignedWebhook;
  readonly secret: string;
  readonly random: RandomGenerator;
};

export function intBelow(random: RandomGenerator, limit: number): number {
  return uniformInt(random, 0, limit - 1);
}

export function oneOf<T>(random: RandomGenerator, choices: readonly [T, ...T[]]): T {
  return choices[intBelow(random, choices.length)] ?? choices[0];
}

function flipBit(bytes: Uint8Array, random: RandomGenerator): Buffer {
  const flipped = Buffer.from(bytes);
  const at = intBelow(random, flipped.length);
  flipped[at] = (flipped[at] ?? 0) ^ (1 << intBelow(random, 8));
  return flipped;
}

function textOf(random: RandomGenerator, alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[intBelow(random, alphabet.length)]).join("");
}

const hex = "0123456789abcdef";
const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join("");

/** Signs as somebody would who has the wrong key, or the wrong idea of the scheme. */
function signedBy({ seen }: Material, secret: string): Webhook {
  return signWebhook(seen.body, seen.timestamp, secret);
}

function withSignature({ seen }: Material, signature: string): Webhook {
  return { body: seen.body, header: `t=${seen.timestamp},v1=${signature}` };
}

function withHeader({ seen }: Material, header: string | undefined): Webhook {
  return { body: seen.body, header };
}

function withBody({ seen }: Material, body: string | Uint8Array): Webhook {
  return { body: Buffer.from(body), header: seen.header };
}

function jsonOf({ seen }: Material): Record<string, unknown> {
  return JSON.parse(seen.body.toString()) as Record<string, unknown>;
}

/** Each kind by what it does. */
export const forgeries: Readonly<Record<string, (material: Material) => Webhook>> = {
  // The wrong key.
  "the secret of another endpoint": (given) => signedBy(given, "whsec_of_another_endpoint"),
  "a guessed secret": (given) => signedBy(given, `whsec_${textOf(given.random, printable, 32)}`),
  "the secret without whsec_": (given) => signedBy(given, given.secret.replace("whsec_", "")),
  "the secret decoded as base64": (given) => {
    const key = Buffer.from(given.secret.replace("whsec_", ""), "base64");
    const content = Buffer.concat([Buffer.from(`${given.seen.timestamp}.`), given.seen.body]);
    return withSignature(given, createHmac("sha256", key).update(content).digest("hex"));
  },
  "the secret with something around it": (given) =>
    signedBy(
      given,
      oneOf(given.random, [`${given.secret}\n`, ` ${given.secret}`, `"${given.secret}"`, `${given.secret}\0 `]),
    ),
  "the secret in capitals": (given) => signedBy(given, given.secret.toUpperCase()),
  "a part of the secret": (given) =>
    signedBy(given, given.secret.slice(0, intBelow(given.random, given.secret.length))),
  "both webhooks' own texts as key": (given) =>
    signedBy(given, oneOf(given.random, ["", "v1", given.seen.signature, "undefined"])),

  // The wrong content or function.
  "the body signed without its time": (given) =>
    withSignature(given, createHmac("sha256", given.secret).update(given.seen.body).digest("hex")),
  "another sign between time and body": (given) => {
    const between = oneOf(given.random, ["", ":", ",", "..", "\n"]);
    return withSignature(
      given,
      createHmac("sha256", given.secret)
        .update(`${given.seen.timestamp}${between}`)
        .update(given.seen.body)
        .digest("hex"),
    );
  },
  "a hash without a key": (given) =>
    withSignature(given, createHash("sha256").update(`${given.seen.timestamp}.`).update(given.seen.body).digest("hex")),
  "another hash function, cut to length": (given) => {
    const name = oneOf(given.random, ["sha512", "sha1", "sha384", "md5"]);
    return withSignature(
      given,
      createHmac(name, given.secret)
        .update(`${given.seen.timestamp}.`)
        .update(given.seen.body)
        .digest("hex")
        .slice(0, 64),
    );
  },
  "the genuine signature in base64": (given) =>
    withSignature(given, Buffer.from(given.seen.signature, "hex").toString("base64")),
  "a random signature": (given) => withSignature(given, textOf(given.random, hex, 64)),
  "a signature of zeros or effs": (given) => withSignature(given, oneOf(given.random, ["0", "f"]).repeat(64)),

  // Mutated.
  "a flipped bit in the signature": (given) =>
    withSignature(given, flipBit(Buffer.from(given.seen.signature, "hex"), given.random).toString("hex")),
  "a changed sign in the signature": (given) => {
    const at = intBelow(given.random, 64);
    return withSignature(
      given,
      given.seen.signature.slice(0, at) + textOf(given.random, printable, 1) + given.seen.signature.slice(at + 1),
    );
  },
  "two signs of the signature swapped": (given) => {
    const at = intBelow(given.random, 63);
    const { signature } = given.seen;
    return withSignature(
      given,
      signature.slice(0, at) + signature.charAt(at + 1) + signature.charAt(at) + signature.slice(at + 2),
    );
  },
  "a flipped bit in the body": (given) => withBody(given, flipBit(given.seen.body, given.random)),
  "a flipped bit in the header": (given) =>
    withHeader(given, flipBit(Buffer.from(given.seen.header), given.random).toString("latin1")),
  "another time": (given) =>
    withHeader(
      given,
      given.seen.header.replace(/t=\d+/, `t=${given.seen.timestamp + 1 + intBelow(given.random, 10_000)}`),
    ),
  "a time of another form": (given) => {
    const { timestamp } = given.seen;
    const time = oneOf(given.random, [
      "NaN",
      "-1",
      "0",
      "",
      "Infinity",
      "null",
      `-${timestamp}`,
      `0x${timestamp.toString(16)}`,
      `${timestamp}0`,
      `${timestamp / 10}`,
      "9".repeat(30),
    ]);
    return withHeader(given, given.seen.header.replace(/t=\d+/, `t=${time}`));
  },
  "the signature in capitals": (given) => withSignature(given, given.seen.signature.toUpperCase()),
  "a letter of the signature in capitals": (given) => {
    const letters = [...given.seen.signature.matchAll(/[a-f]/g)].map(({ index }) => index);
    const at = letters[intBelow(given.random, Math.max(1, letters.length))] ?? 0;
    const { signature } = given.seen;
    return withSignature(given, signature.slice(0, at) + signature.charAt(at).toUpperCase() + signature.slice(at + 1));
  },
  "signs that look alike": (given) => {
    const swap = oneOf(given.random, [
      (text: string) => text.replaceAll("a", "а"),
      (text: string) => text.replaceAll("e", "е"),
      (text: string) => text.replaceAll("0", "O"),
      (text: string) => text.replaceAll("1", "l"),
      (text: string) => text.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
      (text: string) => text.replaceAll("c", "c\u0301"),
    ]);
    return withSignature(given, swap(given.seen.signature));
  },
  "the header in another notation": (given) => {
    const { header, timestamp, signature } = given.seen;
    return withHeader(
      given,
      oneOf(given.random, [
        header.replace(",", ";"),
        header.replaceAll("=", ":"),
        header.replace(",", " "),
        header.replace(",", "\n"),
        `t="${timestamp}",v1="${signature}"`,
        JSON.stringify({ t: timestamp, v1: signature }),
        encodeURIComponent(header),
        `t=${timestamp}, v1=${signature}`,
        `T=${timestamp},V1=${signature}`,
        `${timestamp},${signature}`,
        `t=${signature},v1=${timestamp}`,
        `v1=${timestamp}.${signature}`,
        `Bearer ${signature}`,
        `sha256=${signature}`,
        `v1,${signature}`,
      ]),
    );
  },

  // Cut and stretched.
  "a cut signature": (given) => withSignature(given, given.seen.signature.slice(0, intBelow(given.random, 64))),
  "the end of a signature": (given) => withSignature(given, given.seen.signature.slice(1 + intBelow(given.random, 63))),
  "a stretched signature": (given) =>
    withSignature(given, given.seen.signature + textOf(given.random, hex, 1 + intBelow(given.random, 64))),
  "a signature in two parts": (given) => {
    const at = 1 + intBelow(given.random, 62);
    return withSignature(given, `${given.seen.signature.slice(0, at)},v1=${given.seen.signature.slice(at)}`);
  },
  "a cut body": (given) => withBody(given, given.seen.body.subarray(0, intBelow(given.random, given.seen.body.length))),
  "a body without its head": (given) =>
    withBody(given, given.seen.body.subarray(1 + intBelow(given.random, given.seen.body.length - 1))),
  "a stretched body": (given) =>
    withBody(
      given,
      Buffer.concat([given.seen.body, Buffer.from(oneOf(given.random, [" ", "\n", "\0", "{}", ",", "\u00a0"]))]),
    ),
  "a cut header": (given) =>
    withHeader(given, given.seen.header.slice(0, intBelow(given.random, given.seen.header.length))),
  "a header without its head": (given) =>
    withHeader(given, given.seen.header.slice(1 + intBelow(given.random, given.seen.header.length - 1))),
  "nothing, or a header without values": (given) =>
    withHeader(
      given,
      oneOf<string | undefined>(given.random, [
        undefined,
        "",
        " ",
        ",",
        "=",
        "t=",
        "v1=",
        "t=,v1=",
        "t,v1",
        `t=${given.seen.timestamp}`,
        `v1=${given.seen.signature}`,
      ]),
    ),

  // Replayed on something else.
  "the signature of another body": ({ seen, other }) => ({ body: other.body, header: seen.header }),
  "an old signature under a new time": ({ seen }) => ({
    body: seen.body,
    header: `t=${Math.floor(Date.now() / 1000) + 1},v1=${seen.signature}`,
  }),
  "the signature of one with the time of another": ({ seen, other }) => ({
    body: seen.body,
    header: `t=${other.timestamp},v1=${other.signature}`,
  }),
  "a body with another outcome": (given) =>
    withBody(
      given,
      JSON.stringify({ ...jsonOf(given), type: "payment_intent.canceled", forged: intBelow(given.random, 1e6) }),
    ),
  "the same JSON, written differently": (given) => {
    const event = jsonOf(given);
    return withBody(
      given,
      oneOf(given.random, [
        JSON.stringify(event, null, 2),
        JSON.stringify(event, null, "\t"),
        JSON.stringify(Object.fromEntries(Object.entries(event).toReversed())),
        ` ${JSON.stringify(event)}`,
        `${JSON.stringify(event)}\r\n`,
        JSON.stringify(event).replaceAll('"id"', '"\\u0069d"'),
        JSON.stringify([event]),
      ]),
    );
  },
  "the same text in other bytes": (given) => {
    const text = given.seen.body.toString();
    return withBody(
      given,
      oneOf(given.random, [
        Buffer.from(`\ufeff${text}`),
        Buffer.from(text, "utf16le"),
        Buffer.from(`${text}é`, "latin1"),
        gzipSync(given.seen.body),
        Buffer.from(encodeURIComponent(text)),
        Buffer.from(given.seen.body.toString("base64")),
        // U+FFFD is what decoders put in the place of damage.
        Buffer.from(text.replaceAll("\ufffd", "\u00ff"), "latin1"),
      ]),
    );
  },

  // Other parts beside the real ones.
  "another scheme": (given) =>
    withHeader(
      given,
      given.seen.header.replace(
        "v1=",
        oneOf(given.random, ["v0=", "v2=", "v11=", "V1=", " v1=", "v1 =", "v1\u200b=", "1=", "=v1="]),
      ),
    ),
  "a second time after the signed one": (given) =>
    withHeader(given, `${given.seen.header},t=${given.seen.timestamp + 1 + intBelow(given.random, 1000)}`),
  "names from an object's prototype": (given) =>
    withHeader(given, `__proto__=${given.seen.signature},constructor=v1,toString=t,t=${given.seen.timestamp}`),
  "many wrong signatures": (given) => {
    const wrong = Array.from({ length: 1 + intBelow(given.random, 40) }, () => `v1=${textOf(given.random, hex, 64)}`);
    return withHeader(given, `t=${given.seen.timestamp},${wrong.join(",")}`);
  },
  "an enormous header": (given) => {
    const filler = textOf(given.random, hex, 64).repeat(50 + intBelow(given.random, 700));
    return withHeader(
      given,
      oneOf(given.random, [
        `t=${given.seen.timestamp},v1=${filler}`,
        `t=${"1".repeat(8000)},v1=${given.seen.signature}`,
        ",".repeat(8000),
        filler,
      ]),
    );
  },
  "noise in the header": (given) => withHeader(given, textOf(given.random, printable, intBelow(given.random, 200))),
  "noise in header and body": (given) => ({
    body: Buffer.from(textOf(given.random, printable, intBelow(given.random, 200))),
    header: `t=${given.seen.timestamp},v1=${textOf(given.random, hex, 64)}`,
  }),
};

/** What may differ without making a webhook less genuine: the attacker gains nothing, and Stripe does some of it. */
export const equivalents: Readonly<Record<string, (material: Material) => Webhook>> = {
  untouched: (given) => withHeader(given, given.seen.header),
  "the parts in another order": ({ seen }) => ({ body: seen.body, header: `v1=${seen.signature},t=${seen.timestamp}` }),
  "a part of an unknown scheme beside it": (given) =>
    withHeader(given, `${given.seen.header},v0=${textOf(given.random, hex, 64)},v2=x`),
  "a foreign signature before it, as while a secret is rolled": ({ seen, random }) => ({
    body: seen.body,
    header: `t=${seen.timestamp},v1=${textOf(random, hex, 64)},v1=${seen.signature}`,
  }),
  "signed long ago": ({ seen, secret }) => signWebhook(seen.body, 1_500_000_000, secret),
  "signed with the time in the future": ({ seen, secret }) => signWebhook(seen.body, 4_000_000_000, secret),
};
