import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { keyFileText, type StoredKey } from "../../src/edge/apiKeyFile.ts";
import { keyIdOf } from "../../src/edge/apiKeyForm.ts";
import { openApiKeys } from "../../src/edge/apiKeys.ts";
import { temporaryDirectory, until } from "../dev/conditions.ts";
import { testKey, writeKeyFile } from "./keys.ts";

function opened(path: string) {
  const warnings: string[] = [];
  const keys = openApiKeys(path, (line) => warnings.push(line));
  onTestFinished(() => keys.close());
  return { keys, warnings };
}

function newFile(...keys: readonly StoredKey[]): string {
  const path = join(temporaryDirectory(), "keys.json");
  writeKeyFile(path, keys);
  return path;
}

/** A change has to count within a second. */
async function withinASecond(condition: () => boolean): Promise<void> {
  const begin = performance.now();
  await until(condition);
  expect(performance.now() - begin).toBeLessThan(1000);
}

/** Longer than the edge takes to look again. */
const aLookMs = 900;

/** A key with the id of a known one and a secret of its own. Its checksum is right, so only its hash is wrong. */
function forged(id: string): string {
  const body = `rsp_${id}_${"A".repeat(32)}`;
  const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  let digits = "";
  for (let rest = crc32(body); rest > 0; rest = Math.floor(rest / 62)) digits = alphabet.charAt(rest % 62) + digits;
  return `${body}_${digits.padStart(6, "0")}`;
}

const file = (...entries: readonly object[]) => JSON.stringify({ keys: entries });

describe("find", () => {
  const shop = testKey({ merchant: "acme", scopes: ["payments:write", "refunds:write"] });
  const other = testKey({ name: "reports", scopes: [] });

  it("gives the key's id, name, merchant and scopes, and nothing of its hash", () => {
    const { keys } = opened(newFile(shop.stored, other.stored));
    expect(keys.find(shop.text)).toEqual({
      id: shop.stored.id,
      name: "shop",
      merchant: "acme",
      scopes: new Set(["payments:write", "refunds:write"]),
    });
    expect(keys.find(other.text)).toMatchObject({ name: "reports", scopes: new Set() });
  });

  it("gives a key that names no merchant to the default one", () => {
    const { text, stored } = testKey({ name: "old" });
    const { merchant: _merchant, ...withoutMerchant } = stored;
    const path = newFile();
    writeFileSync(path, file(withoutMerchant));
    expect(opened(path).keys.find(text)).toMatchObject({ name: "old", merchant: "default" });
  });

  it("and a forged key that is tried below has the form of one", () => {
    expect(keyIdOf(forged(shop.stored.id))).toBe(shop.stored.id);
  });

  it.each([
    ["nothing", ""],
    ["a key that was never made here", testKey().text],
    ["a known id with another secret", forged(shop.stored.id)],
    ["a key that is too short", shop.text.slice(0, 30)],
    ["the id alone", shop.stored.id],
    ["the stored hash", shop.stored.hash],
    ["a key with a blank", `${shop.text} `],
    ["two keys", `${shop.text}, ${shop.text}`],
    ["a name that every object has", "__proto__"],
  ])("gives null for %s", (_what, presented) => {
    const { keys, warnings } = opened(newFile(shop.stored, other.stored));
    expect(keys.find(presented)).toBeNull();
    expect(warnings).toEqual([]);
  });

  it("knows nobody where the file has no keys", () => {
    expect(opened(newFile()).keys.find(shop.text)).toBeNull();
  });
});

