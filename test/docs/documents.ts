/** The documents as data: their links, headings, and code, read as GitHub reads them. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

type Document = { readonly path: string; readonly text: string };

type Link = { readonly path: string; readonly anchor: string | undefined };

const inFolders = (["docs", "test"] as const).flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);

const paths = ["README.md", "DESIGN.md", "RELIABILITY.md", "CHANGELOG.md", ...inFolders];

export const documents: readonly Document[] = paths.map((path) => ({ path, text: readFileSync(path, "utf8") }));

export function documentAt(path: string): Document {
  const document = documents.find((one) => one.path === path);
  if (document === undefined) throw new Error(`There is no document ${path}.`);
  return document;
}

/** The links to files and headings of this repository. Links in code are text. */
export function localLinks({ path, text }: Document): readonly Link[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/i.test(target))
    .map((target) => {
      const [file = "", anchor] = target.split("#");
      return { path: file === "" ? path : normalize(join(dirname(path), file)), anchor };
    });
}

/** GitHub's anchors: lower case, no punctuation, hyphens for spaces, and a number where a heading comes again. */
export function anchorsOf({ text }: Document): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const anchors = [...withoutBlocks(text).matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading = ""]) => {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = plain.replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, "").replaceAll(" ", "-");
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    return times === 0 ? anchor : `${anchor}-${times}`;
  });
  return new Set(anchors);
}

/** Everything in backticks that looks like a path of `src` or `test`, without the number of a line. */
export function namedPaths({ text }: Document): readonly string[] {
  return [...withoutBlocks(text).matchAll(/`((?:src|test)\/[^`\s*{}]*)`/g)].map(([, path = ""]) => path);
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^ *```[\s\S]*?^ *```/gm, "");
}

function withoutCode(text: string): string {
  return withoutBlocks(text).replaceAll(/`[^`\n]*`/g, "");
}
