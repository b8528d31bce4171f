import { expect, it } from "vitest";
import { calls } from "../../src/api/calls.ts";
import { isScope, scopes } from "../../src/api/scopes.ts";

it("The scopes are those that callers were promised", () => {
  expect(scopes.join(" ")).toBe(
    "payments:read payments:write refunds:write customers:read customers:write disputes:read disputes:write checkout:read checkout:write orders:read orders:write subscriptions:read subscriptions:write accounts:read accounts:write transfers:write console:read console:write",
  );
});

it("Every call of the registry needs one of them", () => {
  expect(calls.filter(({ scope }) => !isScope(scope))).toEqual([]);
});

it.each(["", "payments", "payments:", "PAYMENTS:READ", "refunds:read", "__proto__", "toString", "0"])(
  "%j is no scope",
  (text) => {
    expect(isScope(text)).toBe(false);
  },
);

it("Waiting is reading, and needs no scope to write", () => {
  const waiting = calls.filter(({ handler }) => /^await(Payment|Refund|Setup)$/.test(handler));
  expect(waiting.map(({ scope }) => scope)).toEqual(["payments:read", "payments:read", "payments:read"]);
});
