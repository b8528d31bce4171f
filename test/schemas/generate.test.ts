import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { generate } from "./generate.ts";

it("the committed schemas are those of the installed stripe package, else run: npm run schemas", async () => {
  const files = [...generate()];
  expect(files).not.toHaveLength(0);
  for (const [file, text] of files) {
    const committed = await readFile(file, "utf8");
    expect(JSON.parse(committed)).toMatchObject({ stripePackage: JSON.parse(text).stripePackage as string });
    expect(committed === text, `${file.pathname} must be written anew`).toBe(true);
  }
});
