/**
 * The engine takes an `idempotency-key` header without a value for a key like any other, and does not tell a handler which key
 * its call has: two requests with an unset variable as their key would be one payment. But the id of an invocation is made
 * from its target and its key, so a handler can tell its id with the empty key from all others.
 *
 * Source: https://github.com/restatedev/restate/blob/v1.7.12/crates/types/src/identifiers.rs
 */
import { createHash } from "node:crypto";

/** The hash in an invocation's id: 16 bytes, the lowest first, written in base 62. */
const hashBytes = 16;
const hashDigits = 22;
const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** @returns a test of an invocation's id: whether the key of that call of a service is empty. HTTP trims blanks away before. */
export function emptyKeyTest(service: string, handler: string): (invocationId: string) => boolean {
  const hash = createHash("sha256").update(`ik,${service},${handler},`).digest().subarray(0, hashBytes).toReversed();
  const ending = inBase62(BigInt(`0x${Buffer.from(hash).toString("hex")}`)).padStart(hashDigits, "0");
  return (invocationId) => invocationId.endsWith(ending);
}

function inBase62(value: bigint): string {
  const base = BigInt(digits.length);
  const rest = value / base;
  return (rest === 0n ? "" : inBase62(rest)) + (digits[Number(value % base)] ?? "");
}
