import { describe, expect, it } from "vitest";
import { hashOfKey, keyIdOf, makeApiKey } from "../../src/edge/apiKeyForm.ts";
import { withoutSecrets } from "../../src/telemetry/secrets.ts";

describe("a new key", () => {
  it("has a prefix, an id, 190 random bits and a checksum, and is stored as its hash", () => {
    const { text, id, hash } = makeApiKey();
    expect(text).toMatch(/^rsp_[0-9a-z]{10}_[0-9A-Za-z]{32}_[0-9A-Za-z]{6}$/);
    expect(text).toContain(`rsp_${id}_`);
    expect(hash).toBe(hashOfKey(text).toString("hex"));
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(keyIdOf(text)).toBe(id);
  });

  it("is like no other, in its id and in its secret", () => {
    const made = Array.from({ length: 500 }, () => makeApiKey());
    expect(new Set(made.map(({ id }) => id)).size).toBe(500);
    expect(new Set(made.map(({ text }) => text.split("_")[2])).size).toBe(500);
    // Every character is drawn, so none of the alphabet's is left out by a wrong bound.
    expect(new Set(made.flatMap(({ text }) => Array.from(text.split("_")[2] ?? ""))).size).toBe(62);
  });

  it("is known to what cleans the log, which leaves its id", () => {
    const { text, id } = makeApiKey();
    expect(withoutSecrets(`refused: ${text}, again`)).toBe(`refused: rsp_${id}_[redacted], again`);
    expect(withoutSecrets({ headers: { authorization: `Bearer ${text}` } })).toEqual({
      headers: { authorization: "Bearer [redacted]" },
    });
  });
});

/** The CRC-32 of the text before it in base 62, as Python's zlib computes it: anybody who scans for leaked keys can check it. */
it.each([
  "rsp_0000000000_00000000000000000000000000000000_24out8",
  "rsp_0000000000_00000000000000000000000000000001_06TmGA",
])("The checksum of %s is right", (text) => {
  expect(keyIdOf(text)).toBe("0000000000");
});

describe("refuses, without hashing,", () => {
  const { text } = makeApiKey();
  const swapped = (at: number) => text.slice(0, at) + (text[at] === "a" ? "b" : "a") + text.slice(at + 1);
  it.each([
    ["nothing", ""],
    ["a short text", "rsp_a_b_c"],
    ["a text without its last character", text.slice(0, -1)],
    ["a text with one more", `${text}0`],
    ["a wrong character of the id", swapped(6)],
    ["a wrong character of the secret", swapped(20)],
    ["a wrong character of the checksum", swapped(text.length - 1)],
    ["another prefix", `sk_${text.slice(4)}0`],
    ["upper case", text.toUpperCase()],
    ["a blank", ` ${text.slice(1)}`],
    ["a line's end", `${text.slice(0, -1)}\n`],
    ["letters that look alike", text.replace("rsp", "гsp")],
    ["megabytes", "rsp_".repeat(1_000_000)],
  ])("%s", (_what, presented) => {
    expect(keyIdOf(presented)).toBeNull();
  });
});
