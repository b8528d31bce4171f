import { describe, expect, it } from "vitest";
import { addressOf, addressRangesOf, isWithin } from "../../src/config/addresses.ts";

it.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::FFFF:c000:201", "192.0.2.1"],
  ["0:0:0:0:0:ffff:255.0.0.1", "255.0.0.1"],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
  ["2001:db8::1", "2001:db8::1"],
  ["::1", "::1"],
  ["fe80::1%eth0", "fe80::1"],
])("The address %s is written %s", (text, address) => {
  expect(addressOf(text)).toBe(address);
});

it.each([
  "",
  "unknown",
  "localhost",
  "1.2.3",
  "1.2.3.4.5",
  "01.2.3.4",
  "256.1.1.1",
  "1.2.3.4 ",
  "[::1]",
  ":::1",
  "::1/64",
])("%j is no address", (text) => {
  expect(addressOf(text)).toBeNull();
});

describe("ranges", () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ["10.0.0.1", ["10.0.0.1", "::ffff:10.0.0.1", "::ffff:a00:1"], ["10.0.0.2", "::a00:1"]],
    ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], ["11.0.0.0", "9.255.255.255"]],
    ["10.0.0.1/32, fd00::/8", ["10.0.0.1", "fd12:3456::1"], ["10.0.0.2", "fe00::1", "not an address"]],
    ["::1,127.0.0.0/8", ["::1", "0:0:0:0:0:0:0:1", "127.9.9.9"], ["::2", "128.0.0.1"]],
    ["::ffff:10.0.0.1", ["10.0.0.1", "::ffff:10.0.0.1"], ["10.0.0.2"]],
  ])("%s holds %j and not %j", (text, inside, outside) => {
    const ranges = addressRangesOf(text);
    if (ranges === undefined) throw new Error("These are ranges.");
    expect(inside.filter((address) => !isWithin(ranges, address))).toEqual([]);
    expect(outside.filter((address) => isWithin(ranges, address))).toEqual([]);
  });

  it.each([
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "fd00::/129",
    "10.0.0.1,,10.0.0.2",
    "10.0.0.1 10.0.0.2",
    "proxy.internal",
    "10.0.0.1:80",
    // The prefix of an address that is written as IPv6 would count from another bit.
    "::ffff:10.0.0.0/8",
    // All addresses: every caller would choose his own.
    "0.0.0.0/0",
    "::/0",
  ])("%s is refused", (text) => {
    expect(addressRangesOf(text)).toBeUndefined();
  });
});
