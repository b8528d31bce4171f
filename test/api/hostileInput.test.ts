/** A megabyte of garbage in any field of any call is refused in a time that grows with its size, not with its square. */
import { expect, it } from "vitest";
import type { z } from "zod";
import { calls } from "../../src/api/calls.ts";
import { schemaOf } from "../docs/fieldTable.ts";

type Schema = ReturnType<typeof schemaOf>;
type Path = readonly string[];

const megabyte = 1_000_000;
/** A check that is quadratic shows at the first sizes already, so that the test ends early instead of hanging. */
const sizes = [10_000, 30_000, 100_000, 300_000, megabyte];

const units: Readonly<Record<string, string>> = {
  letters: "a",
  digits: "1",
  spaces: " ",
  quotes: '"',
  "at signs": "@",
  dots: ".",
  colons: ":",
  slashes: "/",
  backslashes: "\\",
  underscores: "_",
  hyphens: "-",
  brackets: "[",
  "new lines": "\n",
  "letters with dots": "a.",
  "letters with at signs": "a@",
  "halves of characters": "\ud800",
  "characters of four bytes": "😀",
};

/** What a check wants to see first, so that it looks at the rest. */
const beginnings = ["pi_", "seti_", "re_", "du_", "a@", "a@b.", "https://", "https://a@", "myshop://", "::", '"'];

/** A character that most checks refuse, and see last. */
const endings = ["", "*", "\n", "@"];

const texts = endings.flatMap((ending) => [
  ...Object.values(units).map((unit) => ({ beginning: "", unit, ending })),
  ...beginnings.flatMap((beginning) => ["a", "a."].map((unit) => ({ beginning, unit, ending }))),
]);

/** Every place of a body that takes a text: the values and, of a record, a key. */
function textsOf(schema: Schema, path: Path = []): readonly Path[] {
  const variants = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  const records = schema.additionalProperties;
  return [
    ...(schema.type === "string" && schema.const === undefined ? [path] : []),
    ...variants.flatMap((variant) => textsOf(variant, path)),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => textsOf(field, [...path, name])),
    ...(typeof records === "object"
      ? [
          [...path, "key"],
          [...path, ""],
        ]
      : []),
  ];
}

/** A body with nothing but the text in its place; the name "" stands for the text as a key. */
function bodyWith(path: Path, text: string): unknown {
  return path.reduceRight<unknown>((inner, name) => {
    const tag = name === "ipAddress" || name === "userAgent" ? { type: "online" } : {};
    return name === "" ? { [text]: "value" } : { ...tag, [name]: inner };
  }, text);
}

function timeOf(work: () => unknown): number {
  const begun = performance.now();
  work();
  return performance.now() - begun;
}

/** Every text in every size, and how long it takes to read each once, which is the least that anybody does with it. */
const garbage = texts.map(({ beginning, unit, ending }) => ({
  name: JSON.stringify(`${beginning}${unit}…${ending}`),
  sizes: sizes.map((size) => {
    const text = beginning + unit.repeat(size / unit.length) + ending;
    return { size, text, allowedMs: 30 + 10 * timeOf(() => JSON.parse(JSON.stringify(text))) };
  }),
}));

/** The texts that take longer than they may, three times in a row: whatever else the machine does comes and goes. */
function slowTexts(schema: z.ZodType, path: Path): readonly string[] {
  return garbage.flatMap((one) => {
    const slow = one.sizes.find(({ text, allowedMs }) => {
      const body = bodyWith(path, text);
      const isSlow = () => timeOf(() => schema.safeParse(body)) > allowedMs;
      return isSlow() && isSlow() && isSlow();
    });
    return slow === undefined ? [] : [`${slow.size} of ${one.name}`];
  });
}

const fields = calls.flatMap(({ handler, input }) =>
  textsOf(schemaOf(input, "input")).map((path) => ({ handler, field: path.join(".") || "(key)", path, input })),
);

it("The test finds the fields", () => {
  const found = fields.map(({ handler, field }) => `${handler} ${field}`);
  for (const field of [
    "statementDescriptorSuffix",
    "metadata.key",
    "metadata.",
    "mandate.userAgent",
    "returnUrl",
    "currency",
  ]) {
    expect(found).toContain(`processPayment ${field}`);
  }
  expect(found).toContain("submitDisputeEvidence evidence.uncategorizedText");
});

it.each(fields)("$handler refuses a megabyte in $field at once", { timeout: 120_000 }, ({ path, input }) => {
  expect(input.safeParse(bodyWith(path, "a".repeat(megabyte))).success).toBe(false);
  expect(slowTexts(input, path)).toEqual([]);
});
