import { describe, expect, it } from "vitest";
import { isWithin } from "../../src/config/addresses.ts";
import { parseSettings } from "../../src/config/settings.ts";

describe("EDGE_RATE_LIMITS", () => {
  it.each([
    ["off", { keyPerSecond: null, refusedPerSecond: null }],
    ["key=200,refused=50", { keyPerSecond: 200, refusedPerSecond: 50 }],
    [" refused=1 , key=1000000 ", { keyPerSecond: 1_000_000, refusedPerSecond: 1 }],
    ["key=200", { keyPerSecond: 200, refusedPerSecond: null }],
    ["refused=50", { keyPerSecond: null, refusedPerSecond: 50 }],
  ])("takes %j", (text, limits) => {
    expect(parseSettings({ EDGE_RATE_LIMITS: text })).toEqual({ settings: { EDGE_RATE_LIMITS: limits }, problems: [] });
  });

  it.each([
    "on",
    "200",
    "key=0",
    "key=-1",
    "key=1.5",
    "key=1e3",
    "key=1000001",
    "key=1,key=2",
    "key=1,",
    "off,key=1",
    "caller=1",
    "key = 1",
  ])("refuses %j, and gives an example", (text) => {
    expect(parseSettings({ EDGE_RATE_LIMITS: text }).problems).toEqual([
      expect.stringMatching(/^EDGE_RATE_LIMITS .*Expected off, or .*for example key=200,refused=50\.$/),
    ]);
  });
});

describe("TRUST_PROXY", () => {
  it("takes addresses and ranges", () => {
    const ranges = parseSettings({ TRUST_PROXY: "10.0.0.0/8, ::1" }).settings.TRUST_PROXY;
    if (ranges === undefined) throw new Error("These are ranges.");
    expect(["10.1.2.3", "::1", "192.0.2.1"].map((address) => isWithin(ranges, address))).toEqual([true, true, false]);
  });

  it.each(["yes", "10.0.0.0/33", "0.0.0.0/0", "loopback", "10.0.0.1;10.0.0.2"])(
    "refuses %j, and gives an example",
    (text) => {
      expect(parseSettings({ TRUST_PROXY: text }).problems).toEqual([
        expect.stringMatching(/^TRUST_PROXY .*Expected the addresses .*for example 10\.0\.0\.0\/8,fd00::1/),
      ]);
    },
  );
});

describe("API_KEYS_FILE", () => {
  it.each(["keys.json", "/etc/payments/keys.json", "C:\\keys.json", "~/mes clés.json"])("takes the path %j", (path) => {
    expect(parseSettings({ API_KEYS_FILE: path })).toEqual({ settings: { API_KEYS_FILE: path }, problems: [] });
  });

  it.each(['{ "keys": [] }', "rsp_0123456789_abc", "Bearer abc", "keys\n.json", "k".repeat(5000)])(
    "refuses %j, and does not repeat it",
    (text) => {
      expect(parseSettings({ API_KEYS_FILE: text }).problems).toEqual([
        "API_KEYS_FILE has a value that cannot be used (not shown here). Expected the path of the file of API keys, for example keys.json; npm run keys makes it.",
      ]);
    },
  );
});

describe("MERCHANTS_FILE", () => {
  it("is a path, for the service and the edge", () => {
    const MERCHANTS_FILE = "/etc/payments/merchants.json";
    expect(parseSettings({ MERCHANTS_FILE })).toEqual({ settings: { MERCHANTS_FILE }, problems: [] });
  });

  it.each(['{ "merchants": [] }', "sk_live_Canary", "rk_test_Canary", "whsec_Canary", "m".repeat(5000)])(
    "refuses %j, and does not repeat it",
    (text) => {
      expect(parseSettings({ MERCHANTS_FILE: text }).problems).toEqual([
        "MERCHANTS_FILE has a value that cannot be used (not shown here). Expected the path of the file of further merchants, for example merchants.json; docs/merchants.md shows one.",
      ]);
    },
  );
});

describe("STRIPE_CLIENT_ID", () => {
  it("is that of a Connect platform", () => {
    const STRIPE_CLIENT_ID = "ca_32D88BD1qLklliziD7gYQvctJIhWBSQ7";
    expect(parseSettings({ STRIPE_CLIENT_ID })).toEqual({ settings: { STRIPE_CLIENT_ID }, problems: [] });
  });

  it.each(["acct_1", "sk_live_Canary", "ca_", "ca_1 ca_2"])("refuses %j, and does not repeat it", (text) => {
    expect(parseSettings({ STRIPE_CLIENT_ID: text }).problems).toEqual([
      "STRIPE_CLIENT_ID has a value that cannot be used (not shown here). Expected the client id of your Connect platform (ca_…), for example ca_9hbG….",
    ]);
  });
});
