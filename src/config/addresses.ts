/**
 * IP addresses and ranges of them. An address has many spellings, and an IPv4 address reaches a socket of both families as IPv6
 * (`::ffff:127.0.0.1`), so addresses are compared in one spelling.
 */
import { BlockList, isIPv4, isIPv6 } from "node:net";

/** The one spelling of an address, with an IPv4 address as such and no zone; null where the text is no address. */
export function addressOf(text: string): string | null {
  if (isIPv4(text)) return text;
  if (!isIPv6(text)) return null;
  // The URL standard has one spelling for each address. It takes no zone, which names a network card of this machine alone.
  const host = URL.parse(`http://[${text.replace(/%.*$/, "")}]`)?.hostname.slice(1, -1);
  if (host === undefined) return null;
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host) ?? [];
  return high === undefined || low === undefined ? host : `${octets(high)}.${octets(low)}`;
}

function octets(group: string): string {
  const value = Number.parseInt(group, 16);
  return `${value >> 8}.${value & 255}`;
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv4(address) ? "ipv4" : "ipv6";
}

/** Whether a range holds the address, in whatever spelling. */
export function isWithin(ranges: BlockList, text: string): boolean {
  const address = addressOf(text);
  return address !== null && ranges.check(address, familyOf(address));
}

/**
 * Addresses and CIDR ranges, separated by commas; undefined where an entry is neither. A range of all addresses is refused: it would
 * let every caller choose his address.
 */
export function addressRangesOf(text: string): BlockList | undefined {
  const ranges = new BlockList();
  return text.split(",").every((entry) => isAdded(ranges, entry.trim())) ? ranges : undefined;
}

function isAdded(ranges: BlockList, entry: string): boolean {
  const [, base = "", bits] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(entry) ?? [];
  const address = addressOf(base);
  if (address === null) return false;
  const family = familyOf(address);
  if (bits === undefined) {
    ranges.addAddress(address, family);
    return true;
  }
  const prefix = Number(bits);
  // The prefix of an IPv4 range that is written as IPv6 counts other bits.
  if (prefix < 1 || prefix > (family === "ipv4" ? 32 : 128) || isIPv4(base) !== isIPv4(address)) return false;
  ranges.addSubnet(address, prefix, family);
  return true;
}
