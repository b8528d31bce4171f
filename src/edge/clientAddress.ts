/**
 * The address of who sends a request. Behind a proxy each connection comes from the proxy, which adds to `x-forwarded-for` the address
 * that it saw. Anybody can write this header, so it counts from right to left, as far as the proxies are ours (`TRUST_PROXY`).
 * https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Forwarded-For#selecting_an_ip_address
 */
import type { BlockList } from "node:net";
import { addressOf, isWithin } from "../config/addresses.ts";
import type { RequestHeaders } from "./requestHeaders.ts";

export type Connection = {
  /** Undefined once the caller has gone, and on a Unix socket. */
  readonly remoteAddress: string | undefined;
  readonly headers: RequestHeaders;
};

/** The address in its one spelling, or the word `unknown`. A malformed entry ends the list at the last proxy that is ours. */
export function clientAddress({ remoteAddress, headers }: Connection, trustProxy: BlockList | null): string {
  let address = addressOf(remoteAddress ?? "") ?? "unknown";
  if (trustProxy === null) return address;
  const entries = (headers["x-forwarded-for"] ?? []).join(",").split(",");
  for (const entry of entries.toReversed()) {
    const next = addressOf(withoutPort(entry.trim()));
    if (next === null || !isWithin(trustProxy, address)) break;
    address = next;
  }
  return address;
}

/** Some proxies add the port that they saw: `192.0.2.1:49152`, `[2001:db8::1]:49152`. */
function withoutPort(entry: string): string {
  const [, v4, v6] = /^(?:([\d.]+)|\[([\da-fA-F:.]+)\])(?::\d{1,5})?$/.exec(entry) ?? [];
  return v4 ?? v6 ?? entry;
}
