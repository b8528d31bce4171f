/** Looks for secrets in what a run left behind, in streams of any size. */
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { SearchedPlace } from "./records.ts";

/** What is looked for, by name. */
export type Wanted = Readonly<Record<string, string>>;

/**
 * Searches a stream.
 * @param options.isHex the stream holds binary data in hexadecimal digits, beside plain text
 */
export async function search(
  place: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: { readonly secrets: Wanted; readonly marker: string | null; readonly isHex?: boolean },
): Promise<SearchedPlace> {
  const forms = (text: string) => [
    Buffer.from(text),
    ...(options.isHex === true ? [Buffer.from(Buffer.from(text).toString("hex"))] : []),
  ];
  const needles = Object.entries(options.secrets).flatMap(([secret, text]) =>
    forms(text).map((bytes) => ({ secret, bytes })),
  );
  const marks = options.marker === null ? [] : forms(options.marker);
  const overlap = Math.max(0, ...[...needles.map(({ bytes }) => bytes), ...marks].map(({ length }) => length - 1));
  const found: SearchedPlace["found"][number][] = [];
  let markers = 0;
  let bytes = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    bytes += chunk.length;
    const window = Buffer.concat([rest, chunk]);
    // What lay wholly in the rest was counted with the chunk before.
    for (const needle of needles) {
      const from = Math.max(0, rest.length - needle.bytes.length + 1);
      const at = window.indexOf(needle.bytes, from);
      if (at >= 0 && found.length < maximumFound) {
        found.push({ secret: needle.secret, around: surroundings(window, at, needle.bytes.length) });
      }
    }
    for (const mark of marks) markers += countOf(window, mark, Math.max(0, rest.length - mark.length + 1));
    rest = window.subarray(Math.max(0, window.length - overlap));
  }
  return { place, bytes, markers: options.marker === null ? null : markers, found };
}

const maximumFound = 20;

function countOf(window: Buffer, mark: Buffer, from: number): number {
  let count = 0;
  for (let at = window.indexOf(mark, from); at >= 0; at = window.indexOf(mark, at + mark.length)) count++;
  return count;
}

function surroundings(window: Buffer, at: number, length: number): string {
  return window
    .subarray(Math.max(0, at - 200), at + length + 40)
    .toString("latin1")
    .replaceAll(/[^\x20-\x7e]+/g, " ");
}

/** The contents of files, one after the other. */
export async function* contentsOf(paths: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const path of paths) {
    for await (const chunk of createReadStream(path)) yield chunk as Uint8Array;
    // So that nothing is found that begins in one file and ends in the next.
    yield Buffer.from("\n");
  }
}

export async function filesUnder(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
