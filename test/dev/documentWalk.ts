/** A walk that a document describes, as a reader follows it: its commands and the answers that it shows. */
import { readFileSync } from "node:fs";

type Block = { readonly language: string; readonly text: string };

/** @param heading of the document's last section, `## ` and all */
export function walkOf(path: string, heading: string): { readonly text: string; readonly blocks: readonly Block[] } {
  const [, text = ""] = readFileSync(path, "utf8").split(`${heading}\n`);
  const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].map(([, language = "", block = ""]) => ({
    language,
    text: block.trim(),
  }));
  return { text, blocks };
}

/** The commands, each with the answers that are shown after it. */
export function stepsOf(blocks: readonly Block[]): readonly { readonly commands: string; readonly shown: string }[] {
  return blocks.flatMap(({ language, text }, index) => {
    const next = blocks[index + 1];
    return language === "shell" ? [{ commands: text, shown: next?.language === "json" ? next.text : "" }] : [];
  });
}

/** An ellipsis stands for anything. */
export function likeShown(text: string): RegExp {
  return new RegExp(
    `^\\s*${text
      .split("…")
      .map((piece) => RegExp.escape(piece))
      .join("[\\s\\S]*")}\\s*$`,
  );
}
