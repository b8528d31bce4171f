/**
 * The engine does not tell a handler which idempotency key its call has. But the id of an invocation is made from its target and
 * its key, so a handler can tell whether its call has a certain key: the key that the edge names, or the empty one, which the
 * engine takes for a key like any other, so that two requests with an unset variable as their key would be one payment.
 *
 * Source: https://github.com/restatedev/restate/blob/v1.7.12/crates/types/src/identifiers.rs
 */
import { hash } from "node:crypto";

/** The hash in an invocation's id: 16 bytes, the lowest first, written in base 62. */
const hashBytes = 16;
const hashDigits = 22;
const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const base = BigInt(digits.length);

/** @returns a test of an invocation's id: whether the key of that call of a service is empty. HTTP trims blanks away before. */
export function emptyKeyTest(service: string, handler: string): (invocationId: string) => boolean {
  const ending = endingOf(service, handler, "");
  return (invocationId) => invocationId.endsWith(ending);
}

/** Whether the invocation of this id is that of a service's handler with this idempotency key. */
export function hasKey(invocationId: string, service: string, handler: string, key: string): boolean {
  return invocationId.endsWith(endingOf(service, handler, key));
}

function endingOf(service: string, handler: string, key: string): string {
  const bytes = hash("sha256", `ik,${service},${handler},${key}`, "buffer").subarray(0, hashBytes).toReversed();
  return inBase62(BigInt(`0x${Buffer.from(bytes).toString("hex")}`)).padStart(hashDigits, "0");
}

function inBase62(value: bigint): string {
  let left = value;
  let text = "";
  for (; left > 0n; left /= base) text = (digits[Number(left % base)] ?? "") + text;
  return text;
}
