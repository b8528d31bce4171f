/**
 * What an attacker computes who knows an idempotency key: the invocation's id and the addresses of its signals, offline and
 * from public sources alone (restatedev/restate 1.7.12, crates/types/src/identifiers.rs).
 */
import { createHash } from "node:crypto";
import { xxhash3 } from "hash-wasm";

/** The first awakeable of an invocation; the next ones follow. */
export const firstAwakeable = 17;
/** The signal of the same form that cancels an invocation. */
export const cancelSignal = 1;

export type Target = { readonly service: string; readonly key?: string; readonly handler: string };

/** `sign_1`, then base64url of the invocation's partition key (8 bytes), its hash (16 bytes) and the signal's index (4 bytes). */
export async function signalAddress(target: Target, idempotencyKey: string, index: number): Promise<string> {
  const indexBytes = Buffer.alloc(4);
  indexBytes.writeUInt32BE(index);
  const bytes = Buffer.concat([
    await partitionKey(target, idempotencyKey),
    invocationHash(target, idempotencyKey),
    indexBytes,
  ]);
  return `sign_1${bytes.toString("base64url")}`;
}

function invocationHash({ service, key, handler }: Target, idempotencyKey: string): Buffer {
  const parts = ["ik", service, ...(key === undefined ? [] : [key]), handler, idempotencyKey];
  return createHash("sha256").update(parts.join(",")).digest().subarray(0, 16);
}

/** XXH3 of the object's key; or one of 512 keys of the service, chosen by the idempotency key. */
async function partitionKey({ service, key }: Target, idempotencyKey: string): Promise<Buffer> {
  if (key !== undefined) return Buffer.from(await xxhash3(hashed(key)), "hex");
  const bucket = Buffer.alloc(8);
  bucket.writeBigUInt64LE(BigInt(`0x${await xxhash3(hashed(idempotencyKey))}`) % 512n);
  return Buffer.from(await xxhash3(Buffer.concat([hashed(service), hashed("unscoped/service"), bucket])), "hex");
}

/** How Rust feeds a text to a hash: with a byte 0xff after it. */
function hashed(text: string): Buffer {
  return Buffer.concat([Buffer.from(text), Buffer.from([0xff])]);
}
