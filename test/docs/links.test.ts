/** The documents hold what they promise: links lead somewhere, settings, scripts and events are named, and named paths exist. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { webhookEventTypes } from "../../src/webhooks/eventTable.ts";
import { anchorsOf, documentAt, documents, localLinks, namedPaths } from "./documents.ts";

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Readonly<Record<string, string>> };

/** Without the scripts that npm runs by itself before and after others. */
const scripts = Object.keys(manifest.scripts).filter((script) => !/^(pre|post)/.test(script));

describe("the documents", () => {
  it.each(documents)("$path has links that lead to a file, and to a heading of it", (document) => {
    const broken = localLinks(document).filter(({ path, anchor }) => {
      if (!existsSync(path)) return true;
      return anchor !== undefined && path.endsWith(".md") && !anchorsOf(documentAt(path)).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  it.each(documents)("$path names files of src and test that exist", (document) => {
    expect(namedPaths(document).filter((path) => !existsSync(path))).toEqual([]);
  });

  // Everything listens on 127.0.0.1; where `localhost` is `::1`, somebody else may answer there.
  it("name the address 127.0.0.1, and not a name that may be another address", () => {
    const lines = documents.flatMap(({ path, text }) => text.split("\n").map((line) => `${path}: ${line}`));
    expect(lines.filter((line) => /localhost:\d|\/\/localhost/.test(line))).toEqual([]);
  });

  it("have a README of at most 150 lines", () => {
    expect(documentAt("README.md").text.trimEnd().split("\n").length).toBeLessThanOrEqual(150);
  });

  it("describe in docs/operations.md the settings of .env.example, and no others", () => {
    const offered = [...readFileSync(".env.example", "utf8").matchAll(/^#?([A-Z][A-Z0-9_]*)=/gm)].map(
      ([, name]) => name,
    );
    const table = /^## Settings\n([\s\S]*?)^## /m.exec(documentAt("docs/operations.md").text)?.[1] ?? "";
    const names = [...table.matchAll(/^\| ([^|]*) \|/gm)].flatMap(([, cell = ""]) => [
      ...cell.matchAll(/`([A-Z0-9_]+)`/g),
    ]);
    const described = names.map(([, name]) => name);
    expect(new Set(described)).toEqual(new Set(offered));
    expect(described.length).toBe(offered.length);
  });

  it("name every npm script, and none that does not exist", () => {
    const everything = documents.map(({ text }) => text).join("\n");
    const unnamed = scripts.filter((script) => !commandsOf(script).some((command) => command.test(everything)));
    expect(unnamed).toEqual([]);
    const named = [...everything.matchAll(/npm run ([a-z][\w:-]*)/g)].map(([, name = ""]) => name);
    expect([...new Set(named)].filter((name) => !scripts.includes(name))).toEqual([]);
  });

  it("list the events that an endpoint needs", () => {
    const block = /^### Webhook events\n\n```\n(.*)\n```/m.exec(documentAt("docs/operations.md").text)?.[1] ?? "";
    expect(new Set(block.split(","))).toEqual(new Set(webhookEventTypes));
  });
});

/** `npm start` and `npm test` need no `run`. */
function commandsOf(script: string): readonly RegExp[] {
  const run = new RegExp(`npm run ${script}(?![\\w:-])`);
  return ["start", "test"].includes(script) ? [run, new RegExp(`npm ${script}(?![\\w:-])`)] : [run];
}
