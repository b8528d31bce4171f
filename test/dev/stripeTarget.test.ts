import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { targetFolder } from "../../src/dev/stripeTarget.ts";
import { temporaryDirectory } from "./conditions.ts";

const key = { secretKey: "sk_test_one", apiBase: undefined };
const rotatedKey = { secretKey: "sk_test_two", apiBase: undefined };
const liveKey = { secretKey: "sk_live_one", apiBase: undefined };
const unavailable = undefined;

test("the folder is the mode and a hash of the account", () => {
  const hash = createHash("sha256").update("acct_1").digest("hex").slice(0, 12);
  expect(targetFolder(temporaryDirectory(), key, "acct_1")).toBe(`test-${hash}`);
  expect(targetFolder(temporaryDirectory(), liveKey, "acct_1")).toBe(`live-${hash}`);
});

test("another account, another mode and another address of the API are other targets", () => {
  const directory = temporaryDirectory();
  const folders = [
    targetFolder(directory, key, "acct_1"),
    targetFolder(directory, rotatedKey, "acct_2"),
    targetFolder(directory, liveKey, "acct_1"),
    targetFolder(directory, { ...key, apiBase: "http://127.0.0.1:1" }, "acct_1"),
    targetFolder(directory, { ...key, apiBase: "http://127.0.0.1:2" }, unavailable),
  ];
  expect(new Set(folders).size).toBe(folders.length);
});

test("a known key finds its folder while Stripe is unavailable", () => {
  const directory = temporaryDirectory();
  const folder = targetFolder(directory, key, "acct_1");
  expect(targetFolder(directory, key, unavailable)).toBe(folder);
});

test("a rotated key goes on in its account's folder", () => {
  const directory = temporaryDirectory();
  const folder = targetFolder(directory, key, "acct_1");
  expect(targetFolder(directory, rotatedKey, "acct_1")).toBe(folder);
  expect(targetFolder(directory, rotatedKey, unavailable)).toBe(folder);
});

test("a key first seen while Stripe was unavailable keeps its folder when its account becomes known, and shares it then", () => {
  const directory = temporaryDirectory();
  const folder = targetFolder(directory, key, unavailable);
  expect(folder).toMatch(/^test-key-[0-9a-f]{12}$/);
  expect(targetFolder(directory, rotatedKey, unavailable)).not.toBe(folder);
  expect(targetFolder(directory, key, "acct_1")).toBe(folder);
  expect(targetFolder(directory, { ...key, secretKey: "sk_test_three" }, "acct_1")).toBe(folder);
});

test("a mock that changes its account gets another folder", () => {
  const directory = temporaryDirectory();
  const mock = { secretKey: "sk_test_mock", apiBase: "http://127.0.0.1:1" };
  expect(targetFolder(directory, mock, "acct_1")).not.toBe(targetFolder(directory, mock, "acct_2"));
});

test("no key is written down", () => {
  const directory = temporaryDirectory();
  targetFolder(directory, key, "acct_1");
  expect(readFileSync(join(directory, "targets.json"), "utf8")).not.toContain("sk_test_one");
});

test.each(["{", '{"a":{"folder":"../elsewhere"}}', "[]"])(
  "a damaged targets.json (%s) stops instead of guessing",
  (content) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "targets.json"), content);
    expect(() => targetFolder(directory, key, "acct_1")).toThrow(/targets\.json is damaged/);
  },
);
