/** How bytes become a request: nothing is changed on the way, and what would be changed is refused. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { calls } from "../../src/api/calls.ts";
import { readRequestBody } from "../../src/api/requestBody.ts";

const bytesOf = (json: string) => new TextEncoder().encode(json);
const read = (json: string) => readRequestBody(z.unknown(), bytesOf(json));

const many = (count: number, member: (index: number) => string) =>
  Array.from({ length: count }, (_, n) => member(n)).join(",");
const timeOf = (work: () => unknown) => {
  const begun = performance.now();
  work();
  return performance.now() - begun;
};

describe("a body", () => {
  it("is read as JSON.parse reads it, however it is written", () => {
    const names = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom('"', "\\", "{", "[", ",", ":", "a", "constructor"),
    );
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.jsonValue({ maxDepth: 0 }),
        names,
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(
          names.filter((name) => name !== "__proto__"),
          tie("value"),
          { maxKeys: 3 },
        ),
      ),
    })).value;
    fc.assert(
      fc.property(values, fc.constantFrom(0, 1, "\t"), (value, space) => {
        const json = JSON.stringify(value, null, space);
        expect(read(json)).toEqual(JSON.parse(json));
      }),
    );
  });

  it.each([
    ['{"a":{"b":1,"c":{},"b":2}}', "(at /a/b) is there twice"],
    ['[{"a":[1,{"b":{"__proto__":1}}]}]', "(at /a/b/__proto__) is a name that can't be used"],
    ['{"a":1,"\\u0061":2}', "(at /a) is there twice"],
    [`${"[".repeat(33)}${"]".repeat(33)}`, "has more than 32 levels"],
    [`{"a":[${"1,".repeat(200)}1]}`, "has more than 200 fields"],
    ['{"a":"\\x"}', "is not JSON"],
    ['{"\\x":1}', "is not JSON"],
    ['{"a":1', "is not JSON"],
    ['"', "is not JSON"],
    ["}{", "is not JSON"],
  ])("is refused where it is %s", (json, why) => {
    expect(() => read(json)).toThrow(why);
  });

  it.each([
    '{"a":{"b":1},"b":{"a":1,"b":2}}',
    '[{"a":1},{"a":1}]',
    '{"a":"{\\"a\\":1,\\"a\\":2}","b":"__proto__"}',
    '{"":{"":{"":1}}}',
    `${"[".repeat(32)}${"]".repeat(32)}`,
    `[${"1,".repeat(199)}1]`,
    '"\ufeff"',
  ])("is taken where it is %s", (json) => {
    expect(read(json)).toEqual(JSON.parse(json));
  });

  it.each<[string, string]>([
    ["wrong metadata values", `{"metadata":{${many(85_000, (n) => `"${n}k":0`)}}}`],
    ["unknown fields", `{${many(80_000, (n) => `"k${n}":0`)}}`],
    ["empty objects", `[${many(330_000, () => "{}")}]`],
    ["numbers", `[${many(490_000, () => "1")}]`],
    ["backslashes", `{"description":"${"\\\\".repeat(490_000)}"}`],
    ["quotes", `{"description":"${'\\"'.repeat(490_000)}"}`],
    ["spaces", " ".repeat(990_000)],
    ["commas", ",".repeat(990_000)],
    ["brackets", "[]".repeat(490_000)],
    ["digits", `{"amount":${"1".repeat(990_000)}}`],
  ])("of a megabyte of %s is refused by every call as fast as it is read", (_what, json) => {
    const bytes = bytesOf(json);
    const characters = () => Array.from(json, (character) => character).length;
    const allowedMs = 30 + 5 * timeOf(characters);
    for (const { input } of calls) {
      const refuse = () => expect(() => readRequestBody<unknown>(input, bytes)).toThrow("The request is not valid");
      const isSlow = () => timeOf(refuse) > allowedMs;
      expect(isSlow() && isSlow() && isSlow()).toBe(false);
    }
  });
});