describe("a change of the file counts within a second", () => {
  const old = testKey();
  const next = testKey();
  const isKnown = (keys: ReturnType<typeof opened>["keys"]) => ({
    old: keys.find(old.text) !== null,
    next: keys.find(next.text) !== null,
  });

  it("that is written in place", async () => {
    const path = newFile(old.stored);
    const { keys } = opened(path);
    writeKeyFile(path, [next.stored]);
    await withinASecond(() => isKnown(keys).next);
    expect(isKnown(keys)).toEqual({ old: false, next: true });
  });

  it("that replaces it by rename, again and again", async () => {
    const path = newFile(old.stored);
    const { keys, warnings } = opened(path);
    for (const now of [next, old, next]) {
      writeKeyFile(`${path}.new`, [now.stored]);
      renameSync(`${path}.new`, path);
      await withinASecond(() => keys.find(now.text) !== null);
    }
    expect(keys.find(old.text)).toBeNull();
    expect(warnings).toEqual([]);
  });

  it("that turns a link, as Kubernetes does with its secrets", async () => {
    const folder = temporaryDirectory();
    for (const [version, key] of [["1", old] as const, ["2", next] as const]) {
      mkdirSync(join(folder, version));
      writeKeyFile(join(folder, version, "keys.json"), [key.stored]);
    }
    symlinkSync("1", join(folder, "data"));
    const { keys } = opened(join(folder, "data", "keys.json"));
    symlinkSync("2", join(folder, "data.new"));
    renameSync(join(folder, "data.new"), join(folder, "data"));
    await withinASecond(() => isKnown(keys).next);
    expect(isKnown(keys)).toEqual({ old: false, next: true });
  });

  it("that revokes the last key", async () => {
    const path = newFile(old.stored);
    const { keys } = opened(path);
    expect(isKnown(keys)).toEqual({ old: true, next: false });
    writeKeyFile(path, []);
    await withinASecond(() => !isKnown(keys).old);
    expect(isKnown(keys)).toEqual({ old: false, next: false });
  });

  it("not once it is closed", async () => {
    const path = newFile(old.stored);
    const { keys } = opened(path);
    keys.close();
    writeKeyFile(path, [next.stored]);
    await delay(aLookMs);
    expect(keys.find(old.text)).not.toBeNull();
  });
});

