import { describe, expect, it } from "vitest";
import { addressRangesOf } from "../../src/config/addresses.ts";
import { clientAddress } from "../../src/edge/clientAddress.ts";

const proxies = addressRangesOf("10.0.0.0/8,127.0.0.1,fd00::1") ?? null;
const forwarded = (...values: readonly string[]) => ({ "x-forwarded-for": values });

describe("without trusted proxies", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:DB8::1", "2001:db8::1"],
    [undefined, "unknown"],
  ])("a connection from %s is from %s, whatever a header says", (remoteAddress, address) => {
    for (const headers of [{}, forwarded("203.0.113.9"), forwarded("nonsense")]) {
      expect(clientAddress({ remoteAddress, headers }, null)).toBe(address);
    }
  });
});

it.each<[string, string | undefined, readonly string[], string]>([
  ["no header came", "10.0.0.1", [], "10.0.0.1"],
  ["a stranger writes the header", "192.0.2.1", ["203.0.113.9"], "192.0.2.1"],
  ["one proxy", "10.0.0.1", ["203.0.113.9"], "203.0.113.9"],
  ["one proxy on this machine, over IPv6", "::ffff:127.0.0.1", ["203.0.113.9"], "203.0.113.9"],
  ["one proxy with an IPv6 address", "fd00:0:0::1", ["2001:DB8::9"], "2001:db8::9"],
  ["two proxies", "10.0.0.1", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"],
  ["two headers", "10.0.0.1", ["198.51.100.1, 203.0.113.9", "10.0.0.2"], "203.0.113.9"],
  ["the caller writes an address of his own before", "10.0.0.1", ["127.0.0.1, 203.0.113.9"], "203.0.113.9"],
  ["the caller writes trusted addresses before", "10.0.0.1", ["10.9.9.9, 10.8.8.8, 203.0.113.9"], "203.0.113.9"],
  ["only proxies", "10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"],
  ["a proxy that adds ports", "10.0.0.1", ["203.0.113.9:49152"], "203.0.113.9"],
  ["a proxy that adds ports to IPv6", "10.0.0.1", ["[2001:db8::9]:49152"], "2001:db8::9"],
  ["a malformed entry", "10.0.0.1", ["203.0.113.9, nonsense"], "10.0.0.1"],
  ["a malformed entry behind a proxy", "10.0.0.1", ["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"],
  ["a malformed entry before the caller", "10.0.0.1", ["nonsense, 203.0.113.9"], "203.0.113.9"],
  ["an empty entry", "10.0.0.1", ["203.0.113.9, "], "10.0.0.1"],
  ["an empty header", "10.0.0.1", [""], "10.0.0.1"],
  ["two addresses in one entry", "10.0.0.1", ["203.0.113.9 198.51.100.1"], "10.0.0.1"],
  ["a Unix socket", undefined, ["203.0.113.9"], "unknown"],
])("Where %s, the caller is found", (_what, remoteAddress, values, address) => {
  const headers = values.length === 0 ? {} : forwarded(...values);
  expect(clientAddress({ remoteAddress, headers }, proxies)).toBe(address);
});
