import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { calls } from "../../src/api/calls.ts";
import { failureBodySchema, statusOfReason } from "../../src/api/failures.ts";
import { callTexts, failureExample, type CallText } from "./callTexts.ts";
import { fieldsOf, schemaOf } from "./fieldTable.ts";
import { CALLS_FILE, generateCalls } from "./generateCalls.ts";

it("docs/calls.md is what the registry and the contracts say, else run: npm run docs", async () => {
  expect((await readFile(CALLS_FILE, "utf8")) === generateCalls(), "docs/calls.md must be written anew").toBe(true);
});

it("The example of a failure is one that callers get", () => {
  expect(failureBodySchema.parse(failureExample)).toEqual(failureExample);
  expect(failureExample.code).toBe(statusOfReason.declined);
});

describe.each(calls)("the text about $handler", ({ service, handler, input, output }) => {
  const texts: Readonly<Record<string, Readonly<Record<string, CallText>>>> = callTexts;
  const { notes = {}, instead = {}, defaults = {}, request = {}, answer = {} } = texts[service]?.[handler] ?? {};
  const fields = fieldsOf(schemaOf(input, "input"));

  it("has an example that the call takes, and an answer that it gives", () => {
    expect(input.safeParse(real(request)).error).toBeUndefined();
    expect(output.parse(real(answer))).toEqual(real(answer));
  });

  it("speaks of fields that exist", () => {
    const paths = fields.map(({ path }) => path);
    const spokenOf = Object.keys({ ...notes, ...instead, ...defaults });
    expect(spokenOf.filter((path) => !paths.includes(path))).toEqual([]);
  });

  it("leaves no field without a word", () => {
    const silent = fields.filter(({ path, description }) => description === "" && notes[path] === undefined);
    // Its values say it.
    expect(silent.map(({ path }) => path).filter((path) => path !== "mandate.type")).toEqual([]);
  });

  it("says of no default anything else than the schema", () => {
    const twice = fields.filter((field) => field.default !== undefined && defaults[field.path] !== undefined);
    expect(twice.filter((field) => field.default !== defaults[field.path])).toEqual([]);
  });
});

/** The example with ids that a schema takes. */
function real(example: object): unknown {
  return JSON.parse(JSON.stringify(example).replaceAll("…", "1"));
}