describe("a file that can't be used", () => {
  const shop = testKey();
  const canary = "Canary-0815";
  const { hash: _hash, ...withoutHash } = shop.stored;

  const bad: readonly (readonly [string, string, RegExp])[] = [
    ["empty", "", /is not JSON/],
    ["half of it", keyFileText([shop.stored]).slice(0, 100), /is not JSON/],
    ["other text", canary, /is not JSON/],
    ["a list", JSON.stringify([shop.stored]), /the file is no object/],
    ["without a list", JSON.stringify({ keys: canary }), /\/keys is no list/],
    ["of more than keys", JSON.stringify({ keys: [], [canary]: 1 }), /the file has a field that is not known/],
    ["with an unknown field", file({ ...shop.stored, [canary]: 1 }), /\/keys\/0 has a field that is not known/],
    ["without a hash", file(withoutHash), /\/keys\/0\/hash is no SHA-256/],
    ["with a key in place of its hash", file({ ...shop.stored, hash: `${shop.text}${canary}` }), /\/keys\/0\/hash/],
    ["with a short hash", file({ ...shop.stored, hash: "ab" }), /\/keys\/0\/hash/],
    [
      "with an unknown scope",
      file({ ...shop.stored, scopes: ["payments:read", canary] }),
      /\/keys\/0\/scopes\/1 is no scope/,
    ],
    ["with a name of two lines", file({ ...shop.stored, name: `a\n${canary}` }), /\/keys\/0\/name is no name: 1 to 64/],
    ["with a merchant that is a path", file({ ...shop.stored, merchant: `../${canary}` }), /\/keys\/0\/merchant/],
    ["with a time that is none", file({ ...shop.stored, createdAt: canary }), /\/keys\/0\/createdAt is no time/],
    [
      "with one id twice",
      file(shop.stored, { ...testKey().stored, id: shop.stored.id }),
      /\/keys\/1\/id is there twice/,
    ],
    [
      "with two merchants of one name",
      file(shop.stored, testKey({ merchant: "acme" }).stored),
      /\/keys\/1\/merchant is not/,
    ],
  ];

  it.each(bad)("(%s) leaves the keys in use, is told, and is not quoted", async (_what, text, problem) => {
    const path = newFile(shop.stored);
    const { keys, warnings } = opened(path);
    writeFileSync(path, text);
    await withinASecond(() => warnings.length > 0);
    expect(warnings).toEqual([expect.stringMatching(problem)]);
    expect(warnings[0]).toMatch(/^API_KEYS_FILE .*keys\.json .*The keys that were read before stay in use\.$/);
    expect(warnings.join()).not.toMatch(/Canary|rsp_/);
    expect(keys.find(shop.text)).not.toBeNull();
  });

  it.each(bad)("(%s) ends the start", (_what, text, problem) => {
    const path = newFile();
    writeFileSync(path, text);
    expect(() => opened(path)).toThrow(problem);
  });

  it("is told once, and again when it changes, and read when it is good again", async () => {
    const path = newFile(shop.stored);
    const { keys, warnings } = opened(path);
    writeFileSync(path, "{");
    await until(() => warnings.length === 1);
    await delay(aLookMs);
    expect(warnings).toHaveLength(1);
    writeFileSync(path, "[]");
    await until(() => warnings.length === 2);
    const next = testKey();
    writeKeyFile(path, [next.stored]);
    await withinASecond(() => keys.find(next.text) !== null);
    expect(keys.find(shop.text)).toBeNull();
    expect(warnings).toHaveLength(2);
  });

  it("that vanishes is told once, and read when it is back", async () => {
    const path = newFile(shop.stored);
    const { keys, warnings } = opened(path);
    unlinkSync(path);
    await until(() => warnings.length > 0);
    await delay(aLookMs);
    expect(warnings).toEqual([expect.stringMatching(/keys\.json does not exist\. The keys .* stay in use\.$/)]);
    expect(keys.find(shop.text)).not.toBeNull();
    writeKeyFile(path, []);
    await withinASecond(() => keys.find(shop.text) === null);
  });

  it.each<[string, (path: string) => unknown]>([
    ["a folder", (path) => mkdirSync(path)],
    ["a pipe that nobody writes to", (path) => execFileSync("mkfifo", [path])],
  ])("that became %s doesn't stop the edge", async (_what, make) => {
    const path = newFile(shop.stored);
    const { keys, warnings } = opened(path);
    rmSync(path);
    make(path);
    await until(() => warnings.some((line) => line.includes("is no file")));
    expect(keys.find(shop.text)).not.toBeNull();
  });

  it("is missing at the start", () => {
    const path = join(temporaryDirectory(), "keys.json");
    expect(() => opened(path)).toThrow(/^API_KEYS_FILE .*keys\.json does not exist\.$/);
    expect(existsSync(path)).toBe(false);
  });
});

describe.skipIf(process.platform === "win32")("a file that is open to others", () => {
  it.each([0o640, 0o620, 0o604, 0o602, 0o666, 0o644])("(mode %o) is told at the start, and its keys count", (mode) => {
    const shop = testKey();
    const path = newFile(shop.stored);
    chmodSync(path, mode);
    const { keys, warnings } = opened(path);
    expect(warnings).toEqual([
      expect.stringMatching(`is open to other users \\(mode 0${mode.toString(8)}\\).*chmod 600`),
    ]);
    expect(keys.find(shop.text)).not.toBeNull();
  });

  it.each([0o600, 0o400, 0o700])("(mode %o) is not", (mode) => {
    const path = newFile();
    chmodSync(path, mode);
    expect(opened(path).warnings).toEqual([]);
  });

  it("is told once when it becomes so later", async () => {
    const path = newFile();
    const { warnings } = opened(path);
    chmodSync(path, 0o666);
    await until(() => warnings.length > 0);
    await delay(aLookMs);
    expect(warnings).toEqual([expect.stringContaining("mode 0666")]);
  });
});
