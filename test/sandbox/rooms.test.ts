/** The sandbox's rooms import one way only; src/sandbox/sandbox.ts says in which order. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../src/sandbox", import.meta.url));
const ROOMS = ["assets", "world", "http", "webhooks", "objects", "control", "pages", "app.ts", "sandbox.ts"];
const MOST_FILES = 15;

const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
/** With imports of types, which lint doesn't count as circles. */
const imports = new Map(
  files.map((file) => {
    const text = readFileSync(join(root, file), "utf8");
    const named = [...text.matchAll(/from\s+"(\.[^"]+\.ts)"/g)].map(([, path = ""]) => path);
    return [file, named.map((path) => relative(root, join(root, dirname(file), path)))] as const;
  }),
);

const roomOf = (file: string): number => ROOMS.indexOf(file.split("/")[0] ?? "");

/** The files on the way from the file back to itself; empty when there is none. */
function circleFrom(start: string): readonly string[] {
  const seen = new Set<string>();
  const walk = (file: string): readonly string[] => {
    for (const next of imports.get(file) ?? []) {
      if (next === start) return [file];
      if (seen.has(next)) continue;
      seen.add(next);
      const way = walk(next);
      if (way.length > 0) return [file, ...way];
    }
    return [];
  };
  return walk(start);
}

describe("the sandbox's files", () => {
  it("import only from their own room and those before it, and nothing of the service", () => {
    const wrong = [...imports].flatMap(([file, named]) =>
      named
        .filter((other) => other.startsWith("..") || roomOf(other) > roomOf(file))
        .map((other) => `${file} → ${other}`),
    );
    expect(wrong).toEqual([]);
  });

  it("import nothing in a circle", () => {
    expect(files.map(circleFrom).filter((way) => way.length > 0)).toEqual([]);
  });

  it("stand in rooms that have a place in the order, at most fifteen in a folder", () => {
    expect(files.filter((file) => roomOf(file) < 0)).toEqual([]);
    const counts = Map.groupBy(files, (file) => dirname(file));
    expect([...counts].filter(([, those]) => those.length > MOST_FILES).map(([folder]) => folder)).toEqual([]);
  });
});
